"""Clusters: how much many images of one person tell.

The images of a person resemble each other, so a second image brings less news than the first. How much less is the
intraclass correlation (ICC); what it costs is the design effect, the factor by which the variance of a rate is larger
than that of as many people with one image each.

Everything is computed from sums over the people of a group, so that thousands of regroupings cost one matrix product.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from ferlib.labels import EMOTIONS
from ferlib.stats.arrays import ratio, totals, whole
from ferlib.stats.counts import MEASURES, measure

DENOMINATORS = ("", *EMOTIONS)
"""What a rate is divided by: all images of a person, or those of one true emotion."""

CHANCE, EXCESS = 0.5, 2.0
"""When, and how much, a group's own design effect counts beside the pooled one; see `design_effect`."""


@dataclass(frozen=True)
class Sums:
    """Sums over the people of each group, for each measure; a rate is `count / n`.

    Attributes
    ----------
    count, n, people, count_square, cross, n_square : numpy.ndarray of float64, shape (..., groups, measures)
        Sums of c, n, 1 (people with n > 0), c^2, c n and n^2, where c of a person's n images have the outcome.
    between : numpy.ndarray of float64, shape (measures,)
        Sum of c^2 / n over all people, whatever their group.
    """

    count: np.ndarray
    n: np.ndarray
    people: np.ndarray
    count_square: np.ndarray
    cross: np.ndarray
    n_square: np.ndarray
    between: np.ndarray

    @property
    def rate(self):
        """Rate of each group; NaN where it has no image."""
        return ratio(self.count, self.n)

    def merge(self, matrix):
        """Sums of larger groups; `matrix` of shape (merged groups, groups) holds a 1 for each part."""
        parts = (self.count, self.n, self.people, self.count_square, self.cross, self.n_square)
        return Sums(*(np.matmul(np.asarray(matrix, dtype=float), part) for part in parts), self.between)


class People:
    """What was counted for each person, ready to be summed over any grouping.

    Parameters
    ----------
    count : numpy.ndarray, shape (people, measures)
        Images with the outcome.
    n : numpy.ndarray, shape (people, denominators)
        Images that could have had it.
    kind : numpy.ndarray of int, shape (measures,)
        The denominator of each measure.
    """

    def __init__(self, count, n, kind):
        self.kind = np.asarray(kind)
        self._measures, kinds = count.shape[1], n.shape[1]
        of_measure = n[:, self.kind]
        self.between = ratio(count**2, of_measure, empty=0).sum(axis=0)
        self._columns = np.concatenate([count, count**2, count * of_measure, n, n**2, n > 0], axis=1, dtype=float)
        self._splits = np.cumsum([self._measures] * 3 + [kinds] * 2)

    def sums(self, members):
        """Sum over the people of each group.

        Parameters
        ----------
        members : numpy.ndarray, shape (..., groups, people)
            A 1 for each person of the group.

        Returns
        -------
        Sums
        """
        parts = np.split(totals(np.asarray(members, dtype=float), self._columns), self._splits, axis=-1)
        count, count_square, cross, n, n_square, people = parts
        by_kind = (part[..., self.kind] for part in (n, n_square, people))
        n, n_square, people = by_kind
        return Sums(count, n, people, count_square, cross, n_square, self.between)


def people_of(counts):
    """The people of one model's answers, with every rate of `ferlib.stats.counts.MEASURES`."""
    count, _ = measure(counts.tensor)
    of_true = counts.tensor.sum(axis=-1)
    n = np.concatenate([of_true.sum(axis=1, keepdims=True), of_true], axis=1)
    return People(count, n, [DENOMINATORS.index(true) for _, true, _ in MEASURES])


def degrees_of_freedom(sums):
    """People beyond the number of groups, shape (..., measures); infinite where each person has one image.

    With one image a person no variance is estimated, so nothing is to be paid for estimating it.
    """
    people, n = sums.people.sum(axis=-2), sums.n.sum(axis=-2)
    freedom = people - (sums.n > 0).sum(axis=-2)
    return np.where(n - people < 1e-9, np.inf, np.maximum(freedom, 1))


