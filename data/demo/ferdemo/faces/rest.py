"""Makes a resting face look neutral.

Some of MakeHuman's presets rest with drooping lids, low brows or lip corners turned down, the male and the older ones
most: seen as a photograph they look stern or sad, and a group would carry an expression of its own. The presets keep
their shapes; only the heights of lip corners, brows and upper lids are brought into one range with the same facial
actions that make the expressions. The lids' range is of the opening that is seen: a fold before the lid's edge counts.
"""

import numpy as np

from ferdemo.faces import geometry
from ferdemo.faces.landmarks import distance, opening, place

RANGES = {
    "outer_brow": (0.700, 0.740),
    "inner_brow": (0.575, 0.605),
    "opening": (0.350, 0.364),
    "corners": (0.009, 0.009),
}
"""Heights of a resting face, as shares of the width of its eye; see `heights`."""
MOVEMENTS = {
    "outer_brow": ("browOuterUpLeft", "browOuterUpRight"),
    "inner_brow": ("browInnerUp",),
    "opening": ("eyeWideLeft", "eyeWideRight"),
    "corners": ("mouthSmileLeft", "mouthSmileRight"),
}
LIMIT = 0.8  # greatest weight of a facial action in the correction
PASSES = 3  # a brow that moves takes the lid's fold with it


def heights(vertices):
    """How a face rests.

    Parameters
    ----------
    vertices : array, shape (19158, 3), metres

    Returns
    -------
    dict of str to float, shares of the eye's width
        Brows above the middle of the eyes, opening of the eyes, lip corners above the middle of the lips.
    """
    eye = distance(vertices, "inner corner of the eye", "outer corner of the eye")
    y = {name: place(vertices, name)[1] for name in ("eye", "inner brow", "outer brow")}
    lips = [place(vertices, name)[1] for name in ("corner of the mouth", "middle of the lips")]
    return {
        "outer_brow": (y["outer brow"] - y["eye"]) / eye,
        "inner_brow": (y["inner brow"] - y["eye"]) / eye,
        "opening": opening(vertices) / eye,
        "corners": (lips[0] - lips[1]) / eye,
    }


def settle(vertices):
    """Bring a resting face's brows, lids and lip corners into the common ranges.

    Parameters
    ----------
    vertices : array, shape (19158, 3), metres

    Returns
    -------
    numpy.ndarray of float32, shape (19158, 3), metres
    """
    weights = dict.fromkeys(RANGES, 0.0)
    settled = np.asarray(vertices, dtype=np.float32)
    for name in PASSES * tuple(RANGES):
        movement = sum(geometry.action(action) for action in MOVEMENTS[name])
        now = heights(settled)[name]
        lack = np.clip(now, *RANGES[name]) - now
        if lack:
            per_unit = heights(settled + np.float32(0.2) * movement)[name] - now
            change = np.clip(weights[name] + 0.2 * lack / per_unit, -LIMIT, LIMIT) - weights[name]
            weights[name] += change
            settled = settled + np.float32(change) * movement
    return settled
