"""Gaps: the distance between the highest and the lowest group, beside the one that chance alone would show."""

import numpy as np
import pandas as pd

from ferlib.stats.answers import CONFIGURATION
from ferlib.stats.clusters import DENOMINATORS, ratio, totals
from ferlib.stats.counts import CONTRASTED, MEASURES, measure
from ferlib.stats.permutation import CHUNK, mergers, regroupings

KIND = np.array([DENOMINATORS.index(true) for _, true, _ in MEASURES])

COLUMNS = (
    *CONFIGURATION, "measure", "true", "predicted", "attribute", "n_groups", "lowest", "rate_lowest", "highest",
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
    members, merge = counts.members("group").to_numpy(), mergers(counts)
    of_true = counts.tensor.sum(axis=-1)
    columns = np.concatenate([measure(counts.tensor)[0], of_true.sum(axis=1, keepdims=True), of_true], axis=1)
    null = {attribute: [] for attribute in CONTRASTED}
    width = max(members.size, 2 * columns.shape[1] * len(members))
    for shuffled in regroupings(members, draws=draws, seed=seed, chunk=max(1, CHUNK // width)):
        sums = totals(shuffled, columns)
        for attribute, matrix in merge.items():
            null[attribute].append(_span(_rates(matrix @ sums))[0])
    frames = []
    for attribute, matrix in merge.items():
        rates = _rates(matrix @ (members @ columns))
        names = counts.members(attribute).index
        frames.append(_rows(rates, names, np.concatenate(null[attribute])).assign(attribute=attribute))
    return pd.concat(frames).assign(**counts.configuration)


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


def _rows(rates, names, null):
    gap, low, high = _span(rates)
    some = ~np.isnan(gap)
    table = pd.DataFrame(MEASURES, columns=["measure", "true", "predicted"])
    known = ~np.isnan(rates)
    table["n_groups"] = known.sum(axis=0)
    for name, place, value in (
        ("lowest", np.where(known, rates, np.inf).argmin(axis=0), low),
        ("highest", np.where(known, rates, -np.inf).argmax(axis=0), high),
    ):
        table[name] = np.where(some, names.to_numpy()[place], None)
        table[f"rate_{name}"] = np.where(some, value, np.nan)
    filled = np.nan_to_num(null)
    at_least = (filled >= np.nan_to_num(gap) - 1e-9).sum(axis=0)
    table["gap"] = gap
    table["gap_expected"] = np.where(some, filled.mean(axis=0), np.nan)
    table["gap_95"] = np.where(some, np.quantile(filled, 0.95, axis=0), np.nan)
    table["p"] = np.where(some, (1 + at_least) / (1 + len(null)), np.nan)
    return table
