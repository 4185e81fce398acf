"""Design effects, ICC and standardised rates agree with definitions, with statsmodels, pingouin and R."""

import json

import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.api as sm
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from ferlib import paths
from ferlib.stats import accuracy, group_rates
from ferlib.stats.disparities import clustered_test
from ferlib.stats.group_rates import Persons

RECORDED = paths.ROOT / "tests" / "recorded"


def persons_of(count, n, group):
    members = np.array([group == name for name in np.unique(group)])
    return Persons(np.asarray(count)[:, None], np.asarray(n)[:, None], members), members


def groups_of(count, n, group):
    persons, members = persons_of(count, n, group)
    return group_rates.Rates.stack([persons.of(inside) for inside in members])


@pytest.fixture
def equal():
    """Three groups of ten people with eight images each, whose rates differ."""
    random = np.random.default_rng(2)
    group = np.repeat([0, 1, 2], 10)
    rate = random.beta(3, 1, 30)
    return random.binomial(8, rate), np.full(30, 8), group


@pytest.fixture
def own_only(monkeypatch):
    """Nothing is taken from the other groups."""
    monkeypatch.setattr(group_rates, "PRIOR_ABOVE", 1e-9)
    monkeypatch.setattr(group_rates, "PRIOR_BELOW", 1e-9)


@pytest.fixture(scope="module")
def unbalanced():
    """9, 31 and 60 people with 2 to 40 images, and what R says about them."""
    people = pd.read_csv(RECORDED / "unbalanced.csv").query("set == 'unbalanced'").reset_index()
    return people, json.loads((RECORDED / "unbalanced.json").read_text(encoding="utf-8"))


def variances(of):
    return of.effect[:, 0] * of.rate[:, 0] * (1 - of.rate[:, 0]) / of.n[:, 0]


def test_a_groups_own_variance_is_that_of_bell_and_mccaffrey_as_r_has_it(own_only, unbalanced):
    people, r = unbalanced
    found = groups_of(people["hits"], people["n"], people["group"].to_numpy())
    np.testing.assert_allclose(found.rate[:, 0], r["rate"])
    np.testing.assert_allclose(variances(found), r["variance_hc2"], rtol=1e-6)


def test_statsmodels_plain_and_bias_reduced_gee_lie_on_both_sides_of_it(own_only, unbalanced):
    people, _ = unbalanced
    found = variances(groups_of(people["hits"], people["n"], people["group"].to_numpy()))
    for number, (_, part) in enumerate(people.groupby("group")):
        person = np.repeat(np.arange(len(part)), part["n"])
        y = np.concatenate([np.r_[np.ones(c), np.zeros(m - c)] for c, m in zip(part["hits"], part["n"], strict=True)])
        model = sm.GEE(y, np.ones(len(y)), groups=person)
        plain, reduced = (model.fit(cov_type=kind).cov_params()[0, 0] for kind in ("robust", "bias_reduced"))
        assert plain < found[number] < reduced
        assert found[number] == pytest.approx(np.sqrt(plain * reduced), rel=0.05)


def test_the_clustered_test_agrees_with_rs_mixed_model(unbalanced):
    people = pd.read_csv(RECORDED / "unbalanced.csv").query("set == 'even'")
    found = groups_of(people["hits"], people["n"], people["group"].to_numpy())
    p, _, _ = clustered_test(found.at([0, 0]), found.at([1, 2]))
    np.testing.assert_allclose(p[:, 0], unbalanced[1]["even_glmer_p_against_A"], atol=0.03)


def test_icc_is_the_covariance_of_two_images_of_a_person(equal):
    count, n, group = equal
    above, pairs, single = [], [], []
    for c, m, name in zip(count, n, group, strict=True):
        mean = count[group == name].sum() / n[group == name].sum()
        images = np.r_[np.ones(c), np.zeros(m - c)] - mean
        products = np.outer(images, images)
        above.append(products.sum())
        pairs.append(m * (m - 1))
        single.append(m * mean * (1 - mean) / (1 - 1 / 10))
    # Each person's own weight in the mean, a tenth, hides as much of his deviation.
    expected = (np.sum(above) / 0.9 - np.sum(single)) / (7 * np.sum(single))
    persons, _ = persons_of(*equal)
    assert persons.icc[0] == pytest.approx(expected)


def test_icc_of_many_people_agrees_with_pingouin():
    random = np.random.default_rng(1)
    count = random.binomial(8, random.beta(4, 2, 300))
    rows = [(person, image, float(image < c)) for person, c in enumerate(count) for image in range(8)]
    frame = pd.DataFrame(rows, columns=["person", "image", "y"])
    table = pingouin.intraclass_corr(frame, targets="person", raters="image", ratings="y")
    persons, _ = persons_of(count, np.full(300, 8), np.zeros(300))
    assert persons.icc[0] == pytest.approx(table.set_index("Type")["ICC"].iloc[0], abs=0.005)


def test_a_group_that_differs_more_is_believed_and_one_that_differs_less_only_partly(equal):
    count, n, group = equal
    wild = np.where(group == 1, np.tile([8, 8, 8, 8, 0], 6), count)
    tame = np.where(group == 1, 6, count)
    usual = persons_of(wild, n, group)[0].icc[0]
    found = groups_of(wild, n, group)
    assert found.effect[1, 0] > 0.8 * 8 > 1 + 7 * usual
    of_tame = groups_of(tame, n, group)
    assert (
        1 < of_tame.effect[1, 0] == pytest.approx(12 * (1 + 7 * persons_of(tame, n, group)[0].icc[0]) / 12, rel=1e-6)
    ), "people who are all alike tell nothing of how people differ"


