"""Hair: a shell grown from the scalp, and for longer styles a curtain that hangs from it around the face."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import gaussian_filter

from ferdemo.faces import bundle, geometry
from ferdemo.faces.skin import hairline_height, smoothstep


@dataclass(frozen=True)
class Style:
    """How a style grows.

    Attributes
    ----------
    thickness : float
        Of the shell on top of the head, metres.
    sides : float
        The same on the sides, metres.
    ramp : float
        Distance from the hairline over which the full thickness is reached, metres.
    rough : float
        Unevenness of the surface, share of the thickness.
    length : float, optional
        Lowest point of a hanging curtain below the eyes, metres; none for hair that does not hang.
    """

    thickness: float
    sides: float
    ramp: float
    rough: float
    length: float | None = None


STYLES = {
    "buzz": Style(0.0025, 0.0020, 0.012, 0.05),
    "crop": Style(0.0090, 0.0040, 0.022, 0.10),
    "parted": Style(0.0170, 0.0055, 0.026, 0.12),
    "short": Style(0.0140, 0.0090, 0.024, 0.15),
    "tied": Style(0.0120, 0.0055, 0.028, 0.02),
    "afro": Style(0.0300, 0.0230, 0.040, 0.10),
    "coils": Style(0.0150, 0.0080, 0.022, 0.16),
    "bob": Style(0.0150, 0.0150, 0.034, 0.03, length=0.098),
    "wavy": Style(0.0170, 0.0170, 0.034, 0.05, length=0.150),
    "long": Style(0.0130, 0.0130, 0.034, 0.03, length=0.260),
}
HANGING = {
    "bob": (0.07, 0.20, 0.000, (43, 47, 49, 51, 51)),
    "wavy": (0.15, 0.06, 0.028, (43, 47, 49, 51, 48)),
    "long": (0.11, 0.08, 0.006, (43, 47, 49, 51, 45)),
}
"""Of a curtain: flare beside the face, narrowing below it, waves (shares of its radius), and the half-angle (degrees)
that stays free of hair 2 cm above the eyes, at their height, and 3, 10 and 20 cm below."""
PARTING = 0.010  # m, of curtains, to the face's left of the middle
CENTRE = np.array([0.0, 0.020, -0.085])  # of the skull, canonical coordinates
AROUND, UP = np.linspace(-np.pi, np.pi, 145), np.linspace(np.pi / 2, 0, 40)  # grid of a curtain's dome, radians
CURTAIN_ROWS = 44


@dataclass(frozen=True)
class HairMesh:
    """Vertices (m), normals, triangles, and distance inside the hair's edge (m).

    Its `canonical` coordinates (m) follow the strands: across them, along them, and the side of the parting; `flow` is
    where they point, zero for hair that falls to both sides of a parting.
    """

    vertices: np.ndarray
    normals: np.ndarray
    canonical: np.ndarray
    triangles: np.ndarray
    growth: np.ndarray
    flow: tuple = (0.0, -0.3, -1.0)


def meshes(who, rest):
    """Hair of a person.

    Parameters
    ----------
    who : Person
    rest : array, shape (19158, 3)
        The resting face; hair does not move with expressions.

    Returns
    -------
    list of HairMesh
    """
    part = geometry.load_head().parts["skin"]
    vertices = part.smooth @ rest[part.index]
    style = STYLES[who.hair]
    if style.length:
        return [_curtain(style, part, vertices, who)]
    shell = _shell(style, part, vertices, who)
    if who.hair != "tied":
        return [shell]
    tied = bundle.bun if who.texture_seed % 2 else bundle.tail
    points, strands, faces = tied(vertices[np.argmax(vertices[:, 1])], side=1 if who.texture_seed % 4 < 2 else -1)
    normals = geometry.vertex_normals(points, faces)
    return [shell, HairMesh(points, normals, strands, faces, np.full(len(points), 0.03), (0.0, -1.0, 0.0))]


def press_ears(who, rest):
    """Resting mesh with the ears pressed flat under hair that hangs over them; other styles leave it as it is."""
    if STYLES[who.hair].length is None:
        return rest
    part = geometry.load_head().parts["skin"]
    index = part.index[_ears(part)[: len(part.index)]]
    inner = np.abs(rest[index, 0]).min()
    pressed = rest.copy()
    pressed[index, 0] = np.sign(rest[index, 0]) * (inner + 0.12 * (np.abs(rest[index, 0]) - inner))
    return pressed


def _ears(part):
    return geometry.sample(geometry.texture_mask("ears"), part.uv) > 0.3


def _shell(style, part, vertices, who):
    growth = hairline_height(part.canonical, rounded=who.gender == "Female")
    growth = np.where(_ears(part), -0.02, growth)
    ramp = smoothstep(0, style.ramp, growth)
    top = smoothstep(0.045, 0.085, part.canonical[:, 1])
    thickness = style.sides + (style.thickness - style.sides) * top
    q = part.canonical * 1000
    waves = np.sin(q[:, 0] * 0.21 + 1.3 * np.sin(q[:, 2] * 0.17)) * np.sin(q[:, 1] * 0.19 + q[:, 2] * 0.13)
    if who.hair == "parted":
        sweep = np.exp(-(((q[:, 0] - 26) / 9) ** 2)) * smoothstep(0.05, 0.09, part.canonical[:, 1])
        thickness = thickness * (1 - 0.45 * sweep)
    offset = thickness * ramp * (1 + style.rough * waves) + np.minimum(growth, 0) * 0.15
    moved = vertices + geometry.vertex_normals(vertices, part.triangles) * offset[:, None]
    near = (growth[part.triangles] > -0.012).any(axis=1) & (part.material == geometry.SKIN)
    faces = part.triangles[near]
    strands = part.canonical
    if who.hair == "tied":
        # Pulled back: strands run from the forehead over the head.
        x, y, z = part.canonical.T
        strands = np.stack([0.09 * np.arctan2(x, y + 0.03), -z, np.zeros_like(x)], axis=-1)
    return HairMesh(moved, geometry.vertex_normals(moved, faces), strands, faces, growth)


def _curtain(style, part, vertices, who):
    """Grid around the head: down over the skull along meridians, then straight down."""
    skull, shift = _skull(part, vertices)
    phi, theta = np.meshgrid(AROUND, UP)
    ray = np.stack([np.cos(theta) * np.sin(phi), np.sin(theta), np.cos(theta) * np.cos(phi)], axis=-1)
    scalp = CENTRE + ray * skull[..., None]
    above = _above_opening(scalp, phi)
    parting = np.exp(-(((scalp[..., 0] - PARTING) / 0.008) ** 2)) * smoothstep(-0.02, 0.01, scalp[..., 2])
    # Locks lie where strands lie: away from the parting, then down.
    aside = smoothstep(0.008, 0.040, np.abs(scalp[..., 0] - PARTING))
    locks = 1 + 2.0 * style.rough * np.sin(420 * scalp[..., 2] + 3 * np.sin(90 * scalp[..., 2]) + (phi > 0)) * aside
    # On the crown all hair is full, also above a high forehead.
    full = np.maximum(smoothstep(0, style.ramp, above), smoothstep(-0.020, -0.060, scalp[..., 2]))
    thick = style.thickness * full * (1 - 0.22 * parting) * locks
    # The sides must clear the ears before the hair turns downwards.
    wide = smoothstep(0.9, 0.1, theta) * np.exp(-(((np.abs(phi) - 1.50) / 0.55) ** 2)) * 0.011
    dome = ray * (skull + thick + wide)[..., None]

    rim, low = dome[-1], -(style.length + CENTRE[1])
    y = rim[:, 1] + np.linspace(0, 1, CURTAIN_ROWS + 1)[1:, None] * (low - rim[:, 1])
    flare, tuck, waves, free = HANGING[who.hair]
    spread = 1 + flare * smoothstep(0, 0.09, -y) - tuck * smoothstep(0.075, 0.125, -y)
    spread = spread * (1 + waves * np.sin(140 * y + 2 * np.sin(AROUND * 3)) * smoothstep(0, 0.05, -y))
    curtain = np.stack([rim[:, 0] * spread, y, rim[:, 2] * spread], axis=-1)
    # The face stays free: the curtain's edge runs down beside the cheeks, from where the dome's edge ends.
    edge = (np.abs(AROUND) - np.radians(np.interp(-y, [-0.02, 0, 0.03, 0.10, 0.2], free))) * 0.09
    from_dome = smoothstep(-0.02, 0.03, -y)
    edge = (1 - from_dome) * above[-1] + from_dome * edge
    if style.length < 0.2:
        edge = np.minimum(edge, (y - low) * 1.3 + 0.0015 * np.sin(AROUND * 11))

    points = np.concatenate([dome, curtain]) + CENTRE + shift
    growth = np.concatenate([above, edge]).ravel()
    corner = np.arange(growth.size).reshape(points.shape[:2])
    quads = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1).reshape(-1, 4)
    quads = quads[(growth[quads] > -0.010).any(axis=1)]
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    points = points.reshape(-1, 3)
    depth = np.concatenate([scalp[..., 2], np.tile(scalp[-1, :, 2], (CURTAIN_ROWS, 1))]).ravel()
    x, y = (points - shift)[:, :2].T
    strands = np.stack([depth, np.abs(x - PARTING) - y, 0.04 * np.tanh((x - PARTING) / 0.008)], axis=-1)
    return HairMesh(points, geometry.vertex_normals(points, faces), strands, faces, growth, (0.0, 0.0, 0.0))


def _skull(part, vertices):
    """Distance of a person's skull from CENTRE along the grid's rays (m), and how far their head is shifted."""
    outer = np.unique(part.triangles[part.material == geometry.SKIN])
    outer = outer[~_ears(part)[outer] & (part.canonical[outer, 1] > -0.06)]
    shift = vertices[outer].mean(axis=0) - part.canonical[outer].mean(axis=0)
    ray = vertices[outer] - CENTRE - shift
    radius = np.linalg.norm(ray, axis=1)
    azimuth, elevation = np.arctan2(ray[:, 0], ray[:, 2]), np.arcsin(ray[:, 1] / radius)
    known = np.concatenate([np.c_[azimuth + turn, elevation] for turn in (-2 * np.pi, 0, 2 * np.pi)])
    phi, theta = np.meshgrid(AROUND, UP)
    skull = LinearNDInterpolator(known, np.tile(radius, 3))(phi, theta)
    skull = np.where(np.isnan(skull), NearestNDInterpolator(known, np.tile(radius, 3))(phi, theta), skull)
    skull[:2] = skull[:2].mean()
    return gaussian_filter(skull, (1, 2), mode=("nearest", "wrap")), shift


def _above_opening(scalp, phi):
    """Height (m) above the edge of parted hair: high at the parting, falling to the temples."""
    aside = PARTING * smoothstep(0.035, 0.070, scalp[..., 1])
    azimuth = np.degrees(np.arctan2(scalp[..., 0] - aside, scalp[..., 2] - CENTRE[2])) * np.sign(phi + 1e-9)
    line = np.interp(
        azimuth,
        [-30, 0, 8, 18, 28, 38, 46, 54, 60],
        [0.072, 0.079, 0.076, 0.068, 0.056, 0.036, 0.010, -0.030, -0.20],
    )
    return scalp[..., 1] - line
