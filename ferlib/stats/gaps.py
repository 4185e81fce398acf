"""Gaps: how far groups are apart, beside chance, beside another model, and under all that missing answers may hide."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ferlib.stats import family
from ferlib.stats.arrays import ratio, whole
from ferlib.stats.comparisons import Groups
from ferlib.stats.disparities import clustered_test, persons_of, standards_of
from ferlib.stats.group_rates import clustered_variance, pooled_freedom
from ferlib.stats.groups import members_of, pairs_of
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

MODEL_COLUMNS = (
    "dataset", "model_1", "model_2", "attribute", "group_a", "group_b", "subjects_a", "subjects_b", "gap_1", "gap_2",
    "difference", "low", "high", "p", "p_adjusted", "verdict",
)  # fmt: skip


def gaps(all_counts, *, draws=2000, seed=0):
    """Largest difference of rates between groups, in every measure and attribute: the table `gaps.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    draws : int
        How often people's deviations from a common rate are drawn.
    seed : int

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


def compare_models(all_counts, *, alpha=0.05, min_people=5):
    """Difference of the accuracy gaps of every two models: the table `model_gaps.csv`.

    Two models that stumble over the same hard people are not independent. So each person's part in the one gap is set
    against his part in the other, and only what is left varies.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
        One of each model and dataset.
    alpha : float
        One minus the confidence of the intervals; family-wise error over the pairs of groups of two models.
    min_people : int
        A pair enters when each group has so many people that both models were asked about.

    Returns
    -------
    pandas.DataFrame
        Columns `MODEL_COLUMNS`. `gap_1` is the first model's accuracy in group a minus that in group b, both under one
        mix of emotions, `difference` = `gap_1` - `gap_2`, with Student's interval from people's own differences (Bell
        and McCaffrey's variance); `p_adjusted` is Holm's. `verdict` is `different` or `inconclusive`. People whose
        images the two models were not asked about alike are left out.
    """
    frames = [pd.DataFrame(columns=list(MODEL_COLUMNS))]
    for one, other in combinations(all_counts, 2):
        if one.dataset == other.dataset:
            table = _of_two(one, other, alpha, min_people)
            if len(table):
                table["p_adjusted"] = _holm(table["p"].to_numpy())
                table["verdict"] = np.where(table["p_adjusted"] <= alpha, "different", "inconclusive")
                frames.append(table.assign(dataset=one.dataset, model_1=one.model, model_2=other.model))
    return pd.concat(frames[1:] or frames, ignore_index=True)[list(MODEL_COLUMNS)]


def _holm(p):
    """Holm's adjusted p-values; statsmodels' have all of memory searched for garbage at each call."""
    order, adjusted = np.argsort(p, kind="stable"), np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def _of_two(one, other, alpha, min_people):
    places = pd.Index(other.people["subject_id"]).get_indexer(one.people["subject_id"])
    shown = one.tensor.sum(axis=-1)
    same = (places >= 0) & np.isclose(shown, other.tensor[places].sum(axis=-1)).all(axis=1)
    people, n = one.people[same], shown[same]
    right = [np.diagonal(tensor, axis1=1, axis2=2) for tensor in (one.tensor[same], other.tensor[places[same]])]
    rows = []
    for attribute in one.scope.attributes:
        members = members_of(people[attribute])
        for a, b in zip(*pairs_of(len(members)), strict=True):
            sides = members.to_numpy()[[a, b]]
            common = ((n[sides[0]] > 0).sum(axis=0) >= min_people) & ((n[sides[1]] > 0).sum(axis=0) >= min_people)
            if not common.any():
                continue
            weights = ratio(np.where(common, n.sum(axis=0), 0), n.sum(axis=0)[common].sum())
            gaps, spread, freedom = np.zeros(2), np.zeros(2), np.zeros(2)
            for side, (inside, sign) in enumerate(zip(sides, (1, -1), strict=True)):
                scale = np.where(weights > 0, ratio(weights, n[inside].sum(axis=0), empty=0), 0)
                rate = [ratio(part[inside].sum(axis=0), n[inside].sum(axis=0), empty=0) for part in right]
                gaps += sign * np.array([weights @ value for value in rate])
                parts = [(part[inside] - n[inside] * value) @ scale for part, value in zip(right, rate, strict=True)]
                share = n[inside] @ scale
                spread[side] = clustered_variance(parts[0] - parts[1], share)
                freedom[side] = max(1 / (share**2).sum() - 1, 1)
            rows.append((attribute, *members.index[[a, b]], *sides.sum(axis=1), *gaps, spread, freedom))
    names = ["attribute", "group_a", "group_b", "subjects_a", "subjects_b", "gap_1", "gap_2"]
    table = pd.DataFrame([row[:-2] for row in rows], columns=names)
    if not rows:
        return table
    spread, freedom = (np.array([row[place] for row in rows]) for place in (-2, -1))
    error = np.sqrt(spread.sum(axis=1))
    freedom = pooled_freedom(spread.T, freedom.T)
    difference = (table["gap_1"] - table["gap_2"]).to_numpy()
    reach = student.isf(alpha / 2, freedom) * error
    # Where the two models never disagree about anybody, nothing varies and nothing differs.
    p = np.where(error > 0, 2 * student.sf(np.abs(ratio(difference, error, empty=0)), freedom), 1.0)
    return table.assign(difference=difference, low=difference - reach, high=difference + reach, p=p)
