"""One image of one person: from a person, Action Units, light and pose to pixels."""

import numpy as np

from ferlib.faces import expression, geometry, hair, skin, wrinkles
from ferlib.faces.identity import resting_mesh
from ferlib.faces.renderer import Surface



LOWER_TEETH = 0.0018  # m; in the base mesh the upper lip hides the teeth even in a broad smile


class Portrait:
    """A person ready to be drawn: mesh and textures are made once and used for all of their images.

    Parameters
    ----------
    who : Person
    renderer : Renderer
    """

    def __init__(self, who, renderer):
        self.who, self.renderer = who, renderer
        self.rest = hair.press_ears(who, resting_mesh(who))
        self.maps = skin.textures(who)
        self.hair = [
            Surface(
                "hair", mesh.vertices, mesh.normals, mesh.canonical, mesh.triangles,
                base=who.hair_linear, growth=mesh.growth, curl=who.curl,
            )
            for mesh in hair.meshes(who, self.rest)
        ]
        renderer.set_map("colour", self.maps["colour"])
        renderer.set_map("relief", self.maps["relief"])
        parts = geometry.load_head().parts
        top, chin, depth = _extent(self.rest)
        top_base, chin_base, _ = _extent(geometry.load_head().template)
        self.centre = np.array([0.0, (top + chin) / 2, depth])
        self.scale = float((top - chin) / (top_base - chin_base))

    def draw(self, units, **view):
        vertices = self.rest + expression.displacement(units, self.who.asymmetry)
        self.renderer.set_map("wrinkle", wrinkles.height(units, self.who))
        return self.renderer.draw(
            self.surfaces(vertices), centre=self.centre, scale=self.scale, oiliness=self.who.oiliness, groove=0.30, **view
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
            if material == "teeth":
                moved = moved - (0, LOWER_TEETH, 0)
            normal = geometry.vertex_normals(moved, part.triangles)
            ball = None
            if material == "eye":
                low, high = part.canonical.min(axis=0), part.canonical.max(axis=0)
                ball = (*((low + high) / 2), (high[1] - low[1]) / 2)
            found.append(Surface(material, moved, normal, part.canonical, part.triangles, base=base, eye=ball))
        found += self.hair
        return found


def _extent(vertices):
    """Height of the crown and of the chin, and depth of the eyes, metres: they frame a head for the camera."""
    parts = geometry.load_head().parts
    skin = parts["skin"]
    base = geometry.load_head().template[skin.index]
    eyes = geometry.load_head().template[parts["left_eye"].index].mean(axis=0)
    front = skin.index[(np.abs(base[:, 0]) < 0.012) & (base[:, 2] > eyes[2] - 0.02)]
    chin = front[np.argmin(np.abs(geometry.load_head().template[front, 1] - (eyes[1] - 0.112)))]
    return vertices[skin.index, 1].max(), vertices[chin, 1], vertices[parts["left_eye"].index, 2].mean() - 0.03
