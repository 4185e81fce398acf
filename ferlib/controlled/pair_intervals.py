"""Pairs: how much matched pairs of images of a few people tell, and how sure they leave us.

Two images that differ in one factor are a pair. The pairs of a person resemble each other, so they tell less than
as many pairs of different people; and pairs that agree tell little about how often others would not.
"""

import numpy as np
from scipy.stats import norm

from ferlib.stats.arrays import ratio
from ferlib.stats.intervals import score


def changed(matched, a, b):
    """Share of the pairs of each set whose outcomes differ between sides a and b; shape (sets, 1)."""
    return 1 - (matched.outcome[:, a] * matched.outcome[:, b]).sum(axis=-1)[:, None]


def effective_pairs(matched, outcome, asked, changes, a, b):
    """As many independent pairs of images as would leave the same uncertainty about each difference.

    Parameters
    ----------
    matched : ferlib.controlled.matched_sets.Matched
    outcome : numpy.ndarray, shape (sets, sides, measures)
        Share of the side's images with the outcome.
    asked : numpy.ndarray, shape (sets, measures)
        1 where the set is in the denominator.
    changes : numpy.ndarray, shape (sets, measures) or (sets, 1)
        As `changed` returns them.
    a, b : int
        The sides.

    Returns
    -------
    numpy.ndarray of float64, shape (measures,)
        Variance of the difference of one pair / variance of the mean difference. The latter is the larger of two: the
        one that the units' differences show, and the one that follows from the sets and from how alike the sets of a
        unit are in changing at all (their intraclass correlation). The result lies between the units and the disjoint
        pairs of images; it is the former where nothing changes, since nothing tells how changes would cluster.
    """
    n, total = matched.by_unit(asked), asked.sum(axis=0)
    units, size = (n > 0).sum(axis=0), ratio((n**2).sum(axis=0), total)
    gap = outcome[:, a] - outcome[:, b]
    mean = ratio(gap.sum(axis=0), total, empty=0)
    of_pair = ratio((outcome[:, a] + outcome[:, b] - 2 * outcome[:, a] * outcome[:, b]).sum(axis=0), total) - mean**2
    of_units = ratio(((matched.by_unit(gap) - n * mean) ** 2).sum(axis=0) * units, (units - 1) * total**2)
    of_sets = ratio((gap**2).sum(axis=0) - total * mean**2, (total - 1) * total)
    of_sets = of_sets * (1 + (size - 1) * _intraclass_correlation(asked * changes, n, total, units, matched))
    found = np.fmax(of_units, of_sets)
    pairs = ratio(of_pair, np.where(found > 1e-12, found, 0), empty=0)
    most = total * min(matched.images[a], matched.images[b])
    return np.where(total > 0, np.clip(pairs, units, most), np.nan)


def _intraclass_correlation(values, n, total, units, matched):
    """Intraclass correlation of values of the sets of a unit, by analysis of variance; 1 where it cannot be known."""
    per_unit = ratio(matched.by_unit(values) ** 2, n, empty=0).sum(axis=0)
    between = ratio(per_unit - ratio(values.sum(axis=0) ** 2, total, empty=0), units - 1, empty=0)
    within = ratio((values**2).sum(axis=0) - per_unit, total - units, empty=0)
    each = ratio(total - ratio((n**2).sum(axis=0), total, empty=0), units - 1, empty=1)
    variance = between + (each - 1) * within
    return np.clip(ratio(between - within, np.where(variance > 1e-12, variance, 0), empty=1), 0, 1)


def difference(only_a, only_b, n, *, alpha, error=0.0):
    """Interval of the difference of two paired rates, from that of each kind of discordant pair.

    Newcombe (1998), Improved confidence intervals for the difference between binomial proportions based on paired
    data, method 10, applied to the two discordant shares, which exclude each other.

    Parameters
    ----------
    only_a, only_b : numpy.ndarray
        Shares of pairs in which only side a, or only side b, has the outcome.
    n : numpy.ndarray
        Independent pairs, not necessarily whole.
    alpha : array_like
        One minus the confidence; where it is 0 nothing is excluded.
    error : array_like
        A standard error that does not come from the pairs, added by squares.

    Returns
    -------
    low, high : numpy.ndarray
    """
    alpha = np.broadcast_to(alpha, np.shape(only_a)).astype(float)
    (low_a, high_a), (low_b, high_b) = (score(only, n, alpha=np.maximum(alpha, 1e-12)) for only in (only_a, only_b))
    correlation = np.sqrt(ratio(only_a * only_b, (1 - only_a) * (1 - only_b), empty=1))

    def reach(one, other):
        between = 2 * np.clip(correlation, 0, 1) * one * other
        return np.sqrt(one**2 + other**2 + between + (norm.isf(np.maximum(alpha, 1e-12) / 2) * error) ** 2)

    low = only_a - only_b - reach(only_a - low_a, high_b - only_b)
    high = only_a - only_b + reach(high_a - only_a, only_b - low_b)
    return np.where(alpha > 0, np.maximum(low, -1), -1.0), np.where(alpha > 0, np.minimum(high, 1), 1.0)
