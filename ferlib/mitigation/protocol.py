"""Protocol: a remedy learns from some people, is chosen on others, and is judged on people whom it never saw.

People are dealt into three parts, anew for each seed. Each part is once what is fitted on, once what is chosen on, once
what is judged. So each seed judges everybody, and what a seed does is seen apart from chance among people.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.probe import linear, logistic
from ferlib.stats.outcomes import KEY

ABSTAINED = "refused"
"""Outcome of an image that a remedy leaves unanswered."""


@dataclass(frozen=True)
class Parts:
    """Who is fitted on, chosen on and judged, three turns for each seed.

    Attributes
    ----------
    fit, choose, judge : numpy.ndarray of bool, shape (seeds x 3, images)
    """

    fit: np.ndarray
    choose: np.ndarray
    judge: np.ndarray

    @classmethod
    def deal(cls, manifest, *, by, seeds):
        """Deal whole people into three parts, those who agree in some columns evenly.

        Parameters
        ----------
        manifest : pandas.DataFrame
            A row an image, with `subject_id` and the columns `by`.
        by : list of str
        seeds : sequence of int

        Raises
        ------
        InputError
            When there are too few people for three parts.
        """
        people = manifest.groupby("subject_id", sort=True)[by].first().astype(str).agg(" ".join, axis=1)
        if people.value_counts().min() < 3:
            few = people.value_counts().index[-1]
            raise InputError(f"three parts: only {people.value_counts().min()} people are {few!r}. It takes three.")
        place = people.index.get_indexer(manifest["subject_id"])
        parts = []
        for seed in seeds:
            random, part = np.random.default_rng(seed), np.empty(len(people), int)
            for name in sorted(people.unique()):
                own = random.permutation(np.flatnonzero(people == name))
                part[own] = (np.arange(len(own)) + random.integers(3)) % 3
            parts += [(part[place] + turn) % 3 for turn in range(3)]
        parts = np.array(parts)
        return cls(parts == 0, parts == 1, parts == 2)

    def answers(self, scores, manifest, *, model):
        """The answers of a remedy to the people whom it did not see.

        Parameters
        ----------
        scores : numpy.ndarray, shape (seeds x 3, images, 7) or (images, 7)
            Of each turn; or one for all, of a model that learns nothing here. The largest is the answer, NaN is none.
        manifest : pandas.DataFrame
            The images, in the order of the scores.
        model : str

        Returns
        -------
        pandas.DataFrame
            As `ferlib.stats.outcomes.join` returns them; `repeat` is the seed's number.
        """
        known = manifest.rename(columns={"emotion": "true"})[
            ["dataset", "image_id", "subject_id", "race", "gender", "group", "true"]
        ]
        known = known.assign(model=model, variant="only")
        turns = scores[None] if scores.ndim == 2 else scores
        silent = np.isnan(turns).any(axis=-1)
        said = np.array(EMOTIONS, dtype=object)[np.nan_to_num(turns, nan=-np.inf).argmax(axis=-1)]
        said[silent] = ABSTAINED
        if scores.ndim == 2:
            return known.assign(repeat=0, outcome=said[0])
        frames = [
            known[rows].assign(repeat=turn // 3, outcome=said[turn][rows]) for turn, rows in enumerate(self.judge)
        ]
        return pd.concat(frames, ignore_index=True).sort_values(list(KEY), ignore_index=True)

    def refit(self, features, classes, *, penalties, among=True):
        """Scores of a last layer fitted in each turn: C as serves the people to choose on best.

        Kirichenko, Izmailov and Wilson (2023), Last layer re-training is sufficient for robustness to spurious
        correlations: deep feature reweighting, when `among` are images in which each group is as frequent.

        Parameters
        ----------
        features : numpy.ndarray, shape (images, d)
        classes : numpy.ndarray of int, shape (images,) or (seeds x 3, images)
            What is taught, and by which C is chosen; by turn, where a turn has labels of its own.
        penalties : sequence of float
            scikit-learn's C to choose from, ascending.
        among : numpy.ndarray of bool, shape (images,) or (seeds x 3, images)
            What may be fitted on, of the people to fit on; all by default.

        Returns
        -------
        numpy.ndarray, shape (seeds x 3, images, 7)
        """
        training, classes = self.fit & among, np.broadcast_to(classes, self.fit.shape)
        scores = np.empty((*self.fit.shape, len(EMOTIONS)))
        for rows, own in _alike(classes):
            path = logistic.fit_path(
                features, own, penalties=penalties, training=training[rows], tolerance=linear.CHOICE_TOLERANCE,
                n_classes=len(EMOTIONS),
            )  # fmt: skip
            best = np.full(len(rows), -np.inf)
            for fits in path:
                for place, turn in enumerate(rows):
                    found = fits.probabilities(features, number=place)
                    right = (found.argmax(axis=1) == own)[self.choose[turn]].mean()
                    if right > best[place]:
                        best[place], scores[turn] = right, found
        return scores


def _alike(classes):
    """Turns that are taught the same, and what."""
    if classes.strides[0] == 0:  # one array, broadcast
        return [(np.arange(len(classes)), classes[0])]
    return [(np.array([turn]), own) for turn, own in enumerate(classes)]
