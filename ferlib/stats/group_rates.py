"""Rates: what is counted in a group of people, and how many independent images it is worth.

The images of a person resemble each other, so a second image brings less news than the first. How much less is the
intraclass correlation (ICC); what it costs is the design effect, the factor by which the variance of a rate is larger
than that of as many independent images. A group's own people tell its design effect, but roughly where they are few;
the people of all groups together tell the usual one. Here the two are weighed by how much each can know.
"""

from dataclasses import dataclass, fields

import numpy as np

from ferlib.stats import intervals
from ferlib.stats.arrays import ratio

PRIOR_ABOVE, PRIOR_BELOW = 1.0, 12.0
"""Degrees of freedom that the pooled design effect counts for beside a group's own one, where the own one is larger,
and where it is smaller. A group may truly differ more than the others, which only its own people can tell; that few of
them agree by luck is the other error. Chosen on the first half of the designs of `make calibrate`."""


@dataclass(frozen=True)
class Rates:
    """Rates of groups, each array of shape (..., measures).

    Attributes
    ----------
    count, n, people : numpy.ndarray
        Images with the outcome, images that could have had it, and people who have such an image.
    rate : numpy.ndarray of float64
        The estimate: `count / n`, or what it would be under a common mix of images; NaN where there is no image.
    worth : numpy.ndarray of float64
        As many independent images as would leave the same uncertainty about it; 0 where there is none.
    freedom : numpy.ndarray of float64
        Degrees of freedom behind that number; infinite where each person has one image.
    heard : numpy.ndarray of float64
        People, counted by how evenly the images are spread over them: (sum n)^2 / sum n^2 (Kish 1965).
    effect : numpy.ndarray of float64
        The design effect.
    """

    count: np.ndarray
    n: np.ndarray
    people: np.ndarray
    rate: np.ndarray
    worth: np.ndarray
    freedom: np.ndarray
    heard: np.ndarray
    effect: np.ndarray

    @classmethod
    def stack(cls, parts):
        """Rates of several groups as one, a group a row."""
        return cls(*(np.stack([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @classmethod
    def joined(cls, parts):
        """Rates of several comparisons one after the other, without axes."""
        return cls(*(np.concatenate([getattr(part, field.name).ravel() for part in parts]) for field in fields(cls)))

    def at(self, places):
        """Rates of some groups."""
        return Rates(*(getattr(self, field.name)[places] for field in fields(self)))

    def put(self, place, other):
        """Set the estimate at one place, and what is known about it, to that of `other`, of shape (1,), or to none."""
        for name in ("rate", "worth", "freedom", "heard", "effect"):
            getattr(self, name)[place] = np.nan if other is None else getattr(other, name)[0]

    def paid(self, alpha):
        """Independent images that an interval of confidence 1 - alpha may count on, its variance being estimated."""
        return intervals.paid(self.worth, self.freedom, alpha=alpha)


def clustered_variance(error, share):
    """Variance of a sum of people's errors, corrected for what a person's own weight hides (Bell and McCaffrey 2002).

    Parameters
    ----------
    error, share : numpy.ndarray, shape (people, ...)
        Each person's part in the deviation of an estimate from its expectation, and in its images.
    """
    return ratio(error**2, np.where(share < 1 - 1e-9, 1 - share, 0), empty=0).sum(axis=0)


def pooled_freedom(variances, freedoms):
    """Degrees of freedom of a sum of independent variances, each with its own (Welch 1947, Satterthwaite 1946)."""
    parts = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    return ratio(sum(variances) ** 2, parts, empty=np.inf)


class Persons:
    """What was counted for each person, and how alike the images of a person are.

    Parameters
    ----------
    count, n : array_like, shape (people, measures)
        Images with the outcome, and those that could have had it.
    finest : array_like of bool, shape (groups, people)
        Groups within which the differences of people are pooled.
    squares : array_like, shape (people, measures), optional
        Sum over images of the squared share of an image's answers with the outcome: `count` where each image was
        asked once.

    Attributes
    ----------
    icc : numpy.ndarray of float64, shape (measures,)
        Intraclass correlation, from 0 to 1; NaN where it cannot be known: one image a person, a single person a group,
        or no variation.
    above : numpy.ndarray of float64, shape (people, measures)
        Images with the outcome beyond those expected at the rate of the person's finest group.
    """

    def __init__(self, count, n, finest, *, squares=None):
        self.count, self.n = np.asarray(count, dtype=float), np.asarray(n, dtype=float)
        self.squares = self.count if squares is None else np.asarray(squares, dtype=float)
        finest = np.asarray(finest, dtype=float)
        images = finest @ self.n
        rate = ratio(finest @ self.count, images, empty=0)
        share = ratio(self.n, finest.T @ images, empty=0)
        evenness = finest @ share**2
        spread = ratio(rate * (1 - rate), np.maximum(1 - evenness, 0), empty=0)
        # Of each person: what is above the group's rate, the variance it would have if images were independent, and
        # what the person's own weight in that rate hides of it.
        self.above = self.count - (finest.T @ rate) * self.n
        self._above = self.above / np.sqrt(np.maximum(1 - share, 1e-9))
        self._above[share > 1 - 1e-9] = 0
        self._expected = np.where(share > 1 - 1e-9, 0, (finest.T @ spread) * self.n)
        self._common = {}
        self.icc = self._correlation(self._above, self._expected, self.n)

    def common_icc(self, columns):
        """Intraclass correlation of the images of several measures together; NaN where it cannot be known."""
        key = tuple(columns)
        if key not in self._common:
            parts = (self._above, self._expected, self.n)
            self._common[key] = self._correlation(*(part[:, columns].sum(axis=1) for part in parts))
        return self._common[key]

    @staticmethod
    def _correlation(above, expected, n):
        """Moment estimate: the covariance of two images of a person over the variance of one."""
        pairs = (np.maximum(n - 1, 0) * expected).sum(axis=0)
        return np.clip(ratio((above**2 - expected).sum(axis=0), np.where(pairs > 1e-9, pairs, 0)), 0, 1)

    def of(self, inside):
        """Rates of one group.

        Parameters
        ----------
        inside : numpy.ndarray of bool, shape (people,)

        Returns
        -------
        Rates
            Arrays of shape (measures,).
        """
        count, n = self.count[inside], self.n[inside]
        images = n.sum(axis=0)
        rate = ratio(count.sum(axis=0), images)
        known = np.nan_to_num(rate)
        variance = known * (1 - known)
        alike = ratio(ratio(self.squares[inside].sum(axis=0), images, empty=0) - known**2, variance, empty=1)
        error, share = ratio(count - known * n, images, empty=0), ratio(n, images, empty=0)
        base = ratio(variance, images, empty=0)
        return _weighed(count, n, rate, error, share, base, images, images, alike, self.icc)

    def standardised(self, inside, columns, weights):
        """Rate of one group, had its images been spread over some measures as the weights say.

        Parameters
        ----------
        inside : numpy.ndarray of bool, shape (people,)
        columns : numpy.ndarray of int, shape (parts,)
            The measures that are averaged, such as the recall of each emotion.
        weights : numpy.ndarray of float64, shape (parts,)
            They add up to 1, and are 0 for a measure without an image in the group.

        Returns
        -------
        Rates
            Arrays of shape (1,). `count`, `n` and `people` are of the images of all parts, the unweighted too.
        """
        everything = self.count[inside][:, columns].sum(axis=1), self.n[inside][:, columns].sum(axis=1)
        columns, weights = columns[weights > 0], weights[weights > 0]
        count, n = self.count[np.ix_(inside, columns)], self.n[np.ix_(inside, columns)]
        images, total = n.sum(axis=0), count.sum(axis=0)
        part, scale = total / images, weights / images
        variance = part * (1 - part)
        base = weights * scale @ variance
        squares = self.squares[np.ix_(inside, columns)].sum(axis=0) / images - part**2
        # Rates of parts pulled off 0 and 1: one that nobody failed in is not known for sure.
        pulled = (total + 1) / (images + 2)
        middle = weights @ pulled
        independent = middle * (1 - middle) / (weights * scale @ (pulled * (1 - pulled)))
        icc = self.common_icc(columns)
        one = [np.atleast_1d(value) for value in (
            weights @ part, base, independent, 1 / (weights @ scale), ratio(weights * scale @ squares, base, empty=1),
            icc,
        )]  # fmt: skip
        error, share = ((values @ scale)[:, None] for values in (count - part * n, n))
        everything = (values[:, None] for values in everything)
        return _weighed(*everything, one[0], error, share, *one[1:])


def _weighed(count, n, rate, error, share, base, independent, size_of, alike, icc):
    """Rates with their design effects.

    Parameters
    ----------
    count, n, error, share : numpy.ndarray, shape (people, measures)
        `error` is each person's part in the rate's deviation from its expectation, `share` his part in its images.
    rate, base, independent, size_of, alike, icc : numpy.ndarray, shape (measures,)
        `base` is the variance of the rate if images were independent, `independent` how many these would be, `size_of`
        1 / the sum over images of their squared shares, `alike` the part of an image's variance that is left when its
        repeats are averaged, `icc` the pooled correlation.
    """
    people = (n > 0).sum(axis=0)
    heard = ratio(1, (share**2).sum(axis=0), empty=0)
    size = np.maximum(ratio(size_of, heard, empty=1), 1)
    alike = np.clip(alike, 0, 1)
    pooled = alike * (1 + (size - 1) * np.where(np.isnan(icc), 1, icc))
    square = error**2
    variance = clustered_variance(error, share)
    own = ratio(variance, base, empty=0)
    kurtosis = ratio(people * (square**2).sum(axis=0), square.sum(axis=0) ** 2, empty=np.inf)
    rarer = np.minimum((count > 1e-9).sum(axis=0), (n - count > 1e-9).sum(axis=0))
    known = np.minimum(np.minimum(heard - 1, 2 * people / kurtosis), rarer)
    known = np.where((base > 0) & (variance > 0), np.maximum(known, 0), 0)
    prior = np.where(own < pooled, PRIOR_BELOW, PRIOR_ABOVE)
    effect = np.clip((prior * pooled + known * own) / (prior + known), alike, alike * size)
    # A factor between 1 and `size` cannot be further off than the two are apart, however few the people.
    freedom = np.maximum(known + prior, 2 * ratio(size + 1, size - 1, empty=np.inf) ** 2)
    worth = ratio(independent, effect, empty=0)
    return Rates(count.sum(axis=0), n.sum(axis=0), people, rate, worth, freedom, heard, effect)
