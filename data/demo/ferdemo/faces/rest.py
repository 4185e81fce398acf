"""Makes a resting face look neutral.

Some of MakeHuman's presets rest with drooping lids, low brows or lip corners turned down, the male and the older ones
most: seen as a photograph they look stern or sad, and a group would carry an expression of its own. The presets keep
their shapes; only the heights of lip corners, brows and upper lids are brought into a common range with the same
facial actions that make the expressions.
"""

import functools

import numpy as np

from ferdemo.faces import geometry

CORNERS = 0.0002  # m, lip corners above the middle of the lips
INNER_BROW, OUTER_BROW = 0.0126, 0.0147  # m, least height of the brows' skin above the eyes, for a head of base size
LIDS = 0.0013  # m, least mean height of the upper lashes above the eyes
LIMIT = 0.8  # greatest weight of a facial action in the correction


@functools.lru_cache(maxsize=1)
def _landmarks():
    """Vertices of the base mesh whose heights tell how a face rests."""
    head = geometry.load_head()
    skin = head.parts["skin"]
    count = len(skin.index)
    x, y, z = np.abs(skin.canonical[:count, 0]), skin.canonical[:count, 1], skin.canonical[:count, 2]
    lips = geometry.sample(geometry.texture_mask("lips"), skin.uv[:count]) > 0.5
    widest = np.sort(x[lips])[-8]
    front = z > -0.02
    return {
        "corners": skin.index[lips & (x > widest)],
        "middle": skin.index[lips & (x < 0.006)],
        "inner_brow": skin.index[front & (np.abs(x - 0.016) < 0.005) & (np.abs(y - 0.016) < 0.005)],
        "outer_brow": skin.index[front & (np.abs(x - 0.043) < 0.006) & (np.abs(y - 0.018) < 0.006)],
        "lids": head.parts["lashes"].index,
        "eyes": np.concatenate([head.parts["left_eye"].index, head.parts["right_eye"].index]),
    }


def heights(vertices):
    """Heights that tell how a face rests.

    Parameters
    ----------
    vertices : array, shape (19158, 3), metres

    Returns
    -------
    dict of str to float, metres
        Lip corners above the middle of the lips; brows and upper lids above the eyes.
    """
    at = {name: float(vertices[index, 1].mean()) for name, index in _landmarks().items()}
    return {
        "corners": at["corners"] - at["middle"],
        "inner_brow": at["inner_brow"] - at["eyes"],
        "outer_brow": at["outer_brow"] - at["eyes"],
        "lids": at["lids"] - at["eyes"],
    }


def _pair(name):
    return geometry.action(f"{name}Left") + geometry.action(f"{name}Right")


def settle(vertices):
    """Bring a resting face's lip corners, brows and lids into the common range.

    Parameters
    ----------
    vertices : array, shape (19158, 3), metres

    Returns
    -------
    numpy.ndarray, shape (19158, 3), metres
    """
    steps = (
        ("outer_brow", OUTER_BROW, _pair("browOuterUp"), False),
        ("inner_brow", INNER_BROW, geometry.action("browInnerUp"), False),
        ("lids", LIDS, _pair("eyeWide"), False),
        ("corners", CORNERS, _pair("mouthSmile"), True),
    )
    for name, wanted, movement, exact in steps:
        lack = wanted - heights(vertices)[name]
        per_unit = heights(vertices + movement)[name] - heights(vertices)[name]
        weight = np.clip(lack / per_unit, -LIMIT, LIMIT)
        if exact or lack > 0:
            vertices = vertices + np.float32(weight) * movement
    return vertices
