"""Heatmaps taken together: means of people and groups, where groups differ, how alike different methods' maps are."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ferlib.units import mean_contrasts, pixelwise

BLOCKS = 12
"""Methods are compared on maps of so many by so many blocks: where they look, not at which pixel."""


def blocks(maps, side):
    """Relevance above 0, summed over blocks.

    Parameters
    ----------
    maps : numpy.ndarray, shape (n, height, width)
    side : int
        Blocks across and down, at most the height and the width.

    Returns
    -------
    numpy.ndarray of float64, shape (n, side, side)
        Shares of each map's relevance, which add up to 1; NaN for a map that is not finite or has none above 0.
    """
    summed = np.maximum(np.asarray(maps, dtype=float), 0)
    for axis in (1, 2):
        starts = np.linspace(0, summed.shape[axis], side + 1).astype(int)[:-1]
        summed = np.add.reduceat(summed, starts, axis=axis)
    total = summed.sum(axis=(1, 2), keepdims=True)
    return np.divide(summed, total, out=np.full_like(summed, np.nan), where=np.isfinite(total) & (total > 0))


def per_person(maps, asked, subjects, units, *, side):
    """Mean map of each person and unit.

    Parameters
    ----------
    maps : numpy.ndarray, shape (questions, height, width)
    asked : pandas.DataFrame
        `subject_id`, `unit`; a row for each map.
    subjects, units : sequence of str
    side : int
        Blocks across and down.

    Returns
    -------
    numpy.ndarray of float64, shape (people, units, side, side)
        Of maps brought to blocks whose mean is 1, so that 1 means as much relevance as an even map has; NaN throughout
        where there is no map.
    """
    parts = blocks(maps, side) * side**2
    total = np.zeros((len(subjects), len(units), side, side))
    number = np.zeros((len(subjects), len(units)))
    place = pd.Index(subjects).get_indexer(asked["subject_id"]), pd.Index(units).get_indexer(asked["unit"])
    known = (place[0] >= 0) & (place[1] >= 0) & ~np.isnan(parts[:, 0, 0])
    place = place[0][known], place[1][known]
    np.add.at(total, place, parts[known])
    np.add.at(number, place, 1)
    number = number[:, :, None, None]
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


def per_group(maps, members, units, *, only):
    """Mean map of each group and unit, as a table with a row for each block.

    Parameters
    ----------
    maps : numpy.ndarray, shape (people, units, side, side)
        As `per_person` returns it.
    members : dict of str to numpy.ndarray of bool, shape (people,)
        Each group's people.
    units : sequence of str
        Those of the maps.
    only : sequence of str
        Those that are taken, in this order.

    Returns
    -------
    pandas.DataFrame
        `group`, `unit`, `y` and `x` (block from the upper left, from 0), `value`.
    """
    maps = maps[:, [list(units).index(unit) for unit in only]]
    means = np.stack([np.nanmean(maps[chosen], axis=0) for chosen in members.values()])
    group, unit, y, x = (place.ravel() for place in np.indices(means.shape))
    named = {"group": np.array(list(members), object)[group], "unit": np.array(list(only), object)[unit]}
    return pd.DataFrame({**named, "y": y, "x": x, "value": means.ravel()})


def contrasts(maps, group_of, units, *, only, names, **rules):
    """Where the mean maps of two groups differ: a family of all blocks and units for each network.

    Parameters
    ----------
    maps : dict of str to numpy.ndarray, shape (people, units, side, side)
        Of each network, as `per_person` returns it.
    group_of : sequence of str, length people
    units : sequence of str
        Those of the maps, all of which count in the correction.
    only : sequence of str
        Those that are returned.
    names : tuple of str
        The two groups.
    rules
        As for `ferlib.units.pixelwise.contrast`.

    Returns
    -------
    pandas.DataFrame
        The columns of `ferlib.units.pixelwise.contrast`, the difference as `value`, `unit` by name, and `network`.
    """
    found = []
    for network, own in maps.items():
        table = pixelwise.contrast(own, group_of, names=names, **rules)
        found.append(table.assign(network=network, unit=np.array(units)[table["unit"]]))
    table = pd.concat(found, ignore_index=True).rename(columns={"difference": "value"})
    return table[table["unit"].isin(only)]


def agreement(maps, asked):
    """Rank correlation of the maps that different methods make of the same question.

    Parameters
    ----------
    maps : dict of str to numpy.ndarray, shape (questions, height, width)
        Name of each method, and its maps.
    asked : pandas.DataFrame
        `subject_id`; a row for each question.

    Returns
    -------
    pandas.DataFrame
        `subject_id`, `unit` (the two methods), `measure` ("rank correlation"), `value`, and `none`, which is 0; a row
        for each question and two methods. Spearman's, of the relevance above 0 in `BLOCKS` x `BLOCKS` blocks; missing
        where a map has none, or is even.
    """
    ranks = {}
    for name, own in maps.items():
        flat = blocks(own, BLOCKS).reshape(len(own), -1)
        ranked = rankdata(flat, axis=1) - (flat.shape[1] + 1) / 2
        length = np.linalg.norm(ranked, axis=1, keepdims=True)
        ranks[name] = np.divide(ranked, length, out=np.full_like(ranked, np.nan), where=length > 0)
    names, frames = list(ranks), [pd.DataFrame(columns=["subject_id", "unit", "measure", "value", "none"])]
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            value = (ranks[one] * ranks[other]).sum(axis=1)
            frame = asked[["subject_id"]].reset_index(drop=True).assign(unit=f"{one}, {other}", value=value)
            frames.append(frame.assign(measure="rank correlation", none=0.0))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def alike(by_method, asked, **rules):
    """How alike the maps of different methods are, of the trained network and of untrained ones: a family each.

    Parameters
    ----------
    by_method : dict of str to dict of str to numpy.ndarray
        As `ferlib.units.explanations.by_every_method` returns it.
    asked : pandas.DataFrame
        `subject_id`; a row for each map.
    rules
        As for `ferlib.units.mean_contrasts.against`.

    Returns
    -------
    pandas.DataFrame
        `network`, `methods`, `maps` (how many), `rank_correlation`, `low`, `high`, `p`, `p_adjusted`, `verdict`.
    """
    found = []
    for network in next(iter(by_method.values())):
        rows = agreement({method: maps[network] for method, maps in by_method.items()}, asked)
        table = mean_contrasts.against(rows, control="none", names=("maps", "no relation"), **rules)
        found.append(table.assign(network=network))
    columns = {"unit": "methods", "n_a": "maps", "mean_a": "rank_correlation"}
    table = pd.concat(found, ignore_index=True).rename(columns=columns)
    return table[["network", *columns.values(), "low", "high", "p", "p_adjusted", "verdict"]]
