"""Decomposition: how much of an observed gap between groups the groups' unlike levels of a factor account for.

In ordinary sets skin tone goes with the group, so a gap may come from the one or the other. A crossed set tells the
rate of each group at each tone. Weighted by the tones that the groups have in the ordinary set, these rates say what
gap to expect there, and which part of it is due to tones and which to the groups' geometry (Kitagawa 1955, Components
of a difference between two rates). What is left is due to neither.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import t as student

COLUMNS = (
    "model", "measure", "true", "predicted", "group_a", "group_b", "subjects_a", "subjects_b", "units", "observed",
    "expected", "by_level", "by_level_low", "by_level_high", "by_group", "by_group_low", "by_group_high", "left_over",
)  # fmt: skip

AUDITED = (
    "dataset", "model", "variant", "measure", "true", "predicted", "group_a", "group_b", "sim_low", "sim_high",
    "verdict",
)  # fmt: skip
"""Columns of `disparities.csv` that `beside` reads."""


def decompose(observed, controlled, manifest, factor, *, attribute, unit, measures, alpha=0.05):
    """Divide the gaps between groups of an ordinary set by means of a crossed one: `controlled_gaps.csv`.

    Parameters
    ----------
    observed, controlled : pandas.DataFrame
        Answers of one variant a model to the ordinary and to the crossed set (answers to further sets are passed over),
        as `ferlib.stats.outcomes.join` returns them.
    manifest : pandas.DataFrame
        Images of both sets, with the columns `factor.level` (numbers) and `unit`.
    factor : ferlib.controlled.matched_sets.Factor
        What is crossed with the groups, for example the skin tone. A level that the crossed set lacks counts for its
        two neighbours, by its distance from them.
    attribute : str
        Column of the groups, for example `race`.
    unit : str
        Column with the independent units of the crossed set.
    measures : sequence of tuple of str
        `("accuracy", "", "")` or `("confusion", true, predicted)`.
    alpha : float
        One minus the confidence of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, a row for each model that answered both sets, measure and two groups. `expected` =
        `by_level` + `by_group`, `observed` = `expected` + `left_over`. Intervals by the jackknife over the units of the
        crossed set and the people of the ordinary one, with the degrees of freedom of the units (a cautious choice);
        missing where leaving out nobody changes anything.
    """
    level, rows = factor.level, []
    controlled = controlled[controlled["dataset"] == factor.dataset]
    observed = observed.merge(manifest[["image_id", level]].dropna(), on="image_id")
    controlled = controlled.merge(manifest[["image_id", level, unit]].dropna(), on="image_id")
    for model in sorted(set(observed["model"]) & set(controlled["model"])):
        for named in measures:
            own = _hits(observed[observed["model"] == model], named)
            crossed = _hits(controlled[controlled["model"] == model], named)
            table = _of_one(own, crossed, attribute, level, unit, alpha)
            rows.append(table.assign(model=model, **dict(zip(("measure", "true", "predicted"), named, strict=True))))
    return pd.concat(rows, ignore_index=True)[list(COLUMNS)] if rows else pd.DataFrame(columns=list(COLUMNS))


def beside(gaps, disparities):
    """Set the interval and the verdict of the audit beside each observed gap.

    Parameters
    ----------
    gaps : list of pandas.DataFrame
        As `decompose` returns them; may be empty.
    disparities : pandas.DataFrame
        Columns `AUDITED`: one variant a model; empty text where a measure is not about an emotion.

    Returns
    -------
    pandas.DataFrame
        All gaps, with `observed_low`, `observed_high`, `observed_verdict`, missing where it was not audited.
    """
    names = {"sim_low": "observed_low", "sim_high": "observed_high", "verdict": "observed_verdict"}
    verdicts = disparities[list(AUDITED)].drop(columns=["dataset", "variant"]).rename(columns=names)
    for end in ("observed_low", "observed_high"):  # empty where the contrast was not estimable
        verdicts[end] = pd.to_numeric(verdicts[end].replace("", np.nan))
    together = pd.concat([pd.DataFrame(columns=list(COLUMNS)), *gaps]) if len(gaps) != 1 else gaps[0]
    return together.merge(verdicts, how="left", on=["model", "measure", "true", "predicted", "group_a", "group_b"])


def _hits(answers, named):
    measure, true, predicted = named
    of = answers if measure == "accuracy" else answers[answers["true"] == true]
    return of.assign(hit=(of["outcome"] == (of["true"] if measure == "accuracy" else predicted)).astype(float))


def _of_one(own, crossed, attribute, level, unit, alpha):
    groups = sorted(set(own[attribute]) & set(crossed[attribute]))
    levels = np.sort(crossed[level].unique()).astype(float)
    weights = _per_person(own, groups, attribute, "subject_id", _hats(own[level], levels))
    place = np.eye(len(levels))[np.searchsorted(levels, crossed[level])]
    hits = _per_person(crossed, groups, attribute, unit, place * crossed["hit"].to_numpy()[:, None])
    images = _per_person(crossed, groups, attribute, unit, place)
    rate = own.groupby(attribute)["hit"].mean()
    people = own.groupby(attribute)["subject_id"].nunique()
    rows = []
    for a, b in combinations(range(len(groups)), 2):
        parts = _parts(weights.sum(axis=0), hits.sum(axis=0), images.sum(axis=0), a, b)
        low, high = _jackknife(parts, weights, hits, images, a, b, alpha)
        name_a, name_b = groups[a], groups[b]
        observed = rate[name_a] - rate[name_b]
        row = (name_a, name_b, people[name_a], people[name_b], len(hits), observed, parts.sum())
        rows.append((*row, parts[0], low[0], high[0], parts[1], low[1], high[1], observed - parts.sum()))
    return pd.DataFrame(rows, columns=list(COLUMNS[4:]))


def _hats(values, levels):
    """Weight of each level for each value: 1 at the level, falling to 0 at its neighbours; rows add up to 1."""
    values = np.asarray(values, dtype=float)
    return np.stack([np.interp(values, levels, peak) for peak in np.eye(len(levels))], axis=1)


def _per_person(frame, groups, attribute, unit, columns):
    """Sums over the rows of each unit and group; shape (units, groups, columns)."""
    _, person = np.unique(frame[unit].astype(str), return_inverse=True)
    total = np.zeros((person.max() + 1, len(groups), columns.shape[1]))
    np.add.at(total, (person, pd.Index(groups).get_indexer(frame[attribute])), columns)
    return total


def _parts(weights, hits, images, a, b):
    """The part due to unlike levels, and the part due to unlike groups at equal levels."""
    share_a, share_b = (weights[side] / weights[side].sum() for side in (a, b))
    rate_a, rate_b = (hits[side] / images[side] for side in (a, b))
    return np.array([(share_a - share_b) @ (rate_a + rate_b), (share_a + share_b) @ (rate_a - rate_b)]) / 2


def _jackknife(parts, weights, hits, images, a, b, alpha):
    """Ends of the intervals of both parts."""
    totals = [part.sum(axis=0) for part in (weights, hits, images)]
    variance = np.zeros(2)
    without_person = [_parts(totals[0] - one, *totals[1:], a, b) for one in weights]
    without_unit = [
        _parts(totals[0], totals[1] - hit, totals[2] - of, a, b) for hit, of in zip(hits, images, strict=True)
    ]
    for left_out in map(np.array, (without_person, without_unit)):
        n = len(left_out)
        variance += (n - 1) / n * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
    reach = student.isf(alpha / 2, max(len(hits) - 1, 1)) * np.sqrt(variance)
    reach = np.where(variance > 1e-15, reach, np.nan)
    return parts - reach, parts + reach
