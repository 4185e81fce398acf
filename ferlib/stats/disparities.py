"""Disparities: every contrast of two groups in every measure, tested and judged as one family."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from ferlib.errors import InputError
from ferlib.stats import exact, intervals, permutation, verdicts
from ferlib.stats.arrays import whole
from ferlib.stats.clusters import degrees_of_freedom, effective_n, intraclass_correlation, people_of, variance
from ferlib.stats.counts import MEASURES, measure
from ferlib.stats.groups import pair_table, sides
from ferlib.stats.outcomes import CONFIGURATION
from ferlib.stats.permutation import clustered_z
from ferlib.stats.z_tests import two_proportion_z

FAMILY = "all estimable contrasts of one dataset, model and variant: every measure, every two races, genders, groups"
"""The declared family, over which `p_adjusted` controls the error of any false `different`."""

COLUMNS = (
    *CONFIGURATION, "measure", "true", "predicted", "attribute", "group_a", "group_b", "subjects_a", "subjects_b",
    "count_a", "n_a", "count_b", "n_b", "rate_a", "rate_b", "count_ratio", "risk_difference", "rd_low", "rd_high",
    "risk_ratio", "rr_low", "rr_high", "z", "p_z", "p_exact", "p_cluster", "p_adjusted", "q_bh", "icc",
    "min_detectable", "verdict", "reason",
)  # fmt: skip


def disparities(all_counts, *, alpha=0.05, delta=0.05, min_people=5, draws=2000, seed=0):
    """Contrast every two groups of every attribute in every measure: the table `disparities.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float
        One minus the confidence of the intervals; family-wise error of `different`, and of `equivalent`.
    delta : float
        Differences inside +-delta count as none.
    min_people : int
        A group with fewer people in the denominator gets no verdict.
    draws : int
        How often the people are shuffled for `p_adjusted`; it cannot be smaller than 1 / (draws + 1).
    seed : int

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `measure` is `accuracy`, `no_answer`, `recall` or `confusion` (true -> predicted); `count`
        is of images and `n` the denominator of the rate; `subjects` are the people who have an image in it;
        `count_ratio` = count_a / count_b is what the study reports. `z`, `p_z` take images for people, and so does
        `p_exact`, given where a cell is small. `p_cluster` takes the person as the unit. `p_adjusted` (step-down
        max-T over shuffled people) controls the error over `FAMILY`, `q_bh` the false discovery rate (Benjamini and
        Hochberg, from `p_cluster`). Tests are NaN where nothing varies. Groups a and b are in alphabetical order.

    Raises
    ------
    InputError
        When all people are of one race and one gender, so that there is nothing to compare.
    """
    options = {"alpha": alpha, "delta": delta, "min_people": min_people, "draws": draws, "seed": seed}
    frames = [_of_one(counts, **options) for counts in all_counts]
    frames = [frame for frame in frames if not frame.empty]
    if not frames:
        groups = sorted({group for counts in all_counts for group in counts.people["group"]})
        raise InputError(
            f"all people are {', '.join(groups)}: a disparity needs two groups. Add people of another group."
        )
    return pd.concat(frames, ignore_index=True)[list(COLUMNS)]


def _of_one(counts, **options):
    grouping, (count, n) = counts.grouping, measure(counts.tensor)
    named = pd.DataFrame(MEASURES, columns=["measure", "true", "predicted"])
    return judge(people_of(counts), count, n, named, grouping, **options).assign(**counts.configuration)


def judge(people, count, n, named, grouping, *, alpha, delta, min_people, draws, seed):
    """Contrast, test and judge every two groups of every attribute as one family.

    Parameters
    ----------
    people : ferlib.stats.clusters.People
        `count` and `n`, ready to be summed.
    count, n : numpy.ndarray, shape (people, measures)
        Images with the outcome, and those that could have had it.
    named : pandas.DataFrame, shape (measures, ...)
        What the measures are called. `true` says of what an image is missing where there is none.
    grouping : ferlib.stats.groups.Grouping
    alpha, delta, min_people, draws, seed
        As for `disparities`.

    Returns
    -------
    pandas.DataFrame
        A row for each pair and measure: the columns of `named`, and those of `COLUMNS` that do not name a model.
    """
    tables = [_counted(part, count, n, named).assign(attribute=name) for name, part in grouping.members.items()]
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        return table
    merge = list(grouping.merge.values())
    finest = people.sums(grouping.finest)
    sums = [finest.merge(matrix) for matrix in merge]
    tests = pd.concat([clustered_tests(part) for part in sums], ignore_index=True)
    table = _measured(table, sums, tests, alpha)
    inside = (table["z"].notna() & (table[["subjects_a", "subjects_b"]].min(axis=1) >= min_people)).to_numpy()
    null = permutation.largest(people, grouping.finest, merge, draws=draws, seed=seed).reshape(draws, -1)
    family = family_of(tests, null, inside, alpha=alpha)
    table["p_cluster"] = tests["p"].where(inside)
    table["p_adjusted"], table["q_bh"] = family.p_adjusted, np.nan
    if inside.any():
        table.loc[inside, "q_bh"] = multipletests(tests.loc[inside, "p"], method="fdr_bh")[1]
    variances = [np.concatenate(side).ravel() for side in zip(*(sides(variance(part)) for part in sums), strict=True)]
    common = (table["count_a"] + table["count_b"] + 1) / (table["n_a"] + table["n_b"] + 2)
    detectable = verdicts.min_detectable(common.to_numpy(), *variances, family.critical_different)
    ends = [simultaneous(part, family.critical_equivalent) for part in sums]
    lowest, highest = (np.concatenate(end).ravel() for end in zip(*ends, strict=True))
    table = table.assign(min_detectable=detectable)
    return verdicts.decide(table, lowest, highest, alpha=alpha, delta=delta, min_people=min_people)


def _counted(members, count, n, named):
    """Counts and rates of every two groups in every measure: `group`, `subjects`, `count`, `n`, `rate` of each side."""
    inside = members.to_numpy(float)
    table = pair_table(
        members.index, named, subjects=(inside @ (n > 0)).astype(int), count=inside @ count, n=inside @ n
    )
    for side in "ab":
        table[f"count_{side}"], table[f"n_{side}"] = whole(table[f"count_{side}"]), whole(table[f"n_{side}"])
    return table.assign(rate_a=table["count_a"] / table["n_a"], rate_b=table["count_b"] / table["n_b"])


def clustered_tests(sums):
    """The test of every two groups of one attribute that takes the person as the unit.

    Parameters
    ----------
    sums : ferlib.stats.clusters.Sums

    Returns
    -------
    pandas.DataFrame
        A row for each pair and measure, the measures of a pair together: `z` (`ferlib.stats.permutation.clustered_z`),
        `freedom` (degrees of freedom), `p` (two-sided, Student's t), `icc`, and `groups`, the attribute's.
    """
    z = clustered_z(sums)
    freedom, icc = (np.broadcast_to(part, z.shape) for part in (degrees_of_freedom(sums), intraclass_correlation(sums)))
    columns = {"z": z, "freedom": freedom, "p": 2 * student.sf(np.abs(z), freedom), "icc": icc}
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()}).assign(groups=sums.n.shape[-2])


def family_of(tests, null, inside, *, alpha):
    """The family of clustered tests, whose floors are those of as many independent tests as there are groups.

    Parameters
    ----------
    tests : pandas.DataFrame
        As `clustered_tests` returns them.
    null : numpy.ndarray, shape (draws, contrasts)
        As `ferlib.stats.permutation.largest` returns it, pairs and measures as in the tests.
    inside : numpy.ndarray of bool, shape (contrasts,)
    alpha : float

    Returns
    -------
    ferlib.stats.verdicts.Family
    """
    groups, freedom = tests["groups"].to_numpy(), tests["freedom"].to_numpy()
    return verdicts.Family(
        np.abs(tests["z"].to_numpy()), null, inside, alpha,
        floor_p=permutation.sidak(tests["p"].to_numpy(), groups),
        floor_different=permutation.critical(alpha, groups, freedom), floor_equivalent=norm.isf(alpha),
    )  # fmt: skip


def simultaneous(sums, critical):
    """Ends of the difference of every two groups that hold for a whole family; arrays (pairs, measures).

    Nothing is added for the estimated variance: the shuffles, from which the critical size comes, have paid for it.
    """
    rates, ends = _rates(sums, 1 / variance(sums), 2 * norm.sf(critical))
    return intervals.difference(*rates, *ends)


def _measured(table, sums, tests, alpha):
    """Differences, ratios and intervals of the counts, and the tests that take images for people."""
    table = table.assign(
        count_ratio=table["count_a"] / table["count_b"], risk_difference=table["rate_a"] - table["rate_b"],
        risk_ratio=table["rate_a"] / table["rate_b"], icc=tests["icc"],
    )  # fmt: skip
    numbers = [table[name].to_numpy() for name in ("count_a", "n_a", "count_b", "n_b")]
    table["z"], table["p_z"] = two_proportion_z(*numbers)
    table["p_exact"] = exact.unconditional(*numbers)
    found = []
    for part in sums:
        rates, ends = _rates(part, effective_n(part, alpha=alpha), alpha)
        found.append([*intervals.difference(*rates, *ends), *intervals.risk_ratio(*rates, *ends)])
    for name, parts in zip(("rd_low", "rd_high", "rr_low", "rr_high"), zip(*found, strict=True), strict=True):
        table[name] = np.concatenate(parts).ravel()
    return table


def _rates(sums, n, alpha):
    """Rates of the two groups of every pair, and the ends of their intervals."""
    low, high = intervals.score(sums.rate, n, alpha=alpha)
    return sides(sums.rate), tuple(zip(sides(low), sides(high), strict=True))
