"""Wilson's interval agrees with its closed form, and the accuracy table with counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from stats_helpers import manifest_of, predictions_of
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from ferlib.labels import EMOTIONS
from ferlib.stats import accuracy, counts, intervals, outcomes


def closed_form(count, n, alpha):
    """Wilson 1927: the rates p for which |count / n - p| <= z sqrt(p (1 - p) / n)."""
    z = norm.isf(alpha / 2)
    centre = (count + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * math.sqrt(count * (n - count) / n + z**2 / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


@given(n=st.integers(1, 5000), share=st.floats(0, 1), alpha=st.floats(0.001, 0.5))
def test_wilson_agrees_with_the_closed_form(n, share, alpha):
    count = round(share * n)
    (ends,) = accuracy.wilson(np.array([count]), np.array([n]), np.array([[True]]), alpha=alpha)
    np.testing.assert_allclose(ends, closed_form(count, n, alpha), atol=1e-12)


def test_wilson_adds_the_people_of_a_group_up():
    count, n = np.array([7, 5, 0]), np.array([7, 7, 7])
    members = np.array([[True, True, False], [False, False, True], [False, False, False]])
    ends = accuracy.wilson(count, n, members)
    np.testing.assert_allclose(ends[0], closed_form(12, 14, 0.05))
    np.testing.assert_allclose(ends[1], closed_form(0, 7, 0.05), atol=1e-12)
    assert np.isnan(ends[2]).all(), "nobody, no interval"


def test_a_group_without_a_mistake_does_not_look_certain():
    (ends,) = accuracy.wilson(np.array([12]), np.array([12]), np.array([[True]]))
    assert ends[1] == 1 and 0.70 < ends[0] < 0.80


def test_the_table_counts_as_one_would_by_hand(joined, all_counts):
    table = accuracy.accuracy_by_group(all_counts, method="wilson").set_index(["model", "by", "group"])
    part = joined[(joined["model"] == "first") & (joined["group"] == "Black Female")]
    row = table.loc["first", "group", "Black Female"]
    assert row["n_images"] == len(part) == 21
    assert row["n_subjects"] == part["subject_id"].nunique() == 3
    assert row["n_answered"] == part["outcome"].isin(EMOTIONS).sum() < 21
    right = (part["outcome"] == part["true"]).sum()
    assert row["accuracy"] == pytest.approx(right / 21)
    np.testing.assert_allclose([row["ci_low"], row["ci_high"]], closed_form(right, 21, 0.05))


def test_the_table_has_the_columns_of_the_contract_and_every_way_to_group(all_counts):
    table = accuracy.accuracy_by_group(all_counts)
    assert list(table.columns) == [
        *("dataset", "model", "variant", "by", "group", "n_images", "n_subjects", "n_answered"),
        *("accuracy", "ci_low", "ci_high", "ci_method"),
    ]
    assert table.groupby("by").size().to_dict() == {"all": 2, "gender": 4, "group": 12, "race": 6}
    assert ((table["ci_low"] <= table["accuracy"]) & (table["accuracy"] <= table["ci_high"])).all()


def test_the_table_says_how_its_intervals_were_made_and_they_respect_people(all_counts):
    plain = accuracy.accuracy_by_group(all_counts, method="wilson")
    table = accuracy.accuracy_by_group(all_counts)
    assert set(plain["ci_method"]) == {"wilson"} and set(table["ci_method"]) == {"clustered-jeffreys"}
    wider = (table["ci_high"] - table["ci_low"]) - (plain["ci_high"] - plain["ci_low"])
    assert (wider > 0).mean() > 0.9


def test_refusing_lowers_accuracy(manifest):
    predictions = predictions_of(manifest, seed=1).assign(status="ok", predicted=manifest["emotion"])
    refused = predictions["image_id"].str.startswith("B")
    predictions.loc[refused, ["status", "predicted"]] = ["refused", None]
    table = accuracy.accuracy_by_group(counts.tally(outcomes.join(predictions, manifest)))
    by_race = table[table["by"] == "race"].set_index("group")["accuracy"]
    assert by_race.to_dict() == {"Asian": 1.0, "Black": 0.0, "White": 1.0}


def test_an_unknown_method_is_refused(all_counts):
    with pytest.raises(ValueError, match="method must be one of wilson"):
        accuracy.accuracy_by_group(all_counts, method="bootstrap")


@pytest.mark.parametrize("a, m, b, n", [(17, 40, 8, 30), (0, 12, 5, 12), (12, 12, 0, 24), (0, 9, 0, 9), (30, 31, 7, 9)])
def test_the_interval_of_a_difference_agrees_with_statsmodels(a, m, b, n):
    sides = [np.array([x]) for x in (a / m, b / n)]
    ends = [intervals.score(rate, size) for rate, size in zip(sides, (m, n), strict=True)]
    expected = confint_proportions_2indep(a, m, b, n, compare="diff", method="newcomb")
    np.testing.assert_allclose(np.ravel(intervals.difference(*sides, *ends)), expected, atol=1e-9)


def mover_ratio(p1, p2, l1, u1, l2, u2):
    """Donner and Zou 2012, equations for the ratio, as printed."""
    low = (p1 * p2 - np.sqrt((p1 * p2) ** 2 - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2))) / (u2 * (2 * p2 - u2))
    high = (p1 * p2 + np.sqrt((p1 * p2) ** 2 - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2))) / (l2 * (2 * p2 - l2))
    return low, high


@pytest.mark.parametrize("a, m, b, n", [(17, 40, 8, 30), (11, 12, 9, 12), (3, 50, 20, 60)])
def test_the_interval_of_a_ratio_is_the_printed_formula_near_that_of_statsmodels_and_has_an_inverse(a, m, b, n):
    p, q = np.array([a / m]), np.array([b / n])
    of_a, of_b = intervals.score(p, m), intervals.score(q, n)
    low, high = np.ravel(intervals.risk_ratio(p, q, of_a, of_b))
    np.testing.assert_allclose((low, high), np.ravel(mover_ratio(p, q, *of_a, *of_b)))
    expected = confint_proportions_2indep(a, m, b, n, compare="ratio", method="score")
    np.testing.assert_allclose(np.log([low, high]), np.log(expected), atol=0.15)
    inverse = np.ravel(intervals.risk_ratio(q, p, of_b, of_a))
    np.testing.assert_allclose(inverse[::-1], (1 / low, 1 / high))


def test_a_ratio_over_nothing_has_no_upper_end():
    zero, some = np.array([0.0]), np.array([0.5])
    nothing, half = intervals.score(zero, 12), intervals.score(some, 12)
    low, high = np.ravel(intervals.risk_ratio(some, zero, half, nothing))
    assert low > 1 and np.isinf(high)
    assert np.ravel(intervals.risk_ratio(zero, some, nothing, half))[0] == 0
    assert np.ravel(intervals.risk_ratio(zero, zero, nothing, nothing)).tolist() == [0, np.inf]


@pytest.mark.parametrize("count, n", [(0, 12), (3, 12), (12, 12), (40, 41)])
def test_the_exact_and_jeffreyss_interval_agree_with_statsmodels(count, n):
    low, high = intervals.exact(count / n, n, alpha=0.01)
    np.testing.assert_allclose((low, high), proportion_confint(count, n, alpha=0.01, method="beta"), atol=1e-9)
    if 0 < count < n:
        low, high = intervals.jeffreys(count / n, n, alpha=0.1)
        np.testing.assert_allclose((low, high), proportion_confint(count, n, alpha=0.1, method="jeffreys"))


def test_people_who_were_not_sampled_may_be_hopeless_or_easy():
    """Of twenty people none was of a kind that makes up 14 % of all: that happens in one of twenty samples."""
    low, high = intervals.unseen(np.array([0.9]), np.array([20.0]), (np.array([0.88]), np.array([0.905])), 0.05)
    share = 1 - 0.05 ** (1 / 20)
    assert (1 - share) ** 20 == pytest.approx(0.05)
    assert low[0] == pytest.approx(0.9 * (1 - share)) and high[0] == pytest.approx(0.9 + 0.1 * share)
    wide = np.array([0.1]), np.array([0.99])
    assert np.ravel(intervals.unseen(np.array([0.9]), np.array([20.0]), wide, 0.05)).tolist() == [0.1, 0.99]


def test_intervals_are_made_to_say_what_the_test_says():
    low, high = np.array([-0.01, 0.02, -0.3, 0.1]), np.array([0.2, 0.3, 0.01, 0.3])
    between, rejected = np.array([0.1, 0.2, -0.2, 0.2]), np.array([True, True, True, False])
    low, high = intervals.agreeing(low, high, between, rejected)
    assert low[0] > 0 and low[1] == 0.02 and high[2] < 0 and low[3] == 0
    assert (low <= between).all() and (between <= high).all()


def test_shared_recall_counts_each_emotion_alike_and_the_worst_group_has_an_interval_that_allows_for_looking():
    manifest = manifest_of(8)
    manifest = manifest[~((manifest["emotion"] == "happy") & (manifest["subject_id"].str[2:].astype(int) > 5))]
    joined = outcomes.join(predictions_of(manifest, seed=5), manifest)
    table = accuracy.summaries(counts.tally(joined)).set_index(["by", "measure", "group"])
    right = joined["true"] == joined["outcome"]
    recall = right.groupby([joined["race"], joined["true"]]).mean().groupby(level=0).mean()
    for race in ("Asian", "Black", "White"):
        row = table.loc[("race", "shared_recall", race)]
        assert row["value"] == pytest.approx(recall[race]) and row["ci_low"] < row["value"] < row["ci_high"]
    by_race = right.groupby(joined["race"]).mean()
    worst = table.loc[("race", "worst_accuracy", by_race.idxmin())]
    single = accuracy.accuracy_by_group(counts.tally(joined)).set_index(["by", "group"]).loc[("race", by_race.idxmin())]
    assert worst["value"] == pytest.approx(by_race.min()) and worst["ci_low"] < single["ci_low"]


def test_at_most_so_many_people_are_treated_so():
    manifest = manifest_of(20)
    predictions = predictions_of(manifest, seed=1).assign(status="ok", predicted=manifest["emotion"])
    predictions.loc[manifest["subject_id"] == "BF03", "predicted"] = "sad"
    predictions.loc[manifest["subject_id"] == "BF03", "predicted"] = np.where(
        manifest.loc[manifest["subject_id"] == "BF03", "emotion"] == "sad", "fear", "sad"
    )
    table = accuracy.summaries(counts.tally(outcomes.join(predictions, manifest))).query("by == 'group'")
    never = table.query("measure == 'never_right'").set_index("group")
    assert never.loc["Black Female", "value"] == 0.05
    assert never.loc["Black Female", "ci_high"] == pytest.approx(proportion_confint(1, 20, alpha=0.1, method="beta")[1])
    assert never.loc["White Male", "ci_high"] == pytest.approx(1 - 0.05 ** (1 / 20)), "the rule of three, exact"
