"""Hair as shells over the scalp."""

import numpy as np

from ferlib.faces import geometry
from ferlib.faces.renderer import Surface
from ferlib.faces.skin import hairline_height

THICKNESS = {"crop": 0.009, "buzz": 0.003, "parted": 0.014, "short": 0.012, "tied": 0.006, "bob": 0.014, "long": 0.014}


def surfaces(who, skin, skin_vertices):
    """Hair of a person as surfaces to draw."""
    height = hairline_height(skin.canonical)
    full = THICKNESS[who.hair]
    ear = geometry.sample(geometry.texture_mask("ears"), skin.uv) > 0.3
    grown = np.clip(height / 0.025, 0, 1)
    offset = full * grown * grown * (3 - 2 * grown) + np.minimum(height, 0) * 0.2
    offset[ear] = -0.004
    growth = np.where(ear, -0.02, height)
    normals = geometry.vertex_normals(skin_vertices, skin.triangles)
    vertices = skin_vertices + normals * offset[:, None]
    keep = (growth[skin.triangles] > -0.012).any(axis=1) & (skin.material == geometry.SKIN)
    faces = skin.triangles[keep]
    return [
        Surface("hair", vertices, geometry.vertex_normals(vertices, faces), skin.canonical, faces,
                base=who.hair_linear, growth=growth, curl=1.0 if who.race == "Black" else 0.0)
    ]
