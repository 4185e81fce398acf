"""Draws a face with OpenGL on EGL, in software (llvmpipe) where there is no graphics card.

Why an own shader and not a path tracer: a demo model needs thousands of training images. The path tracer tried
(mitsuba) took 1-2 s an image and left grain; this one takes 0.1-0.3 s, has no noise, and draws the same recipe to the
same pixels every time. What a path tracer would give is approximated: light spreading in the skin (irradiance blurred
per colour channel), contact shadows (screen-space ambient occlusion) and a soft shadow of the key light.
"""

import os

import numpy as np
from scipy.ndimage import gaussian_filter

from ferdemo.faces import shaders
from ferdemo.faces.camera import direction, look, perspective
from ferdemo.faces.skin import BOTTOM, LEFT, SPAN
from ferdemo.faces.tone import from_display, to_display
from ferlib.errors import InputError

OVERSAMPLING = 3
FIELD = 0.270  # m, width of the view at the face, for a head of average size
DISTANCE = 1.3  # m
ATTRIBUTES = {"position": "3f", "normal": "3f", "canonical": "3f", "growth": "1f"}
SPREAD = (0.00150, 0.00075, 0.00050)  # m, how far red, green and blue light spread in the skin (sigma)
LIGHTS = {"key": 0.92, "fill": 0.24, "ambient": 0.40}
BACKGROUND = 0.5  # sRGB grey
MATERIALS = ("skin", "mouth", "socket", "eye", "teeth", "tongue", "lash", "hair")


