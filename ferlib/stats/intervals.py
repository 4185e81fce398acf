"""Intervals: how far a rate, a difference or a ratio of two rates could be from what was counted."""

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from ferlib.labels import EMOTIONS
from ferlib.stats.arrays import ratio, whole
from ferlib.stats.clusters import People, effective_n
from ferlib.stats.counts import ATTRIBUTES


def score(rate, n, *, alpha=0.05):
    """Wilson's score interval of rates, which stays inside 0 to 1 and is never a single point (Wilson 1927).

    Parameters
    ----------
    rate, n : array_like
        Rates and the number of independent images behind each, not necessarily whole.
    alpha : array_like
        One minus the confidence.

    Returns
    -------
    low, high : numpy.ndarray of float64
        NaN where there is no image.
    """
    rate, n, alpha = (np.asarray(part, dtype=float) for part in np.broadcast_arrays(rate, n, alpha))
    low, high = np.full((2, *rate.shape), np.nan)
    some = n > 0
    count = np.clip(rate[some], 0, 1) * n[some]
    low[some], high[some] = proportion_confint(count, n[some], alpha=alpha[some], method="wilson")
    # Exact where rounding would put the end of the interval a hair inside the rate itself.
    low[some & (rate <= 1e-12)], high[some & (rate >= 1 - 1e-12)] = 0.0, 1.0
    return low, high


def difference(rate_a, rate_b, ends_a, ends_b):
    """Interval of the difference of two independent rates, from the interval of each (Newcombe 1998, method 10).

    Parameters
    ----------
    rate_a, rate_b : numpy.ndarray
    ends_a, ends_b : tuple of numpy.ndarray
        Lower and upper end of the interval of each rate.

    Returns
    -------
    low, high : numpy.ndarray
    """
    (low_a, high_a), (low_b, high_b) = ends_a, ends_b
    between = rate_a - rate_b
    low = between - np.hypot(rate_a - low_a, high_b - rate_b)
    return low, between + np.hypot(high_a - rate_a, rate_b - low_b)


def risk_ratio(rate_a, rate_b, ends_a, ends_b):
    """Interval of the ratio of two independent rates, from the interval of each (Donner and Zou 2012, MOVER-R).

    Parameters
    ----------
    rate_a, rate_b, ends_a, ends_b
        As for `difference`.

    Returns
    -------
    low, high : numpy.ndarray
        `high` is infinite where b's rate may be 0.
    """
    (low_a, high_a), (low_b, high_b) = ends_a, ends_b
    product = rate_a * rate_b
    top, bottom = low_a * (2 * rate_a - low_a), high_b * (2 * rate_b - high_b)
    low = ratio(top, product + np.sqrt(np.maximum(product**2 - top * bottom, 0)), empty=0)
    top, bottom = high_a * (2 * rate_a - high_a), low_b * (2 * rate_b - low_b)
    high = ratio(product + np.sqrt(np.maximum(product**2 - top * bottom, 0)), bottom, empty=np.inf)
    missing = np.isnan(product)
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def wilson(count, n, members, *, alpha=0.05):
    """Wilson's interval of each group's rate, each image taken for a different person.

    Parameters
    ----------
    count, n : numpy.ndarray, shape (people,)
        Successes and trials of each person.
    members : numpy.ndarray of bool, shape (groups, people)
        Who belongs to which group.
    alpha : float
        One minus the confidence.

    Returns
    -------
    numpy.ndarray of float64, shape (groups, 2)
        Lower and upper end; NaN for a group without trials.
    """
    members = np.asarray(members, dtype=float)
    trials = members @ n
    return np.stack(score(ratio(members @ count, trials), trials, alpha=alpha), axis=-1)


def clustered_wilson(count, n, members, *, alpha=0.05):
    """Wilson's interval of each group's rate with the effective number of images (`clusters.effective_n`).

    Parameters and return value as for `wilson`, with which it agrees when each person has one image.
    """
    people = People(np.asarray(count, dtype=float)[:, None], np.asarray(n, dtype=float)[:, None], [0])
    sums = people.sums(members)
    return np.stack(score(sums.rate, effective_n(sums, alpha=alpha), alpha=alpha), axis=-1)[:, 0]


METHODS = {"wilson": wilson, "clustered-wilson": clustered_wilson}
"""Name of the method, as the column `ci_method` gives it, and the function. Both have one signature."""


def accuracy_by_group(all_counts, *, alpha=0.05, method="clustered-wilson"):
    """Accuracy of each group with an interval: the table `accuracy_by_group.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float
        One minus the confidence of the interval.
    method : str
        A key of `METHODS`.

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `model`, `variant`, `by` (`all`, `race`, `gender` or `group`), `group`, `n_images`,
        `n_subjects`, `n_answered`, `accuracy` (right answers / images: no answer is not right), `ci_low`,
        `ci_high`, `ci_method`.

    Raises
    ------
    ValueError
        For an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    parts = [_of_one(counts, attribute, alpha, METHODS[method]) for counts in all_counts for attribute in ATTRIBUTES]
    table = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return table.assign(ci_method=method)


def _of_one(counts, attribute, alpha, interval):
    """The columns of `accuracy_by_group.csv` of one model and attribute, as arrays."""
    members = counts.members(attribute)
    names, members = members.index, members.to_numpy()
    right, images = counts.right, counts.images
    answered = counts.tensor[..., : len(EMOTIONS)].sum(axis=(1, 2))
    hits, total, replied = (members.astype(float) @ part for part in (right, images, answered))
    ends = interval(right, images, members, alpha=alpha)
    labels = {**counts.configuration, "by": attribute}
    return {
        **{name: np.full(len(names), value, dtype=object) for name, value in labels.items()},
        "group": names.to_numpy(dtype=object),
        "n_images": whole(total),
        "n_subjects": members.sum(axis=1),
        "n_answered": whole(replied),
        "accuracy": hits / total,
        "ci_low": ends[:, 0],
        "ci_high": ends[:, 1],
    }
