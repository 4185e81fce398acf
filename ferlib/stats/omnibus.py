"""Omnibus: is being right independent of race, of gender, of both? One chi-squared test each, before any pair."""

import warnings

import numpy as np
import pandas as pd
import pingouin
from scipy.stats import f as f_distribution

from ferlib.stats.arrays import ratio
from ferlib.stats.comparisons import Groups
from ferlib.stats.counts import tally
from ferlib.stats.disparities import persons_of, standards_of
from ferlib.stats.outcomes import CONFIGURATION


def omnibus(answers):
    """Is being right independent of race, of gender, of the group? One chi-squared test each: the table `omnibus.csv`.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns it. Of an image asked repeatedly only the first answer enters.

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `model`, `variant`, `attribute`, `n_images`, `chi2`, `dof`, `p`, `cramers_v`,
        `min_expected` (the smallest expected count; below 5 the approximation is poor): Pearson's statistic without
        Yates's correction, so that for two groups it is the square of `two_proportion_z`. `p_cluster` takes the person
        as the unit and puts all groups under one mix of the emotions that they share (`welch`). NaN where there is one
        group only, or all answers are right, or all are not.
    """
    rows = []
    for key, part in answers.groupby(list(CONFIGURATION), sort=True):
        first = part.sort_values("repeat", kind="stable").drop_duplicates("image_id")
        first = first.assign(right=first["true"] == first["outcome"])
        (counts,) = tally(first.drop(columns="right"))
        by_person = _by_person(counts)
        for attribute in counts.scope.attributes:
            found = _chi_squared(first, attribute)
            p = np.nan if np.isnan(found[0]) else by_person[attribute]
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


def welch(rate, variance, freedom):
    """Whether several rates are one, their variances being unequal and estimated.

    Parameters
    ----------
    rate, variance, freedom : numpy.ndarray, shape (groups,)
        Estimates, their variances and the degrees of freedom behind these.

    Returns
    -------
    float
        P-value of Welch's analysis of variance (Welch 1951); NaN with fewer than two groups.
    """
    known = variance > 0
    rate, weight, freedom = rate[known], 1 / variance[known], freedom[known]
    groups = len(rate)
    if groups < 2:
        return np.nan
    share = weight / weight.sum()
    spread = (weight * (rate - share @ rate) ** 2).sum() / (groups - 1)
    less_sure = ((1 - share) ** 2 / freedom).sum()
    statistic = spread / (1 + 2 * (groups - 2) / (groups**2 - 1) * less_sure)
    return f_distribution.sf(statistic, groups - 1, min((groups**2 - 1) / (3 * less_sure) if less_sure else 1e9, 1e9))


def _by_person(counts):
    """P-value of each attribute, the person being the unit and all groups under one mix of emotions."""
    persons, standards, found = persons_of(counts), standards_of(counts.scope), {}
    for name, members in counts.grouping.members.items():
        rates, _ = Groups.of(persons, members.to_numpy()).under_one_mix(1, standards[:1])
        rate, worth, freedom = (part[:, 0] for part in (rates.rate, rates.worth, rates.freedom))
        common = np.nansum(rate * worth) / np.nansum(worth)
        found[name] = welch(rate, ratio(common * (1 - common), worth, empty=0), freedom)
    return found
