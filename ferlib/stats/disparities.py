"""Disparities: every contrast of two groups in every measure, tested and judged as one family."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from ferlib.errors import InputError
from ferlib.stats import family, intervals, verdicts
from ferlib.stats.arrays import ratio, whole
from ferlib.stats.comparisons import Groups, Standard
from ferlib.stats.counts import measure, silence
from ferlib.stats.group_rates import Persons, Rates, pooled_freedom
from ferlib.stats.groups import pair_table
from ferlib.stats.outcomes import CONFIGURATION
from ferlib.stats.proportions import mid_p, two_proportion_z
from ferlib.stats.scope import Scope

FAMILY = Scope().family
"""The study's family, over which `p_adjusted` controls the error of any false `different`."""

COLUMNS = (
    *CONFIGURATION, "measure", "true", "predicted", "attribute", "group_a", "group_b", "subjects_a", "subjects_b",
    "count_a", "n_a", "count_b", "n_b", "raw_a", "raw_b", "rate_a", "rate_b", "standardised_to", "count_ratio",
    "risk_difference", "rd_low", "rd_high", "sim_low", "sim_high", "risk_ratio", "rr_low", "rr_high", "z", "p_z",
    "p_cluster", "bound", "p_adjusted", "icc", "min_detectable", "verdict", "reason",
)  # fmt: skip


def disparities(all_counts, *, alpha=0.05, delta=0.05, ratio_margin=None, min_people=5, draws=2000, seed=0):
    """Contrast every two groups of every attribute in every measure: the table `disparities.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float
        One minus the confidence of the intervals; family-wise error of `different`, and of `equivalent`.
    delta : float
        Differences inside +-delta count as none.
    ratio_margin : float, optional
        Above 1: `equivalent` also needs the ratio of the two rates to lie between its inverse and it.
    min_people : int
        A group with fewer people in the denominator gets no verdict.
    draws, seed : int
        How often people's deviations are drawn for `p_adjusted`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `measure` is `accuracy`, `no_answer`, `recall` or `confusion` (true -> predicted); `count` is
        of images and `n` the denominator of the rate; `subjects` are the people who have an image in it. `raw_a` =
        `count_a / n_a`; `rate_a` is the same, but for accuracy and no answer, which are standardised to one mix of
        emotions (`ferlib.stats.comparisons`), named in `standardised_to` where it is not that of all seven.
        `count_ratio` = count_a / count_b is what the study reports. `z`, `p_z`, of the raw counts, take images for
        people. `p_cluster` takes the person as the unit (Fisher's test with mid-p on independent images, paid for by
        Student's t); it is rejected at `bound`. `p_adjusted` (weighted step-down min-P) controls the error over
        `FAMILY`. `rd_low`, `rd_high` hold the difference with the confidence 1 - alpha, `sim_low`, `sim_high` with all
        others of the family: these are what the verdict is about. Of a and b the alphabet says which is which, or b is
        the reference.

    Raises
    ------
    InputError
        When all people are of one race and one gender, so that there is nothing to compare.
    """
    options = {"alpha": alpha, "delta": delta, "min_people": min_people, "draws": draws, "seed": seed}
    options["ratio_margin"] = ratio_margin
    frames = [_of_one(counts, **options) for counts in all_counts]
    frames = [frame for frame in frames if not frame.empty]
    if not frames:
        groups = sorted({group for counts in all_counts for group in counts.people["group"]})
        raise InputError(
            f"all people are {', '.join(groups)}: a disparity needs two groups. Add people of another group."
        )
    return pd.concat(frames, ignore_index=True)[list(COLUMNS)]


def standards_of(scope):
    """Accuracy is the mean of the recalls, no answer that of the silence about each label."""
    parts = np.arange(len(scope.labels))
    return Standard(0, 2 + parts, scope.labels), Standard(1, len(scope.rates) + parts, scope.labels)