def test_people_who_are_all_alike_and_people_who_are_all_or_nothing():
    n, group = np.full(20, 6), np.repeat([0, 1], 10)
    np.testing.assert_allclose(groups_of(np.full(20, 3), n, group).effect, 1)
    extreme = np.tile([0, 6], 10)
    np.testing.assert_allclose(groups_of(extreme, n, group).effect, 6)
    assert persons_of(extreme, n, group)[0].icc[0] == pytest.approx(1)


def test_where_nobody_fails_each_person_counts_as_one():
    found = groups_of(np.full(20, 6), np.full(20, 6), np.repeat([0, 1], 10))
    np.testing.assert_allclose(found.worth, 10)


def test_one_image_a_person_needs_no_correction():
    count, n, group = np.tile([0, 1, 1], 8), np.ones(24, int), np.repeat([0, 1], 12)
    persons, members = persons_of(count, n, group)
    found = groups_of(count, n, group)
    np.testing.assert_allclose(found.worth, 12)
    np.testing.assert_allclose(found.paid(0.01), 12)
    assert np.isnan(persons.icc).all()
    expected = proportion_confint(8, 12, method="jeffreys")
    np.testing.assert_allclose(accuracy.clustered(count, n, members), [expected, expected])


def test_a_second_image_of_one_person_hardly_changes_the_degrees_of_freedom():
    n = np.r_[np.ones(9), 2, np.ones(10)]
    found = groups_of(np.tile([1, 0], 10) * 1.0, n, np.repeat([0, 1], 10))
    assert found.freedom[0, 0] > 250 and found.freedom[1, 0] > 1e9


def test_an_interval_is_jeffreyss_on_the_images_that_are_left(equal):
    count, n, group = equal
    found, (_, members) = groups_of(*equal), persons_of(*equal)
    ends = accuracy.clustered(count, n, members)
    for row in range(3):
        images = found.worth[row, 0] * (norm.isf(0.025) / student.isf(0.025, found.freedom[row, 0])) ** 2
        rate = count[members[row]].sum() / 80
        np.testing.assert_allclose(ends[row], proportion_confint(rate * images, images, method="jeffreys"))


def test_repeats_of_an_image_are_not_images():
    """Seven images, asked five times each, of whose answers all, or a random share, are right."""
    random = np.random.default_rng(0)
    members = np.repeat(np.eye(2, dtype=bool), 40, axis=1)
    share = random.binomial(5, 0.6, (80, 7)) / 5
    noisy = Persons(share.sum(axis=1)[:, None], np.full((80, 1), 7.0), members, squares=(share**2).sum(axis=1)[:, None])
    blind = Persons(share.sum(axis=1)[:, None], np.full((80, 1), 7.0), members)
    worth = noisy.of(members[0]).worth[0]
    # The answers are independent, so 280 images asked five times are worth 1,400.
    assert worth == pytest.approx(1400, rel=0.25) and blind.of(members[0]).worth[0] <= 280
    one = np.round(share)
    same = Persons(one.sum(axis=1)[:, None], np.full((80, 1), 7.0), members, squares=one.sum(axis=1)[:, None])
    assert same.of(members[0]).worth[0] == pytest.approx(280, rel=0.1)


def test_a_standardised_rate_is_the_weighted_mean_of_rates_with_its_stratified_variance(own_only):
    random = np.random.default_rng(5)
    n = np.c_[np.full(200, 3), np.full(200, 1)]
    count = random.binomial(n, [0.9, 0.4])
    persons = Persons(count, n, np.ones((1, 200)))
    everybody, weights = np.ones(200, bool), np.array([0.25, 0.75])
    found = persons.standardised(everybody, np.array([0, 1]), weights)
    parts = count.sum(axis=0) / n.sum(axis=0)
    assert found.rate[0] == pytest.approx(weights @ parts)
    variance = (weights**2 * parts * (1 - parts) / n.sum(axis=0)).sum()
    spread = found.rate[0] * (1 - found.rate[0]) / found.worth[0]
    assert spread == pytest.approx(variance, rel=0.15), "people here are all alike"


def test_a_standardised_rate_of_one_is_not_certain():
    persons = Persons(np.full((10, 2), 1.0), np.full((10, 2), 1.0), np.ones((1, 10)))
    found = persons.standardised(np.ones(10, bool), np.array([0, 1]), np.array([0.5, 0.5]))
    assert found.rate[0] == 1 and 5 < found.worth[0] <= 20


def test_a_part_that_nobody_fails_in_does_not_count_as_known_for_sure():
    """One emotion always read, one by every second: as if each had one more image read and one more not."""
    count, n = np.c_[np.ones(10), np.tile([0, 1], 5)], np.ones((10, 2))
    found = Persons(count, n, np.ones((1, 10))).standardised(np.ones(10, bool), np.array([0, 1]), np.array([0.5, 0.5]))
    pulled = np.array([11 / 12, 6 / 12])
    middle, variance = pulled.mean(), (0.25 * pulled * (1 - pulled) / 10).sum()
    assert found.worth[0] * found.effect[0] == pytest.approx(middle * (1 - middle) / variance)
