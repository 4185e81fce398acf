"""What the renderer draws: a mesh with its material.

Kept apart from the renderer, so that a scene can be put together without OpenGL.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """One thing to draw.

    Attributes
    ----------
    material : str
        One of `ferdemo.faces.renderer.MATERIALS`.
    vertices, normals, canonical : array, shape (n, 3)
    triangles : array of int, shape (t, 3)
    growth : array, shape (n,), optional
        Hair only: distance (m) inside the hairline or the tips.
    base : tuple of float
        Linear colour, for materials without a map.
    eye : tuple of float, optional
        Eyes only: canonical centre and radius of the ball.
    flow : tuple of float
        Hair only: where its strands point; zero for hair that falls to both sides of a parting.
    curl : float
        Hair only: 0 straight ... 1 coiled.
    """

    material: str
    vertices: np.ndarray
    normals: np.ndarray
    canonical: np.ndarray
    triangles: np.ndarray
    base: tuple = (0.5, 0.5, 0.5)
    growth: np.ndarray | None = None
    eye: tuple | None = None
    flow: tuple = (0.0, 0.0, 0.0)
    curl: float = 0.0
