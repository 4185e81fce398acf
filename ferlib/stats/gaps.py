"""Gaps: how far groups are apart, beside what chance alone would show, and what missing answers leave open of it."""

import numpy as np
import pandas as pd

from ferlib.stats import family
from ferlib.stats.arrays import ratio, whole
from ferlib.stats.comparisons import Groups
from ferlib.stats.disparities import clustered_test, persons_of, standards_of
from ferlib.stats.groups import pairs_of
from ferlib.stats.outcomes import CONFIGURATION

MEASURE = ("measure", "true", "predicted")

COLUMNS = (
    *CONFIGURATION, *MEASURE, "attribute", "n_groups", "lowest", "rate_lowest", "highest",
    "rate_highest", "gap", "gap_expected", "gap_95", "p",
)  # fmt: skip

BOUND_COLUMNS = (
    *CONFIGURATION, "attribute", "group_a", "group_b", "n_a", "unanswered_a", "n_b", "unanswered_b", "gap_wrong",
    "gap_right", "gap_excluded", "gap_lowest", "gap_highest", "sign",
)  # fmt: skip


def gaps(all_counts, *, draws=2000, seed=0):
    """Largest difference of rates between groups, in every measure and attribute: the table `gaps.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    draws, seed : int
        How often people's deviations from a common rate are drawn.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `gap` is the highest minus the lowest rate, accuracy and no answer under one mix of the
        emotions that all groups show; `gap_expected` its mean and `gap_95` its 95th percentile if all groups had one
        rate and their people differed as they do; `p` how often the most surprising of all pairs would then be as
        surprising as here, not corrected for the number of gaps. Groups without an image of the denominator are left
        out; all is NaN with fewer than two groups.
    """
    table = pd.concat([_of_one(counts, draws=draws, seed=seed) for counts in all_counts], ignore_index=True)
    return table[list(COLUMNS)]


def _of_one(counts, *, draws, seed):
    grouping, persons = counts.grouping, persons_of(counts)
    drawn = family.deviations(persons.above, grouping.finest, draws=draws, seed=seed)
    named, standards = pd.DataFrame(counts.scope.rates, columns=list(MEASURE)), standards_of(counts.scope)
    frames = []
    for name, members in grouping.members.items():
        groups = Groups.of(persons, members.to_numpy(), grouping.merge[name], drawn)
        found = _found(*groups.under_one_mix(len(named), standards), members.index)
        frames.append(named.assign(attribute=name, **found, **counts.configuration))
    return pd.concat(frames)


def _found(rates, error, names):
    """The columns of `gaps.csv` of one attribute, a value for each measure."""
    known, names = ~np.isnan(rates.rate), np.array(names, dtype=object)
    some = known.sum(axis=0) >= 2
    found = {"n_groups": known.sum(axis=0)}
    for name, place in (
        ("lowest", np.where(known, rates.rate, np.inf).argmin(axis=0)),
        ("highest", np.where(known, rates.rate, -np.inf).argmax(axis=0)),
    ):
        found[name] = np.where(some, names[place], None)
        found[f"rate_{name}"] = np.where(some, np.take_along_axis(rates.rate, place[None], axis=0)[0], np.nan)
    first, second = pairs_of(len(names))
    a, b = (rates.at(side) for side in (first, second))
    p, least, _ = clustered_test(a, b)
    p = np.where(known[first] & known[second], p, 1)
    chance = np.maximum(family.chances(error[:, first] - error[:, second]), least)
    reached = (chance.min(axis=1, initial=1) <= p.min(axis=0, initial=1) + 1e-12).sum(axis=0)
    # If all groups had the common rate: their own deviations, as large as the independent images allow.
    common = ratio((rates.rate * rates.worth * known).sum(axis=0, where=known), rates.worth.sum(axis=0, where=known))
    deviation = np.sqrt(common * (1 - common) * ratio(1, rates.worth, empty=0))
    scaled = error / np.maximum(error.std(axis=0), 1e-12) * deviation
    spread = np.where(known, scaled, -np.inf).max(axis=1) - np.where(known, scaled, np.inf).min(axis=1)
    spread = np.where(some, spread, np.nan)
    expected = {
        "gap": found["rate_highest"] - found["rate_lowest"], "gap_expected": spread.mean(axis=0),
        "gap_95": np.quantile(spread, 0.95, axis=0), "p": (1 + reached) / (1 + len(error)),
    }  # fmt: skip
    return {**found, **{name: np.where(some, values, np.nan) for name, values in expected.items()}}


def bounds(all_counts):
    """Accuracy of a minus accuracy of b under every treatment of missing answers: the table `bounds.csv`.

    Returns
    -------
    pandas.DataFrame
        Columns `BOUND_COLUMNS`. `unanswered` are images that got no label at all. `gap_wrong`, `gap_right`,
        `gap_excluded`: all of them wrong (as in `accuracy_by_group.csv`), all right, or left out of both numbers.
        `gap_lowest` and `gap_highest` let them be wrong in one group and right in the other: whatever the model
        would have answered, the gap lies between them (Manski 1989). `sign` is `a higher`, `b higher` or `open`.
    """
    frames = [_bounds_of(counts, attribute) for counts in all_counts for attribute in counts.scope.attributes]
    return pd.concat(frames, ignore_index=True)[list(BOUND_COLUMNS)]


def _bounds_of(counts, attribute):
    members = counts.members(attribute)
    inside = members.to_numpy(float)
    right, images = inside @ counts.right, inside @ counts.images
    silent = images - inside @ counts.answered
    wrong_rate, right_rate = ratio(right, images), ratio(right + silent, images)
    answered_rate = ratio(right, np.where(images - silent > 1e-9, images - silent, 0))
    a, b = pairs_of(len(members))
    table = pd.DataFrame({"group_a": members.index[a], "group_b": members.index[b]})
    for side, chosen in (("a", a), ("b", b)):
        table[f"n_{side}"], table[f"unanswered_{side}"] = whole(images[chosen]), whole(silent[chosen])
    table["gap_wrong"] = wrong_rate[a] - wrong_rate[b]
    table["gap_right"] = right_rate[a] - right_rate[b]
    table["gap_excluded"] = answered_rate[a] - answered_rate[b]
    table["gap_lowest"] = wrong_rate[a] - right_rate[b]
    table["gap_highest"] = right_rate[a] - wrong_rate[b]
    table["sign"] = np.where(
        table["gap_lowest"] > 1e-9, "a higher", np.where(table["gap_highest"] < -1e-9, "b higher", "open")
    )
    return table.assign(attribute=attribute, **counts.configuration)
