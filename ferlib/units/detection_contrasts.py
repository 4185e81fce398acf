"""Gaps in detection: every contrast of two groups in finding Action Units, judged by the rules of `disparities`.

That a unit is found where it is, passed over where it is not, and answered rightly at all, are rates of counts per
person. So they go through the very code that judges the answers of emotion recognisers.
"""

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.stats import disparities
from ferlib.stats.group_rates import Persons
from ferlib.stats.groups import Grouping
from ferlib.stats.outcomes import CONFIGURATION
from ferlib.units import detection

MEASURES = ("accuracy", "recall", "specificity")
"""The rates that are contrasted, in the order of `ferlib.units.detection.tallies`."""

OF_EMOTIONS = ("true", "predicted", "raw_a", "raw_b", "standardised_to")
"""Columns of `disparities.csv` that only an audit of emotions has."""

COLUMNS = ("unit", *(name for name in disparities.COLUMNS if name not in (*CONFIGURATION, *OF_EMOTIONS)))
"""As `disparities.csv`, with the Action Unit in place of the emotions."""


def contrasts(answers, people, *, attributes, alpha=0.05, delta=0.05, min_people=5, draws=2000, seed=0):
    """Contrast every two groups of each attribute in finding each unit.

    Parameters
    ----------
    answers, people, attributes
        As for `ferlib.units.detection.by_group`.
    alpha, delta, min_people, draws, seed
        As for `ferlib.stats.disparities.disparities`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, which mean what they mean in `disparities.csv`. The family, over which `p_adjusted` controls
        the error of any false `different`: all estimable contrasts of one network and kind of image, of every unit,
        every measure, every two groups. `recall` is the share of the images with the unit in which it was found,
        `specificity` that of the images without it in which it was not.

    Raises
    ------
    InputError
        As there, and when no attribute has two groups.
    """
    answers = detection.checked(answers, people, attributes)
    people = people[people["subject_id"].isin(answers["subject_id"])].sort_values("subject_id", ignore_index=True)
    grouping = Grouping.of(people, attributes)
    if not any(len(members) > 1 for members in grouping.members.values()):
        raise InputError(
            f"people: {', '.join(attributes) or 'no attribute'} has a single group each; a gap needs two. "
            f"Add people of another group, or name another attribute."
        )
    count, n, named = _counts(answers, people["subject_id"])
    table = disparities.judge(
        Persons(count, n, grouping.finest), named, grouping,
        alpha=alpha, delta=delta, min_people=min_people, draws=draws, seed=seed,
    )  # fmt: skip
    return table[list(COLUMNS)]


def _counts(answers, subjects):
    """Count and n of every unit and measure; arrays (people, units x measures), and the names of the columns."""
    counts, ns, rows = [], [], []
    for unit, own in answers.groupby("unit", sort=True):
        who, count, n, _ = detection.tallies(own)
        place = pd.Index(who).get_indexer(subjects)
        there = (place >= 0)[:, None]
        counts.append(np.where(there, count[place, : len(MEASURES)], 0))
        ns.append(np.where(there, n[place, : len(MEASURES)], 0))
        # What `true` says is for the reason where a group has no such image.
        missed = ("any kind", unit, f"a face without {unit}")
        rows += [(unit, name, true) for name, true in zip(MEASURES, missed, strict=True)]
    named = pd.DataFrame(rows, columns=["unit", "measure", "true"])
    return np.concatenate(counts, axis=1), np.concatenate(ns, axis=1), named
