"""Newton's method for many logistic regressions side by side, each until it is certified.

The rows come in a basis of their own (see `logistic`), with a last column of ones; the weight on it is the intercept,
unpunished. Arrays have the fits first: weights (fits, classes, d + 1), chances (fits, classes, n).

The steps are found by conjugate gradients in single precision, which halves the time: a step needs to be right to a few
digits only, as the gradient that decides when to stop is computed in double precision.
"""

import numpy as np

MOST_STEPS = 60
MOST_HALVINGS = 30
MOST_ITERATIONS = 300

INTERCEPT = 1e-3
"""Stands for the penalty that an intercept does not have, so that the preconditioner can be inverted."""

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
        1 for a training row of the fit, 0 for another.
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
        step = newton_step(rows_32, chance, seen[active], strengths[active], slope, accuracy=accuracy)
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
        inverse = np.linalg.pinv(_class_curvature(chance * seen[:, None]), hermitian=True)
        move = -np.einsum("fkl,fl->fk", inverse, surplus)
        weights[..., -1] += move
        chance = chance * np.exp(move)[..., None]
        chance /= chance.sum(axis=1, keepdims=True)
    slope = _gradient(weights, chance, rows, onehot, seen, strengths)
    return weights, np.sqrt(np.square(slope[..., :-1]).sum(axis=(1, 2)))


def size(weights):
    """Norm of the coefficients of each fit, never quite 0."""
    return np.maximum(np.sqrt(np.square(weights[..., :-1]).sum(axis=(1, 2))), 1e-12)


def newton_step(rows, chance, seen, strengths, slope, *, accuracy):
    """Solve the Newton system of each fit.

    Parameters
    ----------
    rows : numpy.ndarray of float32, shape (n, d + 1)
        Features in the basis of their principal components; the last column is 1.
    chance : numpy.ndarray, shape (fits, classes, n)
        Probabilities at the present weights.
    seen, strengths
        As for `minimise`.
    slope : numpy.ndarray, shape (fits, classes, d + 1)
        The gradient.
    accuracy : numpy.ndarray, shape (fits,)
        Stop when the residual has shrunk by this factor, in the norm of the preconditioner.

    Returns
    -------
    numpy.ndarray of float64, shape (fits, classes, d + 1)
        A direction of descent.

    Notes
    -----
    The Hessian is C times the sum over the rows of (diag(p) - p p') (x) x x', plus the identity. The preconditioner
    puts the mean of diag(p) - p p' in the place of each: in the eigenbasis of that matrix and of the rows it is
    diagonal.
    """
    norm = np.sqrt(np.square(slope).sum(axis=(1, 2)))
    chance = (chance * seen[:, None]).astype(np.float32)
    strengths, seen = strengths.astype(np.float32), seen.astype(np.float32)
    turn, scale = _preconditioner(rows, chance, seen, strengths)
    residual = (slope / -norm[:, None, None]).astype(np.float32)
    step = np.zeros_like(residual)
    better = _precondition(residual, turn, scale)
    direction = better.copy()
    product = first = _dot(residual, better)
    active = np.arange(len(strengths))
    for _ in range(MOST_ITERATIONS):
        curved = _curve(direction, rows, chance, strengths)
        length = product / _dot(direction, curved)
        step[active] += length[:, None, None] * direction
        residual -= length[:, None, None] * curved
        better = _precondition(residual, turn, scale)
        product, previous = _dot(residual, better), product
        direction *= (product / previous)[:, None, None]
        direction += better
        on = product > accuracy[active] ** 2 * first
        if not on.any():
            break
        if not on.all():
            parts = (active, residual, direction, product, first, chance, strengths, turn, scale)
            active, residual, direction, product, first, chance, strengths, turn, scale = (part[on] for part in parts)
    return step * norm[:, None, None]


def _class_curvature(chance):
    """Sum over the rows of diag(p) - p p', shape (fits, classes, classes), from chances that are 0 for unseen rows."""
    curvature = -np.matmul(chance, chance.transpose(0, 2, 1))
    diagonal = np.arange(chance.shape[1])
    curvature[:, diagonal, diagonal] += chance.sum(axis=2)
    return curvature


def _curve(direction, rows, chance, strengths):
    """The Hessian times a direction."""
    change = (direction.reshape(-1, direction.shape[-1]) @ rows.T).reshape(chance.shape)
    change *= chance
    change -= chance * change.sum(axis=1, keepdims=True)
    curved = (change.reshape(-1, len(rows)) @ rows).reshape(direction.shape)
    curved *= strengths[:, None, None]
    curved[..., :-1] += direction[..., :-1]
    return curved


def _preconditioner(rows, chance, seen, strengths):
    curvature, turn = np.linalg.eigh(_class_curvature(chance))
    share = np.maximum(curvature, 0) / seen.sum(axis=1, keepdims=True)
    scale = strengths[:, None, None] * share[..., None] * (seen @ np.square(rows))[:, None]
    scale[..., :-1] += 1
    scale[..., -1] += INTERCEPT * strengths[:, None]
    return turn, scale


def _precondition(residual, turn, scale):
    return np.matmul(turn, np.matmul(turn.transpose(0, 2, 1), residual) / scale)


def _dot(one, other):
    return np.einsum("fkd,fkd->f", one, other)
