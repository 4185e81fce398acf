"""Conjugate gradients: Newton's step for many logistic regressions at once.

Works in single precision, which halves the time: the step needs to be right to a few digits only, as the gradient that
decides when to stop is computed in double precision (`ferlib.probe.logistic`).
"""

import numpy as np

MOST_ITERATIONS = 300
INTERCEPT = 1e-3
"""Stands for the penalty that an intercept does not have, so that the preconditioner can be inverted."""


def newton_step(rows, chance, seen, strengths, slope, *, accuracy):
    """Solve the Newton system of each fit.

    Parameters
    ----------
    rows : numpy.ndarray of float32, shape (n, d + 1)
        Features in the basis of their principal components; the last column is 1.
    chance : numpy.ndarray, shape (fits, classes, n)
        Probabilities at the present weights.
    seen : numpy.ndarray, shape (fits, n)
        1 for a training row of the fit, 0 for another.
    strengths : numpy.ndarray, shape (fits,)
        C of each fit.
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


def class_curvature(chance):
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
    curvature, turn = np.linalg.eigh(class_curvature(chance))
    share = np.maximum(curvature, 0) / seen.sum(axis=1, keepdims=True)
    scale = strengths[:, None, None] * share[..., None] * (seen @ np.square(rows))[:, None]
    scale[..., :-1] += 1
    scale[..., -1] += INTERCEPT * strengths[:, None]
    return turn, scale


def _precondition(residual, turn, scale):
    return np.matmul(turn, np.matmul(turn.transpose(0, 2, 1), residual) / scale)


def _dot(one, other):
    return np.einsum("fkd,fkd->f", one, other)
