"""Contrasts of mean scores: between groups of people, and of each image with a control; judged as families.

The rules are those of `ferlib.stats.disparities`: the person is the unit, the largest statistic of the family under
shuffling says what chance can do, and a verdict is different, equivalent, inconclusive or not estimable.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from ferlib.stats import family, verdicts
from ferlib.stats.arrays import CHUNK, ratio
from ferlib.stats.groups import Grouping, pair_table, sides
from ferlib.units.means import KEYS, SAME, Values, variance

COLUMNS = (
    *KEYS, "attribute", "group_a", "group_b", "subjects_a", "subjects_b", "n_a", "n_b", "mean_a", "mean_b",
    "difference", "low", "high", "p", "p_adjusted", "min_detectable", "verdict", "reason",
)  # fmt: skip

SAME_REASON = "every person has the same value, which tells nothing about others"


def between(rows, people, *, attributes, alpha=0.05, delta=0.05, min_people=5, draws=2000, seed=0):
    """Contrast the means of every two groups: one family over units, measures and pairs of groups.

    Parameters
    ----------
    rows : pandas.DataFrame
        `subject_id`, `unit`, `measure`, `value` (or missing): a row for each image, unit and measure.
    people, attributes
        As for `ferlib.units.means.by_group`. People are shuffled with all their attributes together.
    alpha, delta, min_people, seed
        As for `ferlib.stats.disparities.disparities`; a group's people are those who have a value.
    draws : int
        Shuffles of the people; `p_adjusted` is at least 1 / (draws + 1).

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `n` are images. `difference` = `mean_a` - `mean_b`, with an interval by Welch's t, its
        variances clustered by person; `p` is that of the same t, `p_adjusted` (step-down max-T over shuffled people,
        never below `p` corrected for as many tests as the attribute has groups) controls the error over the family.
    """
    values, grouping = Values(rows, people["subject_id"]), Grouping.of(people, attributes)
    finest, merge = grouping.finest, list(grouping.merge.values())
    observed, frames = values.sums(finest), []
    for (name, members), matrix in zip(grouping.members.items(), merge, strict=True):
        sums = observed.merge(matrix)
        columns = {"subjects": sums.people.astype(int), "n": sums.n.astype(int), "mean": sums.mean}
        frame = pair_table(members.index, values.named, **columns).assign(attribute=name, groups=len(members))
        frame["se"], frame["freedom"] = (found.ravel() for found in _welch(sums))
        frames.append(frame)
    width, null = 6 * len(values.named) * len(finest), []
    for shuffled in family.regroupings(finest, draws=draws, seed=seed, chunk=max(1, CHUNK // width)):
        drawn = values.sums(shuffled)
        null.append(np.concatenate([_t(drawn.merge(matrix)) for matrix in merge], axis=-2).reshape(len(shuffled), -1))
    table, null = pd.concat(frames, ignore_index=True), np.concatenate(null)
    p = 2 * student.sf(_size(table), table["freedom"])
    floor = family.sidak(p, np.maximum(table["groups"], 2))
    table = _judged(table, null, p, floor, alpha=alpha, delta=delta, min_people=min_people)
    shares = rows["value"].min() >= 0 and rows["value"].max() <= 1  # which differ by 1 at most
    return table.assign(low=table["low"].clip(-1), high=table["high"].clip(upper=1)) if shares else table


def against(rows, *, control, names, alpha=0.05, delta=0.05, min_people=5, draws=2000, seed=0):
    """Contrast each value with a control of the same image: one family over units and measures.

    Parameters
    ----------
    rows : pandas.DataFrame
        `subject_id`, `unit`, `measure`, `value` and the control's column: a row for each image, unit and measure. An
        image without one of the two does not count.
    control : str
        Column of the control.
    names : tuple of str
        What the values, and the controls, are called in `group_a` and `group_b`.
    alpha, delta, min_people, draws, seed
        As for `between`; here the signs of people's differences are flipped.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`; `attribute` is empty. The interval is Student's, its variance clustered by person. `p` comes
        from flipping all differences of a person together, `p_adjusted` (step-down max-T over the same flips) controls
        the error over the family. With u people neither can be below 2 / 2^u.
    """
    known = rows.assign(difference=rows["value"] - rows[control])
    known.loc[known["difference"].isna(), ["value", control]] = np.nan
    subjects = sorted(set(known["subject_id"]))
    everybody = np.ones((1, len(subjects)))
    values = Values(known, subjects, column="difference")
    sums = values.sums(everybody)
    table = values.named.assign(attribute="", group_a=names[0], group_b=names[1])
    for side, column in (("a", "value"), ("b", control)):
        table[f"subjects_{side}"], table[f"n_{side}"] = sums.people[0].astype(int), sums.n[0].astype(int)
        table[f"mean_{side}"] = Values(known, subjects, column=column).sums(everybody).mean[0]
    table["se"], table["freedom"] = np.sqrt(variance(sums)[0]), np.maximum(sums.people[0] - 1, 1)
    signs = np.random.default_rng(seed).choice(np.array([-1.0, 1.0]), (draws, len(subjects)))
    mean = ratio(signs @ values.total, sums.n)
    spread = sums.total_square - 2 * mean * (signs @ (values.total * values.n)) + mean**2 * sums.n_square
    flipped = ratio(np.maximum(spread, 0), sums.n**2) * ratio(sums.people, sums.people - 1)
    null = ratio(np.abs(mean), np.sqrt(np.where(flipped > SAME**2, flipped, 0)), empty=0)
    p = (1 + (null >= _size(table) - 1e-5).sum(axis=0)) / (1 + draws)
    return _judged(table, null, p, p, alpha=alpha, delta=delta, min_people=min_people)


def _size(table):
    """Absolute difference / its standard error; NaN where there is none."""
    return ratio((table["mean_a"] - table["mean_b"]).abs(), np.where(table["se"] > SAME, table["se"], 0))


def _welch(sums):
    """Standard error of the difference of every two groups, and Welch's degrees of freedom; (..., pairs, keys)."""
    (of_a, of_b), freedom = sides(variance(sums)), sides(np.maximum(sums.people - 1, 1))
    parts = of_a**2 / freedom[0] + of_b**2 / freedom[1]
    return np.sqrt(of_a + of_b), np.fmax(ratio((of_a + of_b) ** 2, parts, empty=1), 1)


