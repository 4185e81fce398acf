"""A family's adjusted p-values and critical sizes follow from its largest statistics, and are never below a floor."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from scipy.stats import t as student
from stats_helpers import assert_equivalent_from, step_down
from statsmodels.stats.proportion import confint_proportions_2indep

from ferlib.stats import clusters, disparities, groups, permutation, verdicts

NAMED = pd.DataFrame([("accuracy", "", "")], columns=["measure", "true", "predicted"])


@pytest.fixture
def given():
    random = np.random.default_rng(0)
    statistic, null = np.abs(random.normal(1.5, 1, 8)), np.abs(random.normal(0, 1, (199, 8)))
    return statistic, null, np.array([True] * 6 + [False] * 2)


def family(given, *, p=0.0, different=0.0, equivalent=0.0):
    floors = {"floor_p": p, "floor_different": different, "floor_equivalent": equivalent}
    return verdicts.Family(*given, 0.05, **floors)


def test_the_critical_sizes_are_quantiles_of_the_largest_statistic_of_the_family(given):
    largest = given[1][:, :6].max(axis=1)
    assert family(given).critical_different == pytest.approx(np.quantile(largest, 0.95))
    assert family(given).critical_equivalent == pytest.approx(np.quantile(largest, 0.90))
    assert family(given).critical_different > family(given).critical_equivalent


def test_no_critical_size_is_below_its_floor(given):
    floors = np.array([0.0, 9.0])
    one = family(given, different=floors, equivalent=8.0)
    assert one.critical_different[1] == 9 and one.critical_different[0] == family(given).critical_different
    assert one.critical_equivalent == 8


def test_p_values_are_stepped_down_inside_the_family_and_never_below_the_floor(given):
    statistic, null, inside = given
    expected = step_down(statistic[:6], null[:, :6])
    found = family(given).p_adjusted
    np.testing.assert_allclose(found[:6], expected)
    assert np.isnan(found[6:]).all()
    floor = np.where(np.arange(8) % 2, 0.9, 0.0)
    np.testing.assert_allclose(family(given, p=floor).p_adjusted[:6], np.maximum(expected, floor[:6]))


def test_a_family_of_nothing_has_its_floors(given):
    nothing = verdicts.Family(given[0], given[1], np.zeros(8, bool), 0.05, 0.0, 1.9, 1.6)
    assert np.isnan(nothing.p_adjusted).all()
    assert (nothing.critical_different, nothing.critical_equivalent) == (1.9, 1.6)


def test_the_rule_is_different_at_alpha_else_equivalent_inside_delta_else_inconclusive():
    p, low, high = (
        [0.05, 0.0501, 0.0501, 0.0501, np.nan],
        [-0.01, -0.01, -0.05, 0.06, -0.01],
        [0.01, 0.01, 0, 0.1, 0.01],
    )
    found = verdicts.rule(p, np.array(low), np.array(high), alpha=0.05, delta=0.05)
    assert found.tolist() == ["different", "equivalent", "inconclusive", "inconclusive", "equivalent"]


def audit(seed, number, rate=0.8):
    """One measure of people in so many groups, an image each."""
    random = np.random.default_rng(seed)
    members = np.repeat(np.eye(number, dtype=bool), 60, axis=1)
    count, n = random.binomial(1, rate, (members.shape[1], 1)).astype(float), np.ones((members.shape[1], 1))
    frame = pd.DataFrame(members, index=[f"g{k}" for k in range(number)])
    return clusters.People(count, n, [0]), count, n, NAMED, groups.Grouping(members, {"group": frame})


@pytest.mark.parametrize("seed, number, floor", [(6, 2, True), (1, 4, False)])
def test_a_disparity_is_equivalent_as_soon_as_the_simultaneous_interval_lies_within_delta(seed, number, floor):
    """Independent images: the interval is statsmodels' Newcombe interval at the family's critical size."""
    people, count, n, named, grouping = given = audit(seed, number)
    options = {"alpha": 0.05, "min_people": 5, "draws": 199, "seed": seed}
    null = permutation.largest(people, grouping.finest, [np.eye(number)], draws=199, seed=seed)[..., 0]
    quantile = np.quantile(null.max(axis=1), 0.9)
    assert (quantile < norm.isf(0.05)) == floor, "the case is what it is for"
    critical = max(quantile, norm.isf(0.05))
    hits = grouping.finest @ count[:, 0]
    ends = [
        confint_proportions_2indep(
            hits[a], 60, hits[b], 60, compare="diff", method="newcomb", alpha=2 * norm.sf(critical)
        )
        for a, b in zip(*groups.pairs_of(number), strict=True)
    ]
    table = disparities.judge(*given, delta=0.01, **options)
    assert (table["p_adjusted"] > 0.05).all()
    independent = np.full(len(table), 1 / 60)  # images, of each side
    reject = max(np.quantile(null.max(axis=1), 0.95), norm.isf((1 - 0.95 ** (1 / (1 if number == 2 else number))) / 2))
    common = ((table["count_a"] + table["count_b"] + 1) / 122).to_numpy()
    expected = verdicts.min_detectable(common, independent, independent, reject)
    np.testing.assert_allclose(table["min_detectable"], expected, rtol=1e-6)
    edges = np.abs(ends).max(axis=1)
    assert_equivalent_from(edges, lambda delta: disparities.judge(*given, delta=delta, **options)["verdict"])


def test_the_adjusted_p_value_and_the_detectable_difference_of_disparities_follow_from_their_family():
    """Two of four groups differ, one of them by never failing: there the shuffles are too lenient."""
    people, count, n, named, grouping = audit(3, 4)
    count[:60], count[60:80] = 1, 0
    people = clusters.People(count, n, [0])
    options = {"alpha": 0.05, "delta": 0.05, "min_people": 5, "draws": 999, "seed": 0}
    table = disparities.judge(people, count, n, named, grouping, **options)
    null = permutation.largest(people, grouping.finest, [np.eye(4)], draws=999, seed=0)[..., 0]
    stepped, floor = step_down(table["z"].abs().to_numpy(), null), 1 - (1 - table["p_cluster"].to_numpy()) ** 4
    assert (floor > stepped + 1e-6).any() and (stepped > floor + 1e-6).any()
    np.testing.assert_allclose(table["p_adjusted"], np.maximum(stepped, floor), rtol=1e-6)
    critical = max(np.quantile(null.max(axis=1), 0.95), student.isf((1 - 0.95**0.25) / 2, np.inf))
    common = (table["count_a"] + table["count_b"] + 1) / (120 + 2)
    one = np.full(6, 1 / 60)
    np.testing.assert_allclose(table["min_detectable"], verdicts.min_detectable(common.to_numpy(), one, one, critical))
