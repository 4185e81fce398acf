"""Hair: a shell grown from the scalp, and for longer styles a curtain that hangs from it around the face."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import gaussian_filter

from ferlib.faces import geometry
from ferlib.faces.skin import hairline_height, smoothstep


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
    "tied": Style(0.0065, 0.0045, 0.020, 0.03),
    "afro": Style(0.0300, 0.0230, 0.040, 0.10),
    "coils": Style(0.0150, 0.0080, 0.022, 0.16),
    "bob": Style(0.0150, 0.0150, 0.034, 0.03, length=0.098),
    "long": Style(0.0130, 0.0130, 0.034, 0.03, length=0.260),
}
PARTING = 0.010  # m, of curtains, to the face's left of the middle
CENTRE = np.array([0.0, 0.020, -0.085])  # of the skull, canonical coordinates


@dataclass(frozen=True)
class HairMesh:
    """Vertices (m), normals, canonical coordinates, triangles, and distance inside the hair's edge (m)."""

    vertices: np.ndarray
    normals: np.ndarray
    canonical: np.ndarray
    triangles: np.ndarray
    growth: np.ndarray


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
    return [_curtain(style, part, vertices, who)] if style.length else [_shell(style, part, vertices, who)]


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
    growth = hairline_height(part.canonical)
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
    return HairMesh(moved, geometry.vertex_normals(moved, faces), part.canonical, faces, growth)


def _curtain(style, part, vertices, who):
    """Grid around the head: down over the skull along meridians, then straight down."""
    outer = np.unique(part.triangles[part.material == geometry.SKIN])
    outer = outer[~_ears(part)[outer] & (part.canonical[outer, 1] > -0.06)]
    shift = vertices[outer].mean(axis=0) - part.canonical[outer].mean(axis=0)
    centre = CENTRE + shift
    ray = vertices[outer] - centre
    radius = np.linalg.norm(ray, axis=1)
    azimuth = np.arctan2(ray[:, 0], ray[:, 2])
    elevation = np.arcsin(ray[:, 1] / radius)
    known = np.concatenate([np.c_[azimuth + turn, elevation] for turn in (-2 * np.pi, 0, 2 * np.pi)])
    values = np.tile(radius, 3)

    around = np.linspace(-np.pi, np.pi, 145)
    up = np.linspace(np.pi / 2, 0, 40)
    phi, theta = np.meshgrid(around, up)
    skull = LinearNDInterpolator(known, values)(phi, theta)
    skull = np.where(np.isnan(skull), NearestNDInterpolator(known, values)(phi, theta), skull)
    skull[:2] = skull[:2].mean()
    skull = gaussian_filter(skull, (1, 2), mode=("nearest", "wrap"))
    direction = np.stack([np.cos(theta) * np.sin(phi), np.sin(theta), np.cos(theta) * np.cos(phi)], axis=-1)
    on_skull = CENTRE + direction * skull[..., None]
    line = np.interp(
        np.degrees(np.arctan2(on_skull[..., 0] - PARTING, on_skull[..., 2] + 0.085)) * np.sign(phi + 1e-9),
        [-30, 0, 8, 18, 28, 38, 46, 54, 60],
        [0.072, 0.079, 0.076, 0.068, 0.056, 0.036, 0.010, -0.030, -0.20],
    )
    growth = on_skull[..., 1] - line
    grow = smoothstep(0, style.ramp, growth)
    part_line = np.exp(-(((on_skull[..., 0] - PARTING) / 0.006) ** 2)) * smoothstep(-0.02, 0.01, on_skull[..., 2])
    locks = np.sin(phi * 19 + 2 * np.sin(phi * 7)) * smoothstep(1.2, 0.5, theta)
    thick = style.thickness * grow * (1 - 0.45 * part_line) * (1 + style.rough * locks)
    # The sides must clear the ears before the hair turns downwards.
    wide = smoothstep(0.9, 0.1, theta) * np.exp(-(((np.abs(phi) - 1.50) / 0.55) ** 2)) * 0.014
    dome = centre + direction * (skull + thick + wide)[..., None]

    rows = 44
    drop = np.linspace(0, 1, rows + 1)[1:, None]
    rim = dome[-1] - centre
    low = -(style.length + CENTRE[1])
    y = rim[:, 1] + drop * (low - rim[:, 1])
    depth = -y
    bob = who.hair == "bob"
    spread = 1 + (0.10 if bob else 0.16) * smoothstep(0, 0.09, depth) - (0.24 if bob else 0.10) * smoothstep(0.075, 0.125, depth)
    spread = spread * (1 + style.rough * 0.5 * np.sin(around * 19 + 2 * np.sin(around * 7)))
    curtain = centre + np.stack([rim[:, 0] * spread, y, rim[:, 2] * spread], axis=-1)
    # The face stays free: the curtain's edge runs down beside the cheeks.
    open_to = np.radians(np.interp(depth, [-0.02, 0, 0.03, 0.10, 0.2], [43, 49, 53, 55, 53] if bob else [43, 49, 54, 55, 46]))
    edge = (np.abs(around)[None, :] - open_to) * 0.09
    from_dome = smoothstep(-0.02, 0.03, depth)
    edge = (1 - from_dome) * growth[-1] + from_dome * edge
    tips = (y - low) * 0.8 + 0.004 * np.sin(around * 43) if bob else np.full_like(edge, 1.0)
    grid = np.concatenate([dome, curtain])
    growth = np.concatenate([growth, np.minimum(edge, tips)])
    n_rows, n_columns = grid.shape[:2]
    corner = np.arange(n_rows * n_columns).reshape(n_rows, n_columns)
    quads = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1).reshape(-1, 4)
    flat = growth.ravel()
    quads = quads[(flat[quads] > -0.010).any(axis=1)]
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    points = grid.reshape(-1, 3)
    normals = geometry.vertex_normals(points, faces)
    return HairMesh(points, normals, points - shift, faces, flat)
