"""The tables that the exercises read are what the demo's run says."""

import excerpts
import pandas as pd
import pytest

from ferlib.paths import DEMO


def shipped(name):
    return pd.read_csv(excerpts.FOLDER / f"{name}.csv", dtype=str, keep_default_na=False)


def test_who_is_shown_is_what_the_shipped_set_says():
    manifest = pd.read_csv(DEMO / "people" / "manifest.csv", dtype=str)
    made = excerpts.faces(manifest).reset_index(drop=True)
    pd.testing.assert_frame_equal(made, shipped("faces"), check_dtype=False)


def test_the_crossed_faces_are_those_of_the_shipped_set():
    manifest = pd.read_csv(DEMO / "crossed" / "manifest.csv", dtype=str).sort_values("image_id")
    columns = ["image_id", "subject_id", "emotion", "race", "gender", "skin_tone"]
    for _, rows in shipped("crossed").groupby("model"):
        pd.testing.assert_frame_equal(
            rows[columns].reset_index(drop=True), manifest[columns].reset_index(drop=True), check_dtype=False
        )
    assert shipped("vectors")["image_id"].tolist() == manifest["image_id"].tolist()


@pytest.mark.parametrize("model", excerpts.ANSWERS)
def test_the_models_still_answer_so(smoke, model):
    """A model that was made anew answers otherwise: then `make demo teaching-tables teaching`."""
    run, _ = smoke
    kept = shipped("answers")
    made = excerpts.answers(run, set(kept["image_id"]), [model]).fillna({"predicted": ""})
    both = made.merge(kept[kept["model"] == model], on="image_id", suffixes=("", "_kept"), validate="one_to_one")
    assert len(both) == len(made) > 100
    assert both["predicted"].tolist() == both["predicted_kept"].tolist()
    assert both["status"].tolist() == both["status_kept"].tolist()


def test_everything_is_small():
    assert sum(path.stat().st_size for path in excerpts.FOLDER.glob("*.csv")) < 500_000
