"""Means of scores from 0 to 1 that images have, with intervals that know who is in the images.

A rate counts images with an outcome; here each image has a number, such as the share of a heatmap that lies inside a
region. The images of a person resemble each other, so the variance of a mean comes from sums over people.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.stats import intervals
from ferlib.stats.arrays import ratio, totals
from ferlib.stats.groups import members_of

KEYS = ("unit", "measure")
"""Columns that say what a value is of; each pair has a mean of its own."""

TABLE = (*KEYS, "by", "group", "n_images", "n_subjects", "mean", "se", "ci_low", "ci_high", "reason")

SAME = 1e-9
"""A standard error below this comes from values that are all the same; rounding leaves no exact 0."""


@dataclass(frozen=True)
class Sums:
    """Sums over the people of each group, each array of shape (..., groups, keys).

    Attributes
    ----------
    total, total_square, cross, n, n_square, people : numpy.ndarray of float64
        Sums of v, v^2, v n, n, n^2 and 1 (people with n > 0), where v is the sum of a person's n values.
    """

    total: np.ndarray
    total_square: np.ndarray
    cross: np.ndarray
    n: np.ndarray
    n_square: np.ndarray
    people: np.ndarray

    @property
    def mean(self):
        """Mean of each group; NaN where it has no value."""
        return ratio(self.total, self.n)

    def merge(self, matrix):
        """Sums of larger groups; `matrix` of shape (merged groups, groups) holds a 1 for each part."""
        return Sums(*(np.matmul(matrix, part) for part in vars(self).values()))


def variance(sums):
    """Variance of each group's mean, clustered by person; NaN with fewer than two people.

    The linearised (sandwich) variance of a ratio of sums, times people / (people - 1) (Liang and Zeger 1986).

    Parameters
    ----------
    sums : Sums

    Returns
    -------
    numpy.ndarray of float64, shape (..., groups, keys)
    """
    mean = sums.mean
    spread = np.maximum(sums.total_square - 2 * mean * sums.cross + mean**2 * sums.n_square, 0)
    return spread / np.where(sums.n > 0, sums.n, np.nan) ** 2 * ratio(sums.people, sums.people - 1)


class Values:
    """The values of each person, ready to be summed over any grouping.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns `subject_id`, `KEYS` and the column of the values; a row for each image. Missing values are left out.
    subjects : sequence of str
        All people, in the order of the groupings.
    column : str

    Attributes
    ----------
    named : pandas.DataFrame, shape (keys, 2)
        `KEYS`, in alphabetical order.
    total, n : numpy.ndarray of float64, shape (people, keys)
    """

    def __init__(self, rows, subjects, *, column="value"):
        _check(rows, subjects, column)
        groups = rows.groupby(list(KEYS), sort=True)
        self.named = groups.size().index.to_frame(index=False)
        shape = (len(subjects), len(self.named))
        place = pd.Index(subjects).get_indexer(rows["subject_id"]), groups.ngroup().to_numpy()
        cell, known = np.ravel_multi_index(place, shape), rows[column].notna().to_numpy()
        self.total, self.n = (
            np.bincount(cell[known], weights=weights, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
            for weights in (rows[column].to_numpy(float)[known], None)
        )
        self._columns = np.concatenate(
            [self.total, self.total**2, self.total * self.n, self.n, self.n**2, self.n > 0], axis=1, dtype=float
        )

    def sums(self, members):
        """`Sums` over the people of each group; `members` of shape (..., groups, people) holds a 1 for each person."""
        return Sums(*np.split(totals(np.asarray(members, dtype=float), self._columns), 6, axis=-1))


def by_group(rows, people, *, attributes, alpha=0.05, min_people=3):
    """Mean score of each unit in each group, with an interval.

    Parameters
    ----------
    rows : pandas.DataFrame
        `subject_id`, `unit`, `measure`, `value` (0 to 1, or missing): a row for each image, unit and measure.
    people : pandas.DataFrame
        A row a person: `subject_id` and a column for each attribute.
    attributes : sequence of str
        Columns of `people` to group by. All people together come first, as `all`.
    alpha : float
        One minus the confidence of the intervals.
    min_people : int
        A group of fewer people gets no interval.

    Returns
    -------
    pandas.DataFrame
        Columns `TABLE`; images without a value are not in `n_images`. The interval is Wilson's with as many
        independent yes-or-no answers as would have the variance of this mean, paid for by Student's t: it stays
        inside 0 to 1. Where all values are the same nothing tells how they would vary, and each person counts as one.

    Raises
    ------
    InputError
        When a column or a person is missing, or a value lies outside 0 to 1.
    """
    values = Values(rows, people["subject_id"])
    off = ~rows["value"].between(-1e-9, 1 + 1e-9) & rows["value"].notna()
    if off.any():
        bad = rows[off].iloc[0]
        raise InputError(f"scores: {bad['measure']} of {bad['unit']} is {bad['value']:g}, and a score is from 0 to 1.")
    frames = []
    for by in ("all", *attributes):
        members = members_of(people[by] if by != "all" else ["all"] * len(people))
        sums = values.sums(members)
        mean, spread, freedom = sums.mean, variance(sums), np.maximum(sums.people - 1, 1)
        independent = ratio(mean * (1 - mean), np.where(spread > SAME**2, spread, 0), empty=np.nan)
        independent = np.where(np.isnan(independent), sums.people, independent)
        low, high = intervals.score(mean, intervals.paid(independent, freedom, alpha=alpha), alpha=alpha)
        frame = pd.concat([values.named] * len(members), ignore_index=True)
        frame["by"], frame["group"] = by, np.repeat(members.index.to_numpy(dtype=object), len(values.named))
        frame["n_images"], frame["n_subjects"] = sums.n.ravel().astype(int), sums.people.ravel().astype(int)
        frame["mean"], frame["se"] = mean.ravel(), np.sqrt(spread).ravel()
        frame["ci_low"], frame["ci_high"], frame["reason"] = low.ravel(), high.ravel(), ""
        few = frame["n_subjects"] < min_people
        frame.loc[few, ["se", "ci_low", "ci_high"]] = np.nan
        frame.loc[few, "reason"] = [f"only {k} people, fewer than {min_people}" for k in frame.loc[few, "n_subjects"]]
        frame.loc[frame["n_images"] == 0, "reason"] = "no image with a score"
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)[list(TABLE)]


def _check(rows, subjects, column):
    missing = [name for name in ("subject_id", *KEYS, column) if name not in rows]
    if missing:
        raise InputError(f"scores: the column {missing[0]!r} is missing. It has: {', '.join(map(str, rows.columns))}.")
    stranger = ~rows["subject_id"].isin(subjects)
    if stranger.any():
        raise InputError(f"scores: person {rows.loc[stranger, 'subject_id'].iloc[0]!r} is unknown.")
