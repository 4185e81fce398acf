"""Counts: one tensor a model, person x true emotion x outcome, from which every rate of the audit comes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlib.labels import EMOTIONS, OTHER_LABEL, STATUSES
from ferlib.stats.arrays import whole
from ferlib.stats.groups import Grouping, members_of
from ferlib.stats.outcomes import CONFIGURATION

OUTCOMES = EMOTIONS + STATUSES[1:]
"""What an answer can be: one of the emotions, or the reason why there is none."""

ATTRIBUTES = ("all", "race", "gender", "group")
"""The ways to divide the people of a dataset; `all` puts everybody into one group."""

CONTRASTED = ("race", "gender", "group")
"""The attributes whose groups are compared with each other."""

NO_ANSWER = ("refused", "blocked", "truncated", "unparsed", "no_face")
"""The model's own doing. A question that never got through (`error`) is counted as not right, but not here."""

PERSON = ("subject_id", "race", "gender", "group")
"""What is known about a person."""

CONFUSIONS = tuple((true, predicted) for true in EMOTIONS for predicted in EMOTIONS if true != predicted)
"""All 42 mistakes: true emotion, predicted emotion."""

MEASURES = (
    [("accuracy", "", "")]
    + [("no_answer", "", "")]
    + [("recall", emotion, emotion) for emotion in EMOTIONS]
    + [("confusion", true, predicted) for true, predicted in CONFUSIONS]
)
"""Every rate of the audit: its name, and the true and the predicted emotion where it is about one."""


@dataclass(frozen=True)
class Counts:
    """Counts of one dataset, model and variant.

    Attributes
    ----------
    dataset, model, variant : str
    people : pandas.DataFrame, shape (people, 4)
        `subject_id`, `race`, `gender`, `group`, in the order of the tensor's first axis.
    tensor : numpy.ndarray of float64, shape (people, 7, 12)
        Images by person, true emotion (`EMOTIONS`) and outcome (`OUTCOMES`). An image that was asked r times
        counts 1/r for each answer, so that the unit is always the image.
    squared : numpy.ndarray of float64, shape (people, 7, 12)
        The same with the square of what each image counts: equal to `tensor` where each was asked once.
    """

    dataset: str
    model: str
    variant: str
    people: pd.DataFrame
    tensor: np.ndarray
    squared: np.ndarray

    @property
    def configuration(self):
        """Dataset, model and variant, as a dict for building tables."""
        return {"dataset": self.dataset, "model": self.model, "variant": self.variant}

    @property
    def right(self):
        """Images of each person that were read as their label says; float64, shape (people,)."""
        return np.trace(self.tensor[..., : len(EMOTIONS)], axis1=1, axis2=2)

    @property
    def images(self):
        """Images of each person, answered or not; float64, shape (people,)."""
        return self.tensor.sum(axis=(1, 2))

    @property
    def answered(self):
        """Images of each person that got an answer, a label that the audit does not have included; shape (people,)."""
        answers = [OUTCOMES.index(name) for name in (*EMOTIONS, OTHER_LABEL)]
        return self.tensor[..., answers].sum(axis=(1, 2))

    def members(self, attribute):
        """Who belongs to which group.

        Parameters
        ----------
        attribute : {"all", "race", "gender", "group"}

        Returns
        -------
        pandas.DataFrame of bool, shape (groups, people)
            As `ferlib.stats.groups.members_of` returns it.

        Raises
        ------
        ValueError
            For an unknown attribute.
        """
        if attribute not in ATTRIBUTES:
            raise ValueError(f"attribute must be one of {', '.join(ATTRIBUTES)}, got {attribute!r}")
        return members_of(["all"] * len(self.people) if attribute == "all" else self.people[attribute])

    @property
    def grouping(self):
        """Race-gender groups, the finest, and the groups of each of `CONTRASTED`."""
        return Grouping.of(self.people, CONTRASTED, finest="group")

    def by(self, attribute):
        """Tensor summed over the people of each group.

        Returns
        -------
        numpy.ndarray of float64, shape (groups, 7, 12)
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
    parts = [pd.factorize(answers[name], sort=True) for name in CONFIGURATION]
    key = np.ravel_multi_index([codes for codes, _ in parts], [len(names) for _, names in parts])
    image, images = pd.factorize(answers["image_id"])
    person, _ = pd.factorize(answers["subject_id"], sort=True)
    true = pd.Index(EMOTIONS).get_indexer(answers["true"])
    outcome = pd.Index(OUTCOMES).get_indexer(answers["outcome"])
    found = []
    for number in np.unique(key):
        rows = np.flatnonzero(key == number)
        names = [values[codes[rows[0]]] for codes, values in parts]
        weight = 1 / np.bincount(image[rows], minlength=len(images))[image[rows]]
        _, first, place = np.unique(person[rows], return_index=True, return_inverse=True)
        shape = (len(first), len(EMOTIONS), len(OUTCOMES))
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
        found.append(Counts(*names, answers[list(PERSON)].iloc[rows[first]].reset_index(drop=True), tensor, squared))
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
    """Numerator and denominator of every rate in `MEASURES`.

    Parameters
    ----------
    tensor : numpy.ndarray, shape (..., 7, 12)
        Images by true emotion and outcome, for people, for groups, or for resampled groups.

    Returns
    -------
    count, n : numpy.ndarray of float64, shape (..., 51)
        A rate is `count / n`. The denominator of accuracy and no-answer is all images, that of recall and
        confusions the images of the true emotion: whoever refuses stays in it.
    """
    emotions = tensor[..., : len(EMOTIONS)]
    of_true = tensor.sum(axis=-1)
    total = of_true.sum(axis=-1)
    recalled = np.diagonal(emotions, axis1=-2, axis2=-1)
    rows = [EMOTIONS.index(true) for true, _ in CONFUSIONS]
    columns = [EMOTIONS.index(predicted) for _, predicted in CONFUSIONS]
    overall = np.stack([recalled.sum(axis=-1), silence(tensor)[0].sum(axis=-1)], axis=-1)
    count = np.concatenate([overall, recalled, emotions[..., rows, columns]], axis=-1)
    n = np.concatenate([np.stack([total, total], axis=-1), of_true, of_true[..., rows]], axis=-1)
    return count, n


def silence(tensor):
    """Images without an answer, and all, of each true emotion; two arrays of shape (..., 7)."""
    return tensor[..., [OUTCOMES.index(status) for status in NO_ANSWER]].sum(axis=-1), tensor.sum(axis=-1)


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
        grid = pd.MultiIndex.from_product([names, EMOTIONS, OUTCOMES], names=["group", "true", "predicted"])
        tensor = counts.by("group")
        n_true = np.broadcast_to(tensor.sum(axis=-1, keepdims=True), tensor.shape)
        frame = pd.DataFrame({"count": whole(tensor.ravel()), "n_true": whole(n_true.ravel())}, index=grid)
        frames.append(frame.reset_index().assign(**counts.configuration))
    columns = [*CONFIGURATION, "group", "true", "predicted", "count", "n_true"]
    return pd.concat(frames, ignore_index=True)[columns]
