"""Two models whose files would be one where capitals do not count are refused before anything is computed."""

import json

import pandas as pd
import pytest

from ferlib import paths
from ferlib.errors import InputError


def first_cells(**parameters):
    """Execute notebook 02 up to the cell that names the files read and written, with other parameters."""
    cells = json.loads((paths.ROOT / "notebooks" / "02_embedding.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names = {}
    exec(code[0], names)
    names.update(parameters)
    exec(code[1], names)
    return names


@pytest.mark.parametrize("pair", [("clip", "CLIP"), ("caf\u00e9", "cafe\u0301")])
def test_backbones_whose_files_would_be_one_are_refused(tmp_path, pair):
    pd.DataFrame({"path": []}).to_parquet(tmp_path / "manifest.parquet")
    backbones = {name: ["local-dir:x", ""] for name in pair}
    with pytest.raises(InputError, match=f"backbones '{pair[0]}' and '{pair[1]}': would be the same file"):
        first_cells(run_dir=str(tmp_path), backbones=backbones)


def test_backbones_of_different_names_are_not(tmp_path):
    pd.DataFrame({"path": []}).to_parquet(tmp_path / "manifest.parquet")
    backbones = {name: ["local-dir:x", ""] for name in ("clip b32", "clip b16", "Gr\u00f6\u00dfe")}
    names = first_cells(run_dir=str(tmp_path), backbones=backbones)
    assert [path.name for path in names["writes"]] == ["clip b32.npz", "clip b16.npz", "Gr\u00f6\u00dfe.npz"]
