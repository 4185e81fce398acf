"""Tests: the study's two-proportion z-test for every contrast of two groups, and one omnibus test a model.

They take each image for independent of all others and correct for nothing: they are here to do as the study
does, and to be compared with what holds.
"""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pingouin
from statsmodels.stats.proportion import proportions_ztest

from ferlib.errors import InputError
from ferlib.stats.answers import CONFIGURATION
from ferlib.stats.counts import MEASURES, measure, whole

CONTRASTED = ("race", "gender", "group")
"""The attributes whose groups are compared with each other."""

DISPARITY_COLUMNS = (
    *CONFIGURATION, "measure", "true", "predicted", "attribute", "group_a", "group_b", "subjects_a", "subjects_b",
    "count_a", "n_a", "count_b", "n_b", "rate_a", "rate_b", "count_ratio", "risk_difference", "risk_ratio", "z", "p_z",
)  # fmt: skip


def two_proportion_z(count_a, n_a, count_b, n_b):
    """Pooled two-proportion z-test, two-sided, for many contrasts at once.

    Parameters
    ----------
    count_a, n_a, count_b, n_b : array_like, shape (contrasts,)
        Successes and trials of the two groups of each contrast.

    Returns
    -------
    z, p : numpy.ndarray of float64, shape (contrasts,)
        Positive z: the rate of a is larger. Both are NaN where the test does not exist: a group without
        trials, or all trials of both groups with the same result, which leaves no variance.

    Notes
    -----
    statsmodels tests one contrast a call; contrasts with the same four numbers, of which sparse confusions
    have many, share one.
    """
    numbers = np.stack(np.broadcast_arrays(count_a, n_a, count_b, n_b), axis=-1).astype(float).reshape(-1, 4)
    distinct, which = np.unique(np.round(numbers, 9), axis=0, return_inverse=True)
    results = np.full((len(distinct), 2), np.nan)
    successes, trials = distinct[:, [0, 2]], distinct[:, [1, 3]]
    varies = (0 < successes.sum(axis=1)) & (successes.sum(axis=1) < trials.sum(axis=1))
    for row in np.flatnonzero(varies & (trials > 0).all(axis=1)):
        results[row] = proportions_ztest(successes[row], trials[row])
    z, p = results[which.ravel()].T
    return z, p


def disparities(all_counts):
    """Contrast every two groups of every attribute in every measure: the table `disparities.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts

    Returns
    -------
    pandas.DataFrame
        Columns `DISPARITY_COLUMNS`. `measure` is `accuracy`, `no_answer`, `recall` or `confusion` (true ->
        predicted); `count` is of images and `n` the denominator of the rate; `subjects` are the people who
        have an image in that denominator; `count_ratio` = count_a / count_b is what the study reports,
        `risk_ratio` = rate_a / rate_b (infinite when only b's is 0, NaN when both are). Groups a and b are in
        alphabetical order.

    Raises
    ------
    InputError
        When all people are of one race and one gender, so that there is nothing to compare.
    """
    frames = [_contrasts(counts, attribute) for counts in all_counts for attribute in CONTRASTED]
    table = pd.concat(frames, ignore_index=True)
    if table.empty:
        groups = sorted({group for counts in all_counts for group in counts.people["group"]})
        raise InputError(
            f"all people are {', '.join(groups)}: a disparity needs two groups. Add people of another group."
        )
    a, b = table["rate_a"], table["rate_b"]
    table["count_ratio"] = _ratio(table["count_a"], table["count_b"])
    table["risk_difference"] = a - b
    table["risk_ratio"] = _ratio(a, b)
    table["z"], table["p_z"] = two_proportion_z(table["count_a"], table["n_a"], table["count_b"], table["n_b"])
    return table[list(DISPARITY_COLUMNS)]


def _contrasts(counts, attribute):
    members = counts.members(attribute)
    of_group = measure(counts.by(attribute))
    asked = measure(counts.tensor)[1] > 0
    subjects = members.to_numpy(int) @ asked.astype(int)
    pairs = list(combinations(range(len(members)), 2))
    table = pd.DataFrame(
        [(*named, members.index[a], members.index[b]) for a, b in pairs for named in MEASURES],
        columns=["measure", "true", "predicted", "group_a", "group_b"],
    )
    for side, chosen in zip("ab", np.array(pairs, dtype=int).reshape(-1, 2).T, strict=True):
        count, n = (part[chosen].ravel() for part in of_group)
        table[f"subjects_{side}"] = subjects[chosen].ravel()
        table[f"count_{side}"], table[f"n_{side}"] = whole(count), whole(n)
        table[f"rate_{side}"] = _ratio(count, n)
    return table.assign(attribute=attribute, **counts.configuration)


def _ratio(numerator, denominator):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator, dtype=float) / np.asarray(denominator, dtype=float)


def omnibus(answers):
    """Is being right independent of race, of gender, of the group? One chi-squared test each: the table `omnibus.csv`.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.answers.join` returns it. Of an image asked repeatedly only the first answer enters.

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `model`, `variant`, `attribute`, `n_images`, `chi2`, `dof`, `p`, `cramers_v` and
        `min_expected` (the smallest expected count; below 5 the approximation is poor). Pearson's statistic
        without Yates's correction, so that for two groups it is the square of `two_proportion_z`. NaN where
        there is one group only, or all answers are right, or all are not.
    """
    rows = []
    for key, part in answers.groupby(list(CONFIGURATION), sort=True):
        first = part.sort_values("repeat", kind="stable").drop_duplicates("image_id")
        first = first.assign(right=first["true"] == first["outcome"])
        for attribute in CONTRASTED:
            rows.append((*key, attribute, len(first), *_chi_squared(first, attribute)))
    columns = [*CONFIGURATION, "attribute", "n_images", "chi2", "dof", "p", "cramers_v", "min_expected"]
    return pd.DataFrame(rows, columns=columns)


def _chi_squared(images, attribute):
    if images[attribute].nunique() < 2 or images["right"].nunique() < 2:
        return (np.nan,) * 5
    with warnings.catch_warnings():
        # pingouin warns of small cells; the column `min_expected` says it with the number.
        warnings.filterwarnings("ignore", message="Low count on", category=UserWarning)
        expected, _, tests = pingouin.chi2_independence(images, x=attribute, y="right", correction=False)
    pearson = tests.set_index("test").loc["pearson"]
    return pearson["chi2"], int(pearson["dof"]), pearson["pval"], pearson["cramer"], expected.to_numpy().min()


def expected_by_chance(table, *, alpha):
    """How many p-values lie below alpha, and how many would if every null hypothesis were true.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `disparities`.
    alpha : float

    Returns
    -------
    pandas.Series
        `tests` (contrasts), `estimable` (those whose test exists), `by_chance` (estimable x alpha, which
        holds for independent tests with exact p-values; sparse counts give fewer), `below_alpha` (found).
    """
    p = table["p_z"].dropna()
    found = [len(table), len(p), len(p) * alpha, int((p < alpha).sum())]
    return pd.Series(found, index=["tests", "estimable", "by_chance", "below_alpha"])
