"""What notebook 04 asks follows from its parameters: about which datasets, whom, and also nobody."""

import json

import matplotlib
import pandas as pd
import pytest
from lmfm_helpers import entry, faces

from ferlib import paths, tables
from ferlib.errors import InputError
from ferlib.lmfm import models, store, study
from ferlib.pipeline import estimate, parameters

HOW = {name: value for name, value in parameters.declared(estimate.NOTEBOOK).items() if name in study.PARAMETERS}


def asked_about(manifest, stand_in, *datasets):
    parts = study.questions(manifest, models=[entry(stand_in, "gemini")], **{**HOW, "datasets": list(datasets)})
    return {name: set().union(*(plan.questions["dataset"] for plan in plans)) for name, plans in parts.items()}


def test_only_the_named_datasets_are_asked_about_in_every_part(stand_in, tmp_path):
    manifest = pd.concat([faces(tmp_path, 7, dataset=name) for name in ("demo", "radiate", "cfd")])
    assert set(map(frozenset, asked_about(manifest, stand_in, "demo", "cfd").values())) == {frozenset({"demo", "cfd"})}
    assert all(found == {"demo", "radiate", "cfd"} for found in asked_about(manifest, stand_in).values())
    with pytest.raises(InputError, match="datasets: 'tarr' is not in the manifest. It holds: cfd, demo, radiate"):
        asked_about(manifest, stand_in, "tarr")


def test_an_empty_list_of_models_asks_nobody_and_says_so(tmp_path):
    assert models.read([]) == []
    parts = study.questions(faces(tmp_path, 7), models=[], **HOW)
    assert not any(parts.values())
    frame = estimate.table(parts, store.Store(tmp_path / "r"), prices={})
    assert "nobody is asked, and nothing is sent" in estimate.in_words(frame, [], prices={})


def test_notebook_04_finishes_without_models_and_makes_no_predictions(tmp_path, monkeypatch):
    """As in the profile `paper`, where nobody may be asked without permission. Its cells, one after another."""
    matplotlib.use("agg")
    people = {"subject_id": "p", "race": "Black", "gender": "Female", "group": "Black Female"}
    tables.write_parquet(faces(tmp_path, 7, dataset="cfd").assign(**people), tmp_path / "run" / "manifest.parquet")
    names = {"display": lambda *_: None}
    for cell in json.loads(estimate.NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= {"run_dir": str(tmp_path / "run"), "models": []}
    made = paths.run(tmp_path / "run")
    assert not made.predictions.exists() and not made.responses.exists()
    for name in ("lmfm_outcomes", "lmfm_disagreement"):
        assert tables.read_csv(made.tables / f"{name}.csv", columns=("model",)).empty
