"""One image of one person: from a person, Action Units, light and pose to pixels."""

import functools

import numpy as np

from ferlib.faces import expression, geometry, hair, skin
from ferlib.faces.identity import resting_mesh
from ferlib.faces.renderer import Surface

MOUTH_TO_EYES = 0.0655  # m, in the base mesh; sizes a head for the camera


class Portrait:
    """A person ready to be drawn: mesh and textures are made once and used for all of their images.

    Parameters
    ----------
    who : Person
    renderer : Renderer
    """

    def __init__(self, who, renderer):
        self.who, self.renderer = who, renderer
        self.rest = resting_mesh(who)
        self.maps = skin.textures(who)
        renderer.set_map("colour", self.maps["colour"])
        renderer.set_map("relief", self.maps["relief"])
        parts = geometry.load_head().parts
        middle = [self.rest[parts[name].index].mean(axis=0) for name in ("left_eye", "right_eye")]
        self.eye = (middle[0] + middle[1]) / 2
        self.scale = float(self.eye[1] - self.rest[parts["teeth"].index].mean(axis=0)[1]) / MOUTH_TO_EYES

    def draw(self, units, **view):
        vertices = self.rest + expression.displacement(units)
        self.renderer.set_map("wrinkle", np.zeros((512, 512), np.float32))
        return self.renderer.draw(
            self.surfaces(vertices), eye=self.eye, scale=self.scale, oiliness=self.who.oiliness, **view
        )

    def surfaces(self, vertices):
        parts = geometry.load_head().parts
        found = []
        part = parts["skin"]
        refined = part.smooth @ vertices[part.index]
        normals = geometry.vertex_normals(refined, part.triangles)
        for material, name in ((geometry.SKIN, "skin"), (geometry.MOUTH, "mouth"), (geometry.SOCKET, "socket")):
            faces = part.triangles[part.material == material]
            base = self.maps["colour"][600, 640] * 0.6
            found.append(Surface(name, refined, normals, part.canonical, faces, base=tuple(base)))
        for name, material, base in (
            ("teeth", "teeth", (0.72, 0.68, 0.60)),
            ("tongue", "tongue", (0.36, 0.12, 0.11)),
            ("left_eye", "eye", self.who.iris_linear),
            ("right_eye", "eye", self.who.iris_linear),
            ("lashes", "lash", (0.012, 0.010, 0.009)),
        ):
            part = parts[name]
            moved = part.smooth @ vertices[part.index]
            normal = geometry.vertex_normals(moved, part.triangles)
            ball = None
            if material == "eye":
                low, high = part.canonical.min(axis=0), part.canonical.max(axis=0)
                ball = (*((low + high) / 2), (high[1] - low[1]) / 2)
            found.append(Surface(material, moved, normal, part.canonical, part.triangles, base=base, eye=ball))
        found += hair.surfaces(self.who, parts["skin"], refined)
        return found
