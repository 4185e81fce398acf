"""Means of scores clustered by person, and their contrasts: against statsmodels and scipy, and simulated truths."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats as scipy_stats
from stats_helpers import assert_equivalent_from, step_down

from ferlib.errors import InputError
from ferlib.stats import family
from ferlib.stats.groups import Grouping
from ferlib.units import mean_contrasts, means

PEOPLE = pd.DataFrame(
    [(f"{g[0]}{t[0]}{k}", g, t) for g in ("Female", "Male") for t in ("dark", "light") for k in range(6)],
    columns=["subject_id", "gender", "tone"],
)


def scores_of(seed, units=("au04", "au12"), measures=("mass",), images=3, uneven=False, shift=0.0):
    """Beta-distributed scores of people who differ; those of au12 in dark skin lie higher by `shift`."""
    random, frames = np.random.default_rng(seed), []
    for unit in units:
        for measure in measures:
            centre = np.clip(random.normal(0.3, 0.05, len(PEOPLE)), 0.05, 0.9)
            centre = centre + shift * ((PEOPLE["tone"] == "dark").to_numpy() & (unit == "au12"))
            many = random.integers(1, 6, len(PEOPLE)) if uneven else np.full(len(PEOPLE), images)
            centre = np.repeat(centre, many)
            frame = {
                "subject_id": np.repeat(PEOPLE["subject_id"], many),
                "value": random.beta(12 * centre, 12 - 12 * centre),
            }
            frames.append(pd.DataFrame(frame).assign(unit=unit, measure=measure))
    return pd.concat(frames, ignore_index=True)


def test_means_and_standard_errors_are_those_of_statsmodels_with_clusters():
    rows = scores_of(1, uneven=True)
    table = means.by_group(rows, PEOPLE, attributes=["gender"]).set_index(["unit", "by", "group"])
    joined = rows.merge(PEOPLE, on="subject_id").assign(all="all")
    for (unit, by, group), row in table.iterrows():
        own = joined[(joined["unit"] == unit) & (joined[by] == group)]
        codes = pd.factorize(own["subject_id"])[0]
        fit = sm.OLS(own["value"], np.ones(len(own))).fit(cov_type="cluster", cov_kwds={"groups": codes})
        assert row["mean"] == pytest.approx(fit.params.iloc[0])
        assert row["se"] == pytest.approx(fit.bse.iloc[0], rel=1e-6)
        assert (row["n_images"], row["n_subjects"]) == (len(own), own["subject_id"].nunique())
        reach = scipy_stats.t.isf(0.025, row["n_subjects"] - 1) * row["se"]
        assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * reach, rel=0.05)


def test_scores_that_are_all_the_same_leave_an_interval_that_is_no_point():
    rows = scores_of(2).assign(value=1.0)
    table = means.by_group(rows, PEOPLE, attributes=[])
    assert (table["ci_high"] == 1).all() and (table["ci_low"] < 0.9).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    rows = pd.concat([scores_of(seed, units=(f"u{seed:03d}",), uneven=True) for seed in range(300)])
    table = means.by_group(rows, PEOPLE, attributes=[])
    inside = (table["ci_low"] <= 0.3) & (table["ci_high"] >= 0.3)
    assert 0.91 <= inside.mean() <= 0.99, inside.mean()


def test_missing_scores_are_left_out_and_what_cannot_be_said_has_a_reason():
    rows = scores_of(3, units=("au12",))
    rows.loc[rows["subject_id"].str.startswith("F"), "value"] = np.nan
    rows.loc[rows["subject_id"].isin(["Md0", "Md1", "Md2", "Md3"]), "value"] = np.nan
    table = means.by_group(rows, PEOPLE, attributes=["gender", "tone"]).set_index("group")
    assert table.loc["Female", "reason"] == "no image with a score" and table.loc["Female", "n_images"] == 0
    assert table.loc["dark", "reason"] == "only 2 people, fewer than 3" and np.isnan(table.loc["dark", "ci_low"])
    assert table.loc["light", "reason"] == "" and table.loc["light", "n_subjects"] == 6
    judged = mean_contrasts.between(rows, PEOPLE, attributes=["gender", "tone"], draws=50).set_index("attribute")
    assert judged.loc["gender", ["verdict", "reason"]].to_list() == ["not estimable", "no image of au12 in Female"]
    assert judged.loc["tone", "reason"] == "only 2 people in dark, fewer than 5"


def test_scores_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="mass of au04 is 1.5, and a score is from 0 to 1"):
        means.by_group(scores_of(0).assign(value=1.5), PEOPLE, attributes=[])
    with pytest.raises(InputError, match="person 'Ml5' is unknown"):
        means.by_group(scores_of(0), PEOPLE.iloc[:-1], attributes=[])
    with pytest.raises(InputError, match="the column 'measure' is missing"):
        means.by_group(scores_of(0).drop(columns="measure"), PEOPLE, attributes=[])


def test_a_contrast_of_groups_is_welchs_test_of_peoples_means():
    rows = scores_of(4)
    table = mean_contrasts.between(rows, PEOPLE, attributes=["gender", "tone"], draws=200)
    per_person = rows.groupby(["unit", "subject_id"])["value"].mean().reset_index().merge(PEOPLE)
    for row in table.itertuples():
        own = per_person[per_person["unit"] == row.unit]
        a, b = (own.loc[own[row.attribute] == group, "value"] for group in (row.group_a, row.group_b))
        theirs = scipy_stats.ttest_ind(a, b, equal_var=False)
        assert row.p == pytest.approx(theirs.pvalue)
        assert (row.low, row.high) == pytest.approx(tuple(theirs.confidence_interval()))
        assert row.p_adjusted >= row.p - 1e-3 or row.p_adjusted == pytest.approx(1 / 201)


@pytest.mark.parametrize("scale", [1, 3])
def test_a_difference_of_shares_has_no_interval_beyond_1(scale):
    rows = scores_of(4, units=("au12",))
    dark = PEOPLE.loc[PEOPLE["tone"] == "dark", "subject_id"].tolist()
    near = rows["subject_id"].isin(dark[1:])  # all but one of them
    table = mean_contrasts.between(rows.assign(value=scale * near.astype(float)), PEOPLE, attributes=["tone"], draws=50)
    (row,) = table.itertuples()
    assert row.difference == pytest.approx(scale * 11 / 12) and row.low < row.difference
    assert row.high == 1 if scale == 1 else row.high > 1.05 * row.difference


def test_a_single_contrast_is_scipys_permutation_test():
    rows = scores_of(5, units=("au12",), shift=0.03)
    (row,) = mean_contrasts.between(rows, PEOPLE, attributes=["tone"], draws=4000).itertuples()
    own = rows.groupby("subject_id")["value"].mean().reindex(PEOPLE["subject_id"])
    sides = [own[(PEOPLE["tone"] == tone).to_numpy()].to_numpy() for tone in ("dark", "light")]

    def welch(a, b, axis):
        return np.abs(scipy_stats.ttest_ind(a, b, axis=axis, equal_var=False).statistic)

    theirs = scipy_stats.permutation_test(sides, welch, n_resamples=2000, alternative="greater", vectorized=True)
    assert 0.02 < theirs.pvalue < 0.98
    assert row.p_adjusted == pytest.approx(max(theirs.pvalue, row.p), abs=0.04)


def test_a_control_of_the_same_images_is_scipys_test_of_flipped_signs():
    rows = scores_of(6, units=("au12",))
    rows["control"] = rows["value"] - np.random.default_rng(0).normal(0.02, 0.1, len(rows))
    (row,) = mean_contrasts.against(rows, control="control", names=("trained", "untrained"), draws=4000).itertuples()
    apart = (rows["value"] - rows["control"]).groupby(rows["subject_id"]).mean()
    theirs = scipy_stats.ttest_1samp(apart, 0)
    assert (row.low, row.high) == pytest.approx(tuple(theirs.confidence_interval()))
    flipped = scipy_stats.permutation_test(
        (apart.to_numpy(),), lambda x, axis: np.abs(x.mean(axis=axis)), permutation_type="samples", n_resamples=4000,
        alternative="greater", vectorized=True,
    )  # fmt: skip
    assert row.p == pytest.approx(flipped.pvalue, abs=0.04) and row.p == row.p_adjusted
    assert (row.group_a, row.group_b) == ("trained", "untrained") and row.n_a == len(rows)


def test_what_was_planted_is_found_and_named_and_nothing_else():
    rows = scores_of(7, units=("au01", "au04", "au12"), measures=("mass", "outside_face"), shift=0.25)
    table = mean_contrasts.between(rows, PEOPLE, attributes=["gender", "tone"], draws=300)
    different = table[table["verdict"] == "different"]
    assert set(different["unit"]) == {"au12"} and set(different["attribute"]) == {"tone"} and len(different) == 2
    assert set(different["reason"]) == {"higher for dark"}
    noise = np.random.default_rng(0).normal(0, 0.03, len(rows))
    rows["control"] = rows["value"] - 0.1 * (rows["unit"] == "au04") - noise
    paired = mean_contrasts.against(rows, control="control", names=("a", "b"), draws=300)
    assert set(paired.loc[paired["verdict"] == "different", "unit"]) == {"au04"}
    assert "equivalent" in set(paired["verdict"])


def test_without_a_difference_a_false_different_is_as_rare_as_it_says():
    options = {"draws": 200, "delta": 0.02}
    hits = []
    for seed in range(40):
        rows = scores_of(seed, units=("au01", "au02", "au04", "au12"), uneven=True)
        groups = mean_contrasts.between(rows, PEOPLE, attributes=["gender", "tone"], seed=seed, **options)
        control = rows.assign(control=rows["value"] + np.random.default_rng(seed).normal(0, 0.05, len(rows)))
        pairs = mean_contrasts.against(control, control="control", names=("a", "b"), seed=seed, **options)
        hits.append([(one["verdict"] == "different").any() for one in (groups, pairs)])
    assert (np.mean(hits, axis=0) <= 0.125).all(), np.mean(hits, axis=0)


def test_differences_that_are_all_the_same_allow_no_verdict():
    rows = scores_of(8, units=("au12",))
    (row,) = mean_contrasts.against(
        rows.assign(control=rows["value"]), control="control", names=("a", "b"), draws=50
    ).itertuples()
    assert (row.verdict, row.reason) == ("not estimable", mean_contrasts.SAME_REASON)


def welch(values, first):
    """Difference of two groups' means, its standard error and degrees of freedom, by scipy."""
    test = scipy_stats.ttest_ind(values[first], values[~first], equal_var=False)
    difference = values[first].mean() - values[~first].mean()
    return difference, difference / test.statistic, test.df


