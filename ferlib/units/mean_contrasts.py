"""Contrasts of mean scores: between groups of people, and of each image with a control; judged as families.

The rules are those of `ferlib.stats.disparities`: the person is the unit, the largest statistic of the family under
shuffling says what chance can do, and a verdict is different, equivalent, inconclusive or not estimable.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from ferlib.stats import permutation, verdicts
from ferlib.stats.clusters import ratio
from ferlib.stats.permutation import CHUNK, pairs_of
from ferlib.units.detection_contrasts import groups_of
from ferlib.units.means import KEYS, SAME, Values

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
    people : pandas.DataFrame
        A row a person: `subject_id` and a column for each attribute.
    attributes : sequence of str
        Columns of `people` whose groups are contrasted. People are shuffled with all of them together.
    alpha : float
        One minus the confidence of the intervals; family-wise error of `different`, and of `equivalent`.
    delta : float
        Differences inside +-delta count as none.
    min_people : int
        A group with fewer people who have a value gets no verdict.
    draws, seed : int
        Shuffles of the people; `p_adjusted` is at least 1 / (draws + 1).

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `n` are images. `difference` = `mean_a` - `mean_b`, with an interval by Welch's t, its
        variances clustered by person; `p` is that of the same t, `p_adjusted` (step-down max-T over shuffled people,
        never below `p` corrected for as many tests as the attribute has groups) controls the error over the family.
    """
    values, members = Values(rows, people["subject_id"]), {name: groups_of(people[name]) for name in attributes}
    fine = groups_of(people[list(attributes)].astype(str).agg(" ".join, axis=1)).to_numpy()
    merge = [(part.to_numpy(float) @ fine.T.astype(float) > 0).astype(float) for part in members.values()]
    observed = values.sums(fine)
    sums = [observed.merge(matrix) for matrix in merge]
    frames = []
    for (name, part), own in zip(members.items(), sums, strict=True):
        a, b = pairs_of(len(part))
        frame = pd.concat([values.named] * len(a), ignore_index=True) if len(a) else values.named[:0].copy()
        frame = frame.assign(attribute=name, groups=len(part))
        for side, chosen in (("a", a), ("b", b)):
            frame[f"group_{side}"] = np.repeat(part.index.to_numpy(dtype=object)[chosen], len(values.named))
            frame[f"subjects_{side}"] = own.people[chosen].ravel().astype(int)
            frame[f"n_{side}"] = own.n[chosen].ravel().astype(int)
            frame[f"mean_{side}"] = own.mean[chosen].ravel()
        frame["se"], frame["freedom"] = (found.ravel() for found in _welch(own))
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    width, null = 6 * len(values.named) * len(fine), []
    for shuffled in permutation.regroupings(fine, draws=draws, seed=seed, chunk=max(1, CHUNK // width)):
        drawn = values.sums(shuffled)
        null.append(np.concatenate([_t(drawn.merge(matrix)) for matrix in merge], axis=-2).reshape(len(shuffled), -1))
    return _judged(table, np.concatenate(null), alpha=alpha, delta=delta, min_people=min_people)


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
    known = rows.assign(apart=rows["value"] - rows[control])
    known.loc[known["apart"].isna(), ["value", control]] = np.nan
    subjects = sorted(set(known["subject_id"]))
    whole = np.ones((1, len(subjects)))
    sides = [Values(known, subjects, column=column).sums(whole).mean[0] for column in ("value", control)]
    values = Values(known, subjects, column="apart")
    sums = values.sums(whole)
    table = values.named.assign(attribute="", group_a=names[0], group_b=names[1], groups=0)
    for side, mean in zip("ab", sides, strict=True):
        table[f"subjects_{side}"], table[f"n_{side}"] = sums.people[0].astype(int), sums.n[0].astype(int)
        table[f"mean_{side}"] = mean
    table["se"], table["freedom"] = np.sqrt(sums.variance[0]), np.maximum(sums.people[0] - 1, 1)
    signs = np.random.default_rng(seed).choice(np.array([-1.0, 1.0]), (draws, len(subjects)))
    mean = ratio(signs @ values.total, sums.n)
    spread = sums.total_square - 2 * mean * (signs @ (values.total * values.n)) + mean**2 * sums.n_square
    variance = ratio(np.maximum(spread, 0), sums.n**2) * ratio(sums.people, sums.people - 1)
    null = ratio(np.abs(mean), np.sqrt(np.where(variance > SAME**2, variance, 0)), empty=0)
    return _judged(table, null, alpha=alpha, delta=delta, min_people=min_people)


def _welch(sums):
    """Standard error of the difference of every two groups, and Welch's degrees of freedom; (..., pairs, keys)."""
    a, b = pairs_of(sums.n.shape[-2])
    variance, freedom = sums.variance, np.maximum(sums.people - 1, 1)
    of_a, of_b = np.take(variance, a, axis=-2), np.take(variance, b, axis=-2)
    parts = of_a**2 / np.take(freedom, a, axis=-2) + of_b**2 / np.take(freedom, b, axis=-2)
    return np.sqrt(of_a + of_b), np.fmax(ratio((of_a + of_b) ** 2, parts, empty=1), 1)


def _t(sums):
    """Size of the difference of every two groups / its standard error; 0 where there is none."""
    a, b = pairs_of(sums.n.shape[-2])
    error, mean = _welch(sums)[0], sums.mean
    apart = np.abs(np.take(mean, a, axis=-2) - np.take(mean, b, axis=-2))
    return np.nan_to_num(ratio(apart, np.where(error > SAME, error, 0), empty=0))


def _judged(table, null, *, alpha, delta, min_people):
    """Test, adjust over the family, and say what follows from it."""
    difference, error, freedom = table["mean_a"] - table["mean_b"], table["se"], table["freedom"]
    size = ratio(difference.abs(), np.where(error > SAME, error, 0))
    reach = student.isf(alpha / 2, freedom) * error
    table = table.assign(difference=difference, low=difference - reach, high=difference + reach)
    few = table[["subjects_a", "subjects_b"]].min(axis=1) < min_people
    in_family = ~np.isnan(size) & ~few.to_numpy()
    table[["p", "p_adjusted"]] = np.nan
    reject, equal = student.isf(alpha / 2, freedom), student.isf(alpha, freedom)
    if in_family.any():
        own, groups = null[:, in_family], table.loc[in_family, "groups"].to_numpy()
        by_flip = (1 + (own >= size[in_family] - 1e-5).sum(axis=0)) / (1 + len(null))
        single = np.where(groups == 0, by_flip, 2 * student.sf(size[in_family], freedom[in_family]))
        least = np.where(groups == 0, single, permutation.sidak(single, np.maximum(groups, 2)))
        table.loc[in_family, "p"] = single
        table.loc[in_family, "p_adjusted"] = np.maximum(permutation.step_down(size[in_family], own), least)
        highest = own.max(axis=1)
        reject = np.fmax(reject, np.quantile(highest, 1 - alpha))
        equal = np.fmax(equal, np.quantile(highest, 1 - 2 * alpha))
    table["min_detectable"] = (reject + norm.isf(1 - verdicts.POWER)) * error
    judged = table.assign(
        true=table["unit"], count_a=1, count_b=1, risk_difference=difference,
        lowest=difference - equal * error, highest=difference + equal * error,
    )  # fmt: skip
    table["verdict"], table["reason"] = verdicts.decide(judged, alpha=alpha, delta=delta, min_people=min_people)
    still = np.isnan(size) & (table["verdict"] != "not estimable")
    table.loc[still, ["verdict", "reason"]] = ["not estimable", SAME_REASON]
    table.loc[few | still, ["low", "high"]] = np.nan
    table.loc[table["verdict"] == "not estimable", "min_detectable"] = np.nan
    return table[list(COLUMNS)]
