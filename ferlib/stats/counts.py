"""Counts: one tensor a model, person x true emotion x outcome, from which every rate of the audit comes."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ferlib.labels import OTHER_LABEL, STATUSES
from ferlib.stats.arrays import whole
from ferlib.stats.groups import Grouping, members_of
from ferlib.stats.outcomes import CONFIGURATION
from ferlib.stats.scope import Scope

OUTCOMES, ATTRIBUTES, MEASURES = Scope().outcomes, Scope().described, Scope().rates
"""What an answer can be, the ways to divide people, and every rate, of an audit of the study's own scope."""

NO_ANSWER = [STATUSES.index(name) - 1 for name in ("refused", "blocked", "truncated", "unparsed", "no_face")]
"""Places, behind the labels, of the model's own doing. A question that never got through (`error`) is counted as not
right, but not here."""


@dataclass(frozen=True)
class Counts:
    """Counts of one dataset, model and variant.

    Attributes
    ----------
    dataset, model, variant : str
    people : pandas.DataFrame, shape (people, 2 + attributes)
        `subject_id`, `race`, `gender`, `group`, or what else the scope has, in the order of the tensor's first axis.
    tensor : numpy.ndarray of float64, shape (people, labels, outcomes)
        Images by person, true label and outcome, both in the order of the scope. An image that was asked r times
        counts 1/r for each answer, so that the unit is always the image.
    squared : numpy.ndarray of float64, shape (people, labels, outcomes)
        The same with the square of what each image counts: equal to `tensor` where each was asked once.
    scope : ferlib.stats.scope.Scope
    """

    dataset: str
    model: str
    variant: str
    people: pd.DataFrame
    tensor: np.ndarray
    squared: np.ndarray
    scope: Scope = field(default_factory=Scope)

    @property
    def configuration(self):
        """Dataset, model and variant, as a dict for building tables."""
        return {"dataset": self.dataset, "model": self.model, "variant": self.variant}

    @property
    def right(self):
        """Images of each person that were read as their label says; float64, shape (people,)."""
        return np.trace(self.tensor, axis1=1, axis2=2)

    @property
    def images(self):
        """Images of each person, answered or not; float64, shape (people,)."""
        return self.tensor.sum(axis=(1, 2))

    @property
    def answered(self):
        """Images of each person that got an answer, a label that the audit does not have included; shape (people,)."""
        answers = [self.scope.outcomes.index(name) for name in (*self.scope.labels, OTHER_LABEL)]
        return self.tensor[..., answers].sum(axis=(1, 2))

    def members(self, attribute):
        """Who belongs to which group.

        Parameters
        ----------
        attribute : str
            One of the scope, such as `race`; or `all`.

        Returns
        -------
        pandas.DataFrame of bool, shape (groups, people)
            As `ferlib.stats.groups.members_of` returns it; a group of reference comes last.

        Raises
        ------
        ValueError
            For an unknown attribute.
        """
        if attribute not in self.scope.described:
            raise ValueError(f"attribute must be one of {', '.join(self.scope.described)}, got {attribute!r}")
        found = members_of(["all"] * len(self.people) if attribute == "all" else self.people[attribute])
        return found.loc[self.scope.order(attribute, found.index)]

    @property
    def grouping(self):
        """The finest groups, and those of each attribute that is contrasted."""
        finest = members_of(self.people["group"]).to_numpy()
        return Grouping(finest, {name: self.members(name) for name in self.scope.attributes})

    def by(self, attribute):
        """Tensor summed over the people of each group.

        Returns
        -------
        numpy.ndarray of float64, shape (groups, labels, outcomes)
            Groups in the order of `members(attribute)`.
        """
        return np.tensordot(self.members(attribute).to_numpy(float), self.tensor, axes=1)