@pytest.mark.parametrize("units, attributes", [(["au04"], ["tone"]), (["au04", "au12"], ["gender", "tone"])])
def test_a_contrast_of_groups_is_judged_by_the_largest_of_its_family(units, attributes):
    rows = scores_of(10, units=units)
    options = {"attributes": attributes, "draws": 199, "seed": 3}
    table = mean_contrasts.between(rows, PEOPLE, delta=0.001, **options)
    means_of = rows.groupby(["unit", "subject_id"])["value"].mean().unstack()[PEOPLE["subject_id"]].to_numpy()
    first = {"gender": PEOPLE["gender"].eq("Female").to_numpy(), "tone": PEOPLE["tone"].eq("dark").to_numpy()}
    pairs = [(number, name) for name in attributes for number in range(len(units))]
    observed = np.array([welch(means_of[number], first[name]) for number, name in pairs])
    grouping = Grouping.of(PEOPLE, attributes)
    (shuffles,) = family.regroupings(grouping.finest, draws=199, seed=3, chunk=199)
    null = np.empty((199, len(pairs)))
    for draw, shuffled in enumerate(shuffles):
        for place, (number, name) in enumerate(pairs):
            inside = (grouping.merge[name] @ shuffled)[0] > 0
            difference, error, _ = welch(means_of[number], inside)
            null[draw, place] = abs(difference / error)
    size, freedom = np.abs(observed[:, 0] / observed[:, 1]), observed[:, 2]
    stepped = step_down(size, null)
    floor = 2 * scipy_stats.t.sf(size, freedom)
    np.testing.assert_allclose(table["p"], floor)
    np.testing.assert_allclose(table["p_adjusted"], np.maximum(stepped, floor))  # two groups: one comparison
    edges, detectable = judged_by(observed, null)
    np.testing.assert_allclose(table["min_detectable"], detectable)
    assert (table["p_adjusted"] > 0.05).all()
    assert_equivalent_from(edges, lambda delta: mean_contrasts.between(rows, PEOPLE, delta=delta, **options)["verdict"])


