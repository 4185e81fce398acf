"""Family: contrasts that are judged together, and how small the smallest of their p-values gets by chance.

Every contrast has a p-value of its own. The family gives each a share of the error alpha: most to the questions that
people come with, little to the thousands of rare confusions. How much a share may be raised because contrasts go
together (the recall of an emotion and what it is mistaken for, a race and its two genders) is found by drawing the
people's deviations from their group's rates anew, from the normal distribution with the covariance that they have.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from ferlib.stats.permutation import step_down


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


@dataclass(frozen=True)
class Family:
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