def persons_of(counts):
    """The people of one model's answers: every rate of its scope, then the silence about each label."""

    def columns(tensor):
        return [np.concatenate(both, axis=1) for both in zip(measure(tensor), silence(tensor), strict=True)]

    return Persons(*columns(counts.tensor), counts.grouping.finest, squares=columns(counts.squared)[0])


def _of_one(counts, **options):
    named, scope = pd.DataFrame(counts.scope.rates, columns=["measure", "true", "predicted"]), counts.scope
    table = judge(persons_of(counts), named, counts.grouping, standards=standards_of(scope), scope=scope, **options)
    return table.assign(**counts.configuration)


def judge(
    persons, named, grouping, *, alpha, delta, min_people, draws, seed, standards=(), ratio_margin=None, scope=None
):
    """Contrast, test and judge every two groups of every attribute as one family.

    Parameters
    ----------
    persons : ferlib.stats.group_rates.Persons
        Of as many measures as are named, and of the parts that some are made of.
    named : pandas.DataFrame, shape (measures, ...)
        What the measures are called. `true` says of what an image is missing where there is none.
    grouping : ferlib.stats.groups.Grouping
    standards : sequence of ferlib.stats.comparisons.Standard
        Measures that are compared under a common mix.
    alpha, delta, min_people, draws, seed, ratio_margin
        As for `disparities`.
    scope : ferlib.stats.scope.Scope, optional
        Says which contrasts are the family; all of them without it.

    Returns
    -------
    pandas.DataFrame
        A row for each pair and measure: the columns of `named`, and those of `COLUMNS` that do not name a model.
    """
    attributes = {name: part for name, part in grouping.members.items() if len(part) > 1}
    if not attributes:
        return pd.DataFrame()
    drawn = family.deviations(persons.above, grouping.finest, draws=draws, seed=seed)
    tables, sides, null, scope = [], [], [], scope or Scope()
    icc = persons.icc[: len(named)].copy()
    for standard in standards:
        icc[standard.measure] = persons.common_icc(standard.parts)
    for name, part in attributes.items():
        groups = Groups.of(persons, part.to_numpy(), grouping.merge[name], drawn, min_people=min_people)
        a, b, error, weights = groups.pairs(len(named), standards)
        of_all = _counted(part.index, named, groups.rates, a, b, weights, standards).assign(attribute=name)
        asked = scope.judges(of_all)
        tables.append(of_all.assign(icc=np.tile(icc, len(a.rate)))[asked])
        sides.append([side.at(asked.reshape(a.rate.shape)) for side in (a, b)])
        null.append(family.chances(error).reshape(draws, -1)[:, asked])
    table = pd.concat(tables, ignore_index=True)
    a, b = (Rates.joined(parts) for parts in zip(*sides, strict=True))
    p, least, freedom = clustered_test(a, b)
    against = verdicts.obstacles(table, min_people=min_people, heard=(a.heard, b.heard))
    table["p_cluster"] = np.where(against == "", p, np.nan)
    judged = family.Division.of(
        table["p_cluster"].to_numpy(), least, np.concatenate(null, axis=1), scope.shares(table), alpha=alpha
    )
    table["bound"], table["p_adjusted"] = judged.bound, judged.p_adjusted
    bound = np.nan_to_num(judged.bound, nan=alpha)
    table = _measured(table, a, b, bound, alpha=alpha)
    common = ratio(a.rate * a.worth + b.rate * b.worth + 1, a.worth + b.worth + 2)
    critical = student.isf(bound / 2, freedom)
    table["min_detectable"] = verdicts.min_detectable(common, ratio(1, a.worth), ratio(1, b.worth), critical)
    table = verdicts.decide(table, table["sim_low"], table["sim_high"], alpha=alpha, delta=delta, against=against)
    if ratio_margin is None:
        return table
    return verdicts.by_ratio(table, *intervals.risk_ratio(a.rate, b.rate, *_ends(a, b, bound)), ratio_margin)


