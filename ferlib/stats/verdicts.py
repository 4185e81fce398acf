"""Verdicts: different, equivalent, inconclusive or not estimable, and why."""

import numpy as np
from scipy.stats import norm

VERDICTS = ("different", "equivalent", "inconclusive", "not estimable")

POWER = 0.8
"""A difference is called detectable when a study like this one would have found it four times in five."""


def min_detectable(common, variance_a, variance_b, critical):
    """Smallest difference of two rates that a contrast would have found in four of five studies.

    Parameters
    ----------
    common : numpy.ndarray
        Rate of both groups together; the two rates lie on both sides of it, as far as 0 and 1 allow.
    variance_a, variance_b : numpy.ndarray
        Design effect / images of each group.
    critical : float
        Size of the statistic from which the family's test rejects.

    Returns
    -------
    numpy.ndarray
        NaN where not even the largest possible difference would be found.

    Notes
    -----
    Normal approximation: difference = critical x (standard error if there is none) + z(.8) x (standard error if
    there is this one), solved by bisection.
    """

    def surplus(size):
        lower = np.clip(common - size / 2, 0, 1 - size)
        upper = lower + size
        pooled = (upper * variance_b + lower * variance_a) / (variance_a + variance_b)
        without = np.sqrt(pooled * (1 - pooled) * (variance_a + variance_b))
        there = np.sqrt(np.maximum(upper * (1 - upper), 0) * variance_a + lower * (1 - lower) * variance_b)
        return size - critical * without - norm.isf(1 - POWER) * there

    low, high = np.zeros_like(common), np.ones_like(common)
    reachable = surplus(high) >= 0
    for _ in range(40):
        middle = (low + high) / 2
        enough = surplus(middle) >= 0
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reachable, high, np.nan)


def decide(table, *, alpha, delta, min_people):
    """Verdict and reason of each contrast.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `disparities.csv` with `p_adjusted`, `min_detectable`, and `lowest` and `highest`: the ends of the
        simultaneous interval of the risk difference, with the confidence 1 - 2 alpha for the whole family.
    alpha : float
        Family-wise error of `different`, and of `equivalent`.
    delta : float
        Differences inside +-delta count as none.
    min_people : int
        Fewer people in a group allow no verdict.

    Returns
    -------
    verdict, reason : list of str
    """
    return zip(*(_decide(row, alpha, delta, min_people) for row in table.itertuples()), strict=True)


def _decide(row, alpha, delta, min_people):
    for group, subjects, n in ((row.group_a, row.subjects_a, row.n_a), (row.group_b, row.subjects_b, row.n_b)):
        if n == 0:
            return "not estimable", f"no image of {row.true or 'any emotion'} in {group}"
        if subjects < min_people:
            return "not estimable", f"only {subjects} people in {group}, fewer than {min_people}"
    if row.p_adjusted <= alpha:
        higher = row.group_a if row.risk_difference > 0 else row.group_b
        small = f", though within {delta:g}" if -delta < row.lowest and row.highest < delta else ""
        return "different", f"higher for {higher}{small}"
    if -delta < row.lowest and row.highest < delta:
        return "equivalent", f"any difference lies within {delta:g}"
    if np.isnan(row.min_detectable):
        return "inconclusive", "with so few images not even the largest difference would have been found"
    never = "never in either group; " if row.count_a + row.count_b == 0 else ""
    return "inconclusive", f"{never}a difference below {row.min_detectable:.2f} would mostly have stayed unseen"
