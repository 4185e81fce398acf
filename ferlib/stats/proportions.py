"""Two proportions: tests of whether they differ. The study's z-test, Fisher's with mid-p, and what the first costs.

The z-test takes each image for independent of all others and corrects for nothing: it is here to do as the study does,
and to be compared with what holds. Fisher's is for cells that are too small for z.
"""

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import norm

from ferlib.stats.arrays import ratio
from ferlib.stats.family import regroupings
from ferlib.stats.groups import pairs_of

WIDEST = 40.0
"""Standard deviation of a hypergeometric count from which the normal distribution takes its place."""


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


def mid_p(count_a, n_a, count_b, n_b):
    """Fisher's test of two proportions with mid-p, two-sided, for counts that need not be whole.

    Twice the smaller tail, of which the observed count itself enters by half. The counts that are possible lie one
    apart from each other, up and down from the observed one, as in Fisher's table; their weights are those of the
    hypergeometric distribution with gamma functions in place of factorials.

    Parameters
    ----------
    count_a, n_a, count_b, n_b : array_like
        Independent images with the outcome, and all.

    Returns
    -------
    p, least : numpy.ndarray of float64
        The p-value, and the least one that any division of these counts between the groups could have reached. Both
        are 1 where nobody or everybody has the outcome, or a group has no image.

    Notes
    -----
    Lancaster (1961), Significance tests in discrete distributions; for whole counts it agrees with
    scipy.stats.hypergeom (see the tests).
    """
    numbers = np.stack(np.broadcast_arrays(count_a, n_a, count_b, n_b), axis=-1).astype(float)
    shape, numbers = numbers.shape[:-1], numbers.reshape(-1, 4)
    distinct, which = np.unique(np.round(numbers, 9), axis=0, return_inverse=True)
    p, least = np.ones((2, len(distinct)))
    a, trials_a, b, trials_b = distinct.T
    total, all_trials = a + b, trials_a + trials_b
    varies = (total > 1e-9) & (all_trials - total > 1e-9) & (trials_a > 0) & (trials_b > 0)
    share = ratio(trials_a, all_trials, empty=0)
    spread = total * (all_trials - total) * share * (1 - share)
    deviation = np.sqrt(ratio(spread, np.maximum(all_trials - 1, 1), empty=0))
    wide = varies & (deviation > WIDEST)
    z = ratio(np.abs(a - total * share), deviation, empty=0)
    p[wide], least[wide] = 2 * ndtr(-z[wide]), 0
    small = np.flatnonzero(varies & ~wide)
    if len(small):
        p[small], least[small] = _tails(*distinct[small].T, (total * share)[small], deviation[small])
    return p[which].reshape(shape), least[which].reshape(shape)


def _tails(a, trials_a, b, trials_b, middle, deviation):
    """Two-sided mid-p of each row, and the least that is possible, from hypergeometric weights."""
    total = a + b
    bottom, top = np.maximum(total - trials_b, 0), np.minimum(total, trials_a)
    reach = 9 * deviation + 3
    down = np.ceil(np.maximum(np.minimum(a - bottom, a - (middle - reach)), 0) - 1e-9).astype(int)
    down = np.minimum(down, np.floor(a - bottom + 1e-9).astype(int))
    up = np.ceil(np.maximum(np.minimum(top - a, middle + reach - a), 0) - 1e-9).astype(int)
    up = np.minimum(up, np.floor(top - a + 1e-9).astype(int))
    step = np.arange((down + up).max() + 1)
    x = (a - down)[:, None] + step
    there = step <= (down + up)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        grow = np.log((trials_a[:, None] - x + 1) * (total[:, None] - x + 1)) - np.log(
            x * (trials_b[:, None] - total[:, None] + x)
        )
    grow[:, 0] = 0
    weight = np.where(there, np.cumsum(np.where(there, grow, 0), axis=1), -np.inf)
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    own = np.take_along_axis(weight, down[:, None], axis=1)[:, 0]
    below = np.where(step < down[:, None], weight, 0).sum(axis=1)
    above = np.where(step > down[:, None], weight, 0).sum(axis=1)
    first, last = weight[:, 0], np.take_along_axis(weight, (down + up)[:, None], axis=1)[:, 0]
    return np.minimum(2 * (np.minimum(below, above) + own / 2), 1), np.minimum(first, last)


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
    draws, seed : int
        How often the people are shuffled over the groups.

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
