"""Detection: how well each Action Unit is found in each group, with intervals that know who is in the images.

Tables only: an image either shows a unit or not, and the answer has a score. Every measure but one follows from counts
of right and wrong answers per person, so that the clustering of images by person enters as it does for all rates.
"""

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.stats import intervals
from ferlib.stats.arrays import ratio
from ferlib.stats.group_rates import Persons, Rates
from ferlib.stats.groups import members_of

MEASURES = ("accuracy", "balanced_accuracy", "recall", "specificity", "f1", "average_precision")

COLUMNS = ("subject_id", "unit", "present", "found", "score")
"""Columns of the answers: 1 or 0 whether the unit is there, 1 or 0 whether it was found, and the network's score."""

JACKKNIFE = 64
"""People left out, one at a time, in one step: bounds the memory."""

TABLE = (
    "unit", "by", "group", "measure", "n_images", "n_present", "n_subjects", "prevalence", "value", "ci_low", "ci_high",
    "ci_method", "reason",
)  # fmt: skip

METHODS = dict.fromkeys(("accuracy", "recall", "specificity"), "clustered-jeffreys") | {
    "f1": "clustered-jeffreys of F*, transformed",
    "balanced_accuracy": "square-and-add of clustered-jeffreys",
    "average_precision": "wilson, effective n by jackknife over people",
}


def average_precision(present, score, weights):
    """Precision at each image that shows the unit, from the highest score down, averaged over these images.

    Parameters
    ----------
    present, score : numpy.ndarray, shape (n,)
        Images of equal score share their precision.
    weights : numpy.ndarray, shape (draws, n)
        How often each image counts.

    Returns
    -------
    numpy.ndarray of float64, shape (draws,)
        NaN where no image of weight shows the unit.
    """
    order = np.argsort(-score, kind="stable")
    weights, present = weights[:, order], present[order]
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True)) if len(order) else np.empty(0, int)
    reached, hits = np.cumsum(weights, axis=1)[:, last], np.cumsum(weights * present, axis=1)[:, last]
    gained = np.diff(hits, axis=1, prepend=0)
    total = (weights * present).sum(axis=1)
    return ratio((gained * ratio(hits, reached, empty=0)).sum(axis=1), total)


def by_group(answers, people, *, attributes, alpha=0.05, min_people=3):
    """Each measure of each unit in each group, with an interval.

    Parameters
    ----------
    answers : pandas.DataFrame
        Of one network and set of images; columns `COLUMNS`, a row for each image and unit.
    people, attributes, alpha, min_people
        As for `ferlib.units.means.by_group`.

    Returns
    -------
    pandas.DataFrame
        Columns `TABLE`. `prevalence`: share of the images that show the unit; accuracy depends on it, so compare it
        first. `reason` says why there is no value or no interval. `f1` = 2 F* / (1 + F*), where F* is the share of
        right answers among the images that show the unit or in which it was found (Hand, Christen and Kirielle 2021):
        its interval is that of F*, transformed. `balanced_accuracy` is the mean of recall and specificity, whose
        intervals are added as Zou and Donner (2008) do. `average_precision` is a mean of numbers between 0 and 1 over
        the images that show the unit, so its variance is at most that of a rate; where leaving out one person at a
        time shows a larger one, that is taken.

    Raises
    ------
    InputError
        When a column or a person is missing, or a value is neither 0 nor 1.
    """
    answers = checked(answers, people, attributes)
    frames = []
    people = people.set_index("subject_id").assign(all="all")
    for unit, rows in answers.groupby("unit", sort=True):
        counted = tallies(rows)
        for by in ("all", *attributes):
            found = _of_unit(rows, counted, people[by], alpha, min_people)
            frames.append({"unit": [unit] * len(found["group"]), "by": [by] * len(found["group"]), **found})
    return pd.DataFrame({name: np.concatenate([frame[name] for frame in frames]) for name in TABLE})


def tallies(answers):
    """Counts of each person, as count and n of the rates `accuracy`, `recall`, `specificity` and F*.

    Parameters
    ----------
    answers : pandas.DataFrame
        Of one unit; columns `subject_id`, `present`, `found`.

    Returns
    -------
    subjects : pandas.Index
    count, n : numpy.ndarray of float64, shape (people, 4)
    person : numpy.ndarray of int, shape (images,)
        Whose image it is: a position in `subjects`.
    """
    person, subjects = pd.factorize(answers["subject_id"], sort=True)
    present, found = answers["present"].to_numpy() == 1, answers["found"].to_numpy() == 1

    def total(which):
        return np.bincount(person, weights=which, minlength=len(subjects))

    hits, passed = total(present & found), total(~present & ~found)
    count = np.stack([hits + passed, hits, passed, hits], axis=1)
    n = np.stack([total(np.ones(len(person))), total(present), total(~present), total(present | found)], axis=1)
    return subjects, count, n, person


