"""A family's adjusted p-values and critical sizes follow from its largest statistics, and are never below a floor."""

import numpy as np
import pytest
from stats_helpers import step_down

from ferlib.stats import verdicts


@pytest.fixture
def given():
    random = np.random.default_rng(0)
    statistic, null = np.abs(random.normal(1.5, 1, 8)), np.abs(random.normal(0, 1, (199, 8)))
    return statistic, null, np.array([True] * 6 + [False] * 2)


def family(given, *, p=0.0, size=0.0):
    return verdicts.Family(*given, 0.05, floor_p=p, floor_size=size)


def test_the_critical_size_is_a_quantile_of_the_largest_statistic_of_the_family(given):
    largest = given[1][:, :6].max(axis=1)
    assert family(given).critical == pytest.approx(np.quantile(largest, 0.95))


def test_no_critical_size_is_below_its_floor(given):
    floors = np.array([0.0, 9.0])
    one = family(given, size=floors)
    assert one.critical[1] == 9 and one.critical[0] == family(given).critical
    assert family(given, size=8.0).critical == 8


def test_p_values_are_stepped_down_inside_the_family_and_never_below_the_floor(given):
    statistic, null, inside = given
    expected = step_down(statistic[:6], null[:, :6])
    found = family(given).p_adjusted
    np.testing.assert_allclose(found[:6], expected)
    assert np.isnan(found[6:]).all()
    floor = np.where(np.arange(8) % 2, 0.9, 0.0)
    np.testing.assert_allclose(family(given, p=floor).p_adjusted[:6], np.maximum(expected, floor[:6]))


def test_a_family_of_nothing_has_its_floors(given):
    nothing = verdicts.Family(given[0], given[1], np.zeros(8, bool), 0.05, 0.0, 1.9)
    assert np.isnan(nothing.p_adjusted).all()
    assert nothing.critical == 1.9


def test_the_rule_is_different_at_alpha_else_equivalent_inside_delta_else_inconclusive():
    p, low, high = (
        [0.05, 0.0501, 0.0501, 0.0501, np.nan],
        [-0.01, -0.01, -0.05, 0.06, -0.01],
        [0.01, 0.01, 0, 0.1, 0.01],
    )
    found = verdicts.rule(p, np.array(low), np.array(high), alpha=0.05, delta=0.05)
    assert found.tolist() == ["different", "equivalent", "inconclusive", "inconclusive", "equivalent"]
