"""Where in the picture an Action Unit acts: the ground truth for maps of where a network looks.

The rule. The Action Unit is put at full intensity, and the face is drawn twice in the view of the person's images, at
rest and moved, but with numbers for colours: how far each point of the surface moves, and how much the height of the
drawn skin lines changes. What hair or another part of the face covers does not count, nor what lies off the face (neck,
ears). A pixel belongs to the region if, in either drawing, its movement is at least MOVED of the greatest movement in
sight, or its lines change by at least LINED of the greatest change in sight; lines shallower than FAINT are left out.
Light, shadow and gloss that change elsewhere because the face moved are not counted.
"""

import io

import numpy as np
from PIL import Image as Picture

from ferdemo.faces import wrinkles
from ferdemo.faces.camera import direction, look, perspective
from ferdemo.faces.face import FRAMES
from ferdemo.faces.renderer import DISTANCE, OVERSAMPLING
from ferdemo.faces.skin import BOTTOM, LEFT, SPAN

MOVED, LINED = 0.25, 0.30
FAINT = 0.05 * wrinkles.DEPTH  # m
COVERED = 0.5  # share of a pixel that the face must fill to be shown there
HAIR_COVERS = 0.005  # m inside the hairline or the tips from which on hair hides the skin

VERTEX = """
#version 330
uniform mat4 projection;
in vec3 position;
in vec3 canonical;
in float movement;
in float growth;
out vec3 C;
out float M;
out float G;
void main() {
    C = canonical;
    M = movement;
    G = growth;
    gl_Position = projection * vec4(position, 1.0);
}
"""

FRAGMENT = """
#version 330
uniform sampler2D lines;
uniform vec3 frame;     // left, bottom, span of the map of lines
uniform float skin;
uniform float shown;    // 0 for hair
uniform float covers;
in vec3 C;
in float M;
in float G;
out vec4 found;
void main() {
    if (G < covers) discard;
    bool face = shown > 0.5 && abs(C.x) < 0.070 && C.y > -0.122 && C.y < 0.085 && C.z > -0.062;
    found = vec4(M * 1000.0, skin * texture(lines, (C.xy - frame.xy) / frame.z).r * 1000.0, face ? 1.0 : 0.0, 1.0);
    if (!face) found.rg = vec2(0.0);
}
"""


class Regions:
    """Draws where Action Units act on one person.

    Parameters
    ----------
    portrait : Portrait
    frame : str
        A key of `face.FRAMES`.
    yaw, pitch : float
        Direction of the camera, degrees.
    """

    def __init__(self, portrait, *, frame, yaw, pitch):
        self.portrait, self.size = portrait, portrait.renderer.size
        higher, field = FRAMES[frame]
        scale, towards = portrait.scale, direction(yaw, pitch)
        camera = portrait.centre + (0, higher * scale, 0) + DISTANCE * scale * towards
        self.projection = perspective(DISTANCE * scale, field * scale) @ look(camera, towards)
        self.context = context = portrait.renderer.context
        self.program = context.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT)
        full = (self.size * OVERSAMPLING,) * 2
        self.target = context.framebuffer([context.texture(full, 4, dtype="f4")], context.depth_renderbuffer(full))
        self.lines = context.texture((wrinkles.SIZE,) * 2, 1, dtype="f4")

    def draw(self, unit):
        """How much an Action Unit does at each pixel.

        Parameters
        ----------
        unit : str
            One of `expression.ACTION_UNITS`.

        Returns
        -------
        movement, lines : array of float, shape (size, size)
            Millimetres, the greater of the drawing at rest and of the moved one.
        face : array of bool, shape (size, size)
            Where the face shows in either drawing.
        """
        units, who = {unit: 1.0}, self.portrait.who
        before, after = self.portrait.expressing({}), self.portrait.expressing(units)
        change = np.abs(wrinkles.height(units, who) - wrinkles.height({}, who))
        self.lines.write(np.ascontiguousarray(change[::-1]).tobytes())
        movement = [
            np.linalg.norm(then.vertices - now.vertices, axis=1) for now, then in zip(before, after, strict=True)
        ]
        drawn = np.maximum(self._layers(before, movement), self._layers(after, movement))
        return drawn[..., 0], drawn[..., 1], drawn[..., 2] > COVERED

    def _layers(self, surfaces, movement):
        context, program = self.context, self.program
        context.enable(context.DEPTH_TEST)
        self.target.use()
        self.target.clear(0, 0, 0, 0, depth=1.0)
        self.lines.use(0)
        program["projection"].write(np.ascontiguousarray(self.projection.T, dtype="f4").tobytes())
        program["frame"].value = (LEFT, BOTTOM, SPAN)
        for surface, moves in zip(surfaces, movement, strict=True):
            hair = surface.material == "hair"
            program["skin"].value = float(surface.material == "skin")
            program["shown"].value = float(not hair)
            program["covers"].value = HAIR_COVERS if hair else -1.0
            growth = surface.growth if hair else np.zeros(len(moves))
            packed = np.c_[surface.vertices, surface.canonical, moves, growth].astype("f4")
            data, index = context.buffer(packed.tobytes()), context.buffer(surface.triangles.astype("i4").tobytes())
            names = ("position", "canonical", "movement", "growth")
            array = context.vertex_array(program, [(data, "3f 3f 1f 1f", *names)], index)
            array.render()
            for item in (array, data, index):
                item.release()
        values = np.frombuffer(self.target.read(components=4, dtype="f4"), np.float32)
        values = values.reshape(self.size, OVERSAMPLING, self.size, OVERSAMPLING, 4).mean(axis=(1, 3))
        return values[::-1]


def region(movement, lines):
    """Pixels where an Action Unit acts, by the rule above.

    Parameters
    ----------
    movement, lines : array of float, shape (h, w)
        Millimetres, as from `Regions.draw`.

    Returns
    -------
    numpy.ndarray of bool, shape (h, w)
    """
    found = movement >= max(MOVED * movement.max(), 1e-6)
    strong = np.where(lines >= 1000 * FAINT, lines, 0.0)
    return found | (strong >= max(LINED * strong.max(), 1e-6))


def encode(mask):
    """PNG bytes, one bit a pixel, of a mask; array of bool (h, w)."""
    buffer = io.BytesIO()
    Picture.fromarray(mask).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
