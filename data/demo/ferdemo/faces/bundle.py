"""Tied hair: a bun on the crown, or a tail that comes forward over a shoulder."""

import numpy as np

TURNS, ROWS = 48, 28  # corners of the surfaces' grids


def bun(crown, *, side):
    """A round knot on top of the head.

    Parameters
    ----------
    crown : array, shape (3,)
        Highest point of the head, metres.
    side : int
        1 or -1: the way its strands wind.

    Returns
    -------
    points : array, shape (n, 3), metres
    strands : array, shape (n, 3)
        Across the strands, along them, and 0, metres.
    triangles : array of int, shape (t, 3)
    """
    around, up = np.meshgrid(np.linspace(-np.pi, np.pi, TURNS), np.linspace(-np.pi / 2, np.pi / 2, ROWS))
    # Wound strands leave shallow grooves that climb around the knot.
    groove = 1 + 0.035 * np.sin(5 * up + 2 * side * around)
    radius = np.array([0.036, 0.025, 0.034])
    ray = np.stack([np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around)], axis=-1)
    points = crown + (0.0, -0.003, -0.030) + ray * radius * groove[..., None]
    strands = np.stack([0.045 * up + 0.018 * side * around, 0.03 * around, np.zeros_like(up)], axis=-1)
    return points.reshape(-1, 3), strands.reshape(-1, 3), _grid(ROWS, TURNS)


def tail(crown, *, side):
    """A tail from the nape over the shoulder; parameters and returns as for `bun`, `side` 1 = the face's left."""
    t = np.linspace(0, 1, ROWS)
    knots = np.linspace(0, 1, 5)
    # From the crown: behind the neck, beside it, over the collar bone, down the chest.
    path = np.stack(
        [
            side * np.interp(t, knots, [0.020, 0.058, 0.076, 0.074, 0.066]),
            np.interp(t, knots, [-0.150, -0.170, -0.215, -0.270, -0.340]),
            np.interp(t, knots, [-0.120, -0.085, -0.030, 0.015, 0.030]),
        ],
        axis=-1,
    )
    for _ in range(3):
        path[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    thick = np.interp(t, [0, 0.15, 0.5, 0.85, 1], [0.014, 0.020, 0.025, 0.020, 0.004])
    around, row = np.meshgrid(np.linspace(-np.pi, np.pi, TURNS), t)
    locks = 1 + 0.05 * np.sin(7 * around + 9 * row)
    ring = np.stack([np.sin(around), 0.25 * np.cos(around), np.cos(around)], axis=-1)
    points = crown * (1, 1, 0) + path[:, None] + ring * (thick[:, None] * locks)[..., None]
    strands = np.stack([0.025 * around, 0.2 * row, np.zeros_like(row)], axis=-1)
    return points.reshape(-1, 3), strands.reshape(-1, 3), _grid(ROWS, TURNS)


def _grid(rows, columns):
    corner = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
