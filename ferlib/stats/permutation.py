"""Permutation: what would have been found if people had been put into the groups at random.

People are shuffled with all their images, so that the images of one person stay together. Race and gender are
shuffled jointly: a person keeps both labels of another person.
"""

import numpy as np


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


def _comparisons(groups):
    return np.where(np.asarray(groups) == 2, 1, groups)