def judged_by(observed, null):
    """Edge of `equivalent` and detectable difference, from differences, errors, freedoms and the shuffles."""
    difference, error, freedom = observed.T
    reject = np.maximum(np.quantile(null.max(axis=1), 0.95), scipy_stats.t.isf(0.025, freedom))
    return np.abs(difference) + reject * error, (reject + scipy_stats.norm.isf(0.2)) * error


@pytest.mark.parametrize("people, floor", [(6, True), (24, False)])
def test_a_contrast_with_a_control_is_judged_by_the_largest_of_its_family(people, floor):
    rows = scores_of(11, units=["au01"] if floor else ["au01", "au04", "au12"])
    rows = rows[rows["subject_id"].isin(PEOPLE["subject_id"][:people])]
    rows = rows.assign(control=rows["value"] + np.random.default_rng(1).normal(0, 0.1, len(rows)))
    if floor:
        rows["control"] += 0.4 * (rows["subject_id"] == "Fd0")  # one person is so unlike that no shuffle is large
    options = {"control": "control", "names": ("a", "b"), "draws": 399, "seed": 5}
    table = mean_contrasts.against(rows, delta=0.001, **options)
    each = rows.assign(gap=rows["value"] - rows["control"]).groupby(["unit", "subject_id"])["gap"].mean().unstack()
    each = each[sorted(set(rows["subject_id"]))].to_numpy()
    signs = np.random.default_rng(5).choice(np.array([-1.0, 1.0]), (399, people))
    null = np.abs(scipy_stats.ttest_1samp(signs[:, None] * each[None], 0, axis=-1).statistic)
    observed = np.array([(own.mean(), scipy_stats.sem(own), people - 1) for own in each])
    size = np.abs(observed[:, 0] / observed[:, 1])
    np.testing.assert_allclose(table["p"], (1 + (null >= size - 1e-5).sum(axis=0)) / 400)
    np.testing.assert_allclose(table["p_adjusted"], step_down(size, null))
    edges, detectable = judged_by(observed, null)
    np.testing.assert_allclose(table["min_detectable"], detectable)
    assert (table["p_adjusted"] > 0.05).all()
    quantile = np.quantile(null.max(axis=1), 0.95)
    assert (quantile < scipy_stats.t.isf(0.025, people - 1)) == floor, "the case is what it is for"
    assert_equivalent_from(edges, lambda delta: mean_contrasts.against(rows, delta=delta, **options)["verdict"])
