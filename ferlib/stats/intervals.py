"""Intervals: how far a rate, a difference or a ratio of two rates could be from what was counted."""

import numpy as np
from scipy.special import betaincinv
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from ferlib.stats.arrays import ratio


def paid(n, freedom, *, alpha):
    """Independent images that an interval may count on: `n`, less what estimating their variance costs (Student)."""
    return n * (norm.isf(alpha / 2) / student.isf(alpha / 2, freedom)) ** 2


def score(rate, n, *, alpha=0.05):
    """Wilson's score interval of rates, which stays inside 0 to 1 and is never a single point (Wilson 1927).

    Parameters
    ----------
    rate, n : array_like
        Rates and the number of independent images behind each, not necessarily whole.
    alpha : array_like
        One minus the confidence.

    Returns
    -------
    low, high : numpy.ndarray of float64
        NaN where there is no image.
    """
    rate, n, alpha = (np.asarray(part, dtype=float) for part in np.broadcast_arrays(rate, n, alpha))
    low, high = np.full((2, *rate.shape), np.nan)
    some = n > 0
    count = np.clip(rate[some], 0, 1) * n[some]
    low[some], high[some] = proportion_confint(count, n[some], alpha=alpha[some], method="wilson")
    # Exact where rounding would put the end of the interval a hair inside the rate itself.
    low[some & (rate <= 1e-12)], high[some & (rate >= 1 - 1e-12)] = 0.0, 1.0
    return low, high


def exact(rate, n, *, alpha):
    """Clopper and Pearson's interval of rates, for numbers of images that need not be whole (Korn and Graubard 1998).

    Parameters
    ----------
    rate, n, alpha : array_like
        As for `score`.

    Returns
    -------
    low, high : numpy.ndarray of float64
        NaN where there is no image.
    """
    return _beta(rate, n, alpha, 1.0)


def jeffreys(rate, n, *, alpha=0.05):
    """Jeffreys's equal-tailed interval of rates: close to the exact one with mid-p (Brown, Cai and DasGupta 2001).

    Parameters and return value as for `exact`. At 0 and at 1 the other end is that of `exact`.
    """
    return _beta(rate, n, alpha, 0.5)


def _beta(rate, n, alpha, more):
    rate, n, alpha = np.broadcast_arrays(*(np.asarray(part, dtype=float) for part in (rate, n, alpha)))
    some = n > 0
    hits = np.clip(np.where(some, rate, 0), 0, 1) * n
    misses = n - hits
    never, always = hits <= 1e-9, misses <= 1e-9
    of_low, of_high = (np.where(end, 1.0, more) for end in (always, never))
    with np.errstate(invalid="ignore"):
        low = betaincinv(np.maximum(hits + 1 - of_low, 1e-9), misses + of_low, alpha / 2)
        high = betaincinv(hits + of_high, np.maximum(misses + 1 - of_high, 1e-9), 1 - alpha / 2)
    low, high = np.where(never, 0, low), np.where(always, 1, high)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def unseen(rate, heard, ends, alpha):
    """Widen intervals by what people who were not sampled may change.

    Of a share s of people whom nobody of K happened to be, one knows no more than (1 - s)^K > alpha. If these are all
    hopeless, or all easy, the rate lies elsewhere by as much, and no model of those who were seen can tell.

    Parameters
    ----------
    rate, heard : numpy.ndarray
        Rates, and people behind each.
    ends : tuple of numpy.ndarray
        Lower and upper end so far.
    alpha : numpy.ndarray

    Returns
    -------
    low, high : numpy.ndarray
    """
    share = 1 - alpha ** ratio(1, heard, empty=1)
    return np.minimum(ends[0], rate * (1 - share)), np.maximum(ends[1], rate + share * (1 - rate))


def agreeing(low, high, between, rejected):
    """Make intervals say what the test of the same contrasts says: without 0 where it rejects, else with it.

    The two are built in different ways, and near the border one may say a hair less than the other.

    Parameters
    ----------
    low, high, between : numpy.ndarray
        Ends, and the difference.
    rejected : numpy.ndarray of bool

    Returns
    -------
    low, high : numpy.ndarray
    """
    hair = np.minimum(np.abs(between) / 2, 1e-4)
    low = np.where(rejected & (between > 0), np.maximum(low, hair), np.where(rejected, low, np.minimum(low, 0)))
    high = np.where(rejected & (between < 0), np.minimum(high, -hair), np.where(rejected, high, np.maximum(high, 0)))
    return low, high


def difference(rate_a, rate_b, ends_a, ends_b):
    """Interval of the difference of two independent rates, from the interval of each (Newcombe 1998, method 10).

    Parameters
    ----------
    rate_a, rate_b : numpy.ndarray
    ends_a, ends_b : tuple of numpy.ndarray
        Lower and upper end of the interval of each rate.

    Returns
    -------
    low, high : numpy.ndarray
    """
    (low_a, high_a), (low_b, high_b) = ends_a, ends_b
    between = rate_a - rate_b
    low = between - np.hypot(rate_a - low_a, high_b - rate_b)
    return low, between + np.hypot(high_a - rate_a, rate_b - low_b)


def risk_ratio(rate_a, rate_b, ends_a, ends_b):
    """Interval of the ratio of two independent rates, from the interval of each (Donner and Zou 2012, MOVER-R).

    Parameters
    ----------
    rate_a, rate_b, ends_a, ends_b
        As for `difference`.

    Returns
    -------
    low, high : numpy.ndarray
        `high` is infinite where b's rate may be 0.
    """
    (low_a, high_a), (low_b, high_b) = ends_a, ends_b
    product = rate_a * rate_b
    top, bottom = low_a * (2 * rate_a - low_a), high_b * (2 * rate_b - high_b)
    low = ratio(top, product + np.sqrt(np.maximum(product**2 - top * bottom, 0)), empty=0)
    top, bottom = high_a * (2 * rate_a - high_a), low_b * (2 * rate_b - low_b)
    high = ratio(product + np.sqrt(np.maximum(product**2 - top * bottom, 0)), bottom, empty=np.inf)
    missing = np.isnan(product)
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)
