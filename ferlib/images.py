"""Opening an image: the one place where a file becomes pixels, so that all that look at a face see the same."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from ferlib.errors import InputError
from ferlib.paths import absolute, relative

MOST_PIXELS = 100_000_000
"""A larger file is refused: decoded, it would take a third of a gigabyte, and no face needs it."""

BACKGROUND = "white"
"""What shows through where an image is transparent. Face sets are photographed on white, and white is what a page or a
viewer puts below a cut-out face."""

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What sets a photograph upright, by the EXIF tag `ORIENTATION`."""

SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's mode of the colours that an ICC profile describes."""


class UnreadableImage(InputError):
    """A file from which no pixels can be had.

    Attributes
    ----------
    reason : str
        What is wrong with it, without the name of the file.
    """

    def __init__(self, name, reason):
        super().__init__(
            f"{name}: the image {reason}. Replace the file by a whole copy, or execute notebook 01_data_prep again, "
            f"which leaves out what it cannot read."
        )
        self.reason = reason


def open_rgb(source, *, name=None, at_least=None):
    """The pixels of an image as a viewer shows them: upright, in sRGB, on white.

    An EXIF orientation is applied. Colours are converted by the embedded ICC profile, unless it is sRGB within rounding
    or does not fit the file; without a profile they are taken for sRGB (CMYK: R = (1 - C)(1 - K)). Grey of 16 or 32
    bits is scaled to 8: by the full range of 16 bits; for 32-bit TIFF, which states no range, by the smallest of 1
    (floating point only), 255, 65,535 and the whole range that holds all values. Of several frames the first counts.

    Parameters
    ----------
    source : str, pathlib.Path or bytes
        Path, relative to the repository or absolute; or the content of a file.
    name : str, optional
        What messages call the image; by default its path.
    at_least : int, optional
        Pixels. A JPEG may be decoded at a half, a quarter or an eighth of its size, as long as no side falls below
        this, which is several times as fast.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, without any metadata. An 8-bit RGB file with nothing of the above is `Image.open(...).convert("RGB")`.

    Raises
    ------
    UnreadableImage
        When the file is missing, damaged, of an unknown format, larger than `MOST_PIXELS`, or a single pixel.
    """
    name = name or _name(source)
    try:
        with Image.open(_file(source)) as image:
            _check_size(image, name)
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            image.load()
            turn = TURNS.get(image.getexif().get(ORIENTATION))
            upright = _in_srgb(image, name) if turn is None else _in_srgb(image, name).transpose(turn)
            upright.info = {}  # a profile or a name kept here would be saved with the pixels
            return upright
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise UnreadableImage(name, f"is too large (more than {MOST_PIXELS:,} pixels)") from None
    except Exception as error:  # Pillow raises whatever a damaged file provokes
        raise UnreadableImage(name, f"cannot be decoded ({_in_words(error, name)})") from error


def size(source):
    """Width and height in pixels as stored, without decoding; `source` and errors as for `open_rgb`."""
    try:
        with Image.open(_file(source)) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        name = _name(source)
        raise UnreadableImage(name, f"cannot be decoded ({_in_words(error, name)})") from error


def _file(source):
    return io.BytesIO(source) if isinstance(source, bytes) else absolute(source)


def _name(source):
    return "the image" if isinstance(source, bytes) else relative(source)


def _check_size(image, name):
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise UnreadableImage(name, f"is too large ({width} x {height}; at most {MOST_PIXELS:,} pixels)")
    if width * height == 1:
        raise UnreadableImage(name, "is a single pixel")


def _in_words(error, name):
    if isinstance(error, UnidentifiedImageError) and name.lower().endswith((".heic", ".heif")):
        return "HEIC is not read here: save it as JPEG or PNG"
    if isinstance(error, UnidentifiedImageError):
        return "cannot identify image file"  # Pillow adds the path, or an address in memory
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0]


def _in_srgb(image, name):
    """A loaded image in mode RGB: grey of many bits scaled, colours by its profile, transparency on `BACKGROUND`."""
    profile, alpha = image.info.get("icc_profile"), None
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image, name)
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        clear, grey = image.convert("RGBA"), image.mode in ("1", "L", "LA")
        image, alpha = clear.convert("L" if grey else "RGB"), clear.getchannel("A")
    image = _through(profile, image).convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        image = Image.composite(image, Image.new("RGB", image.size, BACKGROUND), alpha)
    return image


def _eight_bits(image, name):
    """Grey of more than 8 bits as mode L, or LA where one value stands for transparent."""
    values, tags = np.asarray(image), getattr(image, "tag_v2", {})
    if not np.isfinite(values).all() or values.min() < 0:
        raise UnreadableImage(name, "has grey values that are negative or no numbers, so its scale is unknown")
    if image.mode.startswith("I;16"):
        full = 2 ** tags.get(258, (16,))[0] - 1  # BitsPerSample: TIFF knows 12 as well
    elif image.format != "TIFF":
        full = 65_535
    else:
        whole = 2**32 - 1 if tags.get(339) == (1,) else 2**31 - 1  # SampleFormat: unsigned, or signed
        usual = (1, 255, 65_535) if image.mode == "F" else (255, 65_535, whole)
        full = next((scale for scale in usual if values.max() <= scale), None)
    if full is None:
        raise UnreadableImage(name, f"has grey values up to {values.max():g}, so its scale is unknown")
    scaled = np.rint(values.astype(float) * (255 / full)).astype(np.uint8)
    if tags.get(262) == 0:  # PhotometricInterpretation: white is zero
        scaled = 255 - scaled
    grey = Image.fromarray(scaled)
    if "transparency" in image.info:
        grey.putalpha(Image.fromarray(np.where(values == image.info["transparency"], 0, 255).astype(np.uint8)))
    return grey


def _through(profile, image):
    """An image's colours in sRGB by an ICC profile; the image itself when that is none, is sRGB, or does not fit."""
    mode, transform = _transform(profile) if profile else (None, None)
    fits = {"L": image.mode in ("1", "L"), "RGB": image.mode != "CMYK", "CMYK": image.mode == "CMYK"}
    if transform is None or not fits[mode]:
        return image
    return transform.apply(image.convert(mode))


@lru_cache(maxsize=16)
def _transform(profile):
    """Mode that a profile describes, and the conversion to sRGB; None for what cannot be read, or is sRGB already."""
    try:
        described = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = SPACES[described.profile.xcolor_space]
        transform = ImageCms.buildTransform(described, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, KeyError):
        return None, None
    if mode == "RGB":
        steps = np.arange(0, 256, 15, dtype=np.uint8)
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        moved = np.abs(np.asarray(transform.apply(Image.fromarray(colours))).astype(int) - colours)
        transform = transform if moved.max() > 1 else None
    return mode, transform
