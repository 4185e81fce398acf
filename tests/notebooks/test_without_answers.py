"""Notebooks in whose run there is nothing to show say so in a line, and show no empty table."""

import ast
import json

import matplotlib
import pandas as pd
import pytest

from ferlib import paths, tables
from ferlib.labels import EMOTIONS


def shown_by(name, **parameters):
    """What the cells of a notebook show, one after another."""
    shown = []
    names = {"display": lambda *some, **_: shown.extend(some)}
    for cell in json.loads((paths.ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        *before, last = ast.parse("".join(cell["source"])).body
        exec(compile(ast.Module([*before, *([] if isinstance(last, ast.Expr) else [last])], []), name, "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), name, "eval"), names))
        if "parameters" in cell["metadata"].get("tags", []):
            names |= parameters
    return shown


@pytest.mark.parametrize(
    "name, none", [("04_lmfm_prompting", {"models": []}), ("12_networks_in_use", {"networks": []})]
)
def test_no_empty_table_is_shown_where_nobody_answers(tmp_path, name, none):
    matplotlib.use("agg")
    manifest = pd.DataFrame({"emotion": EMOTIONS}).assign(
        dataset="d", path="data/demo/people/images/none.webp", sha256="0", subject_id="p", race="A", gender="Female",
        group="A Female", image_id=list(EMOTIONS), strength=0.5,
    )  # fmt: skip
    run = paths.run(tmp_path / "run")
    tables.write_parquet(manifest, run.manifest)
    shown = shown_by(name, run_dir=str(run.root), **none)
    frames = [getattr(one, "data", one) for one in shown]
    assert not [one for one in frames if isinstance(one, pd.DataFrame) and one.empty]
    assert any("Nobody is asked" in one or "No network" in one for one in frames if isinstance(one, str))
