"""Multinomial logistic regression: many fits at once, each to a stated accuracy.

Choosing a penalty by cross-validation fits the same rows over and over, with other folds and other penalties. Here all
fits share one copy of the rows, and each says by a mask which of them it may see. Three things make that quick: the
rows are turned into the basis of their principal components, which changes nothing for an L2 penalty; Newton's steps
are found by conjugate gradients with a preconditioner that fits that basis (`ferlib.conjugate`); and what all fits need
of the rows is one matrix product.
"""

from dataclasses import dataclass

import numpy as np

from ferlib import conjugate
from ferlib.errors import InputError

MOST_STEPS = 60
MOST_HALVINGS = 30
LARGEST_ARRAY = 6_000_000
"""Numbers in the largest intermediate array; more fits than that allows are done one lot after the other."""

UNSEEN = -1e6
"""Intercept of a class without a training row while the others are fitted: its chance is 0 exactly."""


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
    steps : numpy.ndarray of int, shape (fits,)
        Newton steps taken.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    error_bound: np.ndarray
    relative_error_bound: np.ndarray
    steps: np.ndarray

    def probabilities(self, features, *, number=0):
        """Probability of each class by the fit of this number, shape (n, classes)."""
        logits = features @ self.coefficients[number].T + self.intercepts[number]
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        return chances / chances.sum(axis=1, keepdims=True)


def fit(features, classes, *, inverse_regularisation, training=None, tolerance=1e-5):
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
    features = np.asarray(features, dtype=float)
    strengths = np.atleast_1d(np.asarray(inverse_regularisation, dtype=float))
    if training is None:
        training = np.ones((len(strengths), len(features)), dtype=bool)
    if not np.isfinite(features).all():
        row = int(np.argmin(np.isfinite(features).all(axis=1)))
        raise InputError(f"logistic regression: row {row} of the features is not finite. Make the embeddings anew.")
    if not training.any(axis=1).all():
        raise InputError(f"logistic regression: fit {int(np.argmin(training.any(axis=1)))} has no training row.")
    centre, basis = _principal_basis(features)
    rows = np.column_stack([(features - centre) @ basis, np.ones(len(features))])
    onehot = np.equal.outer(np.arange(classes.max() + 1), classes).astype(float)
    lot = max(1, LARGEST_ARRAY // onehot.size)
    lots = [slice(begin, begin + lot) for begin in range(0, len(strengths), lot)]
    parts = [_minimise(rows, onehot, training[some].astype(float), strengths[some], tolerance) for some in lots]
    weights, bound, steps = (np.concatenate(part) for part in zip(*parts, strict=True))
    coefficients = weights[..., :-1] @ basis.T
    seen = weights[..., -1] > UNSEEN / 2
    intercepts = np.where(seen, weights[..., -1] - coefficients @ centre, 0)
    intercepts -= seen * (intercepts.sum(axis=1) / seen.sum(axis=1))[:, None]
    intercepts[~seen] = -np.inf
    return Fits(coefficients, intercepts, bound, bound / _size(weights), steps)


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


def _minimise(rows, onehot, seen, strengths, tolerance):
    """Newton's method with halved steps where a whole one does not descend, for all fits side by side.

    The last column of the rows is 1; the weight on it is the intercept and goes unpunished.
    """
    rows_32 = rows.astype(np.float32)
    weights = np.zeros((len(strengths), len(onehot), rows.shape[1]))
    counts = seen @ onehot.T
    weights[..., -1] = np.where(counts > 0, np.log(np.maximum(counts, 1) / counts.sum(axis=1, keepdims=True)), UNSEEN)
    bound, steps = np.full(len(strengths), np.inf), np.zeros(len(strengths), dtype=int)
    active = np.arange(len(strengths))
    value, chance = _objective(weights, rows, onehot, seen, strengths)
    for _ in range(MOST_STEPS):
        slope = _gradient(weights[active], chance, rows, onehot, seen[active], strengths[active])
        error = np.sqrt(np.square(slope).sum(axis=(1, 2))) / _size(weights[active])
        near = error <= tolerance
        if near.any():
            some = active[near]
            settled, at_best = _settle(weights[some], chance[near], rows, onehot, seen[some], strengths[some])
            done = at_best <= tolerance * _size(settled)
            weights[some[done]], bound[some[done]] = settled[done], at_best[done]
            on = np.isinf(bound[active])
            active, value, chance, slope, error = (part[on] for part in (active, value, chance, slope, error))
        if not len(active):
            return weights, bound, steps
        accuracy = np.clip(np.sqrt(error), np.maximum(1e-3, 0.3 * tolerance / error), 0.3)
        step = conjugate.newton_step(rows_32, chance, seen[active], strengths[active], slope, accuracy=accuracy)
        before, drop = value, (slope * step).sum(axis=(1, 2))
        length = np.ones(len(active))
        for _ in range(MOST_HALVINGS):
            trial = weights[active] + length[:, None, None] * step
            value, chance = _objective(trial, rows, onehot, seen[active], strengths[active])
            short = value > before + 1e-4 * length * drop + 1e-12 * np.abs(before)
            if not short.any():
                break
            length[short] /= 2
        weights[active] = trial
        steps[active] += 1
    raise RuntimeError(
        f"logistic regression: {len(active)} of {len(strengths)} fits did not converge within {MOST_STEPS} steps: at "
        f"C = {strengths[active].max():g} the coefficients may be off by {error.max():.1e} of their size, "
        f"{tolerance:.1e} is allowed. Use a smaller C or a larger tolerance."
    )


def _objective(weights, rows, onehot, seen, strengths):
    """Value of the objective of each fit, and the chance that it gives to each class, shape (fits, classes, n)."""
    logits = (weights.reshape(-1, weights.shape[-1]) @ rows.T).reshape(*weights.shape[:2], len(rows))
    logits -= logits.max(axis=1, keepdims=True)
    right = np.take_along_axis(logits, onehot.argmax(axis=0)[None, None], axis=1)[:, 0]
    chance = np.exp(logits, out=logits)
    total = chance.sum(axis=1)
    chance /= total[:, None]
    loss = (seen * (np.log(total) - right)).sum(axis=1)
    return strengths * loss + 0.5 * np.square(weights[..., :-1]).sum(axis=(1, 2)), chance


def _gradient(weights, chance, rows, onehot, seen, strengths):
    residual = chance - onehot
    residual *= seen[:, None]
    slope = (residual.reshape(-1, len(rows)) @ rows).reshape(weights.shape)
    slope *= strengths[:, None, None]
    slope[..., :-1] += weights[..., :-1]
    return slope


def _settle(weights, chance, rows, onehot, seen, strengths):
    """The same weights with the best intercepts for them, and the norm of the gradient by the coefficients there.

    Least over the intercepts, the objective is a function of the coefficients alone and keeps their curvature.
    """
    weights = weights.copy()
    for _ in range(2):
        surplus = (seen[:, None] * (chance - onehot)).sum(axis=2)
        inverse = np.linalg.pinv(conjugate.class_curvature(chance * seen[:, None]), hermitian=True)
        move = -np.einsum("fkl,fl->fk", inverse, surplus)
        weights[..., -1] += move
        chance = chance * np.exp(move)[..., None]
        chance /= chance.sum(axis=1, keepdims=True)
    slope = _gradient(weights, chance, rows, onehot, seen, strengths)
    return weights, np.sqrt(np.square(slope[..., :-1]).sum(axis=(1, 2)))


def _size(weights):
    """Norm of the coefficients of each fit, never quite 0."""
    return np.maximum(np.sqrt(np.square(weights[..., :-1]).sum(axis=(1, 2))), 1e-12)
