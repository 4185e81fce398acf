"""Points of a face that a coder would look at, as vertices of the base mesh: every head has them in the same order."""

import functools

import numpy as np

from ferdemo.faces import geometry


def _near(x, y, centre, radius):
    return np.hypot(x - centre[0], y - centre[1]) < radius


@functools.lru_cache(maxsize=1)
def points():
    """Vertices of each point, on both sides of the face.

    Returns
    -------
    dict of str to numpy.ndarray of int
        Indices of the base mesh.
    """
    head = geometry.load_head()
    skin = head.parts["skin"]
    count = len(skin.index)
    x, y, z = np.abs(skin.canonical[:count, 0]), skin.canonical[:count, 1], skin.canonical[:count, 2]
    front = z > -0.02
    lid, lip = (_shared(skin, geometry.SKIN, inside)[:count] for inside in (geometry.SOCKET, geometry.MOUTH))
    red = geometry.sample(geometry.texture_mask("lips"), skin.uv[:count]) > 0.5
    pupil, middle = np.abs(x - 0.031) < 0.005, x < 0.006
    found = {
        "upper lid": lid & pupil & (y > 0.002),
        "lower lid": lid & pupil & (y < -0.002),
        "inner corner of the eye": lid & (x < 0.0205),
        "outer corner of the eye": lid & (x > 0.0434),
        "inner brow": front & _near(x, y, (0.016, 0.016), 0.005),
        "outer brow": front & _near(x, y, (0.043, 0.018), 0.006),
        "cheek": front & _near(x, y, (0.037, -0.030), 0.010),
        "nostril wing": front & _near(x, y, (0.016, -0.040), 0.005),
        "nose root": front & (x < 0.004) & (np.abs(y) < 0.005),
        "base of the nose": front & (x < 0.004) & (np.abs(y + 0.050) < 0.003),
        "upper lip": red & middle & (y > -0.0655),
        "lower lip": red & middle & (y < -0.0690),
        "upper margin": lip & middle & (y > -0.0667),
        "lower margin": lip & middle & (y < -0.0676),
        "corner of the mouth": lip & (x > 0.0239),
        "chin boss": front & (x < 0.010) & (np.abs(y + 0.095) < 0.006),
        "chin": front & (x < 0.012) & (np.abs(y + 0.112) < 0.004),
        "middle of the lips": red & middle,
    }
    eyes = np.concatenate([head.parts[f"{side}_eye"].index for side in ("left", "right")])
    return {name: skin.index[chosen] for name, chosen in found.items()} | {"eye": eyes}


def _shared(skin, one, other):
    """Whether each vertex lies on the edge between two materials; array of bool."""
    at = [np.isin(np.arange(len(skin.canonical)), skin.triangles[skin.material == kind]) for kind in (one, other)]
    return at[0] & at[1]


def place(vertices, name):
    """Where a point is, the two sides of the face as one: x outwards, y up, z forwards; shape (3,), metres."""
    x, y, z = vertices[points()[name]].T.astype(float)
    return np.array([np.abs(x).mean(), y.mean(), z.mean()])


@functools.lru_cache(maxsize=1)
def _around_pupils():
    """Skin above and below the eyes, as rows of the subdivision: a fold of the lid may hang before the lid's edge."""
    part = geometry.load_head().parts["skin"]
    outer = np.isin(np.arange(len(part.canonical)), part.triangles[part.material == geometry.SKIN])
    near = outer & (np.abs(np.abs(part.canonical[:, 0]) - 0.031) < 0.008) & (part.canonical[:, 2] > -0.012)
    y = part.canonical[:, 1]
    return [part.smooth[chosen] for chosen in (near & (y > 0.001) & (y < 0.022), near & (y < -0.001) & (y > -0.018))]


def opening(vertices):
    """How far the eyes are open as seen from the front, the mean of both: from the highest skin below the pupil to the
    lowest above it, be that the lid's edge or a fold that hangs before it; metres.
    """
    head = geometry.load_head()
    above, below = (rows @ vertices[head.parts["skin"].index] for rows in _around_pupils())
    seen = []
    for side in ("left", "right"):
        pupil = vertices[head.parts[f"{side}_eye"].index].mean(axis=0)
        top, bottom = (
            skin[(np.abs(skin[:, 0] - pupil[0]) < 0.003) & (skin[:, 2] > pupil[2] + 0.006), 1]
            for skin in (above, below)
        )
        seen.append(top.min() - bottom.max())
    return float(np.mean(seen))


def distance(vertices, one, other):
    """From one point to another, in the face's frontal plane, metres."""
    return float(np.hypot(*(place(vertices, one) - place(vertices, other))[:2]))