def _t(sums):
    """Size of the difference of every two groups / its standard error; 0 where there is none."""
    (mean_a, mean_b), error = sides(sums.mean), _welch(sums)[0]
    return np.nan_to_num(ratio(np.abs(mean_a - mean_b), np.where(error > SAME, error, 0), empty=0))


def _judged(table, null, p, floor, *, alpha, delta, min_people):
    """Adjust the p-values of single contrasts over the family, never below a floor, and say what follows."""
    difference, error, freedom = table["mean_a"] - table["mean_b"], table["se"], table["freedom"]
    size = _size(table)
    few = (table[["subjects_a", "subjects_b"]].min(axis=1) < min_people).to_numpy()
    inside = ~np.isnan(size) & ~few
    single = student.isf(alpha / 2, freedom)
    judged = verdicts.Family(size, null, inside, alpha, floor_p=floor, floor_size=single)
    reach, equal = single * error, judged.critical * error
    table = table.assign(
        difference=difference, low=difference - reach, high=difference + reach, p=np.where(inside, p, np.nan),
        p_adjusted=judged.p_adjusted, min_detectable=(judged.critical + norm.isf(1 - verdicts.POWER)) * error,
        true=table["unit"], count_a=1, count_b=1, risk_difference=difference,
    )  # fmt: skip
    ends = difference - equal, difference + equal
    against = verdicts.obstacles(table, min_people=min_people)
    table = verdicts.decide(table, *ends, alpha=alpha, delta=delta, against=against)
    same = np.isnan(size) & (table["verdict"] != "not estimable")
    table.loc[same, ["verdict", "reason"]] = ["not estimable", SAME_REASON]
    table.loc[few | same, ["low", "high"]] = np.nan
    table.loc[same, "min_detectable"] = np.nan
    return table[list(COLUMNS)]
