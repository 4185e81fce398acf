"""Verdicts: different, equivalent, inconclusive or not estimable, and why; and the family that they are made for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import norm

from ferlib.stats.family import step_down

VERDICTS = ("different", "equivalent", "inconclusive", "not estimable")

POWER = 0.8
"""A difference is called detectable when a study like this one would have found it four times in five."""

NINE_OF_TEN = norm.isf((1 - POWER) / 2)
"""Standard errors that a difference of two groups alike keeps within, to either side, four times in five."""


@dataclass(frozen=True)
class Family:
    """Contrasts that are judged together, and what shuffling says about the largest of them.

    Attributes
    ----------
    statistic : numpy.ndarray, shape (contrasts,)
        Absolute size of each contrast's statistic.
    null : numpy.ndarray, shape (draws, contrasts)
        The same under shuffling, 0 where there is none.
    inside : numpy.ndarray of bool, shape (contrasts,)
        Which contrasts can be estimated: these are the family.
    alpha : float
        Family-wise error of `different`, and of `equivalent`.
    floor_p, floor_size : array_like
        What the adjusted p-values and the critical size are never below, whatever the shuffles say: those of a test
        that the shuffles are too lenient to replace.
    """

    statistic: np.ndarray
    null: np.ndarray
    inside: np.ndarray
    alpha: float
    floor_p: np.ndarray | float
    floor_size: np.ndarray | float

    @property
    def p_adjusted(self):
        """Step-down max-T p-value of each contrast; NaN outside the family."""
        adjusted = np.full(len(self.statistic), np.nan)
        if self.inside.any():
            stepped = step_down(self.statistic[self.inside], self.null[:, self.inside])
            adjusted[self.inside] = np.maximum(stepped, np.broadcast_to(self.floor_p, adjusted.shape)[self.inside])
        return adjusted

    @cached_property
    def critical(self):
        """Size of the statistic from which the test rejects, and that bounds the simultaneous intervals."""
        if not self.inside.any():
            return self.floor_size
        size = np.quantile(self.null[:, self.inside].max(axis=1), 1 - self.alpha)
        # The larger of two numbers as it is: the shuffles are in single precision, the floors are not.
        return np.fmax(self.floor_size, size) if np.ndim(self.floor_size) else max(self.floor_size, size)


def min_detectable(common, variance_a, variance_b, critical):
    """Smallest difference of two rates that a contrast would have found in four of five studies.

    Parameters
    ----------
    common : numpy.ndarray
        Rate of both groups together; the two rates lie on both sides of it, as far as 0 and 1 allow.
    variance_a, variance_b : numpy.ndarray
        Design effect / images of each group.
    critical : float
        Size of the statistic from which the family's test rejects.

    Returns
    -------
    numpy.ndarray
        NaN where not even the largest possible difference would be found.

    Notes
    -----
    Normal approximation: difference = critical x (standard error if there is none) + z(.8) x (standard error if
    there is this one), solved by bisection.
    """

    def surplus(size):
        lower = np.clip(common - size / 2, 0, 1 - size)
        upper = lower + size
        pooled = (upper * variance_b + lower * variance_a) / (variance_a + variance_b)
        without = np.sqrt(pooled * (1 - pooled) * (variance_a + variance_b))
        there = np.sqrt(np.maximum(upper * (1 - upper), 0) * variance_a + lower * (1 - lower) * variance_b)
        return size - critical * without - norm.isf(1 - POWER) * there

    low, high = np.zeros_like(common), np.ones_like(common)
    reachable = surplus(high) >= 0
    for _ in range(40):
        middle = (low + high) / 2
        enough = surplus(middle) >= 0
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reachable, high, np.nan)


def within(lowest, highest, delta):
    """Whether an interval lies inside +-delta."""
    return (-delta < lowest) & (highest < delta)


def rule(p_adjusted, lowest, highest, *, alpha, delta):
    """The verdict of contrasts that can be estimated.

    Parameters
    ----------
    p_adjusted, lowest, highest : array_like
        Adjusted p-value, and ends of the simultaneous interval with the confidence 1 - alpha for the whole family.
    alpha, delta : float
        As for `decide`.

    Returns
    -------
    numpy.ndarray of str
    """
    inside = within(lowest, highest, delta)
    return np.where(np.asarray(p_adjusted) <= alpha, VERDICTS[0], np.where(inside, VERDICTS[1], VERDICTS[2]))


def decide(table, lowest, highest, *, alpha, delta, against):
    """Add the verdict and the reason of each contrast.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `disparities.csv` with `p_adjusted` and `min_detectable`.
    lowest, highest : numpy.ndarray
        Ends of the simultaneous interval of the difference, with the confidence 1 - alpha for the whole family.
    alpha, delta : float
        Family-wise error of `different`, and of `equivalent`; differences inside +-delta count as none.
    against : numpy.ndarray of str
        As `obstacles` returns it.

    Returns
    -------
    pandas.DataFrame
        The table with `verdict` and `reason`; `min_detectable` is missing where nothing can be estimated.
    """
    verdict = rule(table["p_adjusted"], lowest, highest, alpha=alpha, delta=delta)
    inside = within(np.asarray(lowest), np.asarray(highest), delta)
    rows = zip(table.itertuples(), verdict, inside, against, strict=True)
    reason = [no or _explained(row, word, fits, delta) for row, word, fits, no in rows]
    table = table.assign(verdict=np.where(against == "", verdict, VERDICTS[3]), reason=reason)
    table.loc[table["verdict"] == VERDICTS[3], "min_detectable"] = np.nan
    return table


def by_ratio(table, lowest, highest, margin):
    """Take `equivalent` back where the ratio of the two rates may lie beyond a margin.

    A rate of .01 and one of .04 differ by less than .05, and one is four times the other.

    Parameters
    ----------
    table : pandas.DataFrame
        As `decide` returns it.
    lowest, highest : numpy.ndarray
        Ends of the simultaneous interval of the ratio.
    margin : float
        Above 1.
    """
    beyond = (table["verdict"] == VERDICTS[1]) & ~((lowest > 1 / margin) & (highest < margin))
    table.loc[beyond, "verdict"] = VERDICTS[2]
    table.loc[beyond, "reason"] += f", but one rate may be more than {margin:g} times the other"
    return table


def obstacles(table, *, min_people, heard=None):
    """Why each contrast cannot be estimated; empty where it can.

    Parameters
    ----------
    table : pandas.DataFrame
        `group`, `subjects`, `n` and `rate` of both sides, and `true`.
    min_people : int
    heard : tuple of numpy.ndarray, optional
        People behind each side's rate, counted by how evenly the images are spread over them. Where one of them has
        so many that the others hardly count, the rate is his.

    Returns
    -------
    numpy.ndarray of str
    """
    reason = np.full(len(table), "", dtype=object)
    for side, people in zip("ba", reversed(heard or (None, None)), strict=True):
        group, known, n = table[f"group_{side}"], table[f"subjects_{side}"].to_numpy(), table[f"n_{side}"].to_numpy()
        if people is not None:
            apart = table[f"rate_{side}"].isna().to_numpy() | (people == 0)
            reason[apart] = f"the two groups show no emotion in common, by at least {min_people} people each"
            for row in np.flatnonzero(~apart & (people < min_people / 2)):
                reason[row] = f"nearly all images of {group[row]} are of too few people: worth {people[row]:.1f}"
        for row in np.flatnonzero(known < min_people):
            reason[row] = f"only {known[row]} people in {group[row]}, fewer than {min_people}"
        for row in np.flatnonzero(n == 0):
            reason[row] = f"no image of {table['true'][row] or 'any emotion'} in {group[row]}"
    return reason


def _explained(row, verdict, fits, delta):
    if verdict == "different":
        small = f", though within {delta:g}" if fits else ""
        return f"higher for {row.group_a if row.risk_difference > 0 else row.group_b}{small}"
    if verdict == "equivalent":
        return f"any difference lies within {delta:g}"
    if np.isnan(row.min_detectable):
        return "with so few images not even the largest difference would have been found"
    never = "never in either group; " if row.count_a + row.count_b == 0 else ""
    return f"{never}a difference below {row.min_detectable:.2f} would mostly have stayed unseen"
