"""Omnibus: is being right independent of race, of gender, of both? One chi-squared test each, before any pair."""

import warnings

import numpy as np
import pandas as pd
import pingouin

from ferlib.stats.arrays import CHUNK, ratio, totals
from ferlib.stats.counts import CONTRASTED, tally
from ferlib.stats.outcomes import CONFIGURATION
from ferlib.stats.permutation import regroupings


def omnibus(answers, *, draws=2000, seed=0):
    """Is being right independent of race, of gender, of the group? One chi-squared test each: the table `omnibus.csv`.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns it. Of an image asked repeatedly only the first answer enters.
    draws : int
        How often the people are shuffled over the groups for `p_cluster`.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `model`, `variant`, `attribute`, `n_images`, `chi2`, `dof`, `p`, `cramers_v`,
        `min_expected` (the smallest expected count; below 5 the approximation is poor) and `p_cluster`, the share of
        shuffles with at least this chi-squared: it takes the person as the unit. Pearson's statistic without
        Yates's correction, so that for two groups it is the square of `two_proportion_z`. NaN where there is one
        group only, or all answers are right, or all are not.
    """
    rows = []
    for key, part in answers.groupby(list(CONFIGURATION), sort=True):
        first = part.sort_values("repeat", kind="stable").drop_duplicates("image_id")
        first = first.assign(right=first["true"] == first["outcome"])
        (counts,) = tally(first.drop(columns="right"))
        null = _shuffled(counts, draws=draws, seed=seed)
        for attribute in CONTRASTED:
            found = _chi_squared(first, attribute)
            p = np.nan if np.isnan(found[0]) else (1 + (null[attribute] >= found[0] - 1e-9).sum()) / (1 + draws)
            rows.append((*key, attribute, len(first), *found, p))
    columns = [*CONFIGURATION, "attribute", "n_images", "chi2", "dof", "p", "cramers_v", "min_expected", "p_cluster"]
    return pd.DataFrame(rows, columns=columns)


def _chi_squared(images, attribute):
    if images[attribute].nunique() < 2 or images["right"].nunique() < 2:
        return (np.nan,) * 5
    # pingouin computes other statistics as well, which do not exist where a cell is empty.
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # pingouin warns of small cells; the column `min_expected` says it with the number.
        warnings.filterwarnings("ignore", message="Low count on", category=UserWarning)
        expected, _, tests = pingouin.chi2_independence(images, x=attribute, y="right", correction=False)
    pearson = tests.set_index("test").loc["pearson"]
    return pearson["chi2"], int(pearson["dof"]), pearson["pval"], pearson["cramer"], expected.to_numpy().min()


def _shuffled(counts, *, draws, seed):
    """Chi-squared of every attribute when the people are put into the groups at random."""
    finest, merge = counts.grouping.finest, counts.grouping.merge
    columns = np.stack([counts.right, counts.images], axis=1)
    common = counts.right.sum() / counts.images.sum()
    null = {attribute: [] for attribute in merge}
    for shuffled in regroupings(finest, draws=draws, seed=seed, chunk=max(1, CHUNK // finest.size)):
        sums = totals(shuffled, columns)
        for attribute, matrix in merge.items():
            right, images = np.moveaxis(matrix @ sums, -1, 0)
            terms = ratio((right - images * common) ** 2, images * common * (1 - common), empty=0)
            null[attribute].append(terms.sum(axis=-1))
    return {attribute: np.concatenate(parts) for attribute, parts in null.items()}
