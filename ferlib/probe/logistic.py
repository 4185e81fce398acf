"""Multinomial logistic regression: many fits at once, each to a stated accuracy.

Choosing a penalty by cross-validation fits the same rows over and over, with other folds and other penalties. Here all
fits share one copy of the rows, and each says by a mask which of them it may see. Three things make that quick: the
rows are turned into the basis of their principal components, which changes nothing for an L2 penalty; the steps of
Newton's method are found by conjugate gradients with a preconditioner that suits that basis (`newton`); and what all
fits need of the rows is one matrix product.
"""

from dataclasses import dataclass

import numpy as np

from ferlib.errors import InputError
from ferlib.probe import newton

LARGEST_ARRAY = 6_000_000
"""Numbers in the largest intermediate array; more fits than that allows are done one lot after the other."""


@dataclass(frozen=True)
class Fits:
    """Fitted models.

    Attributes
    ----------
    coefficients : numpy.ndarray of float64, shape (fits, classes, d)
    intercepts : numpy.ndarray of float64, shape (fits, classes)
        They sum to 0; -inf for a class that has no training row.
    error_bound : numpy.ndarray of float64, shape (fits,)
        The certificate: the norm of the gradient by the coefficients, taken at the best intercepts for them. The
        objective curves at least as much as half the squared norm of the coefficients does, so they lie no further
        than this from the solution (in Euclidean norm).
    relative_error_bound : numpy.ndarray of float64, shape (fits,)
        `error_bound` divided by the norm of the coefficients.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    error_bound: np.ndarray
    relative_error_bound: np.ndarray

    def probabilities(self, features, *, number=0):
        """Probability of each class by the fit of this number, shape (n, classes)."""
        logits = features @ self.coefficients[number].T + self.intercepts[number]
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        return chances / chances.sum(axis=1, keepdims=True)


def fit(features, classes, *, inverse_regularisation, training=None, tolerance=1e-5, n_classes=None):
    """Fit multinomial logistic regressions with an L2 penalty and free intercepts.

    Each minimises C times the sum of the log losses of its training rows, plus half the squared norm of the
    coefficients: the objective of scikit-learn's `LogisticRegression`.

    Parameters
    ----------
    features : numpy.ndarray, shape (n, d)
    classes : numpy.ndarray of int, shape (n,)
        From 0.
    inverse_regularisation : float or array_like of float, shape (fits,)
        C of each fit.
    training : numpy.ndarray of bool, shape (fits, n), optional
        The rows that each fit may see; all of them by default.
    tolerance : float
        Largest relative error bound of the coefficients.
    n_classes : int, optional
        Classes to tell apart, those that nobody shows included; by default up to the largest in `classes`.

    Returns
    -------
    Fits

    Raises
    ------
    InputError
        When a feature is not finite, or a fit has no training row.
    RuntimeError
        When a fit does not reach the tolerance.
    """
    strengths = np.atleast_1d(np.asarray(inverse_regularisation, dtype=float))
    if training is None:
        training = np.ones((len(strengths), len(features)), dtype=bool)
    rows, onehot, lots, turn = _prepare(features, classes, training, n_classes)
    parts = [
        newton.minimise(rows, onehot, training[some].astype(float), strengths[some], tolerance=tolerance)
        for some in lots
    ]
    return _turned_back(parts, *turn)


def fit_path(features, classes, *, penalties, training, tolerance=1e-5, n_classes=None):
    """Fit with each of several C to each training part, going from one C to the next.

    A fit begins where its two predecessors point to. With many training parts that is twice as quick as beginning all
    of them from nothing; with few, the matrix products become too small to be quick.

    Parameters
    ----------
    features, classes, training, tolerance, n_classes
        As for `fit`.
    penalties : sequence of float
        Values of C, ascending, best in about equal ratios.

    Yields
    ------
    Fits
        For each C: a fit for each training part.

    Raises
    ------
    InputError, RuntimeError
        As for `fit`.
    """
    rows, onehot, lots, turn = _prepare(features, classes, training, n_classes)
    masks = [training[some].astype(float) for some in lots]
    known = [[] for _ in masks]
    for penalty in penalties:
        parts = []
        for seen, last in zip(masks, known, strict=True):
            start = 2 * last[-1] - last[-2] if len(last) > 1 else last[-1] if last else None
            strengths = np.full(len(seen), float(penalty))
            parts.append(newton.minimise(rows, onehot, seen, strengths, tolerance=tolerance, start=start))
            last[:] = [*last[-1:], parts[-1][0]]
        yield _turned_back(parts, *turn)


def _prepare(features, classes, training, n_classes):
    features = np.asarray(features, dtype=float)
    if not np.isfinite(features).all():
        row = int(np.argmin(np.isfinite(features).all(axis=1)))
        raise InputError(f"logistic regression: row {row} of the features is not finite. Make the embeddings anew.")
    if not training.any(axis=1).all():
        raise InputError(f"logistic regression: fit {int(np.argmin(training.any(axis=1)))} has no training row.")
    centre, basis = _principal_basis(features)
    rows = np.column_stack([(features - centre) @ basis, np.ones(len(features))])
    onehot = np.equal.outer(np.arange(n_classes or classes.max() + 1), classes).astype(float)
    lot = max(1, LARGEST_ARRAY // onehot.size)
    lots = [slice(begin, begin + lot) for begin in range(0, len(training), lot)]
    return rows, onehot, lots, (centre, basis)


def _principal_basis(features):
    """Mean of the rows, and an orthonormal basis of their span about it, in the order of falling spread."""
    centre = features.mean(axis=0)
    centred = features - centre
    if len(features) < features.shape[1]:
        span = np.linalg.qr(centred.T)[0]
        centred = centred @ span
    else:
        span = np.eye(features.shape[1])
    return centre, span @ np.linalg.eigh(centred.T @ centred)[1][:, ::-1]


def _turned_back(parts, centre, basis):
    """The fits of all lots in the features' own coordinates."""
    weights, bound = (np.concatenate(part) for part in zip(*parts, strict=True))
    coefficients = weights[..., :-1] @ basis.T
    seen = weights[..., -1] > newton.UNSEEN / 2
    intercepts = np.where(seen, weights[..., -1] - coefficients @ centre, 0)
    intercepts -= seen * (intercepts.sum(axis=1) / seen.sum(axis=1))[:, None]
    intercepts[~seen] = -np.inf
    return Fits(coefficients, intercepts, bound, bound / newton.size(weights))