def clustered_test(a, b):
    """Test every contrast, the person being the unit.

    Fisher's mid-p on independent images; what it says in units of a normal deviate is read off Student's t, since how
    many images are independent is estimated (degrees of freedom as Welch and Satterthwaite).

    Parameters
    ----------
    a, b : ferlib.stats.group_rates.Rates

    Returns
    -------
    p, least, freedom : numpy.ndarray of float64
        Two-sided p-value, the least that these counts could have reached, and the degrees of freedom.
    """
    variances = ratio(1, a.worth), ratio(1, b.worth)
    freedom = pooled_freedom(variances, (a.freedom, b.freedom))
    numbers = [np.nan_to_num(part) for side in (a, b) for part in (side.rate * side.worth, side.worth)]
    found = [2 * student.sf(norm.isf(np.maximum(p, 1e-300) / 2), freedom) for p in mid_p(*numbers)]
    return *found, freedom


def _counted(names, named, groups, a, b, weights, standards):
    """Counts and rates of every two groups in every measure: `group`, `subjects`, `count`, `n`, `raw` of each side."""
    groups = groups.at(np.s_[:, : len(named)])
    table = pair_table(
        names, named, subjects=groups.people, count=groups.count, n=groups.n, raw=ratio(groups.count, groups.n)
    )
    for side, rates in (("a", a), ("b", b)):
        table[f"count_{side}"], table[f"n_{side}"] = whole(table[f"count_{side}"]), whole(table[f"n_{side}"])
        table[f"rate_{side}"] = rates.rate.ravel()
    mix = np.full(a.rate.shape, "", dtype=object)
    for standard in standards:
        for pair, part in enumerate(weights[standard.measure]):
            kept = [name for name, weight in zip(standard.names, part, strict=True) if weight > 0]
            mix[pair, standard.measure] = ", ".join(kept) if len(kept) < len(standard.names) else "all"
    return table.assign(standardised_to=mix.ravel())


def _measured(table, a, b, bound, *, alpha):
    """Differences, ratios, their intervals, and the tests that take images for people."""
    table = table.assign(
        count_ratio=table["count_a"] / table["count_b"], risk_difference=a.rate - b.rate,
        risk_ratio=table["rate_a"] / table["rate_b"],
    )  # fmt: skip
    numbers = [table[name].to_numpy() for name in ("count_a", "n_a", "count_b", "n_b")]
    table["z"], table["p_z"] = two_proportion_z(*numbers)
    ends = [intervals.jeffreys(side.rate, side.paid(alpha), alpha=alpha) for side in (a, b)]
    table["rd_low"], table["rd_high"] = intervals.difference(a.rate, b.rate, *ends)
    table["rr_low"], table["rr_high"] = intervals.risk_ratio(a.rate, b.rate, *ends)
    rejected = (table["p_adjusted"] <= alpha).to_numpy()
    table["sim_low"], table["sim_high"] = simultaneous(a, b, bound, rejected)
    return table


def simultaneous(a, b, bound, rejected):
    """Ends of differences that hold for a whole family, whoever was not sampled, and that say what the test says.

    Parameters
    ----------
    a, b : ferlib.stats.group_rates.Rates
    bound : numpy.ndarray
        One minus the confidence of each.
    rejected : numpy.ndarray of bool
        What the family's test said.

    Returns
    -------
    low, high : numpy.ndarray
    """
    between = intervals.difference(a.rate, b.rate, *_ends(a, b, bound))
    return intervals.agreeing(*between, a.rate - b.rate, rejected)


def _ends(a, b, bound):
    seen = [intervals.exact(side.rate, side.paid(bound), alpha=bound) for side in (a, b)]
    return [intervals.unseen(side.rate, side.heard, ends, bound) for side, ends in zip((a, b), seen, strict=True)]
