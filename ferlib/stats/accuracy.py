"""Accuracy: how many images of each group are read as labelled, how sure that is, and what the images are worth."""

import numpy as np
import pandas as pd

from ferlib.stats import intervals
from ferlib.stats.arrays import ratio, whole
from ferlib.stats.counts import silence
from ferlib.stats.group_rates import Persons, Rates

EFFECT_COLUMNS = (
    "dataset", "model", "variant", "by", "group", "n_images", "n_subjects", "icc", "design_effect",
    "independent_images",
)  # fmt: skip

SUMMARY_COLUMNS = (
    "dataset", "model", "variant", "by", "measure", "group", "n_subjects", "value", "ci_low", "ci_high",
)  # fmt: skip


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
    return np.stack(intervals.score(ratio(members @ count, trials), trials, alpha=alpha), axis=-1)


def clustered(count, n, members, *, alpha=0.05):
    """Jeffreys's interval of each group's rate on the independent images that it is worth (`ferlib.stats.group_rates`).

    Parameters and return value as for `wilson`; with `count` and `n` of shape (people, measures) all measures at once,
    shape (groups, measures, 2). The groups are those over which the correlation is pooled; nobody is in more than one.
    """
    members = np.asarray(members, dtype=bool)
    placed = members.any(axis=0)
    count, n = (np.asarray(part, dtype=float)[placed] for part in (count, n))
    persons = Persons(*(part.reshape(len(part), -1) for part in (count, n)), members[:, placed])
    rates = Rates.stack([persons.of(inside[placed]) for inside in members])
    ends = np.stack(intervals.jeffreys(rates.rate, rates.paid(alpha), alpha=alpha), axis=-1)
    return ends if count.ndim > 1 else ends[:, 0]


METHODS = {"wilson": wilson, "clustered-jeffreys": clustered}
"""Name of the method, as the column `ci_method` gives it, and the function. Both have one signature."""


def accuracy_by_group(all_counts, *, alpha=0.05, method="clustered-jeffreys"):
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
    parts = [
        _of_one(counts, attribute, alpha, METHODS[method])
        for counts in all_counts
        for attribute in counts.scope.described
    ]
    table = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return table.assign(ci_method=method)


def _of_one(counts, attribute, alpha, interval):
    """The columns of `accuracy_by_group.csv` of one model and attribute, as arrays."""
    members = counts.members(attribute)
    names, members = members.index, members.to_numpy()
    right, images = counts.right, counts.images
    answered = counts.answered
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


def design_effects(all_counts):
    """What the images of a person share, in accuracy by race-gender group and in the recall of each emotion.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts

    Returns
    -------
    pandas.DataFrame
        Columns `EFFECT_COLUMNS`; `by` is `group` or `true`. `icc` is the intraclass correlation of a group's own
        people, or of everybody in one emotion; NaN where it cannot be known, with one image a person or where nothing
        varies. `independent_images`: as many would leave the same uncertainty about the rate, images / design effect.
    """
    frames = [frame for counts in all_counts for frame in _effects_of(counts)]
    return pd.concat(frames, ignore_index=True)[list(EFFECT_COLUMNS)]


def _effects_of(counts):
    members = counts.members("group")
    inside, hits, images = members.to_numpy(), counts.right[:, None], counts.images[:, None]
    squares = np.trace(counts.squared, axis1=1, axis2=2)[:, None]
    accuracy = Persons(hits, images, inside, squares=squares)
    rates = Rates.stack([accuracy.of(group) for group in inside])
    own = [Persons(hits[group], images[group], np.ones((1, group.sum()))).icc[0] for group in inside]
    recalled, of_true = np.diagonal(counts.tensor, axis1=1, axis2=2), counts.tensor.sum(axis=-1)
    recall = Persons(recalled, of_true, inside, squares=np.diagonal(counts.squared, axis1=1, axis2=2))
    everybody = recall.of(np.ones(len(hits), dtype=bool))
    for by, names, found, icc in (
        ("group", members.index, rates.at((slice(None), 0)), own), ("true", counts.scope.labels, everybody, recall.icc)
    ):  # fmt: skip
        columns = {
            "by": by, "group": names, "n_images": whole(found.n), "n_subjects": found.people, "icc": icc,
            "design_effect": np.where(found.n > 0, found.effect, np.nan), "independent_images": found.worth,
        }  # fmt: skip
        yield pd.DataFrame(columns).assign(**counts.configuration)


def summaries(all_counts, *, alpha=0.05, min_people=5):
    """Recall of what all groups show, the worst group's accuracy, and how many people are ever treated so.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float
        One minus the confidence of the intervals.
    min_people : int
        An emotion enters the shared recall, and a group may be the worst, with so many people.

    Returns
    -------
    pandas.DataFrame
        Columns `SUMMARY_COLUMNS`. `shared_recall`: the mean of the recalls of the emotions that all groups of the
        attribute show, each counted alike. `worst_accuracy`: the lowest of the groups' accuracies, named in `group`;
        its interval holds whichever is the lowest (Bonferroni over the groups). `never_right`, `no_answer`: the share
        of people of whom no image is read as labelled, or of whom some image gets no answer; its upper end is
        one-sided, so that "at most x % of the people of this group are treated so" is exact (Clopper and Pearson), as
        long as people are a sample of the group.
    """
    frames = [
        _summaries_of(counts, name, alpha, min_people) for counts in all_counts for name in counts.scope.described
    ]
    return pd.concat(frames, ignore_index=True)[list(SUMMARY_COLUMNS)]


def _summaries_of(counts, attribute, alpha, min_people):
    members = counts.members(attribute)
    inside, names = members.to_numpy(), list(members.index)
    recalled, shown = np.diagonal(counts.tensor, axis1=1, axis2=2), counts.tensor.sum(axis=-1)
    squares = np.diagonal(counts.squared, axis1=1, axis2=2)
    persons = Persons(recalled, shown, counts.grouping.finest, squares=squares)
    fewest = np.min([(shown[group] > 0).sum(axis=0) for group in inside], axis=0)
    weights = ratio(fewest >= min_people, (fewest >= min_people).sum(), empty=0)
    rows, parts = [], np.arange(len(counts.scope.labels))
    if weights.any():
        for name, group in zip(names, inside, strict=True):
            one = persons.standardised(group, parts, weights)
            ends = intervals.jeffreys(one.rate, one.paid(alpha), alpha=alpha)
            rows.append((name, "shared_recall", int(group.sum()), one.rate[0], ends[0][0], ends[1][0]))
    large = inside[inside.sum(axis=1) >= min_people]
    if len(large) > 1:
        rates = ratio(large @ counts.right, large @ counts.images)
        low, high = clustered(counts.right, counts.images, large, alpha=alpha / len(large)).T
        worst = np.flatnonzero(inside.sum(axis=1) >= min_people)[rates.argmin()]
        rows.append((names[worst], "worst_accuracy", int(inside[worst].sum()), rates.min(), low.min(), high.min()))
    silent = silence(counts.tensor)[0].sum(axis=-1) > 0
    for measured, treated in (("never_right", counts.right <= 0), ("no_answer", silent)):
        for name, group in zip(names, inside, strict=True):
            share = treated[group].mean()
            end = intervals.exact(share, int(group.sum()), alpha=2 * alpha)[1]
            rows.append((name, measured, int(group.sum()), share, np.nan, float(end)))
    table = pd.DataFrame(rows, columns=["group", "measure", "n_subjects", "value", "ci_low", "ci_high"])
    return table.assign(by=attribute, **counts.configuration)
