"""Permutation: what would have been found if people had been put into the groups at random.

People are shuffled with all their images, so that the images of one person stay together. Race and gender are
shuffled jointly: a person keeps both labels of another person.
"""

import numpy as np
from scipy.stats import t as student

from ferlib.stats.arrays import CHUNK, ratio
from ferlib.stats.clusters import variance
from ferlib.stats.groups import pairs_of, sides


def regroupings(members, *, draws, seed, chunk, dtype=np.float64):
    """Shuffle the people over the groups.

    Parameters
    ----------
    members : numpy.ndarray of bool, shape (groups, people)
        Who belongs to which group; everybody belongs to one.
    draws : int
        How often to shuffle.
    seed : int
        The same seed gives the same shuffles, whatever the chunk.
    chunk : int
        Shuffles a step.
    dtype : type
        Of the numbers returned, which are 0 and 1.

    Yields
    ------
    numpy.ndarray, shape (shuffles, groups, people)
    """
    random = np.random.default_rng(seed)
    group = np.argmax(members, axis=0).astype(np.int16)
    names = np.arange(len(members), dtype=np.int16)[:, None]
    for start in range(0, draws, chunk):
        rows = np.tile(group, (min(chunk, draws - start), 1))
        yield (random.permuted(rows, axis=1)[:, None, :] == names).astype(dtype)


def clustered_z(sums):
    """Two-proportion z of every two groups, with the variance that the people's differences leave.

    The study's pooled z with each group's images divided by its design effect; the same where each person has
    one image.

    Parameters
    ----------
    sums : ferlib.stats.clusters.Sums

    Returns
    -------
    numpy.ndarray of float64, shape (..., pairs, measures)
        NaN where a group has no image or both rates are 0 or both 1.
    """
    (count_a, count_b), (n_a, n_b), (rate_a, rate_b) = map(sides, (sums.count, sums.n, sums.rate))
    common = ratio(count_a + count_b, n_a + n_b)
    spread = np.maximum(common * (1 - common), 0) * np.add(*sides(variance(sums)))
    return ratio(rate_a - rate_b, np.sqrt(np.where(spread > 1e-15, spread, 0)))


def largest(people, members, merge, *, draws, seed):
    """Size of every contrast's clustered z under shuffling.

    Parameters
    ----------
    people : ferlib.stats.clusters.People
    members : numpy.ndarray of bool, shape (groups, people)
        The finest groups; these are shuffled.
    merge : sequence of numpy.ndarray, shape (merged groups, groups)
        One for each attribute, as `ferlib.stats.groups.Grouping.merge` gives them.
    draws, seed : int

    Returns
    -------
    numpy.ndarray of float32, shape (draws, contrasts of all attributes, measures)
        Absolute values, 0 where there is none.
    """
    contrasts = sum(len(pairs_of(len(matrix))[0]) for matrix in merge)
    width = max(members.size, 4 * contrasts * len(people.kind))
    found = []
    for shuffled in regroupings(members, draws=draws, seed=seed, chunk=max(1, CHUNK // width)):
        sums = people.sums(shuffled)
        z = np.concatenate([clustered_z(sums.merge(matrix)) for matrix in merge], axis=-2)
        found.append(np.abs(np.nan_to_num(z)).astype(np.float32))
    return np.concatenate(found)


def step_down(observed, null):
    """Family-wise adjusted p-values by step-down max-T (Westfall and Young 1993, algorithm 4.1).

    Parameters
    ----------
    observed : numpy.ndarray, shape (contrasts,)
        Absolute statistic of each contrast of the family.
    null : numpy.ndarray, shape (draws, contrasts)
        The same under shuffling.

    Returns
    -------
    numpy.ndarray of float64, shape (contrasts,)
        At least 1 / (draws + 1), since the observed grouping is one of the possible ones.
    """
    order = np.argsort(-observed, kind="stable")
    running = np.maximum.accumulate(null[:, order][:, ::-1], axis=1)[:, ::-1]
    reached = (running >= observed[order] - 1e-5).sum(axis=0)
    adjusted = np.empty(len(observed))
    adjusted[order] = np.maximum.accumulate((1 + reached) / (1 + len(null)))
    return adjusted


def sidak(p, groups):
    """P-values of single contrasts, corrected for as many independent tests as there are groups to set apart.

    A floor of `p_adjusted`. Where one group's people differ more than all others', shuffling mixes them, and where few
    fail, hardly anything reaches a critical size: the shuffles are then too lenient. Setting each group apart from the
    rest is as many comparisons as there are groups (one, for two groups), so no honest adjustment is below this.

    Parameters
    ----------
    p : numpy.ndarray
    groups : int or numpy.ndarray
        Groups of the attribute that the contrast belongs to.

    Returns
    -------
    numpy.ndarray of float64
        1 - (1 - p)^k (Sidak 1967).
    """
    return -np.expm1(_comparisons(groups) * np.log1p(-np.minimum(p, 1 - 1e-12)))


def critical(alpha, groups, freedom):
    """Size of the statistic at which `sidak` reaches alpha, with so many degrees of freedom."""
    return student.isf(-np.expm1(np.log1p(-alpha) / _comparisons(groups)) / 2, freedom)


def _comparisons(groups):
    return np.where(np.asarray(groups) == 2, 1, groups)
