"""Exact: the unconditional test of two proportions, for cells that are too small for z."""

from functools import lru_cache

import numpy as np
from scipy.stats import binom

from ferlib.stats.arrays import ratio

SMALL = 5
"""Below this expected count, in any of the four cells of a contrast, z is a rough guess."""

LARGEST = 40_000
"""Tables with more possible outcomes than this (n_a x n_b) have no exact p-value: it would take too long."""

GRID = np.linspace(0.005, 0.5, 100)
"""Common rates over which the p-value is maximised; rates above one half give the same by symmetry."""


@lru_cache(maxsize=4096)
def _table(n_a, n_b):
    """Exact p-value of every possible outcome of two groups; shape (n_a + 1, n_b + 1)."""
    a, b = np.arange(n_a + 1)[:, None], np.arange(n_b + 1)[None, :]
    common = (a + b) / (n_a + n_b)
    difference = np.abs(a / n_a - b / n_b)
    z = np.round(ratio(difference, np.sqrt(common * (1 - common) * (1 / n_a + 1 / n_b)), empty=0), 9).ravel()
    order = np.argsort(-z, kind="stable")
    chance = binom.pmf(a[..., None], n_a, GRID) * binom.pmf(b[..., None], n_b, GRID)
    tail = np.cumsum(chance.reshape(-1, len(GRID))[order], axis=0).max(axis=1)
    # Outcomes with equal z are equally extreme: each has the tail of the last of them.
    last = np.searchsorted(-z[order], -z, side="right") - 1
    return np.minimum(tail[last], 1).reshape(n_a + 1, n_b + 1)


def unconditional(count_a, n_a, count_b, n_b):
    """Barnard's unconditional exact test with the pooled z as its order, two-sided, where a cell is small.

    Parameters
    ----------
    count_a, n_a, count_b, n_b : array_like, shape (contrasts,)
        Successes and trials of the two groups of each contrast.

    Returns
    -------
    numpy.ndarray of float64, shape (contrasts,)
        NaN where all expected counts reach `SMALL` (z is good enough there), where there is no variance, where
        counts are not whole (images asked repeatedly) or the table is larger than `LARGEST`.

    Notes
    -----
    Barnard (1945), Suissa and Shuster (1985). Each image is taken for independent of the others.
    """
    numbers = np.stack(np.broadcast_arrays(count_a, n_a, count_b, n_b), axis=-1).astype(float).reshape(-1, 4)
    a, trials_a, b, trials_b = numbers.T
    common = ratio(a + b, trials_a + trials_b)
    expected = np.minimum(common, 1 - common) * np.minimum(trials_a, trials_b)
    wanted = (expected > 0) & (expected < SMALL) & (trials_a * trials_b <= LARGEST)
    wanted &= (np.abs(numbers - np.round(numbers)) < 1e-9).all(axis=1)
    p = np.full(len(numbers), np.nan)
    for row in np.flatnonzero(wanted):
        x, m, y, n = np.round(numbers[row]).astype(int)
        p[row] = _table(m, n)[x, y] if m <= n else _table(n, m)[y, x]
    return p
