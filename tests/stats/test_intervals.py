"""Wilson's interval agrees with its closed form, and the accuracy table with counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from stats_helpers import predictions_of

from ferlib.stats import counts, intervals, outcomes


def closed_form(count, n, alpha):
    """Wilson 1927: the rates p for which |count / n - p| <= z sqrt(p (1 - p) / n)."""
    z = norm.isf(alpha / 2)
    centre = (count + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * math.sqrt(count * (n - count) / n + z**2 / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


@given(n=st.integers(1, 5000), share=st.floats(0, 1), alpha=st.floats(0.001, 0.5))
def test_wilson_agrees_with_the_closed_form(n, share, alpha):
    count = round(share * n)
    (ends,) = intervals.wilson(np.array([count]), np.array([n]), np.array([[True]]), alpha=alpha)
    np.testing.assert_allclose(ends, closed_form(count, n, alpha), atol=1e-12)


def test_wilson_adds_the_people_of_a_group_up():
    count, n = np.array([7, 5, 0]), np.array([7, 7, 7])
    members = np.array([[True, True, False], [False, False, True], [False, False, False]])
    ends = intervals.wilson(count, n, members)
    np.testing.assert_allclose(ends[0], closed_form(12, 14, 0.05))
    np.testing.assert_allclose(ends[1], closed_form(0, 7, 0.05), atol=1e-12)
    assert np.isnan(ends[2]).all(), "nobody, no interval"


def test_a_group_without_a_mistake_does_not_look_certain():
    (ends,) = intervals.wilson(np.array([12]), np.array([12]), np.array([[True]]))
    assert ends[1] == 1 and 0.70 < ends[0] < 0.80


def test_the_table_counts_as_one_would_by_hand(joined, all_counts):
    table = intervals.accuracy_by_group(all_counts, method="wilson").set_index(["model", "by", "group"])
    part = joined[(joined["model"] == "first") & (joined["group"] == "Black Female")]
    row = table.loc["first", "group", "Black Female"]
    assert row["n_images"] == len(part) == 21
    assert row["n_subjects"] == part["subject_id"].nunique() == 3
    assert row["n_answered"] == part["outcome"].isin(counts.EMOTIONS).sum() < 21
    right = (part["outcome"] == part["true"]).sum()
    assert row["accuracy"] == pytest.approx(right / 21)
    np.testing.assert_allclose([row["ci_low"], row["ci_high"]], closed_form(right, 21, 0.05))


def test_the_table_has_the_columns_of_the_contract_and_every_way_to_group(all_counts):
    table = intervals.accuracy_by_group(all_counts)
    assert list(table.columns) == [
        *("dataset", "model", "variant", "by", "group", "n_images", "n_subjects", "n_answered"),
        *("accuracy", "ci_low", "ci_high", "ci_method"),
    ]
    assert table.groupby("by").size().to_dict() == {"all": 2, "gender": 4, "group": 12, "race": 6}
    assert ((table["ci_low"] <= table["accuracy"]) & (table["accuracy"] <= table["ci_high"])).all()


def test_the_table_says_how_its_intervals_were_made_and_they_respect_people(all_counts):
    plain = intervals.accuracy_by_group(all_counts, method="wilson")
    table = intervals.accuracy_by_group(all_counts)
    assert set(plain["ci_method"]) == {"wilson"} and set(table["ci_method"]) == {"clustered-wilson"}
    assert ((table["ci_high"] - table["ci_low"]) >= (plain["ci_high"] - plain["ci_low"]) - 1e-12).all()


def test_refusing_lowers_accuracy(manifest):
    predictions = predictions_of(manifest, seed=1).assign(status="ok", predicted=manifest["emotion"])
    refused = predictions["image_id"].str.startswith("B")
    predictions.loc[refused, ["status", "predicted"]] = ["refused", None]
    table = intervals.accuracy_by_group(counts.tally(outcomes.join(predictions, manifest)))
    by_race = table[table["by"] == "race"].set_index("group")["accuracy"]
    assert by_race.to_dict() == {"Asian": 1.0, "Black": 0.0, "White": 1.0}


def test_an_unknown_method_is_refused(all_counts):
    with pytest.raises(ValueError, match="method must be one of wilson"):
        intervals.accuracy_by_group(all_counts, method="bootstrap")
