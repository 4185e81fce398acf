"""The ICC, the design effect and what follows from them agree with textbook formulas and with statsmodels."""

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from ferlib.stats import clusters, intervals


def sums_of(count, n, group):
    members = np.array([group == name for name in np.unique(group)])
    return clusters.People(count[:, None].astype(float), n[:, None].astype(float), [0]).sums(members)


@pytest.fixture
def equal():
    """Three groups of ten people with eight images each, whose rates differ."""
    random = np.random.default_rng(2)
    group = np.repeat([0, 1, 2], 10)
    rate = random.beta(3, 1, 30)
    return random.binomial(8, rate), np.full(30, 8), group


@pytest.fixture
def unequal():
    random = np.random.default_rng(3)
    n = random.integers(1, 15, 40)
    return random.binomial(n, random.beta(2, 2, 40)), n, np.repeat([0, 1], [15, 25])


def anova(count, n, group):
    """ICC by the definition: an analysis of variance of the images, people within groups."""
    person = np.repeat(np.arange(len(n)), n)
    y = np.concatenate([np.r_[np.ones(c), np.zeros(m - c)] for c, m in zip(count, n, strict=True)])
    frame = pd.DataFrame({"y": y, "person": person, "group": group[person]})
    mean_person = frame.groupby("person")["y"].transform("mean")
    mean_group = frame.groupby("group")["y"].transform("mean")
    people, groups, images = len(n), len(set(group)), len(y)
    between = ((mean_person - mean_group) ** 2).sum() / (people - groups)
    within = ((y - mean_person) ** 2).sum() / (images - people)
    size = (images - sum((n[group == g] ** 2).sum() / n[group == g].sum() for g in set(group))) / (people - groups)
    return max(0, (between - within) / (between + (size - 1) * within))


def test_icc_is_the_analysis_of_variance_estimator(equal, unequal):
    for data in (equal, unequal):
        assert clusters.intraclass_correlation(sums_of(*data))[0] == pytest.approx(anova(*data))


def test_icc_of_one_group_agrees_with_pingouin(equal):
    count, n, _ = equal
    rows = [(person, image, float(image < c)) for person, c in enumerate(count) for image in range(8)]
    frame = pd.DataFrame(rows, columns=["person", "image", "y"])
    table = pingouin.intraclass_corr(frame, targets="person", raters="image", ratings="y")
    expected = table.set_index("Type")["ICC"].iloc[0]
    assert clusters.intraclass_correlation(sums_of(count, n, np.zeros(30, int)))[0] == pytest.approx(expected)


def test_the_design_effect_is_the_pooled_one_and_twice_what_a_group_has_beyond_chance(equal):
    count, n, group = equal
    count = np.where(group == 1, np.tile([8, 8, 8, 8, 1], 6), count)
    sums = sums_of(count, n, group)
    icc, beyond = clusters.intraclass_correlation(sums)[0], []
    for number, effect in enumerate(clusters.design_effect(sums)[:, 0]):
        c = count[group == number]
        p, pooled = c.sum() / 80, 1 + 7 * icc
        own = ((c - 8 * p) ** 2).sum() * 10 / 9 / (80 * p * (1 - p))
        chance = pooled * (1 + np.sqrt(2 / 9) / 2)
        assert effect == pytest.approx(min(8, pooled + 2 * max(0, own - chance)))
        beyond.append(own > chance)
    assert beyond == [False, True, False]


def test_a_group_is_not_taken_for_certain_because_its_people_are_alike(equal):
    count, n, group = equal
    alike = np.where(group == 1, 6, count)
    icc = clusters.intraclass_correlation(sums_of(alike, n, group))[0]
    assert icc > 0.05 and clusters.design_effect(sums_of(alike, n, group))[1, 0] == pytest.approx(1 + 7 * icc)


def test_people_who_are_all_alike_and_people_who_are_all_or_nothing():
    n, group = np.full(20, 6), np.repeat([0, 1], 10)
    alike = sums_of(np.full(20, 3), n, group)
    extreme = sums_of(np.tile([0, 6], 10), n, group)
    np.testing.assert_allclose(clusters.design_effect(alike), 1)
    np.testing.assert_allclose(clusters.design_effect(extreme), 6)
    assert clusters.intraclass_correlation(extreme)[0] == pytest.approx(1)


def test_where_nobody_fails_each_person_counts_as_one():
    sums = sums_of(np.full(20, 6), np.full(20, 6), np.repeat([0, 1], 10))
    np.testing.assert_allclose(clusters.design_effect(sums), 6)


def test_one_image_a_person_needs_no_correction():
    count, n, group = np.tile([0, 1, 1], 8), np.ones(24, int), np.repeat([0, 1], 12)
    members = np.array([group == 0, group == 1])
    sums = sums_of(count, n, group)
    np.testing.assert_allclose(clusters.effective_n(sums), 12)
    assert np.isnan(clusters.intraclass_correlation(sums)).all()
    np.testing.assert_allclose(intervals.clustered_wilson(count, n, members), intervals.wilson(count, n, members))


def test_the_clustered_interval_is_wilsons_with_the_effective_number(unequal):
    count, n, group = unequal
    members = np.array([group == 0, group == 1])
    effect = clusters.design_effect(sums_of(*unequal))[:, 0]
    factor = (norm.isf(0.025) / student.isf(0.025, 38)) ** 2
    for row, ends in enumerate(intervals.clustered_wilson(count, n, members)):
        images = n[members[row]].sum()
        effective = images / effect[row] * factor
        rate = count[members[row]].sum() / images
        np.testing.assert_allclose(ends, proportion_confint(rate * effective, effective, method="wilson"))


def test_merged_groups_are_as_if_summed_anew(unequal):
    count, n, group = unequal
    people = clusters.People(count[:, None].astype(float), n[:, None].astype(float), [0])
    fine = people.sums(np.array([group == 0, group == 1]))
    both, whole = fine.merge([[1, 1]]), people.sums(np.ones((1, 40)))
    for name in ("count", "n", "people", "count_square", "cross", "n_square"):
        np.testing.assert_allclose(getattr(both, name), getattr(whole, name))


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
