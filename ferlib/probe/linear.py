"""Linear probe: what a linear classifier can read from an embedding, judged on images that it has not seen.

Whether it has seen the *person* is another question. Folds are made in two ways, by people and by images, and what the
second gains on the first is what the probe knew about the people.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.probe import logistic

CHOICE_TOLERANCE = 1e-3
"""Relative error allowed to fits that serve only to choose C; their log losses are right to more digits than differ."""


def identity_folds(emotions, subjects, *, n_folds, seed):
    """Assign images to folds so that no person is in two of them, and each fold has each emotion alike.

    Parameters
    ----------
    emotions, subjects : numpy.ndarray, shape (n,)
        True label and person of each image.
    n_folds, seed : int

    Returns
    -------
    numpy.ndarray, shape (n,), int
        Fold of each image, 0 ... n_folds - 1.

    Raises
    ------
    InputError
        When there are fewer people than folds.
    """
    people = len(np.unique(subjects))
    if people < n_folds:
        raise InputError(f"n_folds = {n_folds}, but there are only {people} people: use n_folds <= {people}.")
    splitter = StratifiedGroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    return _numbered(splitter.split(emotions, emotions, groups=subjects), len(emotions))


def random_folds(emotions, subjects, *, n_folds, seed):
    """Assign images to folds whoever is in them; parameters and return value as for `identity_folds`.

    Raises
    ------
    InputError
        When an emotion has fewer images than there are folds.
    """
    names, counts = np.unique(emotions, return_counts=True)
    if counts.min() < n_folds:
        rare = names[counts.argmin()]
        raise InputError(f"n_folds = {n_folds}, but {str(rare)!r} has only {counts.min()} images: use fewer folds.")
    splitter = StratifiedKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    return _numbered(splitter.split(emotions, emotions), len(emotions))


SCHEMES = {"identity-disjoint": identity_folds, "random": random_folds}
"""Name of a way to split, as the column `variant` of the answers gives it, and the function."""


def _numbered(splits, n):
    folds = np.empty(n, dtype=int)
    for fold, (_, test) in enumerate(splits):
        folds[test] = fold
    return folds


@dataclass(frozen=True)
class Probes:
    """Fitted probes, one for each training part.

    Attributes
    ----------
    fits : ferlib.probe.logistic.Fits
    choices : pandas.DataFrame
        A row for each: `people` and `images` in the training part, `inverse_regularisation` as chosen, `at_edge` (it is
        the smallest or largest of those offered), `log_loss` and `accuracy` on the held-out images of the inner folds,
        and the certificate `relative_error_bound`.
    """

    fits: logistic.Fits
    choices: pd.DataFrame


def fit(embeddings, emotions, subjects, training, *, penalties, n_inner, seed, scheme="identity-disjoint"):
    """Fit a probe to each of several training parts, C chosen inside each.

    The training part is itself cut into folds, by the same scheme as the whole; the C whose probes give the held-out
    images the smallest log loss is taken, and a probe is fitted with it to the whole training part.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    emotions, subjects : numpy.ndarray, shape (n,)
    training : numpy.ndarray of bool, shape (parts, n)
    penalties : sequence of float
        scikit-learn's `C`: the values to choose from. A single one is taken as it is.
    n_inner : int
        Inner folds.
    seed : int
    scheme : {"identity-disjoint", "random"}

    Returns
    -------
    Probes

    Raises
    ------
    InputError
        When a training part cannot be cut into so many folds, or a penalty is not above 0.
    RuntimeError
        When a fit does not converge.
    """
    emotions, subjects = np.asarray(emotions), np.asarray(subjects)
    classes, offered = codes(emotions), np.sort(np.asarray(penalties, dtype=float))
    if not len(offered) or offered[0] <= 0:
        raise InputError(f"penalties is {list(penalties)}: give one or more numbers above 0 to choose C from.")
    loss, right = np.zeros((2, len(training), len(offered)))
    if len(offered) > 1:
        held = _inner_parts(emotions, subjects, training, n_inner, seed, scheme)
        loss, right = _judge(embeddings, classes, training, held, offered)
    best = loss.argmin(axis=1)
    fits = logistic.fit(
        embeddings, classes, inverse_regularisation=offered[best], training=training, n_classes=len(EMOTIONS)
    )
    rows = np.arange(len(training))
    choices = pd.DataFrame(
        {
            "people": [len(np.unique(subjects[part])) for part in training],
            "images": training.sum(axis=1),
            "inverse_regularisation": offered[best],
            "at_edge": (len(offered) > 1) & ((best == 0) | (best == len(offered) - 1)),
            "log_loss": loss[rows, best],
            "accuracy": right[rows, best],
            "relative_error_bound": fits.relative_error_bound,
        }
    )
    return Probes(fits, choices)


def _inner_parts(emotions, subjects, training, n_inner, seed, scheme):
    """Held-out images of the inner folds of each training part; bool, shape (parts, n_inner, n)."""
    held = np.zeros((len(training), n_inner, len(emotions)), dtype=bool)
    for part, rows in zip(held, training, strict=True):
        folds = SCHEMES[scheme](emotions[rows], subjects[rows], n_folds=n_inner, seed=seed)
        part[:, rows] = folds == np.arange(n_inner)[:, None]
    return held


def _judge(embeddings, classes, training, held, offered):
    """Log loss and accuracy on the held-out images, each of shape (parts, offered)."""
    n_inner = held.shape[1]
    held = held.reshape(-1, len(classes))
    inner = np.repeat(training, n_inner, axis=0) & ~held
    sums = np.zeros((2, len(offered), len(inner)))
    path = logistic.fit_path(
        embeddings, classes, penalties=offered, training=inner, tolerance=CHOICE_TOLERANCE, n_classes=len(EMOTIONS)
    )
    for which, fits in enumerate(path):
        for number, rows in enumerate(held):
            chances, true = fits.probabilities(embeddings[rows], number=number), classes[rows]
            log_loss = -np.log(np.maximum(chances[np.arange(len(true)), true], 1e-15))
            sums[:, which, number] = log_loss.sum(), (chances.argmax(axis=1) == true).sum()
    sums = sums.reshape(2, len(offered), len(training), n_inner).sum(axis=-1) / training.sum(axis=1)
    return sums.transpose(0, 2, 1)


def codes(emotions):
    """Number of each emotion in `ferlib.labels.EMOTIONS`."""
    return np.array([EMOTIONS.index(emotion) for emotion in emotions])


def predict(embeddings, probes, folds):
    """Probability of each emotion for every image, by the probe of its fold.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    probes : Probes
        The k-th has been fitted without the images of fold k.
    folds : numpy.ndarray, shape (n,)

    Returns
    -------
    numpy.ndarray, shape (n, 7)
        In the order of `ferlib.labels.EMOTIONS`; an emotion absent from a training part has probability 0.
    """
    result = np.zeros((len(embeddings), len(EMOTIONS)))
    for fold in np.unique(folds):
        result[folds == fold] = probes.fits.probabilities(embeddings[folds == fold], number=fold)
    return result


def outside(folds):
    """The training part of each fold: all images of the others; bool, shape (folds, n)."""
    return np.asarray(folds) != np.arange(np.max(folds) + 1)[:, None]


def out_of_fold(embeddings, emotions, folds, *, inverse_regularisation):
    """Probability of each emotion for every image, from a probe of given C that has not seen that image's fold.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    emotions, folds : numpy.ndarray, shape (n,)
    inverse_regularisation : float
        scikit-learn's `C`.

    Returns
    -------
    numpy.ndarray, shape (n, 7)
        As of `predict`.
    """
    options = {"penalties": [inverse_regularisation], "n_inner": 0, "seed": 0}
    return predict(embeddings, fit(embeddings, emotions, emotions, outside(folds), **options), folds)
