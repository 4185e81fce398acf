"""One image of one person: from a person, Action Units, light and pose to pixels."""

import numpy as np

from ferdemo.faces import expression, geometry, hair, measures, skin, wrinkles
from ferdemo.faces.identity import resting_mesh
from ferdemo.faces.renderer import FIELD
from ferdemo.faces.surface import Surface
from ferdemo.faces.tone import darkness, metered

LOWER_TEETH = 0.0018  # m; in the base mesh the upper lip hides the teeth even in a broad smile
GROOVE_DARKENING = 0.30
LASHES, TEETH, TONGUE = (0.012, 0.010, 0.009), (0.62, 0.585, 0.52), (0.28, 0.085, 0.080)  # linear colours
FRAMES = {"head": (0.0, FIELD), "face": (-0.040, 0.200)}
"""How high the view's middle is above the head's (m), and how wide it is (m), for a head of base size."""


class Portrait:
    """A person ready to be drawn: mesh, hair and textures are made once and used for all of their images.

    Parameters
    ----------
    who : Person
    renderer : Renderer
        Its maps are set to this person's skin: draw one portrait at a time with it.
    """

    def __init__(self, who, renderer):
        self.who, self.renderer = who, renderer
        rest = resting_mesh(who)
        self.scales = measures.scales(rest, who.asymmetry)
        self.rest = hair.press_ears(who, rest)
        maps = skin.textures(who)
        for name, values in maps.items():
            renderer.set_map(name, values)
        self.lids = tuple(maps["colour"][600, 640, :3] * 0.6)
        self.hair = [
            Surface(
                "hair",
                mesh.vertices,
                mesh.normals,
                mesh.canonical,
                mesh.triangles,
                base=who.hair_linear,
                growth=mesh.growth,
                flow=mesh.flow,
                curl=max(who.curl, 0.75) if who.hair == "buzz" else who.curl,
            )
            for mesh in hair.meshes(who, self.rest)
        ]
        top, chin, depth = _extent(self.rest)
        top_base, chin_base, _ = _extent(geometry.load_head().template)
        self.centre = np.array([0.0, (top + chin) / 2, depth])
        self.scale = float((top - chin) / (top_base - chin_base))

    def draw(self, units, *, frame="head", **view):
        """Render an expression.

        Parameters
        ----------
        units : dict of str to float
            Intensity 0-1 of each Action Unit.
        frame : str
            A key of FRAMES.
        **view
            `yaw`, `pitch`, `light` and `side`, as for `Renderer.draw`.

        Returns
        -------
        numpy.ndarray of uint8, shape (size, size, 3)
        """
        self.renderer.set_map("wrinkle", wrinkles.height(units, self.who))
        higher, field = FRAMES[frame]
        return self.renderer.draw(
            self.expressing(units),
            centre=self.centre + (0, higher * self.scale, 0),
            scale=self.scale,
            field=field,
            oiliness=self.who.oiliness,
            exposure=metered(self.who.skin_tone),
            groove=GROOVE_DARKENING * (1 + 0.8 * darkness(self.who.skin_tone)),
            **view,
        )

    def expressing(self, units):
        """What there is to draw of these Action Units, each as strong in this face as in any other."""
        own = measures.scaled(units, self.scales)
        moved = self.rest + expression.displacement(own, self.who.asymmetry)
        return self.surfaces(moved, jaw=expression.weights(own).get("jawOpen", 0.0))

    def surfaces(self, vertices, *, jaw=0.0):
        """What there is to draw when the base mesh's vertices are at these places, the jaw open by this weight."""
        parts = geometry.load_head().parts
        part = parts["skin"]
        refined = part.smooth @ vertices[part.index]
        normals = geometry.vertex_normals(refined, part.triangles)
        found = [
            Surface(name, refined, normals, part.canonical, part.triangles[part.material == kind], base=self.lids)
            for kind, name in ((geometry.SKIN, "skin"), (geometry.MOUTH, "mouth"), (geometry.SOCKET, "socket"))
        ]
        for name, material, base in (
            ("teeth", "teeth", TEETH),
            ("tongue", "tongue", TONGUE),
            ("left_eye", "eye", self.who.iris_linear),
            ("right_eye", "eye", self.who.iris_linear),
            ("lashes", "lash", LASHES),
        ):
            part = parts[name]
            moved = part.smooth @ vertices[part.index]
            if material == "teeth":
                moved = moved - (0, LOWER_TEETH, 0)
            if material == "tongue":
                # The base mesh's tongue hangs in the middle of an open mouth; a resting one lies on its floor.
                moved = moved - (0, 0.006 + 0.013 * jaw, 0.005 + 0.006 * jaw)
            ball = None
            if material == "eye":
                low, high = part.canonical.min(axis=0), part.canonical.max(axis=0)
                ball = (*((low + high) / 2), (high[1] - low[1]) / 2)
            normals = geometry.vertex_normals(moved, part.triangles)
            found.append(Surface(material, moved, normals, part.canonical, part.triangles, base=base, eye=ball))
        return found + self.hair


def _extent(vertices):
    """Height of the crown and of the chin, and depth of the head's middle, metres: they frame a head for the camera."""
    head = geometry.load_head()
    skin_index, eye_index = head.parts["skin"].index, head.parts["left_eye"].index
    eyes = head.template[eye_index].mean(axis=0)
    base = head.template[skin_index]
    front = skin_index[(np.abs(base[:, 0]) < 0.012) & (base[:, 2] > eyes[2] - 0.02)]
    chin = front[np.argmin(np.abs(head.template[front, 1] - (eyes[1] - 0.112)))]
    return vertices[skin_index, 1].max(), vertices[chin, 1], vertices[eye_index, 2].mean() - 0.03
