"""Planning: what so many people and images would find, before anyone pays for an answer.

A synthetic audit of the planned size goes through the code that judges real ones (`ferlib.stats.disparities.judge`).
What it says of its own precision, its bounds and its smallest detectable differences, is the plan.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from ferlib.labels import EMOTIONS
from ferlib.stats import disparities, intervals, verdicts
from ferlib.stats.arrays import ratio
from ferlib.stats.counts import OUTCOMES, Counts

COLUMNS = (
    "people_per_group", "images_per_person", "images", "attribute", "detectable", "people_for_equivalence",
)  # fmt: skip

AUDITS = 5
"""Synthetic audits over which a plan is averaged."""

MOST_PEOPLE = 20_000


def synthetic(people, images, groups, *, accuracy, icc, random, shift=0.0):
    """Answers of a model that reads all groups alike, or the first attribute value of gender worse.

    Parameters
    ----------
    people : int
        In each race-gender group.
    images : int
        Of each person, spread over the emotions as evenly as can be.
    groups : tuple of int
        Races and genders.
    accuracy, icc : float
        Chance that an image is read as labelled, and how alike the images of a person are (beta-binomial).
    random : numpy.random.Generator
    shift : float
        By how much the people of the first gender are read worse.

    Returns
    -------
    ferlib.stats.counts.Counts
    """
    names = [(f"race {race}", f"gender {gender}") for race in range(groups[0]) for gender in range(groups[1])]
    who = pd.DataFrame(
        [(*name, " ".join(name)) for name in names for _ in range(people)], columns=["race", "gender", "group"]
    )
    rate = np.where(who["gender"] == "gender 0", accuracy - shift, accuracy)
    weight = (1 - icc) / icc if icc > 0 else 1.0
    chance = random.beta(rate * weight, (1 - rate) * weight) if icc > 0 else rate
    # Everybody begins with another emotion, so that each is shown as often.
    n = np.full((len(who), len(EMOTIONS)), images // len(EMOTIONS))
    for extra in range(images % len(EMOTIONS)):
        n[np.arange(len(who)), (np.arange(len(who)) + extra) % len(EMOTIONS)] += 1
    right = random.binomial(n, chance[:, None])
    tensor = np.zeros((*n.shape, len(OUTCOMES)))
    for emotion in range(len(EMOTIONS)):
        others = [other for other in range(len(EMOTIONS)) if other != emotion]
        wrong = random.multinomial(n[:, emotion] - right[:, emotion], np.full(6, 1 / 6))
        tensor[:, emotion, others] = wrong
        tensor[:, emotion, emotion] = right[:, emotion]
    who.insert(0, "subject_id", [f"p{number}" for number in range(len(who))])
    return Counts("plan", "model", "only", who, tensor, tensor)


def plan(people, images, *, groups=(4, 2), accuracy=0.8, icc=0.1, alpha=0.05, delta=0.05, draws=1000, seed=0):
    """Smallest differences of accuracy that designs would find, and how many people show that there is none.

    Parameters
    ----------
    people : sequence of int
        People in each race-gender group, one plan for each.
    images : int
        Images of each person.
    groups : tuple of int
        Races and genders.
    accuracy, icc : float
        As expected; an audit of a like model tells them (`accuracy_by_group.csv`, and the ICC in notebook 06).
    alpha, delta : float
    draws, seed : int

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, a row for each number of people and each attribute. `detectable` is the smallest difference
        of accuracy between two of the attribute's groups that would be *different* in four of five such audits, NaN
        when not even the largest would; `people_for_equivalence` the fewest people in each race-gender group with
        whom two groups alike are *equivalent* within `delta` as often.
    """
    rows = []
    for each in people:
        detectable, found = {}, {}
        for number in range(AUDITS):
            random = np.random.default_rng([seed, each, images, number])
            counts = synthetic(each, images, groups, accuracy=accuracy, icc=icc, random=random)
            table = disparities.disparities([counts], alpha=alpha, delta=delta, min_people=2, draws=draws, seed=number)
            for attribute, part in table.query("measure == 'accuracy'").groupby("attribute", sort=False):
                detectable.setdefault(attribute, []).append(part["min_detectable"].mean())
                found.setdefault(attribute, []).append(part["bound"].mean())
        for attribute, sizes in detectable.items():
            merged = {"race": groups[1], "gender": groups[0]}.get(attribute, 1)
            bound = float(np.mean(found[attribute]))
            enough = _for_equivalence(merged, images, accuracy, icc, bound, delta)
            total = each * images * groups[0] * groups[1]
            rows.append((each, images, total, attribute, float(np.mean(sizes)), enough))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def power(size, detectable, bound):
    """Chance that a contrast would have found a difference, read off the one that it finds four times in five.

    Parameters
    ----------
    size : float
        Difference of two rates.
    detectable : float
        As `ferlib.stats.verdicts.min_detectable` gives it.
    bound : float
        p-value at which the contrast is rejected.

    Returns
    -------
    float
        NaN where any of the three is. The standard error is taken to grow with the size in proportion.

    Examples
    --------
    >>> round(float(power(0.3, 0.3, 0.001)), 2), float(power(0.1, 0.3, 0.001)) < 0.1
    (0.8, True)
    """
    needed = norm.isf(bound / 2)
    return norm.cdf(size / detectable * (needed + norm.isf(1 - verdicts.POWER)) - needed)


def _for_equivalence(merged, images, accuracy, icc, bound, delta):
    """Fewest people in each race-gender group, `merged` of which make up a group; NaN where no number is enough."""

    def short(people):
        heard, effect = people * merged, 1 + (images - 1) * icc
        rate, worth = np.array([accuracy]), np.array([heard * images / effect])
        ends = intervals.unseen(rate, np.array([heard]), intervals.exact(rate, worth, alpha=bound), bound)
        low, high = intervals.difference(rate, rate, ends, ends)
        # Four of five: the difference seen is off 0 by as much as 1.28 standard errors, to either side.
        error = np.sqrt(2 * accuracy * (1 - accuracy) * ratio(1, worth))
        return float((np.maximum(-low, high) + verdicts.NINE_OF_TEN * error)[0]) >= delta

    low, high = 1, MOST_PEOPLE
    if short(high):
        return np.nan
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return high
