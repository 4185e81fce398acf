"""The exact test agrees with scipy's Barnard test, and is given where it is needed."""

import numpy as np
import pytest
from scipy.stats import barnard_exact

from ferlib.stats import exact


@pytest.mark.parametrize("a, m, b, n", [(7, 12, 1, 12), (3, 12, 0, 24), (0, 9, 4, 10), (1, 5, 4, 5), (2, 30, 6, 20)])
def test_agrees_with_scipy(a, m, b, n):
    expected = barnard_exact([[a, b], [m - a, n - b]], pooled=True, n=128).pvalue
    assert exact.unconditional(a, m, b, n)[0] == pytest.approx(expected, rel=0.01, abs=1e-4)


def test_swapping_groups_or_outcomes_changes_nothing():
    p = exact.unconditional([7, 1, 5, 13], [12, 14, 12, 14], [1, 7, 13, 5], [14, 12, 14, 12])
    np.testing.assert_allclose(p, p[0])


def test_never_rejects_more_often_than_it_says():
    """The definition of an exact test: at every common rate, P(p <= alpha) <= alpha."""
    from scipy.stats import binom

    table = exact._table(10, 14)
    for rate in np.linspace(0.01, 0.99, 50):
        chance = binom.pmf(np.arange(11), 10, rate)[:, None] * binom.pmf(np.arange(15), 14, rate)
        for alpha in (0.01, 0.05, 0.2):
            assert chance[table <= alpha].sum() <= alpha * 1.01


def test_only_small_whole_cells_with_some_variance_get_one():
    p = exact.unconditional([50, 0, 1 / 3, 3, 3], [100, 12, 12, 0, 500], [40, 0, 2, 2, 1], [100, 12, 12, 12, 500])
    assert np.isnan(p).all()
