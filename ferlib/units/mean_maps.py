"""Heatmaps taken together: means of people and groups, where groups differ, how alike different methods' maps are."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ferlib.stats.arrays import ratio
from ferlib.units import mean_contrasts

BLOCKS = 12
"""Methods are compared on maps of so many by so many blocks: where they look, not at which pixel."""

CHUNK = 8_000_000
"""Numbers held at a time: bounds the memory, changes no result."""


def blocks(maps, side):
    """Relevance above 0, summed over blocks, as shares of each map's, which add up to 1.

    Parameters
    ----------
    maps : numpy.ndarray, shape (n, height, width)
    side : int
        Blocks across and down, at most the height and the width.

    Returns
    -------
    numpy.ndarray of float64, shape (n, side, side)
        NaN for a map that is not finite or has none above 0.
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
        As for `blocks`.

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


def contrasts(maps, group_of, units, *, only, names, draws=500, seed=0, min_people=5):
    """Where the mean maps of two groups differ: one family over all blocks and units, for each network.

    Parameters
    ----------
    maps : dict of str to numpy.ndarray, shape (people, units, height, width)
        Of each network, as `per_person` returns it.
    group_of : sequence of str, length people
    units : sequence of str
        Those of the maps, all of which count in the correction.
    only : sequence of str
        Those that are returned.
    names : tuple of str
        The two groups; people of others are left out.
    draws, seed : int
        How often the people are shuffled over the two groups.
    min_people : int
        With fewer people in a group nothing is tested.

    Returns
    -------
    pandas.DataFrame
        A row for each network, unit and block: `unit`, `y`, `x`, `mean_a`, `mean_b`, their difference as `value`, `t`
        (Welch's), `p_adjusted` and `network`. `p_adjusted` is the share of shuffles whose largest |t| at any block of
        any unit reaches this one (single-step max-T; Nichols and Holmes 2002), missing where a group has too few people
        or nothing varies.
    """
    rules = {"names": names, "draws": draws, "seed": seed, "min_people": min_people}
    found = [_contrast(own, group_of, units, **rules).assign(network=name) for name, own in maps.items()]
    table = pd.concat(found, ignore_index=True)
    return table[table["unit"].isin(only)]


def _contrast(maps, group_of, units, *, names, draws, seed, min_people):
    group = np.asarray(group_of, dtype=object)
    chosen = np.isin(group, list(names))
    values = np.asarray(maps, dtype=float)[chosen]
    shape = values.shape[1:]
    values = values.reshape(len(values), -1)
    known = ~np.isnan(values)
    columns = np.concatenate([np.nan_to_num(values), np.nan_to_num(values) ** 2, known], axis=1)
    first = group[chosen] == names[0]
    mean_a, mean_b, t = _welch(first[None], columns, min_people)
    random, highest, step = np.random.default_rng(seed), [], max(1, CHUNK // max(columns.shape[1], 1))
    for start in range(0, draws, step):
        shuffled = random.permuted(np.tile(first, (min(step, draws - start), 1)), axis=1)
        highest.append(np.nanmax(np.abs(_welch(shuffled, columns, min_people)[2]), axis=1, initial=0))
    highest = np.sort(np.concatenate(highest)) if draws else np.empty(0)
    reached = len(highest) - np.searchsorted(highest, np.abs(t[0]) - 1e-9)
    unit, y, x = (place.ravel() for place in np.indices(shape))
    table = pd.DataFrame({"unit": np.array(units)[unit], "y": y, "x": x, "mean_a": mean_a[0], "mean_b": mean_b[0]})
    p = np.where(np.isnan(t[0]), np.nan, (1 + reached) / (1 + len(highest)))
    return table.assign(value=table["mean_a"] - table["mean_b"], t=t[0], p_adjusted=p)


def _welch(first, columns, min_people):
    """Means of both groups and Welch's t of every column, for each grouping; arrays (groupings, columns)."""
    means, errors, people = [], [], []
    for side in (first, ~first):
        total, square, n = np.split(side.astype(float) @ columns, 3, axis=1)
        mean = ratio(total, n)
        spread = np.maximum(square - total * np.nan_to_num(mean), 0)
        means.append(mean)
        errors.append(ratio(spread, n * (n - 1)))
        people.append(n)
    both = errors[0] + errors[1]
    # Rounding leaves no exact 0 where all maps are the same.
    scale = np.maximum(np.abs(np.nan_to_num(means[0])), np.abs(np.nan_to_num(means[1]))) + 1e-300
    usable = (np.minimum(*people) >= min_people) & (np.nan_to_num(both) > (1e-7 * scale) ** 2)
    return *means, ratio(means[0] - means[1], np.sqrt(np.where(usable, both, 0)))


def agreement(maps, asked):
    """Rank correlation of the maps that different methods make of the same question.

    Parameters
    ----------
    maps : dict of str to numpy.ndarray, shape (questions, height, width)
        Of each method.
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
    subjects, frames = asked[["subject_id"]].reset_index(drop=True), []
    for one, other in combinations(ranks, 2):
        value = (ranks[one] * ranks[other]).sum(axis=1)
        frames.append(subjects.assign(unit=f"{one}, {other}", value=value, measure="rank correlation", none=0.0))
    return pd.concat(frames, ignore_index=True)


def alike(by_method, asked, **rules):
    """How alike the maps of different methods are, of the trained network and of untrained ones: a family each.

    Parameters
    ----------
    by_method : dict of str to dict of str to numpy.ndarray
        As `ferlib.units.explanations.by_every_method` returns it.
    asked, **rules
        As for `agreement`, and of `ferlib.units.mean_contrasts.against`.

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