def _of_unit(rows, counted, labels, alpha, min_people):
    """Columns of `TABLE` for one unit and attribute, each measure's groups together, as a dict."""
    subjects, count, n, person = counted
    members = members_of(labels.reindex(subjects))
    names, members = members.index, members.to_numpy()
    persons = Persons(count, n, members)
    rates = Rates.stack([persons.of(inside) for inside in members])
    independent = rates.paid(alpha)
    low, high = intervals.jeffreys(rates.rate, independent, alpha=alpha)
    values = {"accuracy": 0, "recall": 1, "specificity": 2}
    table = {name: (rates.rate[:, k], low[:, k], high[:, k]) for name, k in values.items()}
    table["f1"] = tuple(2 * part[:, 3] / (1 + part[:, 3]) for part in (rates.rate, low, high))
    balanced = rates.rate[:, 1:3].mean(axis=1)
    down, up = rates.rate[:, 1:3] - low[:, 1:3], high[:, 1:3] - rates.rate[:, 1:3]
    table["balanced_accuracy"] = (
        balanced, balanced - np.hypot(*down.T) / 2, np.minimum(balanced + np.hypot(*up.T) / 2, 1),
    )  # fmt: skip
    table["average_precision"] = _precision(rows, person, members, independent[:, 1], alpha)
    value, below, above = (np.concatenate([table[name][part] for name in MEASURES]) for part in range(3))
    times = len(MEASURES)
    n_images, n_present = (np.tile(rates.n[:, k].astype(int), times) for k in (0, 1))
    people = np.tile(members.sum(axis=1), times)
    nothing, few = np.isnan(value), people < min_people
    reason = np.array(["", *(f"only {k} people, fewer than {min_people}" for k in range(min_people))], dtype=object)
    reason = np.where(nothing, "no image to divide by", reason[np.where(few, people + 1, 0)])
    below, above = (np.where(few | nothing, np.nan, end) for end in (below, above))
    measure = np.repeat(np.array(MEASURES, dtype=object), len(names))
    return {
        "group": np.tile(np.array(names, dtype=object), times), "measure": measure, "n_images": n_images,
        "n_present": n_present, "n_subjects": people, "prevalence": n_present / n_images, "value": value,
        "ci_low": below, "ci_high": above, "ci_method": [METHODS[name] for name in measure], "reason": reason,
    }  # fmt: skip


def _precision(rows, person, members, effective_present, alpha):
    """Average precision of each group, and the ends of its interval."""
    every_present, every_score = rows["present"].to_numpy() == 1, rows["score"].to_numpy(float)
    values, independent = np.full((2, len(members)), np.nan)
    for number, inside in enumerate(members):
        own = inside[person]
        present, score = every_present[own], every_score[own]
        values[number] = average_precision(present, score, np.ones((1, len(score))))[0]
        others = _without_each(present, score, pd.factorize(person[own])[0])
        if len(others) < 2:
            continue
        shown = ratio(values[number] * (1 - values[number]), (len(others) - 1) * others.var(), empty=np.inf)
        shown = intervals.paid(shown, len(others) - 1, alpha=alpha)
        # With no miss at all both are 0, and nothing is shown.
        independent[number] = effective_present[number] if shown == 0 else min(effective_present[number], shown)
    return values, *intervals.score(values, independent, alpha=alpha)


def _without_each(present, score, person):
    """Average precision without each person, of those without whom there still is one."""
    found = []
    for start in range(0, person.max() + 1, JACKKNIFE):
        left_out = np.arange(start, min(start + JACKKNIFE, person.max() + 1))
        found.append(average_precision(present, score, (person != left_out[:, None]).astype(float)))
    found = np.concatenate(found)
    return found[~np.isnan(found)]


def checked(answers, people, attributes):
    missing = [name for name in COLUMNS if name not in answers] + [a for a in attributes if a not in people]
    if missing:
        raise InputError(f"answers about Action Units: the column {missing[0]!r} is missing.")
    stranger = ~answers["subject_id"].isin(people["subject_id"])
    if stranger.any():
        raise InputError(
            f"answers about Action Units: person {answers.loc[stranger, 'subject_id'].iloc[0]!r} is unknown."
        )
    for name in ("present", "found"):
        bad = ~answers[name].isin([0, 1])
        if bad.any():
            value = answers.loc[bad, name].to_list()[0]
            raise InputError(
                f"answers about Action Units: column {name!r} holds {value!r} ({bad.sum()} rows), neither 0 nor 1. "
                f"Leave out the images without a label for the unit."
            )
    return answers
