"""Simulated audits with known truth: people of their own difficulty, in groups whose rates are given."""

from dataclasses import dataclass

import numpy as np

from ferlib.stats.group_rates import Persons


@dataclass(frozen=True)
class Design:
    """One kind of audit: a measure, in groups of people, with a truth.

    Attributes
    ----------
    scenario : str
        What it is for.
    rate : float
        Rate of every group but the first.
    icc : float
        Intraclass correlation of every group but the first.
    people : int
        People in each group.
    images : int
        Images of each person; 0: unequal, from 1 to 15 in even steps.
    shift : float
        By how much the first group's rate is lower.
    icc_factor : float
        Intraclass correlation of the first group / that of the others.
    groups : int
    """

    scenario: str
    rate: float
    icc: float
    people: int
    images: int
    shift: float = 0.0
    icc_factor: float = 1.0
    groups: int = 8

    @property
    def rates(self):
        """True rate of each group; float64, shape (groups,)."""
        return np.r_[self.rate - self.shift, np.full(self.groups - 1, self.rate)]

    @property
    def images_each(self):
        """Images of each person of a group; int, shape (people,)."""
        if self.images:
            return np.full(self.people, self.images)
        return np.linspace(1, 15, self.people).round().astype(int)

    @property
    def members(self):
        """Who belongs to which group; bool, shape (groups, groups x people)."""
        return np.repeat(np.eye(self.groups, dtype=bool), self.people, axis=1)

    def draw(self, simulations, random):
        """Counts of so many audits.

        A person's chance of success is drawn from a beta distribution, whose spread the ICC gives; given it, the
        person's images are independent.

        Parameters
        ----------
        simulations : int
        random : numpy.random.Generator

        Returns
        -------
        count : numpy.ndarray of float64, shape (groups x people, simulations)
        n : numpy.ndarray of int, shape (groups x people,)
        """
        icc = np.repeat(np.r_[self.icc * self.icc_factor, np.full(self.groups - 1, self.icc)], self.people)[:, None]
        rate = np.repeat(self.rates, self.people)[:, None]
        shape = (len(rate), simulations)
        weight = (1 - icc) / np.where(icc > 0, icc, 1)
        chance = np.where(icc > 0, random.beta(rate * weight, (1 - rate) * weight, shape), rate)
        n = np.tile(self.images_each, self.groups)
        return random.binomial(n[:, None], chance).astype(float), n

    def persons_of(self, count, n):
        """The simulated people, each simulation as a measure of its own."""
        return Persons(count, np.broadcast_to(n[:, None], count.shape), self.members)
