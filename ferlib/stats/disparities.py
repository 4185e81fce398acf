"""Disparities: every contrast of two groups in every measure, tested and judged as one family."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from ferlib.errors import InputError
from ferlib.stats import exact, intervals, permutation, verdicts
from ferlib.stats.clusters import degrees_of_freedom, effective_n, intraclass_correlation, people_of, variance
from ferlib.stats.counts import CONTRASTED, MEASURES, measure, whole
from ferlib.stats.outcomes import CONFIGURATION
from ferlib.stats.permutation import clustered_z, pairs_of
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
    members, (count, n) = counts.members("group").to_numpy(), measure(counts.tensor)
    named = pd.DataFrame(MEASURES, columns=["measure", "true", "predicted"])
    tables = [counted(counts.members(name), count, n, named).assign(attribute=name) for name in CONTRASTED]
    merge = list(permutation.mergers(counts).values())
    table = pd.concat(tables, ignore_index=True).assign(**counts.configuration)
    return judge(table, people_of(counts), members, merge, **options)


def counted(members, count, n, named):
    """Counts and rates of every two groups in every measure.

    Parameters
    ----------
    members : pandas.DataFrame of bool, shape (groups, people)
        Indexed by the group's name.
    count, n : numpy.ndarray, shape (people, measures)
        Images with the outcome, and those that could have had it.
    named : pandas.DataFrame, shape (measures, ...)
        What the measures are called.

    Returns
    -------
    pandas.DataFrame
        A row for each pair and measure, the measures of a pair together: the columns of `named`, `group_a`, `group_b`,
        and for each side `subjects`, `count`, `n`, `rate`.
    """
    inside = members.to_numpy(float)
    subjects, of_group, of_n = inside @ (n > 0), inside @ count, inside @ n
    a, b = pairs_of(len(members))
    table = pd.concat([named] * len(a), ignore_index=True) if len(a) else named[:0].copy()
    for side, chosen in (("a", a), ("b", b)):
        table[f"group_{side}"] = np.repeat(members.index.to_numpy(dtype=object)[chosen], len(named))
    for side, chosen in (("a", a), ("b", b)):
        table[f"subjects_{side}"] = subjects[chosen].ravel().astype(int)
        table[f"count_{side}"], table[f"n_{side}"] = whole(of_group[chosen].ravel()), whole(of_n[chosen].ravel())
        table[f"rate_{side}"] = _ratio(table[f"count_{side}"], table[f"n_{side}"])
    return table


def judge(table, people, members, merge, *, alpha, delta, min_people, draws, seed):
    """Test and judge contrasts as one family.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows as `counted` returns them, of one attribute after the other. `true` says of what an image is missing
        where there is none.
    people : ferlib.stats.clusters.People
        The same counts by person.
    members : numpy.ndarray of bool, shape (groups, people)
        The finest groups; people are shuffled over these.
    merge : list of numpy.ndarray, shape (groups of the attribute, groups)
        For each attribute, in the order of the table.
    alpha, delta, min_people, draws, seed
        As for `disparities`.

    Returns
    -------
    pandas.DataFrame
        The rows with the other columns of `COLUMNS`, but for what they were given with.
    """
    if table.empty:
        return table
    fine = people.sums(members)
    sums = [fine.merge(matrix) for matrix in merge]
    table = table.assign(count_ratio=_ratio(table["count_a"], table["count_b"]))
    table["risk_difference"] = table["rate_a"] - table["rate_b"]
    table["risk_ratio"] = _ratio(table["rate_a"], table["rate_b"])
    numbers = [table[name].to_numpy() for name in ("count_a", "n_a", "count_b", "n_b")]
    table["z"], table["p_z"] = two_proportion_z(*numbers)
    table["p_exact"] = exact.unconditional(*numbers)
    table["rd_low"], table["rd_high"], table["rr_low"], table["rr_high"] = _ends(sums, alpha)
    z = np.concatenate([clustered_z(part) for part in sums])
    freedom = np.concatenate([np.broadcast_to(degrees_of_freedom(s), _shape(s)) for s in sums])
    icc = np.concatenate([np.broadcast_to(intraclass_correlation(s), _shape(s)) for s in sums])
    table["icc"], table["p_cluster"] = icc.ravel(), 2 * student.sf(np.abs(z), freedom).ravel()
    in_family = table["z"].notna() & (table[["subjects_a", "subjects_b"]].min(axis=1) >= min_people)
    table.loc[~in_family, "p_cluster"] = np.nan
    null = permutation.largest(people, members, merge, draws=draws, seed=seed)
    null = null.reshape(draws, -1)[:, in_family.to_numpy()]
    groups = np.concatenate([np.full(np.prod(_shape(part)), len(part.n)) for part in sums])
    floor = permutation.critical(alpha, groups, freedom.ravel())
    options = {"alpha": alpha, "delta": delta, "min_people": min_people}
    return _judged(table, in_family, np.abs(z).ravel(), null, sums, groups, floor, **options)


def _judged(table, in_family, z, null, sums, groups, floor, *, alpha, delta, min_people):
    """Adjust over the family, and say what follows from it."""
    table["p_adjusted"] = table["q_bh"] = np.nan
    reject, equal = floor, norm.isf(alpha)
    if in_family.any():
        single = table.loc[in_family, "p_cluster"]
        least = permutation.sidak(single.to_numpy(), groups[in_family])
        table.loc[in_family, "p_adjusted"] = np.maximum(permutation.step_down(z[in_family], null), least)
        table.loc[in_family, "q_bh"] = multipletests(single, method="fdr_bh")[1]
        highest = null.max(axis=1)
        reject = np.maximum(floor, np.quantile(highest, 1 - alpha))
        equal = max(equal, float(np.quantile(highest, 1 - 2 * alpha)))
    sides = zip(*(_sides(variance(part)) for part in sums), strict=True)
    unit_variances = [np.concatenate(side).ravel() for side in sides]
    common = (table["count_a"] + table["count_b"] + 1) / (table["n_a"] + table["n_b"] + 2)
    table["min_detectable"] = verdicts.min_detectable(common.to_numpy(), *unit_variances, reject)
    lowest, highest, _, _ = _ends(sums, 2 * norm.sf(equal), simultaneous=True)
    judged = table.assign(lowest=lowest, highest=highest)
    table["verdict"], table["reason"] = verdicts.decide(judged, alpha=alpha, delta=delta, min_people=min_people)
    table.loc[table["verdict"] == "not estimable", "min_detectable"] = np.nan
    return table


def _shape(sums):
    return (len(pairs_of(sums.n.shape[0])[0]), sums.n.shape[1])


def _sides(values):
    """Values of group a and of group b of every pair."""
    a, b = pairs_of(len(values))
    return values[a], values[b]


def _ends(all_sums, alpha, *, simultaneous=False):
    """Ends of the intervals of differences and ratios, all attributes one after the other.

    With `simultaneous` alpha comes from the shuffles, which have already paid for the estimated variance.
    """
    found = []
    for sums in all_sums:
        n = 1 / variance(sums) if simultaneous else effective_n(sums, alpha=alpha)
        low, high = intervals.score(sums.rate, n, alpha=alpha)
        sides = (*_sides(sums.rate), *zip(_sides(low), _sides(high), strict=True))
        found.append([*intervals.difference(*sides), *intervals.quotient(*sides)])
    return [np.concatenate(parts).ravel() for parts in zip(*found, strict=True)]


def _ratio(numerator, denominator):
    """Quotient that is infinite over 0, and NaN for 0 over 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator, dtype=float) / np.asarray(denominator, dtype=float)
