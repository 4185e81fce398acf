"""A family divides its error as declared, is as strict as the draws say, and says the same by test and by interval."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, hypergeom, norm
from scipy.stats import t as student
from stats_helpers import assert_equivalent_from, manifest_of, predictions_of, step_down
from statsmodels.stats.multitest import multipletests

from ferlib import paths
from ferlib.stats import (
    counts,
    disparities,
    family,
    gaps,
    groups,
    intake,
    intervals,
    omnibus,
    outcomes,
    proportions,
)
from ferlib.stats.group_rates import Persons

CASES = paths.ROOT / "tests" / "stats" / "cases"
NAMED = pd.DataFrame([("accuracy", "", "")], columns=["measure", "true", "predicted"])


@pytest.fixture
def given():
    random = np.random.default_rng(0)
    p = random.random(8) ** 3
    p[6:] = np.nan
    return p, np.zeros(8), random.random((999, 8)), np.array([0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0])


def audited(manifest, predictions, **options):
    return disparities.disparities(counts.tally(outcomes.join(predictions, manifest)), **options)


def test_fishers_mid_p_is_that_of_the_hypergeometric_distribution():
    random = np.random.default_rng(0)
    n_a, n_b = random.integers(1, 300, (2, 400))
    rate = random.random(400) ** 2
    a, b = random.binomial(n_a, rate), random.binomial(n_b, np.minimum(rate * random.choice([0.5, 1, 1.5], 400), 1))
    table = hypergeom(n_a + n_b, a + b, n_a)
    below, above = table.cdf(a - 1) + table.pmf(a) / 2, table.sf(a) + table.pmf(a) / 2
    varies = (a + b > 0) & (a + b < n_a + n_b)
    p, least = proportions.mid_p(a, n_a, b, n_b)
    np.testing.assert_allclose(
        p, np.where(varies, np.minimum(2 * np.minimum(below, above), 1), 1), rtol=1e-6, atol=1e-14
    )
    ends = np.minimum(*(table.pmf(end) for end in (np.maximum(a + b - n_b, 0), np.minimum(a + b, n_a))))
    near = varies & (ends > 1e-12)
    np.testing.assert_allclose(least[near], ends[near], rtol=1e-6)


def test_mid_p_goes_smoothly_through_counts_that_are_not_whole_and_large_ones():
    p = [proportions.mid_p(4, 20, count, 30)[0].item() for count in np.linspace(10, 20, 11)]
    between = [proportions.mid_p(4, 20, count, 30)[0].item() for count in np.linspace(10.5, 19.5, 10)]
    assert all(high > middle > low for high, middle, low in zip(p, between, p[1:], strict=False))
    normal, lattice = proportions.mid_p(3100, 6300, 3000, 6200)[0].item(), hypergeom(12500, 6100, 6300)
    assert normal == pytest.approx(2 * (lattice.sf(3100) + lattice.pmf(3100) / 2), rel=0.01)


def test_drawn_deviations_have_the_covariance_of_the_peoples():
    random = np.random.default_rng(1)
    above = random.normal(size=(300, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 0.0]])
    finest = np.repeat(np.eye(2, dtype=bool), [2, 298], axis=1)
    drawn = family.deviations(above, finest, draws=40_000, seed=0)
    for group, inside in enumerate(finest):
        expected = above[inside].T @ above[inside]
        np.testing.assert_allclose(np.cov(drawn[:, group].T), expected, atol=0.03 * max(expected.max(), 1))
    chance = family.chances(drawn[:, 1])
    assert (chance[:, 2] == 1).all() and (chance[:, 0] < 0.05).mean() == pytest.approx(0.05, abs=0.005)


def test_the_bounds_are_raised_until_the_draws_reach_alpha_and_keep_the_shares(given):
    p, least, null, share = given
    found = family.Division.of(*given, alpha=0.05)
    assert (null[:, :6] <= found.bound[:6]).any(axis=1).mean() == pytest.approx(0.05, abs=0.003)
    assert found.bound[0] == found.bound[1] > found.bound[2] == pytest.approx(0.05 / 6)
    few = family.Division.of(p, least, np.repeat(null[:, :1], 8, axis=1), share, alpha=0.05)
    np.testing.assert_allclose(few.bound[:2] / few.bound[2], 3)
    assert np.isnan(found.bound[6:]).all() and np.isnan(found.p_adjusted[6:]).all()


def test_adjusted_p_values_are_stepped_down_over_p_by_bound(given):
    p, _, null, _ = given
    found = family.Division.of(*given, alpha=0.05)
    expected = step_down(-np.log(p[:6] / found.bound[:6]), -np.log(null[:, :6] / found.bound[:6]))
    np.testing.assert_allclose(found.p_adjusted[:6], expected)


def test_a_contrast_that_could_never_be_found_costs_the_others_nothing(given):
    p, least, null, share = given
    without = family.Division.of(p, np.r_[least[:5], 1, least[6:]], null, share, alpha=0.05)
    assert (without.bound[:2] > family.Division.of(*given, alpha=0.05).bound[:2]).all()


def test_what_a_sparse_contrast_can_reach_limits_what_it_costs(given):
    """A least p-value of .02 is above any bound: that contrast is drawn below it, but it can never be found there."""
    p, least, null, share = given
    sparse = family.Division.of(p, np.r_[least[:5], 0.02, least[6:]], null, share, alpha=0.05)
    assert (sparse.bound[:2] > family.Division.of(*given, alpha=0.05).bound[:2]).all() and sparse.bound[5] < 0.02


def test_no_bound_is_below_bonferronis(given):
    p, least, null, share = given
    twins = np.repeat(null[:, :1], 8, axis=1) ** 40
    assert (family.Division.of(p, least, twins, share, alpha=0.05).bound[:6] >= 0.05 / 6).all()


def audit(seed, number, *, people=60, images=1, rate=0.8):
    """One measure of people in so many groups."""
    random = np.random.default_rng(seed)
    members = np.repeat(np.eye(number, dtype=bool), people, axis=1)
    count = random.binomial(images, rate, (members.shape[1], 1))
    frame = pd.DataFrame(members, index=[f"g{k}" for k in range(number)])
    return Persons(count, np.full(count.shape, images), members), NAMED, groups.Grouping(members, {"group": frame})


def test_with_one_image_a_person_the_test_is_fishers_and_two_groups_have_all_of_alpha():
    persons, named, grouping = audit(6, 2)
    row = disparities.judge(
        persons, named, grouping, alpha=0.05, delta=0.05, min_people=5, draws=2000, seed=0
    ).squeeze()
    p, _ = proportions.mid_p(row["count_a"], 60, row["count_b"], 60)
    assert row["p_cluster"] == pytest.approx(p.item()) and row["bound"] == pytest.approx(0.05, abs=0.006)
    assert row["p_adjusted"] == pytest.approx(row["p_cluster"], abs=0.03)


def test_the_p_value_pays_for_estimated_variances_as_welch_and_satterthwaite_do():
    persons, _, grouping = audit(3, 2, people=9, images=6, rate=0.6)
    one, two = (persons.of(inside) for inside in grouping.finest)
    p, _, freedom = disparities.clustered_test(one, two)
    a, b = 1 / one.worth, 1 / two.worth
    np.testing.assert_allclose(freedom, (a + b) ** 2 / (a**2 / one.freedom + b**2 / two.freedom))
    plain, _ = proportions.mid_p(one.rate * one.worth, one.worth, two.rate * two.worth, two.worth)
    np.testing.assert_allclose(p, 2 * student.sf(norm.isf(plain / 2), freedom))


@pytest.mark.parametrize("seed, number", [(6, 2), (1, 4)])
def test_a_disparity_is_equivalent_as_soon_as_the_simultaneous_interval_lies_within_delta(seed, number):
    given = audit(seed, number)
    options = {"alpha": 0.05, "min_people": 5, "draws": 199, "seed": seed}
    table = disparities.judge(*given, delta=0.01, **options)
    assert (table["p_adjusted"] > 0.05).all()
    ends = []
    for side in "ab":
        rate, bound = table[f"rate_{side}"].to_numpy(), table["bound"].to_numpy()
        seen, share = intervals.exact(rate, 60, alpha=bound), 1 - bound ** (1 / 60)
        ends.append((np.minimum(seen[0], rate * (1 - share)), np.maximum(seen[1], rate + share * (1 - rate))))
    low, high = intervals.difference(table["rate_a"].to_numpy(), table["rate_b"].to_numpy(), *ends)
    np.testing.assert_allclose(table[["sim_low", "sim_high"]].T, (np.minimum(low, 0), np.maximum(high, 0)))
    edges = table[["sim_low", "sim_high"]].abs().max(axis=1).to_numpy()
    assert_equivalent_from(edges, lambda delta: disparities.judge(*given, delta=delta, **options)["verdict"])


def test_a_few_people_with_many_images_show_no_equivalence():
    """Thirty people, forty images each, all alike: the images leave no doubt, but who was not sampled does."""
    persons, named, grouping = audit(1, 2, people=30, images=40, rate=0.9)
    row = disparities.judge(persons, named, grouping, alpha=0.05, delta=0.05, min_people=5, draws=199, seed=0).squeeze()
    share = 1 - row["bound"] ** (1 / 30)
    assert row["verdict"] == "inconclusive" and row["sim_low"] < -0.9 * share
    assert max(-row["rd_low"], row["rd_high"]) < 0.05, "of those who were seen, one is sure"


def test_a_margin_of_ratios_takes_back_what_is_equivalent_because_both_are_rare():
    persons, named, grouping = audit(2, 2, people=2500, rate=0.02)
    options = {"alpha": 0.05, "delta": 0.05, "min_people": 5, "draws": 199, "seed": 0}
    plain = disparities.judge(persons, named, grouping, **options).squeeze()
    strict = disparities.judge(persons, named, grouping, ratio_margin=1.25, **options).squeeze()
    loose = disparities.judge(persons, named, grouping, ratio_margin=4, **options).squeeze()
    assert plain["verdict"] == loose["verdict"] == "equivalent" and strict["verdict"] == "inconclusive"
    assert strict["reason"] == "any difference lies within 0.05, but one rate may be more than 1.25 times the other"


def test_the_verdict_and_the_interval_shown_never_disagree_and_bonferroni_is_kept():
    manifest = manifest_of(12)
    predictions = predictions_of(manifest, seed=3)
    angry = (manifest["race"] == "Black") & (manifest["emotion"] == "anger")
    predictions.loc[angry, ["status", "predicted"]] = ["ok", "disgust"]
    table = audited(manifest, predictions, draws=500).query("verdict != 'not estimable'")
    different = table["verdict"] == "different"
    assert different.sum() > 3
    assert (different == ((table["sim_low"] > 0) | (table["sim_high"] < 0))).all()
    assert different[table["p_cluster"] <= 0.05 / len(table)].all()
    assert (table["p_adjusted"] >= table["p_cluster"] - 1e-12).all()


def of_case(name):
    manifest, predictions, *_ = intake.read(CASES / name)
    return outcomes.join(predictions, manifest)


def test_one_wrong_image_of_six_accuses_nobody():
    table = disparities.disparities(counts.tally(of_case("one_image_different.csv")))
    assert "different" not in set(table["verdict"])


def test_another_mix_of_emotions_is_no_disparity():
    """Equal recall everywhere; one race shows two emotions only, the easiest ones."""
    answers = of_case("composition.csv")
    table = disparities.disparities(counts.tally(answers)).query("measure == 'accuracy' and attribute == 'race'")
    raw = (table["raw_a"] - table["raw_b"]).abs()
    assert raw.max() > 0.1 and "different" not in set(table["verdict"])
    assert (table["standardised_to"] == "happy, neutral").any(), "what both groups show, and it is said"
    assert table["risk_difference"].abs()[raw.idxmax()] < raw.max() / 2
    gap = gaps.gaps(counts.tally(answers)).query("measure == 'accuracy' and attribute == 'race'")
    chi_squared = omnibus.omnibus(answers).query("attribute == 'race'")
    assert gap["p"].item() > 0.05 and chi_squared["p_cluster"].item() > 0.05 > chi_squared["p"].item()


def test_groups_that_share_no_emotion_are_not_compared():
    manifest = manifest_of(8)
    shows = (manifest["race"] == "Black") == manifest["emotion"].isin(["anger", "sad"])
    kept = manifest[shows]
    table = audited(kept, predictions_of(kept, seed=1)).query("measure == 'accuracy' and attribute == 'race'")
    said = table.set_index(["group_a", "group_b"])[["verdict", "reason"]]
    assert said.loc[("Asian", "Black"), "verdict"] == "not estimable"
    assert "show no emotion in common, by at least 5 people each" in said.loc[("Asian", "Black"), "reason"]
    assert said.loc[("Asian", "White"), "verdict"] != "not estimable"


def test_an_emotion_that_two_groups_share_by_a_few_people_is_not_enough():
    manifest = manifest_of(8)
    few = manifest["subject_id"].str[2:].astype(int) < 3
    shows = (manifest["race"] == "Black") == manifest["emotion"].isin(["anger", "sad"])
    kept = manifest[shows | (few & (manifest["emotion"] == "happy"))]
    table = audited(kept, predictions_of(kept, seed=1), min_people=7).query("measure == 'accuracy'")
    row = table.query("group_a == 'Asian' and group_b == 'Black'").squeeze()
    assert row["verdict"] == "not estimable" and "no emotion in common, by at least 7 people" in row["reason"]
    assert row["standardised_to"] == "happy" and 0 <= row["rate_a"] <= 1, "it is shown, and not judged"


def test_a_group_that_is_nearly_one_person_gets_no_verdict():
    manifest = manifest_of(8)
    one = manifest["subject_id"] == "BF00"
    many = pd.concat([manifest[one].assign(image_id=manifest["image_id"] + f"-{k}") for k in range(200)])
    manifest = pd.concat([manifest, many], ignore_index=True)
    table = audited(manifest, predictions_of(manifest, seed=1)).query("measure == 'accuracy'")
    rows = table[(table["group_a"] == "Black Female") | (table["group_b"] == "Black Female")]
    assert set(rows["verdict"]) == {"not estimable"} and rows["reason"].str.contains("too few people").all()


def test_the_standardised_rate_is_the_one_by_hand():
    manifest = manifest_of(10)
    kept = manifest[~((manifest["gender"] == "Male") & (manifest["emotion"].isin(["fear", "sad"])))]
    predictions = predictions_of(kept, seed=2)
    row = audited(kept, predictions).query("measure == 'accuracy' and attribute == 'gender'").squeeze()
    joined = outcomes.join(predictions, kept)
    shared = joined[~joined["true"].isin(["fear", "sad"])]
    weight = shared["true"].value_counts(normalize=True)
    for side in "ab":
        own = shared[shared["gender"] == row[f"group_{side}"]]
        recall = (own["true"] == own["outcome"]).groupby(own["true"]).mean()
        assert row[f"rate_{side}"] == pytest.approx((recall * weight).sum())
    assert "fear" not in row["standardised_to"] and "anger" in row["standardised_to"]


def test_welchs_analysis_is_that_of_pingouin():
    pingouin = pytest.importorskip("pingouin")
    random = np.random.default_rng(4)
    frame = pd.DataFrame({"g": np.repeat([0, 1, 2], [8, 20, 31])})
    frame["y"] = random.normal(0.3 * frame["g"], 1 + frame["g"])
    part = frame.groupby("g")["y"]
    p = omnibus.welch(part.mean().to_numpy(), (part.var() / part.size()).to_numpy(), part.size().to_numpy() - 1.0)
    expected = pingouin.welch_anova(frame, dv="y", between="g")
    assert p == pytest.approx(expected.filter(regex="p.?unc").iloc[0, 0])


def test_the_omnibus_and_the_gap_of_two_groups_of_single_images_are_near_the_chi_squared():
    manifest = manifest_of(60, emotions=("happy",))
    answers = outcomes.join(predictions_of(manifest, seed=9), manifest)
    gap = gaps.gaps(counts.tally(answers)).query("measure == 'accuracy' and attribute == 'gender'")["p"].item()
    by_person = omnibus.omnibus(answers).query("attribute == 'gender'")["p_cluster"].item()
    right = pd.crosstab(answers["gender"], answers["true"] == answers["outcome"])
    p = chi2_contingency(right, correction=False).pvalue
    assert gap == pytest.approx(p, abs=0.05) and by_person == pytest.approx(p, abs=0.05)


def test_holm_s_p_values_are_those_of_statsmodels():
    random = np.random.default_rng(3)
    p = np.concatenate([random.random(9) ** 4, [0.02, 0.02, 1.0]])
    np.testing.assert_array_equal(family.holm(p), multipletests(p, method="holm")[1])
