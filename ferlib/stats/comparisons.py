"""Comparisons: the two sides of every contrast, on equal terms.

Groups that show other emotions are read with another accuracy by any model that finds some emotions harder. So rates
over all emotions are compared under one mix: the rate of each emotion in each group, weighted by how often the emotion
is shown in the whole set (direct standardisation). What only one of two groups shows is left out of their contrast.
"""

from dataclasses import dataclass, replace

import numpy as np

from ferlib.stats.arrays import ratio
from ferlib.stats.group_rates import Persons, Rates
from ferlib.stats.groups import pairs_of


@dataclass(frozen=True)
class Standard:
    """A measure that is a mean over parts of the images.

    Attributes
    ----------
    measure : int
        Its column.
    parts : numpy.ndarray of int
        Columns of the rates that it averages.
    names : sequence of str
        What the parts are called.
    """

    measure: int
    parts: np.ndarray
    names: tuple


@dataclass(frozen=True)
class Groups:
    """The groups of one attribute, and people's deviations drawn anew.

    Attributes
    ----------
    members : numpy.ndarray of bool, shape (groups, people)
    persons : ferlib.stats.group_rates.Persons
    rates : ferlib.stats.group_rates.Rates
        Arrays of shape (groups, columns), the images of each group as they are.
    drawn : numpy.ndarray of float32, shape (draws, groups, columns)
        Sums of deviations.
    min_people : int
        A part enters a standardised rate when at least so many people of each group have an image of it.
    """

    members: np.ndarray
    persons: Persons
    rates: Rates
    drawn: np.ndarray
    min_people: int

    @classmethod
    def of(cls, persons, members, merge=None, drawn=None, *, min_people=1):
        """Groups from people.

        Parameters
        ----------
        persons : ferlib.stats.group_rates.Persons
        members : numpy.ndarray of bool, shape (groups, people)
        merge : numpy.ndarray, shape (groups, finest groups), optional
            Which of the finest groups make up each group.
        drawn : numpy.ndarray of float32, shape (draws, finest groups, columns), optional
            As `ferlib.stats.family.deviations` returns it; without it nothing is drawn.
        min_people : int
        """
        rates = Rates.stack([persons.of(inside) for inside in members])
        none = np.zeros((0, *rates.n.shape), dtype=np.float32)
        sums = none if drawn is None else np.matmul(merge.astype(np.float32), drawn)
        return cls(members, persons, rates, sums, max(min_people, 1))

    def mix(self, parts, groups):
        """Common weights of parts that each of some groups shows: how often everybody shows them; 0 for the others.

        Returns
        -------
        weights : numpy.ndarray of float64, shape (parts,)
        enough : bool
            False where no part is shown by `min_people` of each group; then those count that anybody shows.
        """
        fewest = self.rates.people[np.ix_(groups, parts)].min(axis=0)
        enough = bool((fewest >= self.min_people).any())
        mixed = np.where(fewest >= (self.min_people if enough else 1), self.persons.n[:, parts].sum(axis=0), 0)
        return ratio(mixed, mixed.sum(), empty=0), enough

    def standardised(self, group, parts, weights, enough):
        """Rates of one group under a mix, shape (1,), and their drawn deviations; None and 0 where the mix is empty.

        Nobody is heard where not enough people show anything in common.
        """
        if not weights.any():
            return None, 0.0
        scale = np.where(weights > 0, ratio(weights, self.rates.n[group, parts], empty=0), 0)
        drawn = self.drawn[:, group, parts] @ scale.astype(np.float32)
        rates = self.persons.standardised(self.members[group], parts, weights)
        return rates if enough else replace(rates, heard=np.zeros(1)), drawn

    def measured(self, measures):
        """The first columns: copies of their rates, and the drawn deviations of these."""
        rates = Rates(**{name: part.copy() for name, part in vars(self.rates.at(np.s_[:, :measures])).items()})
        return rates, self.drawn[..., :measures] * ratio(1, rates.n, empty=0).astype(np.float32)

    def under_one_mix(self, measures, standards):
        """All groups on equal terms with each other.

        Returns
        -------
        rates : ferlib.stats.group_rates.Rates
            Arrays of shape (groups, measures).
        error : numpy.ndarray of float32, shape (draws, groups, measures)
        """
        rates, error = self.measured(measures)
        for standard in standards:
            mix = self.mix(standard.parts, range(len(self.members)))
            for group in range(len(self.members)):
                found, error[:, group, standard.measure] = self.standardised(group, standard.parts, *mix)
                rates.put((group, standard.measure), found)
        return rates, error

    def pairs(self, measures, standards):
        """Every two groups on equal terms.

        Returns
        -------
        a, b : ferlib.stats.group_rates.Rates
            Arrays of shape (pairs, measures).
        error : numpy.ndarray of float32, shape (draws, pairs, measures)
            Drawn deviations of their difference.
        weights : dict of int to numpy.ndarray, shape (pairs, parts)
            By standardised measure.
        """
        first, second = pairs_of(len(self.members))
        rates, drawn = self.measured(measures)
        a, b, error = rates.at(first), rates.at(second), drawn[:, first] - drawn[:, second]
        weights, known = {}, {}
        for standard in standards:
            mixes = [self.mix(standard.parts, pair) for pair in zip(first, second, strict=True)]
            weights[standard.measure] = np.stack([mix for mix, _ in mixes])
            for pair, mix in enumerate(mixes):
                place, both = (pair, standard.measure), []
                for side, group in ((a, first[pair]), (b, second[pair])):
                    key = standard.measure, group, mix[0].tobytes(), mix[1]
                    known[key] = found, deviation = known.get(key) or self.standardised(group, standard.parts, *mix)
                    side.put(place, found)
                    both.append(deviation)
                error[:, *place] = both[0] - both[1]
        return a, b, error, weights
