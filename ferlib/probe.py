"""Linear probe: what a linear classifier can read from an embedding, judged on people it has not seen."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS


def identity_folds(emotions, subjects, *, n_folds, seed):
    """Assign images to folds so that no person is in two of them.

    Parameters
    ----------
    emotions, subjects : numpy.ndarray, shape (n,)
        True label and person of each image.
    n_folds : int
    seed : int

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
    folds = np.empty(len(emotions), dtype=int)
    for fold, (_, test) in enumerate(splitter.split(emotions, emotions, groups=subjects)):
        folds[test] = fold
    return folds


def fit(embeddings, emotions, *, inverse_regularisation):
    """Fit the probe: L2-regularised multinomial logistic regression.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    emotions : numpy.ndarray, shape (n,)
    inverse_regularisation : float
        scikit-learn's `C`.

    Returns
    -------
    sklearn.linear_model.LogisticRegression

    Raises
    ------
    RuntimeError
        When the solver stops before it has converged.
    """
    model = LogisticRegression(C=inverse_regularisation, tol=1e-6, max_iter=20_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return model.fit(embeddings, emotions)
        except ConvergenceWarning as stopped:
            raise RuntimeError(f"the probe did not converge at C = {inverse_regularisation}: {stopped}") from stopped


def out_of_fold(embeddings, emotions, folds, *, inverse_regularisation):
    """Probability of each emotion for every image, from a probe that has not seen that image's fold.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    emotions : numpy.ndarray, shape (n,)
    folds : numpy.ndarray, shape (n,)
        As made by `identity_folds`.
    inverse_regularisation : float
        scikit-learn's `C`.

    Returns
    -------
    numpy.ndarray, shape (n, 7)
        In the order of `ferlib.labels.EMOTIONS`; an emotion absent from a fold's training part has probability 0.
    """
    result = np.zeros((len(emotions), len(EMOTIONS)))
    for fold in np.unique(folds):
        test = folds == fold
        model = fit(embeddings[~test], emotions[~test], inverse_regularisation=inverse_regularisation)
        columns = [EMOTIONS.index(emotion) for emotion in model.classes_]
        result[np.ix_(test, columns)] = model.predict_proba(embeddings[test])
    return result
