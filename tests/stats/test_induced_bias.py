"""Real networks with a bias of known kind and dose: it is found where it is, and only there."""

import numpy as np
import pandas as pd
import pytest

from ferlib import paths
from ferlib.stats import counts, disparities, outcomes

COUNTED = pd.read_csv(paths.ROOT / "data" / "induced" / "counts.csv.gz")


def answers_of(family, dose, seed):
    """One network's answers, an image each person."""
    cells = COUNTED.query("family == @family and dose == @dose and seed == @seed")
    images = cells.loc[cells.index.repeat(cells["count"])].reset_index(drop=True)
    names = images.index.map("image {}".format)
    manifest = images[["race", "gender"]].assign(
        dataset="affectnet", image_id=names, subject_id=names, emotion=images["true"],
        group=images["race"] + " " + images["gender"],
    )  # fmt: skip
    predictions = manifest[["dataset", "image_id"]].assign(
        model=f"{family} {dose:g}", variant=f"seed {seed}", repeat=0, status="ok", predicted=images["predicted"]
    )
    return outcomes.join(predictions, manifest)


def audited(*network):
    table = disparities.disparities(counts.tally(answers_of(*network)), draws=500)
    return table[table["attribute"] == "gender"].set_index(["measure", "true", "predicted"])


@pytest.fixture(scope="module")
def spoilt():
    return audited("stereo-happy", 1.0, 0)


@pytest.fixture(scope="module")
def unspoilt():
    return audited("stereo-happy", 0.5, 0)


def test_the_gap_of_the_most_biased_network_is_found_under_a_common_mix(spoilt):
    row = spoilt.loc[("accuracy", "", "")]
    assert [round(row[name], 3) for name in ("raw_a", "raw_b", "rate_a", "rate_b")] == [0.600, 0.483, 0.567, 0.483]
    assert row["verdict"] == "different" and row["sim_low"] > 0
    assert spoilt.loc[("recall", "happy", "happy"), "verdict"] == "different"


def test_raw_accuracy_differs_without_any_bias_because_the_mixes_do(unspoilt):
    row = unspoilt.loc[("accuracy", "", "")]
    assert [round(row[name], 3) for name in ("raw_a", "raw_b", "rate_a", "rate_b")] == [0.591, 0.518, 0.557, 0.540]
    assert row["p_z"] < 1e-4 and row["verdict"] == "inconclusive"


def test_nothing_that_was_induced_elsewhere_is_called_different_at_the_unbiased_dose(unspoilt):
    induced = unspoilt.reset_index().query("true == 'happy' or predicted == 'happy'")
    assert "different" not in set(induced["verdict"])


@pytest.mark.parametrize(
    "family, emotion, attribute, groups, expected",
    [
        ("stereo-happy", "happy", "gender", ("Female", "Male"), [(0.328, 0.945), (0.941, 0.922), (0.963, 0.356)]),
        ("stereo-h-white", "happy", "race", ("White", "Black"), [(0.845, 0.966), (0.911, 0.960), (0.942, 0.571)]),
        (
            "multistereo-sa-female",
            "anger",
            "gender",
            ("Female", "Male"),
            [(0.604, 0.086), (0.479, 0.446), (0.117, 0.591)],
        ),
    ],
)
def test_recalls_are_the_published_ones(family, emotion, attribute, groups, expected):
    shown = COUNTED[(COUNTED["family"] == family) & (COUNTED["true"] == emotion)]
    for dose, pair in zip((0.0, 0.5, 1.0), expected, strict=True):
        part = shown[np.isclose(shown["dose"], dose)]
        for group, value in zip(groups, pair, strict=True):
            own = part[part[attribute] == group].assign(right=lambda rows: rows["true"] == rows["predicted"])
            by_seed = own[own["right"]].groupby("seed")["count"].sum() / own.groupby("seed")["count"].sum()
            assert by_seed.mean() == pytest.approx(value, abs=0.0006), (dose, group)
