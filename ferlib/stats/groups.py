"""Groups: who belongs to which, every two of them, and how the finest groups add up to those of each attribute."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd


def members_of(labels):
    """Who belongs to which group.

    Parameters
    ----------
    labels : array_like of str, shape (people,)
        Group of each person.

    Returns
    -------
    pandas.DataFrame of bool, shape (groups, people)
        Indexed by the group's name, in alphabetical order. Any quantity with one row a person is summed over groups
        by a matrix product with it.
    """
    labels = np.asarray(labels, dtype=object)
    names = sorted(set(labels))
    inside = labels[None, :] == np.array(names, dtype=object)[:, None]
    return pd.DataFrame(inside, index=pd.Index(names, name="group"), dtype=bool)


def pairs_of(groups):
    """Every two of so many groups, as two arrays of positions."""
    found = np.array(list(combinations(range(groups), 2)), dtype=int).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def sides(values):
    """Values of group a and of group b of every pair; groups, then pairs, are the last axis but one."""
    a, b = pairs_of(np.shape(values)[-2])
    return np.take(values, a, axis=-2), np.take(values, b, axis=-2)


def pair_table(names, named, **values):
    """A row for each pair of groups and each column, the columns of a pair together.

    Parameters
    ----------
    names : sequence of str
        Of the groups.
    named : pandas.DataFrame, shape (columns, ...)
        What the columns are called.
    **values : numpy.ndarray, shape (groups, columns)

    Returns
    -------
    pandas.DataFrame
        The columns of `named`, `group_a`, `group_b`, and for each value its name with `_a` and with `_b`.
    """
    pairs = pairs_of(len(names))
    table = pd.concat([named] * len(pairs[0]), ignore_index=True) if len(pairs[0]) else named[:0].copy()
    for side, chosen in zip("ab", pairs, strict=True):
        table[f"group_{side}"] = np.repeat(np.array(names, dtype=object)[chosen], len(named))
    for side, chosen in zip("ab", pairs, strict=True):
        for name, value in values.items():
            table[f"{name}_{side}"] = value[chosen].ravel()
    return table


@dataclass(frozen=True)
class Grouping:
    """People in the finest groups, within which people are taken to be alike, and the groups of each attribute.

    Attributes
    ----------
    finest : numpy.ndarray of bool, shape (finest groups, people)
    members : dict of str to pandas.DataFrame
        By attribute, as `members_of` returns them.
    """

    finest: np.ndarray
    members: dict

    @classmethod
    def of(cls, people, attributes, *, finest=None):
        """Group people by each attribute.

        Parameters
        ----------
        people : pandas.DataFrame
            A row a person, a column for each attribute.
        attributes : sequence of str
        finest : str, optional
            Column of the finest groups; else these are people who agree in all attributes.
        """
        labels = people[list(attributes)].astype(str).agg(" ".join, axis=1) if finest is None else people[finest]
        return cls(members_of(labels).to_numpy(), {name: members_of(people[name]) for name in attributes})

    @property
    def merge(self):
        """By attribute, the matrix that adds the finest groups up to its groups, shape (groups, finest groups)."""
        finest = self.finest.T.astype(float)
        return {name: (part.to_numpy(float) @ finest > 0).astype(float) for name, part in self.members.items()}