class Renderer:
    """An OpenGL context and its buffers for one image size.

    Parameters
    ----------
    size : int
        Width and height of the images, pixels.

    Raises
    ------
    InputError
        When moderngl is not installed or no context can be made.
    """

    def __init__(self, size):
        try:
            import moderngl
        except ImportError as error:
            raise InputError(
                "Rendering faces needs the package 'moderngl', which is not installed. "
                "Install the extra: pip install -e '.[faces]'."
            ) from error
        # Mesa's software rasteriser waits for its threads after every step: on a busy machine that took 45 s an image
        # instead of 2. Several processes (`--part`) use several cores better.
        os.environ.setdefault("LP_NUM_THREADS", "0")
        try:
            self.context = moderngl.create_context(standalone=True, backend="egl")
        except Exception as error:
            raise InputError(
                f"No OpenGL context could be made through EGL ({error}). On Debian or Ubuntu install the system "
                "packages libegl1 and libgl1-mesa-dri (software rendering is enough)."
            ) from error
        self.gl = moderngl
        self.size = size
        full = size * OVERSAMPLING
        context = self.context
        # A program a material: the software rasteriser runs every branch of a shader for every fragment.
        self.programs = {
            material: context.program(vertex_shader=shaders.VERTEX, fragment_shader=shaders.fragment(material))
            for material in MATERIALS
        }
        self.depth_program = context.program(vertex_shader=shaders.DEPTH_VERTEX, fragment_shader=shaders.DEPTH_FRAGMENT)
        self.layers = [context.texture((full, full), 4, dtype="f2") for _ in range(3)]
        self.target = context.framebuffer(self.layers, context.depth_renderbuffer((full, full)))
        self.view_depth = self._depth_map(full)
        self.light_depth = self._depth_map(768)
        self.maps = {}

    def _depth_map(self, size):
        texture = self.context.depth_texture((size, size))
        texture.compare_func = ""
        texture.filter = (self.gl.NEAREST, self.gl.NEAREST)
        texture.repeat_x = texture.repeat_y = False
        return texture, self.context.framebuffer(depth_attachment=texture)

    def set_map(self, name, values):
        """Upload a texture: "colour" (h, w, 4), "relief" or "wrinkle" (h, w); row 0 at the top."""
        height, width = values.shape[:2]
        channels = values.shape[2] if values.ndim == 3 else 1
        dtype = "f2" if name == "colour" else "f4"
        held = self.maps.get(name)
        if held is None or held.size != (width, height):
            held = self.maps[name] = self.context.texture((width, height), channels, dtype=dtype)
            held.filter = (self.gl.LINEAR_MIPMAP_LINEAR, self.gl.LINEAR)
            held.repeat_x = held.repeat_y = False
        held.write(np.ascontiguousarray(values[::-1]).astype(dtype).tobytes())
        held.build_mipmaps()

    def draw(
        self,
        surfaces,
        *,
        centre,
        scale,
        yaw=0.0,
        pitch=0.0,
        light=1.0,
        side=1.0,
        groove=0.15,
        oiliness=0.5,
        exposure=1.0,
        field=FIELD,
    ):
        """Render the surfaces; the maps must have been set.

        Parameters
        ----------
        surfaces : list of ferdemo.faces.surface.Surface
        centre : array, shape (3,)
            The point that the camera looks at, metres.
        scale : float
            Size of this head relative to the base mesh; the view is scaled by it.
        yaw, pitch : float
            Direction of the camera, degrees.
        light : float
            Strength of key and fill, 1 = normal.
        side : float
            Side of the key light: -1 ... 1, positive = from the image's right.
        exposure : float
            Factor of all light that falls on the head; the background is lit on its own.
        field : float
            Width of the view at the face, metres, for a head of base size.

        Returns
        -------
        numpy.ndarray of uint8, shape (size, size, 3)
        """
        gl, context = self.gl, self.context
        towards = direction(yaw, pitch)
        camera = centre + DISTANCE * scale * towards
        view = perspective(DISTANCE * scale, field * scale) @ look(camera, towards)
        key, fill = direction(side * 32, 24), direction(-np.sign(side) * 52, 6)
        lamp = np.diag([1 / (0.20 * scale), 1 / (0.20 * scale), -1 / 0.4, 1.0]) @ look(centre, key)

        buffers = []
        for surface in surfaces:
            growth = np.ones(len(surface.vertices)) if surface.growth is None else surface.growth
            packed = np.c_[surface.vertices, surface.normals, surface.canonical, growth].astype("f4")
            buffers.append((context.buffer(packed.tobytes()), context.buffer(surface.triangles.astype("i4").tobytes())))
        context.enable(gl.DEPTH_TEST)
        self.target.clear(0, 0, 0, 0, depth=1.0)
        self.target.color_mask = [(False,) * 4] * len(self.layers)
        # What lies behind is not shaded: depths first. Hair and lashes have holes, so they hide nothing beforehand.
        for target, matrix, left_out in (
            (self.light_depth[1], lamp, ("lash",)),
            (self.view_depth[1], view, ("lash",)),
            (self.target, view, ("lash", "hair")),
        ):
            target.use()
            if target is not self.target:
                target.clear(depth=1.0)
            self.depth_program["projection"].write(_bytes(matrix))
            for surface, (data, index) in zip(surfaces, buffers, strict=True):
                if surface.material not in left_out:
                    array = context.vertex_array(self.depth_program, [(data, "3f 28x", "position")], index)
                    array.render()
                    array.release()

        self.target.color_mask = [(True,) * 4] * len(self.layers)
        self.target.use()
        context.depth_func = "<="
        maps = {
            "colour_map": self.maps["colour"],
            "relief_map": self.maps["relief"],
            "wrinkle_map": self.maps["wrinkle"],
            "light_depth": self.light_depth[0],
            "view_depth": self.view_depth[0],
        }
        values = {
            "projection": _bytes(view),
            "view_projection": _bytes(view),
            "view_inverse": _bytes(np.linalg.inv(view)),
            "light_projection": _bytes(lamp),
            "map_frame": _floats(LEFT, BOTTOM, SPAN, groove),
            "camera": _floats(*camera),
            "key_direction": _floats(*key),
            "fill_direction": _floats(*fill),
            "strength": _floats(
                exposure * LIGHTS["key"] * light, exposure * LIGHTS["fill"] * light, exposure * LIGHTS["ambient"]
            ),
            "ao_radius": _floats(0.020 / field),
            "oiliness": _floats(oiliness),
        }
        for unit, texture in enumerate(maps.values()):
            texture.use(unit)
        for program in self.programs.values():
            for unit, name in enumerate(maps):
                if name in program:
                    program[name].value = unit
            _set(program, values)
        for surface, (data, index) in zip(surfaces, buffers, strict=True):
            program = self.programs[surface.material]
            own = {"base": _floats(*surface.base), "curl": _floats(surface.curl), "flow": _floats(*surface.flow)}
            if surface.eye is not None:
                own |= {"eye_centre": _floats(*surface.eye[:3]), "eye_radius": _floats(surface.eye[3])}
            _set(program, own)
            names = [name for name in ATTRIBUTES if name in program]
            layout = " ".join(kind if name in program else f"{4 * int(kind[0])}x" for name, kind in ATTRIBUTES.items())
            array = context.vertex_array(program, [(data, layout, *names)], index)
            array.render()
            array.release()
        context.depth_func = "<"
        for data, index in buffers:
            data.release()
            index.release()
        return self._compose(field * scale)

    def _compose(self, field):
        full = self.size * OVERSAMPLING
        light, colour, gloss = (
            np.frombuffer(layer.read(), np.float16).reshape(full, full, 4)[::-1].astype(np.float32)
            for layer in self.layers
        )
        cover = colour[..., 3:]
        safe = np.maximum(cover, 1e-3)
        colour, gloss, scatter = colour[..., :3] / safe, gloss[..., :3], light[..., 3] / safe[..., 0]
        light = light[..., :3] / safe
        for channel, spread in enumerate(SPREAD):
            sigma = spread / field * full
            weight = gaussian_filter(scatter, sigma, truncate=3.0)
            blurred = gaussian_filter(light[..., channel] * scatter, sigma, truncate=3.0) / np.maximum(weight, 1e-3)
            light[..., channel] += (blurred - light[..., channel]) * scatter
        image = light * colour * cover + gloss + (1 - cover) * from_display(BACKGROUND)
        image = image.reshape(self.size, OVERSAMPLING, self.size, OVERSAMPLING, 3).mean(axis=(1, 3))
        return (255 * to_display(image) + 0.5).astype(np.uint8)


def _bytes(matrix):
    return np.ascontiguousarray(matrix.T, dtype="f4").tobytes()


def _floats(*values):
    return np.array(values, dtype="f4").tobytes()


def _set(program, values):
    """Set the uniforms that a program has; the compiler drops those that it does not use."""
    for name, data in values.items():
        if name in program:
            program[name].write(data)
