"""Arrays: quotients, counts and sums over groups that every statistic needs."""

import numpy as np

CHUNK = 4_000_000
"""Numbers that a simulation holds at a time: bounds the memory, changes no result."""


def ratio(numerator, denominator, *, empty=np.nan):
    """Quotient of two arrays, `empty` where the denominator is not above 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, empty, float), where=denominator > 0)


def whole(values):
    """Counts as integers where they are whole, as they are (to nine decimals) where images were asked repeatedly."""
    rounded = np.round(np.asarray(values, dtype=float), 9)
    return rounded.astype(np.int64) if np.all(rounded == np.floor(rounded)) else rounded


def totals(members, columns):
    """Sum columns over the people of each group: `members @ columns` for any number of leading axes.

    One large matrix product is several times faster than as many small ones.
    """
    members = np.asarray(members)
    return (members.reshape(-1, members.shape[-1]) @ columns).reshape(*members.shape[:-1], columns.shape[-1])
