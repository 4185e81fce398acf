"""Paired contrasts: what becomes of an answer when one factor changes and nothing else.

Each independent unit (a person, or a few counterparts) is its own control, so whatever sets people apart cancels. What
stays uncertain is whether other people would have been affected alike: the unit, not the image, is what is counted.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm

from ferlib.controlled import pair_intervals
from ferlib.stats import intervals, verdicts
from ferlib.stats.arrays import CHUNK, ratio
from ferlib.stats.counts import MEASURES, measure
from ferlib.stats.outcomes import CONFIGURATION

FAMILY = "all estimable contrasts of one factor, dataset, model and variant: every measure, every two sides"
"""The declared family, over which `p_adjusted` controls the error of any false `different`."""

COLUMNS = (
    *CONFIGURATION, "factor", "unit", "measure", "true", "predicted", "group_a", "group_b", "units", "subjects_a",
    "subjects_b", "count_a", "n_a", "count_b", "n_b", "rate_a", "rate_b", "only_a", "only_b", "risk_difference",
    "rd_low", "rd_high", "p_flip", "p_adjusted", "min_detectable", "verdict", "reason",
)  # fmt: skip


def contrasts(all_matched, *, alpha=0.05, delta=0.05, min_units=5, draws=2000, seed=0):
    """Contrast every two sides of a factor in every measure: the table `controlled_contrasts.csv`.

    Parameters
    ----------
    all_matched : list of ferlib.controlled.matched_sets.Matched
    alpha, delta : float
        As for `ferlib.stats.disparities.disparities`.
    min_units : int
        With fewer independent units there is no verdict.
    draws, seed : int
        How often the sides are shuffled within each unit; p-values are at least 1 / (draws + 1).

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `count` and `n` are of images, `rate` is their quotient. `only_a` is the share of pairs (an
        image of each side, all else equal) in which only a has the outcome, so that `risk_difference` =
        `rate_a` - `rate_b` = `only_a` - `only_b`. `units`, told apart by the column `unit`, are independent and have
        an image in the denominator. `p_flip` comes from shuffling the sides within each unit; `p_adjusted` (step-down
        max-T over the same shuffles) controls the error over `FAMILY`. Both are NaN where no pair differs. With two
        sides and u units p cannot be below 2 / 2^u.
    """
    options = {"alpha": alpha, "delta": delta, "min_units": min_units, "draws": draws, "seed": seed}
    frames = [_of_one(matched, **options) for matched in all_matched if len(matched.sets)]
    return pd.concat(frames, ignore_index=True)[list(COLUMNS)] if frames else pd.DataFrame(columns=list(COLUMNS))


def _of_one(matched, *, draws, seed, **rules):
    outcome, _ = measure(matched.tensor)
    sides = list(combinations(range(outcome.shape[1]), 2))
    z, null = shuffled(matched.by_unit(outcome), sides, draws=draws, seed=seed)
    table = judge([(matched, *pair) for pair in sides], z, null, **rules)
    return table.assign(factor=matched.factor.name, unit=matched.unit_name, **matched.configuration)


def judge(pairs, z, null, *, alpha, delta, min_units, of_mean=0.0):
    """Count, test and judge every measure of some pairs of sides as one family.

    Parameters
    ----------
    pairs : list of tuple
        Matched sets, and the numbers of the two sides.
    z, null : numpy.ndarray
        As of `shuffled`, the measures of a pair together.
    alpha, delta, min_units
        As for `contrasts`.
    of_mean : array_like
        A standard error of each difference beside that of units; z has it already.

    Returns
    -------
    pandas.DataFrame
        A row for each pair and measure: those of `COLUMNS` that do not name a factor or model, and `sim_low`,
        `sim_high`, the interval that holds with all others of the family.
    """
    counted, n = [], []
    for matched, a, b in pairs:
        outcome, asked = measure(matched.tensor)
        counted.append(_counted(matched, outcome, asked[:, 0], a, b))
        changes = pair_intervals.changed(matched, a, b)
        n.append(pair_intervals.effective_pairs(matched, outcome, asked[:, 0], changes, a, b))
    table, n = pd.concat(counted, ignore_index=True), np.concatenate(n)
    units, only = table["units"].to_numpy(), (table["only_a"].to_numpy(), table["only_b"].to_numpy())
    effective = intervals.paid(n, np.maximum(units - 1, 1), alpha=alpha)
    table["rd_low"], table["rd_high"] = pair_intervals.difference(*only, effective, alpha=alpha, error=of_mean)
    inside = ~np.isnan(z) & (units >= min_units)
    size = np.abs(np.nan_to_num(z))
    reached = (null >= size - 1e-5).sum(axis=0)
    table["p_flip"] = np.where(inside, (1 + reached) / (1 + len(null)), np.nan)
    family = verdicts.Family(size, null, inside, alpha, floor_p=0.0, floor_size=norm.isf(alpha / 2))
    table["p_adjusted"] = family.p_adjusted
    critical = studentised(family.critical, units)
    table["min_detectable"] = detectable(sum(only), n, critical)
    ends = pair_intervals.difference(*only, n, alpha=2 * norm.sf(critical), error=of_mean)
    rejected = (table["p_adjusted"] <= alpha).to_numpy()
    table["sim_low"], table["sim_high"] = intervals.agreeing(*ends, only[0] - only[1], rejected)
    # The verdict counts units where elsewhere it counts people: four looks of three geometries are four witnesses.
    judged = table.assign(subjects_a=table["units"], subjects_b=table["units"])
    against = verdicts.obstacles(judged, min_people=min_units)
    ends = table["sim_low"], table["sim_high"]
    judged = verdicts.decide(judged, *ends, alpha=alpha, delta=delta, against=against)
    return table.assign(**judged[["verdict", "reason", "min_detectable"]])


def _counted(matched, outcome, asked, a, b):
    """Counts and rates of sides a and b in every measure."""
    names, n = list(matched.factor.sides), asked.sum(axis=0)
    found = dict(zip(("measure", "true", "predicted"), zip(*MEASURES, strict=True), strict=True))
    found |= {"group_a": names[a], "group_b": names[b], "units": (matched.by_unit(asked) > 0).sum(axis=0)}
    for side, number in (("a", a), ("b", b)):
        images, count = matched.images[number], outcome[:, number].sum(axis=0)
        found |= {f"subjects_{side}": matched.people[number], f"count_{side}": np.round(count * images, 9)}
        found |= {f"n_{side}": np.round(n * images).astype(int), f"rate_{side}": ratio(count, n)}
    for side, has, lacks in (("a", a, b), ("b", b, a)):
        found[f"only_{side}"] = ratio((outcome[:, has] * (asked - outcome[:, lacks])).sum(axis=0), n)
    return pd.DataFrame(found | {"risk_difference": found["rate_a"] - found["rate_b"]})


def shuffled(sums, sides, *, draws, seed):
    """Statistic of every contrast as observed, and when the sides are shuffled within each unit.

    Parameters
    ----------
    sums : numpy.ndarray, shape (units, sides, measures)
        Outcomes of each unit.
    sides : list of tuple of int
        Sides to be contrasted.
    draws, seed : int

    Returns
    -------
    z : numpy.ndarray, shape (pairs x measures,)
        Sum of the units' differences / root of the sum of their squares; NaN where all are 0.
    null : numpy.ndarray of float32, shape (draws, pairs x measures)
        Absolute values, 0 where there is none. With two sides a shuffle flips the signs of units.
    """
    a, b = (np.array(side) for side in zip(*sides, strict=True))
    random, found = np.random.default_rng(seed), []
    rows, first = sums.reshape(-1, sums.shape[-1]), sums.shape[1] * np.arange(len(sums))[:, None]
    chunk = max(1, CHUNK // sums.size)
    for start in range(0, draws, chunk):
        order = random.random((min(chunk, draws - start), *sums.shape[:2])).argsort(axis=-1)
        found.append(np.abs(np.nan_to_num(_z(rows[first + order], a, b))))
    return _z(sums, a, b), np.concatenate(found).astype(np.float32)


def _z(sums, a, b):
    difference = sums[..., a, :] - sums[..., b, :]
    square = (difference**2).sum(axis=-3)
    z = ratio(difference.sum(axis=-3), np.sqrt(np.where(square > 1e-12, square, 0)))
    return z.reshape(*z.shape[:-2], -1)


def studentised(z, units):
    """Student's t that belongs to the statistic of `shuffled`: the same order, with the variance around the mean.

    Infinite where z is as large as so many units allow.
    """
    units = np.asarray(units, dtype=float)
    return z * np.sqrt(ratio(units - 1, np.maximum(units - z**2, 0), empty=np.inf))


def detectable(disagreement, n, critical):
    """Smallest difference that a contrast would have found in four of five studies; NaN where there is none.

    Parameters
    ----------
    disagreement : numpy.ndarray
        Share of pairs that differ, in either direction; one pair of each kind is added.
    n : numpy.ndarray
        Independent pairs.
    critical : numpy.ndarray
        Size of the studentised statistic from which the family's test rejects.

    Notes
    -----
    Normal approximation, difference = (critical + z(.8)) x sqrt(share of pairs that differ / n), where that share is
    at least the difference itself.
    """
    factor = (critical + norm.isf(1 - verdicts.POWER)) ** 2 / n
    size = np.sqrt(factor * (disagreement * n + 1) / (n + 2))
    size = np.where(size > (disagreement * n + 1) / (n + 2), factor, size)
    return np.where(size <= 1, size, np.nan)
