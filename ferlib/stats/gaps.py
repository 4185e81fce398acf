"""Gaps: the distance between the highest and the lowest group, beside the one that chance alone would show."""

import numpy as np
import pandas as pd

from ferlib.stats.arrays import CHUNK, ratio, totals
from ferlib.stats.clusters import DENOMINATORS
from ferlib.stats.counts import CONTRASTED, MEASURES, measure
from ferlib.stats.outcomes import CONFIGURATION
from ferlib.stats.permutation import regroupings

KIND = np.array([DENOMINATORS.index(true) for _, true, _ in MEASURES])

MEASURE = ("measure", "true", "predicted")

COLUMNS = (
    *CONFIGURATION, *MEASURE, "attribute", "n_groups", "lowest", "rate_lowest", "highest",
    "rate_highest", "gap", "gap_expected", "gap_95", "p",
)  # fmt: skip


def gaps(all_counts, *, draws=2000, seed=0):
    """Largest difference of rates between groups, in every measure and attribute: the table `gaps.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    draws : int
        How often the people are shuffled over the groups.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `gap` is the highest minus the lowest rate; `gap_expected` its mean and `gap_95` its 95th
        percentile when the people are put into the groups at random; `p` the share of shuffles (and the observed
        grouping) with at least this gap, not corrected for the number of gaps. Groups without an image of the
        denominator are left out; all is NaN with fewer than two groups.
    """
    table = pd.concat([_of_one(counts, draws=draws, seed=seed) for counts in all_counts], ignore_index=True)
    return table[list(COLUMNS)]


def _of_one(counts, *, draws, seed):
    grouping = counts.grouping
    members, merge = grouping.finest, grouping.merge
    of_true = counts.tensor.sum(axis=-1)
    columns = np.concatenate([measure(counts.tensor)[0], of_true.sum(axis=1, keepdims=True), of_true], axis=1)
    # Sums of whole numbers below 2^24 are exact in single precision, which takes half the time.
    exact = bool((columns == np.floor(columns)).all()) and columns.sum(axis=0).max() < 2**24
    columns = columns.astype(np.float32 if exact else np.float64)
    null = {attribute: [] for attribute in CONTRASTED}
    width = max(members.size, 2 * columns.shape[1] * len(members))
    chunk = max(1, CHUNK // width)
    for shuffled in regroupings(members, draws=draws, seed=seed, chunk=chunk, dtype=columns.dtype):
        sums = totals(shuffled, columns)
        for attribute, matrix in merge.items():
            null[attribute].append(_spans_of(matrix.astype(columns.dtype) @ sums))
    observed = members.astype(float) @ columns
    parts = [
        _found(merge[name] @ observed, grouping.members[name].index, np.concatenate(null[name])) for name in CONTRASTED
    ]
    named = {name: list(values) * len(parts) for name, values in zip(MEASURE, zip(*MEASURES, strict=True), strict=True)}
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    attribute = np.repeat(np.array(CONTRASTED, dtype=object), len(MEASURES))
    return pd.DataFrame({**counts.configuration, **named, "attribute": attribute, **found})


def _spans_of(sums):
    """Highest minus lowest rate of each measure, from summed columns; NaN with fewer than two groups."""
    n = sums[..., len(MEASURES) :].astype(np.float64)
    if (n > 0).all() and n.shape[-2] > 1:
        rates = sums[..., : len(MEASURES)] * (1 / n)[..., KIND]
        return rates.max(axis=-2) - rates.min(axis=-2)
    return _span(_rates(sums))[0]


def _rates(sums):
    """Rates from summed columns: the measures' counts, then the denominators."""
    return ratio(sums[..., : len(MEASURES)], sums[..., len(MEASURES) :][..., KIND])


def _span(rates):
    """Highest minus lowest, and the two, over the groups that have images; NaN with fewer than two."""
    known = ~np.isnan(rates)
    low = np.where(known, rates, np.inf).min(axis=-2)
    high = np.where(known, rates, -np.inf).max(axis=-2)
    enough = known.sum(axis=-2) >= 2
    return np.subtract(high, low, where=enough, out=np.full(low.shape, np.nan)), low, high


def _found(sums, names, null):
    """The columns of `gaps.csv` of one attribute, a value for each measure."""
    rates = _rates(sums)
    gap, low, high = _span(rates)
    some, known, names = ~np.isnan(gap), ~np.isnan(rates), np.array(names, dtype=object)
    found = {"n_groups": known.sum(axis=0)}
    for name, place, value in (
        ("lowest", np.where(known, rates, np.inf).argmin(axis=0), low),
        ("highest", np.where(known, rates, -np.inf).argmax(axis=0), high),
    ):
        found[name] = np.where(some, names[place], None)
        found[f"rate_{name}"] = np.where(some, value, np.nan)
    filled = np.nan_to_num(null)
    at_least = (filled >= np.nan_to_num(gap) - 1e-9).sum(axis=0)
    expected = {
        "gap": gap, "gap_expected": filled.mean(axis=0), "gap_95": np.quantile(filled, 0.95, axis=0),
        "p": (1 + at_least) / (1 + len(null)),
    }  # fmt: skip
    return {**found, **{name: np.where(some, values, np.nan) for name, values in expected.items()}}
