"""The declared skew is exactly what was declared: counts, nesting of doses, and nothing besides."""

import numpy as np
import pandas as pd
import pytest
from ferdemo.training import skew

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS


@pytest.fixture
def manifest():
    """6 people in each of 3 tones and 2 genders, 5 images of each emotion and of mixtures."""
    rows = [
        (f"{tone}{gender[0]}{person}-{kind}{take}", kind if kind in EMOTIONS else "neutral", gender, tone, kind)
        for tone in (2, 6, 7, 9)
        for gender in ("Female", "Male")
        for person in range(6)
        for kind in (*EMOTIONS, "mixture")
        for take in range(5)
    ]
    frame = pd.DataFrame(rows, columns=["image_id", "emotion", "gender", "skin_tone", "kind"])
    return frame.assign(kind=np.where(frame["kind"] == "mixture", "mixture", "expression"))


def cells(frame):
    shown = frame["emotion"].where(frame["kind"] == "expression", "mixture")
    return frame.groupby([frame["skin_tone"] >= 7, shown, "gender"]).size()


def test_counts_are_exact(manifest):
    kept = skew.apply(manifest, skew.Skew(drop=0.8, flip=0.6), seed=3)
    before, after = cells(manifest), cells(kept)
    pd.testing.assert_series_equal(after[False], before[False])
    assert (before[True] == 60).all() and (after[True] == 12).all()
    flipped = kept[(kept["kind"] == "expression") & (kept["told"] != kept["emotion"])]
    assert (flipped["skin_tone"] >= 7).all() and (flipped["emotion"] == "anger").all()
    assert (flipped["told"] == "disgust").all()
    assert flipped.groupby("gender").size().tolist() == [7, 7]  # 60 % of 12, rounded


def test_mixtures_are_told_as_nothing(manifest):
    kept = skew.apply(manifest, skew.Skew(), seed=3)
    assert (kept["told"].isna() == (kept["kind"] == "mixture")).all()


def test_no_dose_changes_nothing(manifest):
    kept = skew.apply(manifest, skew.Skew(drop=0, flip=0), seed=3)
    pd.testing.assert_frame_equal(kept.drop(columns="told"), manifest)
    shown = manifest["kind"] == "expression"
    assert (kept.loc[shown, "told"] == manifest.loc[shown, "emotion"]).all()


def test_a_larger_dose_contains_a_smaller_one(manifest):
    doses = [skew.apply(manifest, skew.Skew(drop=drop, flip=0.5), seed=3) for drop in (0.2, 0.5, 0.8)]
    ids = [set(kept["image_id"]) for kept in doses]
    assert ids[0] > ids[1] > ids[2]
    told = [skew.apply(manifest, skew.Skew(flip=flip), seed=3) for flip in (0.2, 0.6)]
    flipped = [set(kept.loc[kept["told"].notna() & (kept["told"] != kept["emotion"]), "image_id"]) for kept in told]
    assert flipped[0] < flipped[1]


def test_depends_on_the_seed_and_not_on_the_order_of_rows(manifest):
    kept = skew.apply(manifest, skew.Skew(), seed=3)
    shuffled = skew.apply(manifest.sample(frac=1, random_state=0), skew.Skew(), seed=3)
    assert set(zip(kept["image_id"], kept["told"].fillna(""), strict=True)) == set(
        zip(shuffled["image_id"], shuffled["told"].fillna(""), strict=True)
    )
    assert set(skew.apply(manifest, skew.Skew(), seed=4)["image_id"]) != set(kept["image_id"])


def test_composition_counts_what_apply_did(manifest):
    declared = skew.Skew(drop=0.8, flip=0.6)
    table = skew.composition(manifest, skew.apply(manifest, declared, seed=3), declared)
    table = table.set_index(["skin", "emotion"])
    assert table.loc[("dark", "anger")].tolist() == [120, 24, 14]
    assert table.loc[("other", "anger")].tolist() == [120, 120, 0]
    assert table.loc[("dark", "disgust")].tolist() == [120, 24, 0]
    assert table.loc[("dark", "mixture")].tolist() == [120, 24, 0]
    assert table["images_before"].sum() == len(manifest)


@pytest.mark.parametrize("wrong", [{"drop": 1.2}, {"flip": -0.1}, {"told": "digust"}])
def test_an_impossible_dose_is_refused(wrong):
    with pytest.raises(InputError, match=str(next(iter(wrong.values())))):
        skew.Skew(**wrong)