def intraclass_correlation(sums):
    """ICC pooled over groups: the one-way analysis-of-variance estimator, people within groups, from 0 to 1.

    Parameters
    ----------
    sums : Sums

    Returns
    -------
    numpy.ndarray of float64, shape (..., measures)
        NaN where it cannot be known: one image a person, no more people than groups, or no variation.

    Notes
    -----
    Donner (1986), A review of inference procedures for the intraclass correlation coefficient, section 2, with
    the average cluster size for unequal clusters.
    """
    people, n = sums.people.sum(axis=-2), sums.n.sum(axis=-2)
    freedom = people - (sums.n > 0).sum(axis=-2)
    size = ratio(n - ratio(sums.n_square, sums.n, empty=0).sum(axis=-2), freedom)
    between = ratio(sums.between - ratio(sums.count**2, sums.n, empty=0).sum(axis=-2), freedom)
    within = ratio(sums.count.sum(axis=-2) - sums.between, np.where(n - people < 1e-9, 0, n - people))
    total = between + (size - 1) * within
    return np.clip(ratio(between - within, np.where(total > 1e-12, total, 0)), 0, 1)


def design_effect(sums):
    """Variance of each group's rate, relative to that of as many independent images.

    What all groups share comes from the pooled ICC: 1 + (m - 1) ICC with m = sum n^2 / sum n. A group's own, from how
    much its people differ, is too rough to replace it (0 where nobody fails), but a group may truly differ more than
    the others. So where the own one passes the pooled one by more than `CHANCE` standard errors of such an estimate,
    the rest of the excess is added `EXCESS` times. It lies between 1 and m; it is m, each person counts as one, where
    the ICC cannot be known.

    Parameters
    ----------
    sums : Sums

    Returns
    -------
    numpy.ndarray of float64, shape (..., groups, measures)
        NaN where the group has no image.

    Notes
    -----
    `EXCESS` is near the best slope for telling a variance of 2.5 from one of 1 with few people (the likelihood ratio
    of two scaled chi-squared variables is linear in the estimate); it and `CHANCE` were set so that intervals of
    groups that are all alike stay within 1.1 times the width that the pooled ICC alone gives. See `make calibrate`.
    """
    size = ratio(sums.n_square, sums.n)
    pooled = 1 + (size - 1) * np.nan_to_num(intraclass_correlation(sums), nan=1.0)[..., None, :]
    rate = sums.rate
    spread = sums.count_square - 2 * rate * sums.cross + rate**2 * sums.n_square
    share = ratio(sums.n_square, sums.n**2)
    own = ratio(spread, np.maximum(sums.n * rate * (1 - rate) * (1 - share), 0), empty=0)
    usual = 1 + CHANCE * np.sqrt(2 / np.maximum(sums.people - 1, 1))
    effect = pooled + EXCESS * np.fmax(own - usual * pooled, 0)
    return np.clip(effect, 1, np.fmax(size, 1))


def variance(sums):
    """Design effect / images of each group: times p (1 - p) it is the variance of the group's rate."""
    return ratio(design_effect(sums), sums.n)


def effective_n(sums, *, alpha=0.05):
    """As many independent images as would leave the same uncertainty about each group's rate.

    Parameters
    ----------
    sums : Sums
    alpha : float
        One minus the confidence of the interval that it is used for. The factor (z / t)^2 makes Wilson's interval
        pay for the estimated variance.

    Returns
    -------
    numpy.ndarray of float64, shape (..., groups, measures)
    """
    quantile = student.isf(alpha / 2, degrees_of_freedom(sums))[..., None, :]
    return 1 / variance(sums) * (norm.isf(alpha / 2) / quantile) ** 2


def design_effects(all_counts):
    """How many independent images those of each race-gender group stand for in its accuracy.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `model`, `variant`, `group`, `n_images`, `n_subjects`, `icc`, `design_effect`, and
        `independent_images`, as many as would leave the same uncertainty: images / design effect.
    """
    frames = []
    for counts in all_counts:
        members = counts.members("group")
        sums = People(counts.right[:, None], counts.images[:, None], [0]).sums(members)
        values = {
            "group": members.index,
            "n_images": whole(sums.n[:, 0]),
            "n_subjects": members.sum(axis=1).to_numpy(),
            "icc": intraclass_correlation(sums)[0],
            "design_effect": design_effect(sums)[:, 0],
            "independent_images": 1 / variance(sums)[:, 0],
        }
        frames.append(pd.DataFrame({**counts.configuration, **values}))
    return pd.concat(frames, ignore_index=True)
