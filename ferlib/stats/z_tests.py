"""Tests: the study's two-proportion z-test.

It takes each image for independent of all others and corrects for nothing: it is here to do as the study does, and
to be compared with what holds.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from ferlib.stats.arrays import ratio
from ferlib.stats.groups import pairs_of
from ferlib.stats.permutation import regroupings


def two_proportion_z(count_a, n_a, count_b, n_b):
    """Pooled two-proportion z-test, two-sided, for many contrasts at once.

    Parameters
    ----------
    count_a, n_a, count_b, n_b : array_like, shape (contrasts,)
        Successes and trials of the two groups of each contrast.

    Returns
    -------
    z, p : numpy.ndarray of float64, shape (contrasts,)
        Positive z: the rate of a is larger. Both are NaN where the test does not exist: a group without
        trials, or all trials of both groups with the same result, which leaves no variance.

    Notes
    -----
    statsmodels.stats.proportion.proportions_ztest gives the same, one contrast a call (see the tests).
    """
    numbers = np.broadcast_arrays(count_a, n_a, count_b, n_b)
    count_a, n_a, count_b, n_b = (np.asarray(part, dtype=float).ravel() for part in numbers)
    common = ratio(count_a + count_b, n_a + n_b)
    variance = common * (1 - common) * (ratio(1, n_a) + ratio(1, n_b))
    z = ratio(ratio(count_a, n_a) - ratio(count_b, n_b), np.sqrt(np.where(variance > 1e-15, variance, 0)))
    return z, 2 * norm.sf(np.abs(z))


def expected_by_chance(table, *, alpha):
    """How many p-values lie below alpha, and how many would if every null hypothesis were true.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `disparities`.
    alpha : float

    Returns
    -------
    pandas.Series
        `tests` (contrasts), `estimable` (those whose test exists), `by_chance` (estimable x alpha, which
        holds for independent tests with exact p-values; sparse counts give fewer), `below_alpha` (found).
    """
    p = table["p_z"].dropna()
    found = [len(table), len(p), len(p) * alpha, int((p < alpha).sum())]
    return pd.Series(found, index=["tests", "estimable", "by_chance", "below_alpha"])


def false_alarms(counts, *, alpha, draws, seed):
    """How often the study's test calls some accuracies different when the groups are drawn by lot.

    Parameters
    ----------
    counts : ferlib.stats.counts.Counts
    alpha : float
    draws : int
        How often the people are shuffled over the groups.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each attribute: `contrasts` (pairs of groups), `per_test` (share of single tests with p < alpha) and
        `any` (share of shuffles with at least one). Any difference between such groups is chance.
    """
    grouping = counts.grouping
    columns = np.stack([counts.right, counts.images], axis=1)
    sums = np.concatenate([part @ columns for part in regroupings(grouping.finest, draws=draws, seed=seed, chunk=100)])
    rows = []
    for attribute, matrix in grouping.merge.items():
        right, images = np.moveaxis(matrix @ sums, -1, 0)
        a, b = pairs_of(len(matrix))
        _, p = two_proportion_z(right[:, a], images[:, a], right[:, b], images[:, b])
        hit = p.reshape(draws, -1) < alpha
        rows.append((attribute, len(a), hit.mean() if len(a) else np.nan, hit.any(axis=1).mean()))
    return pd.DataFrame(rows, columns=["attribute", "contrasts", "per_test", "any"])
