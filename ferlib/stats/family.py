"""Family: contrasts that are judged together, and how small the smallest of their p-values gets by chance.

Every contrast has a p-value of its own. The family gives each a share of the error alpha: most to the questions that
people come with, little to the thousands of rare confusions. How much a share may be raised because contrasts go
together (the recall of an emotion and what it is mistaken for, a race and its two genders) is found by drawing the
people's deviations from their group's rates anew, from the normal distribution with the covariance that they have.
Families of mean scores shuffle the people over the groups instead, each with all their images and labels.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr


def deviations(above, finest, *, draws, seed):
    """Draw the sum of people's deviations from their group's rate, in each finest group.

    Parameters
    ----------
    above : numpy.ndarray, shape (people, columns)
        Each person's images with the outcome, beyond the number expected at the rate of the finest group.
    finest : numpy.ndarray of bool, shape (groups, people)
    draws, seed : int

    Returns
    -------
    numpy.ndarray of float32, shape (draws, groups, columns)
        Normal, with mean 0 and the covariance of the sums.
    """
    random = np.random.default_rng(seed)
    found = np.empty((draws, len(finest), above.shape[1]), dtype=np.float32)
    for group, inside in enumerate(finest):
        root = above[inside]
        if len(root) > root.shape[1]:
            root = np.linalg.qr(root, mode="r")
        found[:, group] = random.standard_normal((draws, len(root)), dtype=np.float32) @ root.astype(np.float32)
    return found


def chances(error):
    """Two-sided p-values of drawn differences that have mean 0; 1 where nothing varies.

    Parameters
    ----------
    error : numpy.ndarray, shape (draws, contrasts)
    """
    size = np.sqrt((error**2).mean(axis=0))
    return 2 * ndtr(-np.abs(error / np.where(size > 1e-9, size, np.inf)))


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
    return -np.expm1(np.where(np.asarray(groups) == 2, 1, groups) * np.log1p(-np.minimum(p, 1 - 1e-12)))


def holm(p):
    """Holm's adjusted p-values (1979); statsmodels' search all of memory for garbage at each call."""
    order, adjusted = np.argsort(p, kind="stable"), np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


@dataclass(frozen=True)
class Division:
    """How a family's error is divided.

    Attributes
    ----------
    bound : numpy.ndarray, shape (contrasts,)
        The contrast is rejected where its p-value reaches this; at least alpha / contrasts (Bonferroni). NaN outside.
    p_adjusted : numpy.ndarray, shape (contrasts,)
        Step-down p-value, to be held against alpha; NaN outside.
    """

    bound: np.ndarray
    p_adjusted: np.ndarray

    @classmethod
    def of(cls, p, least, null, share, *, alpha):
        """Divide alpha over the contrasts of a family.

        Parameters
        ----------
        p, least : numpy.ndarray, shape (contrasts,)
            P-values, NaN where a contrast cannot be estimated and does not belong to the family; and the least that
            each could have reached with its counts (Tarone 1990).
        null : numpy.ndarray, shape (draws, contrasts)
            P-values of drawn deviations.
        share : numpy.ndarray, shape (contrasts,)
            What part of alpha each contrast is given before the draws say by how much all may be raised.
        alpha : float

        Notes
        -----
        Weighted step-down min-P (Westfall and Young 1993, section 2.6; Genovese, Roeder and Wasserman 2006).
        """
        inside = ~np.isnan(p)
        bound, adjusted = np.full((2, len(p)), np.nan)
        if not inside.any():
            return cls(bound, adjusted)
        able = np.flatnonzero(inside & (least <= alpha))
        floor = alpha / inside.sum()
        reached = np.maximum(null[:, able], least[able])
        raised = 0.0
        if len(able):
            # Draws that Bonferroni's bound alone would reject are spent; the others say how far the shares may go.
            smallest = np.where((reached <= floor).any(axis=1), 0.0, (reached / share[able]).min(axis=1))
            allowed = int(alpha * (len(null) + 1)) - 1
            raised = np.sort(smallest)[allowed - 1] if allowed > 0 else 0.0
        bound[inside] = np.minimum(np.maximum(raised * share[inside], floor), alpha)
        adjusted[inside] = 1.0
        if len(able):
            size = -np.log(np.maximum(p[able], 1e-300) / bound[able])
            adjusted[able] = step_down(size, -np.log(np.maximum(reached, 1e-300) / bound[able]))
        return cls(bound, adjusted)
