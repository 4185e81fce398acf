"""A person's skin as textures in the canonical frontal plane: colour, hair drawn on it, and fine relief."""

import functools

import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import gaussian_filter, map_coordinates

from ferdemo.faces import geometry
from ferdemo.faces.tone import darkness, lab_to_linear, skin_lab

SIZE = 1024
LEFT, BOTTOM, SPAN = -0.16, -0.205, 0.32  # m, relative to the point between the eyes
PIXEL = SPAN / SIZE
SHIRT_LINEAR = (0.115, 0.120, 0.130)


@functools.lru_cache(maxsize=1)
def grid():
    """Canonical x and y of the texture's pixels, row 0 at the top; two arrays of shape (SIZE, SIZE), metres."""
    steps = (np.arange(SIZE) + 0.5) * PIXEL
    return np.meshgrid(LEFT + steps, BOTTOM + SPAN - steps)


def bump(x, y, centre, width):
    """Gaussian spot on both sides of the face, shape of x."""
    return np.exp(-(((np.abs(x) - centre[0]) / width[0]) ** 2 + ((y - centre[1]) / width[1]) ** 2))


def smoothstep(low, high, value):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def noise(seed, sigma):
    """Gaussian noise of unit variance, smoothed over sigma pixels, shape (SIZE, SIZE).

    Wide noise is drawn on a coarser grid and enlarged: the same look for a fraction of the time.
    """
    step = max(1, int(sigma // 3))
    coarse = SIZE if step == 1 else SIZE // step + 2
    values = np.random.default_rng(seed).standard_normal((coarse, coarse), dtype=np.float32)
    smooth = gaussian_filter(values, sigma / step)
    if step > 1:
        at = np.arange(SIZE) / step + 0.5
        smooth = map_coordinates(smooth, np.meshgrid(at, at, indexing="ij"), order=1)
    return smooth / smooth.std()


@functools.lru_cache(maxsize=4)
def region(name):
    """MakeHuman's mask of the lips or eyelids, seen from the front, shape (SIZE, SIZE), values 0-1."""
    skin = geometry.load_head().parts["skin"]
    normal = geometry.vertex_normals(skin.canonical, skin.triangles)
    outer = np.zeros(len(skin.canonical), bool)
    outer[skin.triangles[skin.material == geometry.SKIN].ravel()] = True
    front = outer & (skin.canonical[:, 2] > -0.03) & (np.abs(skin.canonical[:, 0]) < 0.09) & (normal[:, 2] > 0)
    image = geometry.texture_mask(name)
    uv = skin.uv[front]
    values = map_coordinates(image, [(1 - uv[:, 1]) * len(image) - 0.5, uv[:, 0] * len(image) - 0.5], order=1)
    mask = LinearNDInterpolator(skin.canonical[front, :2], values, fill_value=0)(*grid())
    return gaussian_filter(np.nan_to_num(mask), 1.5).astype(np.float32)


def strokes(points, angles, lengths, *, bend=0.0, samples=20):
    """Draw fine hairs on both sides of the face; coverage 0-1, shape (SIZE, SIZE).

    Parameters
    ----------
    points : array, shape (n, 2)
        Roots on the face's left side, metres.
    angles, lengths : array, shape (n,)
        Direction (radians, 0 = outwards, pi/2 = up) and length (m).
    """
    t = np.linspace(0, 1, samples)[None, :]
    turn = angles[:, None] + bend * t
    x = points[:, :1] + lengths[:, None] * t * np.cos(turn)
    y = points[:, 1:] + lengths[:, None] * t * np.sin(turn)
    rows = np.clip(((BOTTOM + SPAN - y) / PIXEL).astype(int), 0, SIZE - 1)
    image = np.zeros((SIZE, SIZE), np.float32)
    for side in (1, -1):
        columns = np.clip(((side * x - LEFT) / PIXEL).astype(int), 0, SIZE - 1)
        np.add.at(image, (rows, columns), np.broadcast_to(1.0 - 0.6 * t, x.shape))
    return image


def brows(seed, *, thickness, arch, density):
    """Eyebrows of single hairs, coverage 0-1, shape (SIZE, SIZE); at rest level, neither raised nor drawn together."""
    rng = np.random.default_rng(seed)
    along = rng.random(int(620 * density))
    x = np.interp(along, [0, 0.2, 0.45, 0.7, 1], [0.0125, 0.0205, 0.0310, 0.0410, 0.0520])
    middle = np.interp(
        along, [0, 0.2, 0.45, 0.7, 1], [0.0150, 0.0164, 0.0178 + arch * 0.5, 0.0181 + arch, 0.0138 + arch * 0.3]
    )
    half = thickness * np.interp(along, [0, 0.12, 0.4, 0.75, 1], [0.30, 0.80, 1.0, 0.65, 0.18])
    y = middle + half * rng.uniform(-1, 1, len(along))
    angle = np.interp(along, [0, 0.15, 0.45, 0.75, 1], [1.25, 0.75, 0.32, -0.15, -0.45])
    angle += 0.18 * rng.standard_normal(len(along)) - 0.25 * (y - middle) / thickness
    length = 0.0052 * rng.uniform(0.6, 1.1, len(along)) * np.interp(along, [0, 0.15, 1], [0.7, 1, 0.8])
    image = gaussian_filter(strokes(np.c_[x, y], angle, length, bend=-0.25), 1.1)
    return 1 - np.exp(-1.15 * image / 0.55)


def hairline_height(canonical, *, rounded=False):
    """Signed height above the hairline (m) at canonical points, array (..., 3): positive where hair grows.

    A rounded hairline has no corners at the temples and hardly any hair before the ears.
    """
    x, y, z = np.moveaxis(np.asarray(canonical), -1, 0)
    azimuth = np.degrees(np.arctan2(np.abs(x), z + 0.085))
    front = (
        [0.067, 0.0670, 0.0640, 0.0540, 0.0410, 0.0270, 0.008, 0.000]
        if rounded
        else [0.066, 0.0670, 0.0690, 0.0600, 0.0440, 0.0240, -0.004, -0.014]
    )
    line = np.interp(
        azimuth,
        [0, 12, 28, 42, 52, 62, 74, 84, 92, 104, 118, 135, 180],
        [*front, 0.020, 0.010, -0.030, -0.060, -0.075],
    )
    return y - line


def textures(person):
    """Colour and relief of a person's skin.

    Parameters
    ----------
    person : Person
        From `ferdemo.faces.identity`.

    Returns
    -------
    dict
        `colour`: float32, shape (SIZE, SIZE, 4), linear reflectance and a factor of its shine; `relief`: float32,
        shape (SIZE, SIZE), metres.
    """
    x, y = grid()
    seed = person.texture_seed
    dark = darkness(person.skin_tone)
    lab = np.broadcast_to(skin_lab(person.skin_tone) + person.tint, (SIZE, SIZE, 3)).astype(np.float32).copy()
    mottle = 0.6 * noise((seed, 1), 60) + 0.3 * noise((seed, 2), 18) + 0.2 * noise((seed, 3), 4)
    lab[..., 0] += (1.1 - 0.4 * dark) * (1 + person.lines) * mottle
    lab[..., 1] += 0.8 * noise((seed, 4), 40) * (1 - 0.5 * dark) * (1 + person.lines)
    flush = bump(x, y, (0.037, -0.036), (0.020, 0.019)) + 0.6 * bump(x, y, (0.0, -0.034), (0.013, 0.014))
    flush += 0.35 * bump(x, y, (0.0, -0.098), (0.016, 0.012))
    lab[..., 1] += person.flush * (5.5 - 3.0 * dark) * flush
    lab[..., 0] -= person.flush * 2.0 * flush
    socket = bump(x, y, (0.031, -0.005), (0.021, 0.013))
    lab[..., 0] -= (4.0 + 3.5 * person.lines) * socket
    lab[..., 1] += 1.5 * socket
    forehead = smoothstep(0.02, 0.05, y) * (1 - smoothstep(0.04, 0.07, np.abs(x)))
    lab[..., 0] += 1.2 * forehead
    lips = region("lips") * smoothstep(0.0, 0.35, region("lips"))
    pale, deep = np.array([-11.0, 13.0, 1.0]), np.array([-1.5, 6.5, 0.0])
    lab += lips[..., None] * (pale * (1 - dark) + deep * dark) * person.lip_colour
    if person.freckles:
        spots = np.clip(noise((seed, 5), 2.2) - 1.6, 0, 1) * (0.4 + flush)
        lab[..., 0] -= person.freckles * 9 * spots
        lab[..., 1] -= person.freckles * 1 * spots
        lab[..., 2] += person.freckles * 8 * spots
    colour = lab_to_linear(lab).astype(np.float32)

    hair = np.array(person.hair_linear, dtype=np.float32)
    brow = brows((seed, 6), thickness=person.brow_thickness, arch=person.brow_arch, density=person.brow_density)
    # Brows are darker than the hair of fair and grey heads, and on every tone a good deal darker than the skin.
    paint = np.minimum(hair * 0.8 + 0.002, np.array([0.075, 0.055, 0.040], np.float32))
    paint = np.minimum(paint, 0.22 * colour.mean(axis=(0, 1)))
    colour = _cover(colour, paint, np.clip(brow, 0, 1) * (0.84 + 0.11 * dark))
    # Hair does not shine as skin does; pores break the shine; on dark skin the same shine would look like plastic.
    shine = (1 - 0.60 * dark) * (1 - 0.9 * np.clip(brow, 0, 1)) * (1 + 0.05 * noise((seed, 11), 2.0))
    if person.stubble:
        beard = smoothstep(-0.036, -0.062, y) * smoothstep(-0.150, -0.120, y)
        beard *= 1 - smoothstep(0.052, 0.080, np.abs(x))
        beard *= 1 - 0.95 * np.clip(lips * 1.5, 0, 1)
        beard *= 1 - 0.6 * bump(x, y, (0.034, -0.052), (0.012, 0.012))
        grain = 0.55 + 0.45 * np.clip(noise((seed, 7), 1.2), -1, 1)
        colour = _cover(colour, hair * 0.6 + 0.35 * colour.mean(axis=(0, 1)), person.stubble * 0.42 * beard * grain)
    relief = 0.000009 * (1 + 2 * person.lines) * (noise((seed, 8), 1.2) + noise((seed, 9), 2.4))
    relief += 0.00012 * brow + 0.00006 * lips * noise((seed, 10), 2)
    neckline = -0.155 + 0.030 * smoothstep(0.035, 0.110, np.abs(x))
    shirt = smoothstep(0.0006, -0.0006, y - neckline)
    colour = _cover(colour, np.array(SHIRT_LINEAR, np.float32), shirt)
    colour = np.dstack([colour, np.clip(shine, 0, None).astype(np.float32)])
    return {"colour": colour, "relief": (relief * (1 - shirt)).astype(np.float32)}


def _cover(colour, paint, amount):
    amount = amount[..., None]
    return (colour * (1 - amount) + np.asarray(paint, np.float32) * amount).astype(np.float32)
