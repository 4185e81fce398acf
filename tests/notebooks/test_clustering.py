"""Notebook 03 shows that n is people: where a fault is one of persons, answers are clustered; the naive test fails."""

import ast
import json

import numpy as np
import pandas as pd
import pytest

from ferlib.labels import EMOTIONS
from ferlib.paths import ROOT
from ferlib.probe import splits
from ferlib.stats import counts
from ferlib.stats import outcomes as audit


def cell(words):
    cells = json.loads((ROOT / "notebooks" / "03_probing.ipynb").read_text(encoding="utf-8"))["cells"]
    (found,) = [text for text in ("".join(one["source"]) for one in cells) if words in text]
    return found


@pytest.fixture(scope="module")
def faces():
    """96 people of four groups, each with all emotions; a quarter of each group wears a hat."""
    people = pd.DataFrame({"subject_id": [f"p{n:02d}" for n in range(96)]})
    people["race"], people["gender"] = ["A", "B"] * 48, ["Female", "Female", "Male", "Male"] * 24
    people["group"], people["hair"] = people["race"] + " " + people["gender"], ["hat"] * 24 + ["none"] * 72
    manifest = people.merge(pd.DataFrame({"emotion": EMOTIONS}), how="cross").assign(dataset="d")
    manifest["image_id"] = manifest["subject_id"] + manifest["emotion"]
    shown = np.eye(7)[[EMOTIONS.index(emotion) for emotion in manifest["emotion"]]]
    looks = np.column_stack([shown, 2 * (manifest["hair"] == "hat")])
    return manifest, looks + np.random.default_rng(0).normal(0, 0.25, looks.shape)


def readers(faces, **unseen):
    manifest, vectors = faces
    how = {"n_folds": 3, "n_inner": 2, "seed": 1}
    model = {"model": "one-probe", "scheme": "identity-disjoint", "n_splits": 1, "penalties": [100]}
    main = splits.out_of_fold(vectors, manifest, **model, **how).answers
    known = {"manifest": manifest, "vectors": {"one": vectors}, "own": ["d"], "main": main, "unseen": unseen, **how}
    known |= {"splits": splits, "counts": counts, "audit": audit, "pd": pd}
    exec(cell("both = {}"), known)
    exec(cell("proportions.false_alarms"), known)
    return pd.DataFrame(known["rows"])


def test_a_fault_of_persons_gives_clustered_answers_and_more_false_alarms_than_promised(faces):
    found = readers(faces, backbone="one", dataset="d", column="hair", levels=["hat"], penalty=100)
    found = found.set_index("reader")
    assert found.loc["unseen", "design_effect"] >= 2 > found.loc["all seen", "design_effect"]
    assert found.loc["unseen", "false_alarms"] > 2 * found.loc["unseen", "promised"]


def test_without_such_people_there_is_no_such_probe(faces):
    assert readers(faces).empty
    assert readers(faces, backbone="one", dataset="d", column="hat", levels=["hat"], penalty=100).empty


def test_the_declared_people_are_as_many_in_every_group():
    """Else the fault would be one of groups, and no lesson about n."""
    code = ast.parse(cell("unseen = {")).body
    (unseen,) = [ast.literal_eval(node.value) for node in code if node.targets[0].id == "unseen"]
    people = pd.read_csv(ROOT / "data" / "demo" / "people" / "manifest.csv").drop_duplicates("subject_id")
    people["group"] = people["race"] + " " + people["gender"]
    share = people[unseen["column"]].isin(unseen["levels"]).groupby(people["group"]).mean()
    assert share.nunique() == 1 and 0.1 < share.iloc[0] < 0.5
