"""Changes: how many answers change with one factor, for whom, and how each rate goes with the factor's levels."""

import dataclasses
from itertools import combinations

import numpy as np
import pandas as pd

from ferlib.controlled import pair_intervals
from ferlib.stats.accuracy import clustered
from ferlib.stats.arrays import ratio
from ferlib.stats.counts import MEASURES, measure
from ferlib.stats.groups import members_of
from ferlib.stats.outcomes import CONFIGURATION

COLUMNS = (
    *CONFIGURATION, "factor", "unit", "group_a", "group_b", "by", "group", "units", "n_sets", "changed", "ci_low",
    "ci_high", "right_only_a", "right_only_b", "wrong_otherwise",
)  # fmt: skip

LEVEL_COLUMNS = (
    *CONFIGURATION, "factor", "unit", "level", "measure", "true", "predicted", "units", "count", "n", "rate", "ci_low",
    "ci_high",
)  # fmt: skip

BREAKDOWNS = ("true", "race", "gender", "group", "subject_id", "look")
"""For whom: columns of the matched sets by which changes are broken down, where they are there."""


def changes(all_matched, *, alpha=0.05):
    """Share of answers that change when only the factor changes: the table `controlled_changes.csv`.

    Parameters
    ----------
    all_matched : list of ferlib.controlled.matched_sets.Matched
    alpha : float
        One minus the confidence of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`; a row for each two sides, for everybody and for each group of `BREAKDOWNS`. Of all pairs (an
        image of side a and one of side b, all else equal) `changed` got different outcomes: `right_only_a` were read as
        labelled on side a only, `right_only_b` on side b only, `wrong_otherwise` on neither, and differently wrong.
        `units` is the number of independent units, `unit` says which column of the manifest tells them apart.
        The interval is Wilson's with the effective number of sets, pooled over the groups of one breakdown; a single
        unit has none.
    """
    frames = []
    for matched in [one for one in all_matched if len(one.sets)]:
        frames += [_of_pair(matched, a, b, alpha) for a, b in combinations(range(len(matched.factor.sides)), 2)]
    return pd.concat(frames, ignore_index=True)[list(COLUMNS)] if frames else pd.DataFrame(columns=list(COLUMNS))


def _of_pair(matched, a, b, alpha):
    right = measure(matched.tensor)[0][..., 0]
    changed = pair_intervals.changed(matched, a, b)[:, 0]
    only_a, only_b = right[:, a] * (1 - right[:, b]), right[:, b] * (1 - right[:, a])
    parts = np.stack([np.ones(len(changed)), changed, only_a, only_b], axis=1)
    names = list(matched.factor.sides)
    frames = [
        _broken_down(matched, parts, by, alpha) for by in ("all", *BREAKDOWNS) if by == "all" or by in matched.sets
    ]
    return pd.concat(frames).assign(
        factor=matched.factor.name, unit=matched.unit_name, group_a=names[a], group_b=names[b], **matched.configuration
    )


def _broken_down(matched, parts, by, alpha):
    labels = pd.Series("all", index=matched.sets.index) if by == "all" else matched.sets[by].astype(str)
    names, code = np.unique(labels.to_numpy(dtype=str), return_inverse=True)
    cells = np.zeros((len(names), matched.unit.max() + 1, parts.shape[1]))
    np.add.at(cells, (code, matched.unit), parts)
    total, units = cells.sum(axis=1), (cells[..., 0] > 0).sum(axis=1)
    ends = _ends(cells[..., 1], cells[..., 0], alpha)
    ends[units < 2] = np.nan
    shares = ratio(total[:, 1:], total[:, :1])
    return pd.DataFrame(
        {
            "by": by,
            "group": names,
            "units": units,
            "n_sets": total[:, 0].astype(int),
            "changed": shares[:, 0],
            "ci_low": ends[:, 0],
            "ci_high": ends[:, 1],
            "right_only_a": shares[:, 1],
            "right_only_b": shares[:, 2],
            "wrong_otherwise": np.maximum(shares[:, 0] - shares[:, 1] - shares[:, 2], 0),
        }
    )


def _ends(count, n, alpha):
    """Clustered Wilson intervals of rows of units, the intraclass correlation pooled over the rows; (rows, 2)."""
    members = np.kron(np.eye(len(count)), np.ones(count.shape[1])).astype(bool)
    there = n.ravel() > 0
    return clustered(count.ravel()[there], n.ravel()[there], members[:, there], alpha=alpha)


