"""Difference maps: where two groups' mean maps differ, pixel by pixel, corrected for having looked at every pixel."""

import numpy as np
import pandas as pd

from ferlib.stats.arrays import ratio

CHUNK = 8_000_000
"""Numbers held at a time: bounds the memory, changes no result."""


def contrast(maps, group, *, names, draws=500, seed=0, min_people=5):
    """Contrast two groups' mean maps at every pixel: one family over all pixels and units.

    Parameters
    ----------
    maps : numpy.ndarray, shape (people, units, height, width)
        A map of each person and unit, for example the mean of the person's images; NaN throughout where there is none.
    group : sequence of str, length people
    names : tuple of str
        The two groups; people of others are left out.
    draws, seed : int
        How often the people are shuffled over the two groups.
    min_people : int
        With fewer people in a group nothing is tested.

    Returns
    -------
    pandas.DataFrame
        A row for each unit and pixel: `unit` (its number), `y`, `x`, `mean_a`, `mean_b`, `difference`, `t` (Welch's)
        and `p_adjusted`: the share of shuffles whose largest |t| at any pixel of any unit reaches this one (single-step
        max-T; Nichols and Holmes 2002). Missing where a group has too few people or nothing varies.
    """
    group = np.asarray(group, dtype=object)
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
    table = pd.DataFrame({"unit": unit, "y": y, "x": x, "mean_a": mean_a[0], "mean_b": mean_b[0]})
    p = np.where(np.isnan(t[0]), np.nan, (1 + reached) / (1 + len(highest)))
    return table.assign(difference=table["mean_a"] - table["mean_b"], t=t[0], p_adjusted=p)


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
