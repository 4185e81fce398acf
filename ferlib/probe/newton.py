"""Newton's method for many logistic regressions side by side, each until it is certified.

The rows come in a basis of their own (see `logistic`), with a last column of ones; the weight on it is the intercept,
unpunished. Arrays have the fits first: weights (fits, classes, d + 1), chances (fits, classes, n).
"""

import numpy as np

from ferlib.probe import conjugate

MOST_STEPS = 60
MOST_HALVINGS = 30

UNSEEN = -1e6
"""Intercept of a class without a training row while the others are fitted: its chance is 0 exactly."""


def minimise(rows, onehot, seen, strengths, *, tolerance, start=None):
    """Minimise C times the log loss plus half the squared coefficients, for each fit.

    Parameters
    ----------
    rows : numpy.ndarray of float64, shape (n, d + 1)
    onehot : numpy.ndarray of float64, shape (classes, n)
        1 for the class of the row.
    seen : numpy.ndarray of float64, shape (fits, n)
        1 for a training row of the fit.
    strengths : numpy.ndarray of float64, shape (fits,)
        C.
    tolerance : float
        Largest relative error bound.
    start : numpy.ndarray of float64, shape (fits, classes, d + 1), optional
        Weights to begin with; by default 0, with the intercepts that give each class its share.

    Returns
    -------
    weights : numpy.ndarray of float64, shape (fits, classes, d + 1)
    bound : numpy.ndarray of float64, shape (fits,)
        Norm of the gradient by the coefficients at the best intercepts, which bounds their error.

    Raises
    ------
    RuntimeError
        When a fit does not reach the tolerance.
    """
    rows_32 = rows.astype(np.float32)
    weights = _shares(rows, onehot, seen) if start is None else start.copy()
    bound = np.full(len(strengths), np.inf)
    active = np.arange(len(strengths))
    value, chance = _objective(weights, rows, onehot, seen, strengths)
    for _ in range(MOST_STEPS):
        slope = _gradient(weights[active], chance, rows, onehot, seen[active], strengths[active])
        error = np.sqrt(np.square(slope).sum(axis=(1, 2))) / size(weights[active])
        near = error <= tolerance
        if near.any():
            some = active[near]
            settled, at_best = _settle(weights[some], chance[near], rows, onehot, seen[some], strengths[some])
            done = at_best <= tolerance * size(settled)
            weights[some[done]], bound[some[done]] = settled[done], at_best[done]
            on = np.isinf(bound[active])
            active, value, chance, slope, error = (part[on] for part in (active, value, chance, slope, error))
        if not len(active):
            return weights, bound
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
    raise RuntimeError(
        f"logistic regression: {len(active)} of {len(strengths)} fits did not converge within {MOST_STEPS} steps: at "
        f"C = {strengths[active].max():g} the coefficients may be off by {error.max():.1e} of their size, "
        f"{tolerance:.1e} is allowed. Use a smaller C or a larger tolerance."
    )


def _shares(rows, onehot, seen):
    """No coefficients, and the intercepts that give each class its share of the training rows."""
    weights = np.zeros((len(seen), len(onehot), rows.shape[1]))
    counts = seen @ onehot.T
    share = np.maximum(counts, 1) / counts.sum(axis=1, keepdims=True)
    weights[..., -1] = np.where(counts > 0, np.log(share), UNSEEN)
    return weights


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


def size(weights):
    """Norm of the coefficients of each fit, never quite 0."""
    return np.maximum(np.sqrt(np.square(weights[..., :-1]).sum(axis=(1, 2))), 1e-12)
