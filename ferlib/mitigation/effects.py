"""Effects: how much better or worse each group is read after a remedy, and how gaps have closed where they have.

Each person is their own control, as in `ferlib.controlled`: whoever is hard to read is so before and after. The
verdicts are those of the audit; a change that is *different* is called *better* or *worse* for the group.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from ferlib.controlled import paired_contrasts
from ferlib.labels import EMOTIONS
from ferlib.stats import model_gaps
from ferlib.stats.arrays import ratio
from ferlib.stats.counts import ATTRIBUTES, MEASURES, measure
from ferlib.stats.groups import members_of
from ferlib.stats.verdicts import VERDICTS, Family

FAMILY = "all estimable changes of one remedy: every measure, in everybody and in every group of every attribute"
"""The declared family, over which `p_adjusted` controls the error of any false `different`, where people's changes lie
to both sides of none alike; few who lose much among many who win little can be told by meeting them only."""

COLUMNS = (
    "dataset", "before", "after", "by", "group", "measure", "true", "predicted", "subjects", "n_images", "rate_before",
    "rate_after", "change", "ci_low", "ci_high", "sim_low", "sim_high", "p_flip", "p_adjusted", "sd_repeats",
    "min_detectable", "verdict", "effect", "reason",
)  # fmt: skip

GAP_COLUMNS = (
    "dataset", "before", "after", "attribute", "group_a", "group_b", "subjects_a", "subjects_b", "gap_before",
    "gap_after", "change", "low", "high", "p", "p_adjusted", "verdict", "outcome",
)  # fmt: skip

HIGHER_IS_BETTER = np.array([name in ("accuracy", "recall") for name, *_ in MEASURES])

OUTCOMES = ("closed by lifting", "closed by levelling down", "widened", "not shown")


def changes(paired, *, alpha=0.05, delta=0.05, min_people=5, draws=2000, seed=0):
    """Change of every measure in everybody and in every group: the table `changes.csv`.

    Parameters
    ----------
    paired : ferlib.mitigation.pairing.Paired
    alpha, delta
        As for `ferlib.controlled.paired_contrasts.contrasts`.
    min_people : int
        A group with fewer people in the denominator gets no verdict.
    draws, seed : int
        How often before and after are swapped within people.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `change` = `rate_after` - `rate_before`, over the same images. `ci_low`, `ci_high` hold it
        alone, `sim_low`, `sim_high` with all others of `FAMILY`; `p_flip` comes from swapping before and after within
        people, `p_adjusted` (step-down max-T over the same swaps) controls the error over the family. `sd_repeats` is
        the standard deviation of the change from one repeat (seed) to the next; NaN with one. What a seed does, it does
        to all people at once, so tests and intervals have that variance of the mean as well, paid for by Student's t.
        `effect` is the verdict, but for `different` it says `better` or `worse`.
    """
    options = {"alpha": alpha, "delta": delta, "min_units": min_people}
    groups = _groups(paired)
    inside = np.array([rows for *_, rows in groups])
    spread, repeats = _spread(paired, inside), len(paired.outcome)
    of_mean = spread / np.sqrt(repeats) * student.isf(alpha / 2, max(repeats - 1, 1)) / norm.isf(alpha / 2)
    options["of_mean"] = of_mean = np.nan_to_num(of_mean)
    z, null, _ = _swapped(paired, inside, draws=draws, seed=seed, of_mean=of_mean)
    pairs = [(paired.of(name, rows), 0, 1) for _, name, rows in groups]
    table = paired_contrasts.judge(pairs, z, null, **options)
    names = {"rate_a": "rate_after", "rate_b": "rate_before", "units": "subjects", "n_a": "n_images"}
    names |= {"risk_difference": "change", "rd_low": "ci_low", "rd_high": "ci_high"}
    each = len(MEASURES)
    table = table.rename(columns=names).assign(
        dataset=paired.dataset, before=paired.before, after=paired.after,
        by=np.repeat([by for by, *_ in groups], each), group=np.repeat([name for _, name, _ in groups], each),
        sd_repeats=spread,
    )  # fmt: skip
    better = (table["change"] > 0).to_numpy() == np.tile(HIGHER_IS_BETTER, len(groups))
    said = np.where(better, "better", "worse")
    return table.assign(effect=np.where(table["verdict"] == VERDICTS[0], said, table["verdict"]))[list(COLUMNS)]


def different_by_repeat(paired, *, alpha=0.05, min_people=5, draws=2000, seed=0):
    """Whose accuracy is *different* when each repeat (seed) is judged alone, as `changes` would judge it.

    Parameters
    ----------
    paired, alpha, min_people, draws, seed
        As for `changes`.

    Returns
    -------
    pandas.DataFrame
        `repeat`, `by`, `group`, `better`, `worse`: a row for everybody and every group in each repeat. Both are False
        where the verdict is another than *different*.
    """
    groups, found = _groups(paired), []
    inside = np.array([rows for *_, rows in groups])
    for repeat, outcome in enumerate(paired.outcome):
        asked = ~np.isnan(outcome).any(axis=(1, 2))
        alone = replace(paired, images=paired.images[asked].reset_index(drop=True), outcome=outcome[None, asked])
        z, null, people = _swapped(alone, inside[:, asked], draws=draws, seed=seed)
        known = ~np.isnan(z) & (people >= min_people)
        family = Family(np.abs(np.nan_to_num(z)), null, known, alpha, 0.0, 0.0)
        sure, rises = (rows[:: len(MEASURES)] for rows in (family.p_adjusted <= alpha, z > 0))  # accuracy is the first
        sides = {"repeat": repeat, "by": [by for by, *_ in groups], "group": [name for _, name, _ in groups]}
        found.append(pd.DataFrame(sides).assign(better=sure & rises, worse=sure & ~rises))
    return pd.concat(found, ignore_index=True)


def gap_changes(paired, changed, *, alpha=0.05, min_people=5):
    """Change of the accuracy gap of every two groups, and how it came about: the table `gap_changes.csv`.

    Parameters
    ----------
    paired : ferlib.mitigation.pairing.Paired
    changed : pandas.DataFrame
        As `changes` returns it for the same.
    alpha, min_people
        As for `ferlib.stats.model_gaps.compare`, whose test and intervals these are.

    Returns
    -------
    pandas.DataFrame
        Columns `GAP_COLUMNS`. `gap` is the accuracy in group a minus that in group b. `outcome` is one of `OUTCOMES`:
        `not shown` unless the change is *different*; `widened` where the gap is not smaller afterwards; of one that is,
        `closed by levelling down` where the group that was read better before is *worse* off, or where its fall is
        larger than the other's rise; else `closed by lifting`.
    """
    table = model_gaps.compare(list(paired.counts), alpha=alpha, min_people=min_people)
    table = table.rename(columns={"gap_1": "gap_before", "gap_2": "gap_after"})
    accuracy = changed[changed["measure"] == "accuracy"].set_index(["by", "group"])[["change", "effect"]]
    table["outcome"] = [_outcome(row, accuracy) for row in table.itertuples()]
    table = table.assign(
        dataset=paired.dataset, before=paired.before, after=paired.after, change=0 - table["difference"],
        low=0 - table["high"], high=0 - table["low"],
    )  # fmt: skip
    return table[list(GAP_COLUMNS)]


def _outcome(row, accuracy):
    if row.verdict != VERDICTS[0]:
        return OUTCOMES[3]
    if abs(row.gap_after) >= abs(row.gap_before):
        return OUTCOMES[2]
    sides = (row.group_a, row.group_b) if row.gap_before > 0 else (row.group_b, row.group_a)
    upper, lower = (accuracy.loc[(row.attribute, name)] for name in sides)
    return OUTCOMES[1] if upper["effect"] == "worse" or -upper["change"] > lower["change"] else OUTCOMES[0]


def _groups(paired):
    """Everybody, and every group of every attribute: attribute, name, rows."""
    found = [("all", "all", np.ones(len(paired.images), bool))]
    for by in ATTRIBUTES[1:]:
        members = members_of(paired.images[by])
        found += [
            (by, name, inside)
            for name, inside in zip(members.index, members.to_numpy(), strict=True)
            if not inside.all()
        ]
    return found


def _swapped(paired, groups, *, draws, seed, of_mean=0.0):
    """The statistic of `ferlib.controlled.paired_contrasts.shuffled`, the same people swapped in all their groups.

    Its standard error has `of_mean`, too, that of other things than people. And how many people it is about.
    """
    person, people = pd.factorize(paired.images["subject_id"], sort=True)
    true = paired.of("all", np.ones(len(person), bool)).tensor
    after, asked = measure(true[:, 0])
    change = after - measure(true[:, 1])[0]
    sums = np.zeros((len(people), len(groups), change.shape[1]))
    shown = np.zeros(sums.shape, bool)
    for number, inside in enumerate(groups):
        np.add.at(sums[:, number], person[inside], change[inside])
        np.logical_or.at(shown[:, number], person[inside], asked[inside] > 0)
    sums = sums.reshape(len(people), -1)
    size = np.sqrt((sums**2).sum(axis=0))
    size[size < 1e-6] = 0
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), (draws, len(people)))
    null = np.zeros((draws, sums.shape[1]), np.float32)
    some = size > 0
    null[:, some] = np.abs(signs @ sums[:, some].astype(np.float32)) / size[some].astype(np.float32)
    error = np.hypot(size, of_mean * (groups @ asked).ravel()) * some
    return ratio(sums.sum(axis=0), error), null, shown.sum(axis=0).ravel()


def _spread(paired, groups):
    """Standard deviation over repeats of the change of each measure in each group, shape (groups x measures,)."""
    if len(paired.outcome) == 1:
        return np.full(len(groups) * len(MEASURES), np.nan)
    true = pd.get_dummies(paired.images["true"]).reindex(columns=list(EMOTIONS), fill_value=False).to_numpy(float)
    each = []
    for repeat in paired.outcome:
        asked = ~np.isnan(repeat).any(axis=(1, 2))
        tensors = np.einsum("ie,iso->iseo", true[asked], repeat[asked])
        sums = groups[:, asked].astype(float) @ tensors.reshape(len(tensors), -1)
        after, before = (ratio(*measure(side)) for side in sums.reshape(-1, *tensors.shape[1:]).swapaxes(0, 1))
        each.append((after - before).ravel())
    return np.std(each, axis=0, ddof=1)