def tally(answers):
    """Count the answers of each dataset, model and variant.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns it; the order of its rows does not matter.

    Returns
    -------
    list of Counts
        In the order of dataset, model, variant.
    """
    scope = Scope.of(answers)
    parts = [pd.factorize(answers[name], sort=True) for name in CONFIGURATION]
    key = np.ravel_multi_index([codes for codes, _ in parts], [len(names) for _, names in parts])
    image, images = pd.factorize(answers["image_id"])
    person, _ = pd.factorize(answers["subject_id"], sort=True)
    true = pd.Index(scope.labels).get_indexer(answers["true"])
    outcome = pd.Index(scope.outcomes).get_indexer(answers["outcome"])
    found = []
    for number in np.unique(key):
        rows = np.flatnonzero(key == number)
        names = [values[codes[rows[0]]] for codes, values in parts]
        weight = 1 / np.bincount(image[rows], minlength=len(images))[image[rows]]
        _, first, place = np.unique(person[rows], return_index=True, return_inverse=True)
        shape = (len(first), len(scope.labels), len(scope.outcomes))
        cell = np.ravel_multi_index((place, true[rows], outcome[rows]), shape)
        tensor = np.bincount(cell, weights=weight, minlength=np.prod(shape)).reshape(shape)
        squared = tensor
        if (weight < 1).any():
            one = pd.DataFrame({"image": image[rows], "cell": cell, "share": weight}).groupby(["image", "cell"])[
                "share"
            ]
            share = one.sum()
            places = share.index.get_level_values("cell")
            squared = np.bincount(places, weights=share**2, minlength=np.prod(shape)).reshape(shape)
        people = answers[list(scope.person)].iloc[rows[first]].reset_index(drop=True)
        found.append(Counts(*names, people, tensor, squared, scope))
    return found


def select(all_counts, configurations):
    """Those counts whose dataset, model and variant are listed.

    Parameters
    ----------
    all_counts : list of Counts
    configurations : pandas.DataFrame
        Columns `dataset`, `model`, `variant`, as `ferlib.stats.outcomes.headline` returns them.

    Returns
    -------
    list of Counts
    """
    wanted = set(configurations[list(CONFIGURATION)].itertuples(index=False, name=None))
    return [counts for counts in all_counts if tuple(counts.configuration.values()) in wanted]


def measure(tensor):
    """Numerator and denominator of every rate, in the order of `ferlib.stats.scope.Scope.rates`.

    Parameters
    ----------
    tensor : numpy.ndarray, shape (..., labels, outcomes)
        Images by true label and outcome, for people, for groups, or for resampled groups.

    Returns
    -------
    count, n : numpy.ndarray of float64, shape (..., rates)
        A rate is `count / n`. The denominator of accuracy and no-answer is all images, that of recall and
        confusions the images of the true emotion: whoever refuses stays in it.
    """
    labels = tensor.shape[-2]
    of_true = tensor.sum(axis=-1)
    total = of_true.sum(axis=-1)
    recalled = np.diagonal(tensor, axis1=-2, axis2=-1)
    rows, columns = np.nonzero(~np.eye(labels, dtype=bool))
    overall = np.stack([recalled.sum(axis=-1), silence(tensor)[0].sum(axis=-1)], axis=-1)
    count = np.concatenate([overall, recalled, tensor[..., rows, columns]], axis=-1)
    n = np.concatenate([np.stack([total, total], axis=-1), of_true, of_true[..., rows]], axis=-1)
    return count, n


def silence(tensor):
    """Images without an answer, and all, of each true label; two arrays of shape (..., labels)."""
    return tensor[..., tensor.shape[-2] + np.array(NO_ANSWER)].sum(axis=-1), tensor.sum(axis=-1)


def confusions(all_counts):
    """Every outcome of every true emotion in every race-gender group: the table `confusions.csv`.

    Parameters
    ----------
    all_counts : list of Counts

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `model`, `variant`, `group`, `true`, `predicted` (an emotion, or the status of an
        image without an answer), `count` (images) and `n_true` (images of the true emotion in the group). All
        cells, the empty ones too, so that the counts of a group add up to its images.
    """
    frames = []
    for counts in all_counts:
        names = counts.members("group").index
        grid = pd.MultiIndex.from_product(
            [names, counts.scope.labels, counts.scope.outcomes], names=["group", "true", "predicted"]
        )
        tensor = counts.by("group")
        n_true = np.broadcast_to(tensor.sum(axis=-1, keepdims=True), tensor.shape)
        frame = pd.DataFrame({"count": whole(tensor.ravel()), "n_true": whole(n_true.ravel())}, index=grid)
        frames.append(frame.reset_index().assign(**counts.configuration))
    columns = [*CONFIGURATION, "group", "true", "predicted", "count", "n_true"]
    return pd.concat(frames, ignore_index=True)[columns]