def each_level(factor, manifest):
    """The same `Factor` with every level of the manifest as a side of its own, in order; named as text."""
    levels = sorted(manifest.loc[manifest["dataset"] == factor.dataset, factor.level].dropna().unique())
    sides = {level if isinstance(level, str) else f"{level:g}": [level] for level in levels}
    return dataclasses.replace(factor, sides=sides)


def levels(all_matched, *, alpha=0.05):
    """Rates at each side of a factor: the table `controlled_levels.csv`, from matched sets of `each_level`.

    Parameters
    ----------
    all_matched, alpha
        As for `changes`.

    Returns
    -------
    pandas.DataFrame
        Columns `LEVEL_COLUMNS`: accuracy, no-answer and recalls, and confusions that any model makes at any level;
        `count` and `n` in images, with the clustered Wilson interval, its correlation pooled over the levels.
    """
    occurs = {}
    for matched in all_matched:
        hit = measure(matched.tensor)[0].sum(axis=(0, 1)) > 0
        occurs[matched.factor.name] = occurs.get(matched.factor.name, False) | hit
    frames = [_levels_of_one(one, occurs[one.factor.name], alpha) for one in all_matched if len(one.sets)]
    frames = frames or [pd.DataFrame(columns=list(LEVEL_COLUMNS))]
    return pd.concat(frames, ignore_index=True)[list(LEVEL_COLUMNS)]


def _levels_of_one(matched, occurs, alpha):
    count, n = (np.moveaxis(matched.by_unit(part), 0, 1) for part in measure(matched.tensor))
    numbers = [k for k, (name, *_) in enumerate(MEASURES) if n[..., k].any() and (name != "confusion" or occurs[k])]
    side = np.repeat(np.arange(len(count)), count.shape[1])
    members = members_of(side).set_axis(list(matched.factor.sides))
    table = _rates(*(part.reshape(len(side), -1) for part in (count, n)), members, numbers, alpha)
    return table.astype({"n": int}).assign(factor=matched.factor.name, unit=matched.unit_name, **matched.configuration)


def _rates(count, n, members, numbers, alpha):
    """Rates of some of `MEASURES` in each group of units, with their clustered Wilson intervals."""
    inside, hit, of_unit = members.to_numpy(dtype=float), count[:, numbers], n[:, numbers]
    low, high = np.moveaxis(clustered(hit, of_unit, inside, alpha=alpha), -1, 0)
    hits, images, units = np.round(inside @ hit, 9), inside @ of_unit, (inside @ (of_unit > 0)).astype(int)
    columns = {"units": units, "count": hits, "n": images, "rate": hits / images, "ci_low": low, "ci_high": high}
    asked = [np.repeat(part, len(inside)) for part in zip(*(MEASURES[number] for number in numbers), strict=True)]
    frame = pd.DataFrame({name: part.T.ravel() for name, part in columns.items()})
    frame["level"] = members.index[np.tile(np.arange(len(inside)), len(numbers))]
    return frame.assign(**dict(zip(("measure", "true", "predicted"), asked, strict=True)))


def by_group(all_counts, attribute, *, alpha=0.05):
    """Rates of the groups of an ordinary set, in the form of `levels`, to be set beside the controlled ones.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    attribute : {"race", "gender", "group"}
    alpha
        As for `changes`.

    Returns
    -------
    pandas.DataFrame
        Columns `LEVEL_COLUMNS`; `factor` is the attribute, `level` the group and `units` its people.
    """
    frames = [pd.DataFrame(columns=list(LEVEL_COLUMNS))] if not all_counts else []
    for counts in all_counts:
        table = _rates(*measure(counts.tensor), counts.members(attribute), range(len(MEASURES)), alpha)
        frames.append(table.assign(factor=attribute, unit="subject_id", **counts.configuration))
    return pd.concat(frames, ignore_index=True)[list(LEVEL_COLUMNS)]


def panels(tables, questions):
    """Tables of rates as `ferlib.figures.curves.levels` draws them side by side.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Heading of each column of panels, and its rates (columns `LEVEL_COLUMNS`); without rows there is no column.
    questions : dict of tuple to str
        Measure, true and predicted emotion of each row of panels, and its name.

    Returns
    -------
    pandas.DataFrame
        Columns `LEVEL_COLUMNS`, `panel` and `question`, in the order of the questions and tables.
    """
    frames = [pd.DataFrame(columns=[*LEVEL_COLUMNS, "panel", "question"])] if not any(map(len, tables.values())) else []
    for (measured, true, predicted), question in questions.items():
        for panel, table in tables.items():
            of = (table["measure"] == measured) & (table["true"] == true) & (table["predicted"] == predicted)
            if len(table):
                frames.append(table[of].assign(panel=panel, question=question))
    return pd.concat(frames, ignore_index=True)
