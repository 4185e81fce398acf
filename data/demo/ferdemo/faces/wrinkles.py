"""Lines that Action Units draw on the skin, as a height map in the canonical frontal plane."""

import functools

import numpy as np
from scipy.ndimage import gaussian_filter

from ferdemo.faces.skin import BOTTOM, LEFT, SPAN, smoothstep

SIZE = 512
PIXEL = SPAN / SIZE
DEPTH = 0.00062  # m, of the deepest line


def _line(*points, width):
    """Soft groove through points (m) on both sides of the face, deepest in its middle; shape (SIZE, SIZE)."""
    knots = np.array(points)
    t = np.linspace(0, 1, 160)
    along = np.linspace(0, 1, len(knots))
    degree = min(2, len(knots) - 1)
    x, y = (np.polyval(np.polyfit(along, knots[:, k], degree), t) for k in (0, 1))
    image = np.zeros((SIZE, SIZE))
    rows = ((BOTTOM + SPAN - y) / PIXEL).astype(int)
    for side in (1, -1):
        np.maximum.at(image, (rows, ((side * x - LEFT) / PIXEL).astype(int)), np.sin(np.pi * t) ** 0.8)
    groove = gaussian_filter(image, width / PIXEL)
    # Skin pushed out of a groove bulges beside it.
    profile = groove / groove.max() - 0.55 * gaussian_filter(image, 2.6 * width / PIXEL) / groove.max()
    return profile / profile.max()


@functools.lru_cache(maxsize=1)
def atlas():
    """Grooves by name; each an array of shape (SIZE, SIZE), 1 where deepest, below 0 beside."""
    rng = np.random.default_rng(7)
    dimples = gaussian_filter(rng.standard_normal((SIZE, SIZE)), 0.0026 / PIXEL)
    steps = (np.arange(SIZE) + 0.5) * PIXEL
    x, y = np.meshgrid(LEFT + steps, BOTTOM + SPAN - steps)
    chin = np.exp(-((x / 0.014) ** 2) - ((y + 0.097) / 0.010) ** 2)
    wobble = 0.55 + 0.45 * np.clip(gaussian_filter(rng.standard_normal((SIZE, SIZE)), 0.008 / PIXEL) * 60, -1, 1)
    forehead = sum(
        _line((-0.004, 0.037 + d), (0.020, 0.0385 + d), (0.043, 0.034 + d), width=0.0013) for d in (0, 0.010, 0.020)
    )
    inner = sum(_line((-0.003, 0.034 + d), (0.009, 0.0345 + d), (0.020, 0.030 + d), width=0.0013) for d in (0, 0.008))
    return {
        "forehead": forehead * wobble,
        "inner forehead": inner * wobble,
        "glabella": _line((0.0068, 0.006), (0.0082, 0.016), (0.0060, 0.027), width=0.0014),
        "nose root": sum(
            _line((0.0, -0.002 - d), (0.006, 0.000 - d), (0.012, -0.004 - d), width=0.0010) for d in (0, 0.006)
        ),
        "nose side": sum(
            _line((0.0085, -0.004 - d), (0.0125, -0.010 - d), (0.0150, -0.018 - d), width=0.0010) for d in (0, 0.006)
        ),
        "crow's feet": sum(
            _line((0.0500, 0.000 + a), (0.0560, 0.0005 + 1.7 * a), (0.0620, -0.001 + 2.5 * a), width=0.0009)
            for a in (0.005, 0.000, -0.005)
        ),
        "lower lid": _line((0.018, -0.0125), (0.031, -0.0175), (0.044, -0.0130), width=0.0013),
        "nasolabial": _line((0.0190, -0.034), (0.0275, -0.046), (0.0325, -0.062), width=0.0021),
        "mouth corner": _line((0.0275, -0.067), (0.0310, -0.074), (0.0300, -0.083), width=0.0017),
        "chin": dimples / dimples.std() * 0.5 * chin,
    }


def amounts(units, who):
    """Depth of each groove, 0-1: what the AUs ask for, more with age, on every tone the same."""
    get = {unit: units.get(unit, 0.0) for unit in units}

    def au(name):
        return get.get(name, 0.0)

    lowered = max(0.0, au("au04") - 0.4 * au("au02"))
    asked = {
        "forehead": min(au("au01"), au("au02")) * 1.0 + 0.2 * au("au02"),
        "inner forehead": max(0.0, au("au01") - au("au02")) * 0.9,
        "glabella": 1.1 * lowered,
        "nose root": 1.1 * au("au09"),
        "nose side": 0.9 * au("au09"),
        "crow's feet": 0.9 * au("au06"),
        "lower lid": 0.5 * au("au06") + 0.45 * au("au07"),
        "nasolabial": max(0.55 * au("au12"), 0.8 * au("au10"), 0.6 * au("au09"), 0.35 * au("au20")),
        "mouth corner": 0.8 * au("au15") + 0.2 * au("au17"),
        "chin": 0.9 * au("au17") + 0.2 * au("au24"),
    }
    soft = 0.60 + 0.40 * who.lines
    resting = {"nasolabial": 0.50, "forehead": 0.22, "lower lid": 0.50, "crow's feet": 0.45}
    return {
        name: float(min(1.0, value) * soft + resting.get(name, 0.0) * smoothstep(0.25, 1.0, who.lines) * soft)
        for name, value in asked.items()
    }


def height(units, who):
    """Height of the lines of an expression, metres (negative in a groove), float32, shape (SIZE, SIZE)."""
    total = np.zeros((SIZE, SIZE))
    for name, amount in amounts(units, who).items():
        if amount:
            total -= DEPTH * amount * atlas()[name]
    return total.astype(np.float32)
