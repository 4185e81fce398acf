"""An image file becomes the pixels that a viewer shows, or one clear complaint."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from ferlib import images, paths
from ferlib.errors import InputError
from ferlib.images import open_rgb

PICTURE = np.random.default_rng(7).integers(0, 256, (5, 7, 3), dtype=np.uint8)
"""Height 5, width 7: what turned the wrong way has another shape."""

UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: stored[::-1].transpose(1, 0, 2),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: stored[:, ::-1].transpose(1, 0, 2),
}
"""The tag in rows and columns (TIFF 6.0, page 36): 6 says that row 0 of the file is the right-hand side."""


@pytest.fixture
def saved(tmp_path):
    """Saves an image, or bytes, and returns the pixels that are read."""

    def save(image, name="face.png", **options):
        if isinstance(image, bytes):
            (tmp_path / name).write_bytes(image)
        else:
            image.save(tmp_path / name, **options)
        return np.asarray(open_rgb(tmp_path / name))

    return save


def png(pixels, *, bits, colour, chunks=(), size=None):
    """A PNG written by hand, so that no library's idea of a mode is in the way."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width, height = size or (pixels.shape[1], pixels.shape[0])
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in pixels)
    body = chunk(b"IHDR", header) + b"".join(chunk(*each) for each in chunks) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def profile(primaries, gamma, *, white=(0.9642, 1.0, 0.8249)):
    """An ICC profile (version 2, matrix and gamma) written by hand, with the XYZ of its primaries under D50."""

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + b"\0" * 78
    text += b"\0" * (-len(text) % 4)
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0none"), (b"wtpt", xyz(white))]
    tags += [(name, xyz(values)) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, data, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        table += name + struct.pack(">II", offset + len(data), len(content))
        data += content + b"\0" * (-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", offset + len(data), b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1.0, 0.8249))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


ADOBE = np.array([[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]])
"""XYZ under D50 of the primaries of Adobe RGB (1998), a row each."""

SRGB = np.array([[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]])


def to_srgb(pixels, primaries, gamma):
    """Colours of a matrix profile in sRGB, in floating point; IEC 61966-2-1."""
    linear = (pixels / 255.0) ** gamma @ primaries @ np.linalg.inv(SRGB)
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    "mode, name", [("RGB", "a.png"), ("RGB", "a.jpg"), ("L", "a.jpg"), ("P", "a.gif"), ("1", "a.png")]
)
def test_an_ordinary_file_is_what_it_was(saved, tmp_path, mode, name):
    read = saved(Image.fromarray(PICTURE).convert(mode), name)
    assert (read == np.asarray(Image.open(tmp_path / name).convert("RGB"))).all()


def test_the_demo_faces_are_what_they_were():
    for path in sorted((paths.DEMO / "people" / "images").iterdir())[::40]:
        assert open_rgb(path).tobytes() == Image.open(path).convert("RGB").tobytes()
        assert open_rgb(path.read_bytes()).tobytes() == open_rgb(path).tobytes()


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp", "a.jpg"])
def test_a_turned_photograph_is_read_upright(saved, tmp_path, orientation, name):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if name.endswith("webp") else {}
    read = saved(Image.fromarray(PICTURE), name, exif=exif, **lossless)
    stored = PICTURE
    if name.endswith("jpg"):
        with Image.open(tmp_path / name) as image:
            stored = np.asarray(image.convert("RGB"))
    assert np.array_equal(read, UPRIGHT[orientation](stored))


def test_what_is_read_says_nothing_about_who_took_it(tmp_path):
    exif = Image.Exif()
    exif[0x013B], exif[0x0112] = "the photographer", 3
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg", exif=exif, icc_profile=profile(ADOBE, 2.2))
    again = io.BytesIO()
    open_rgb(tmp_path / "a.jpg").save(again, "PNG")
    with Image.open(again) as image:
        assert not image.getexif() and "icc_profile" not in image.info


def test_grey_of_sixteen_bits_is_scaled_by_its_full_range(saved):
    values = np.linspace(0, 65535, 35).reshape(5, 7).astype(np.uint16)
    expected = np.rint(values / 257)[..., None].repeat(3, axis=-1)
    assert np.array_equal(saved(png(values, bits=16, colour=0)), expected)
    assert np.array_equal(saved(Image.fromarray(values), "a.tif"), expected)
    assert np.array_equal(saved(b"P5 7 5 65535\n" + values.astype(">u2").tobytes(), "a.pgm"), expected)
    encoded = io.BytesIO()
    Image.fromarray(values).save(encoded, "TIFF")
    white_is_zero = encoded.getvalue().replace(struct.pack("<HHIH", 262, 3, 1, 1), struct.pack("<HHIH", 262, 3, 1, 0))
    assert np.array_equal(saved(white_is_zero, "b.tif"), 255 - expected)
    dark = values // 300
    assert saved(png(dark, bits=16, colour=0)).max() == 1


@pytest.mark.parametrize(
    "values, full",
    [
        (np.linspace(0, 1, 35, dtype=np.float32), 1),
        (np.linspace(0, 255, 35, dtype=np.float32), 255),
        (np.linspace(0, 60000, 35, dtype=np.float32), 65535),
        (np.linspace(0, 200, 35).astype(np.int32), 255),
        (np.linspace(0, 65535, 35).astype(np.int32), 65535),
        (np.linspace(0, 2e9, 35).astype(np.int32), 2**31 - 1),
    ],
)
def test_grey_of_thirty_two_bits_is_scaled_by_the_range_that_holds_it(saved, values, full):
    read = saved(Image.fromarray(values.reshape(5, 7)), "a.tif")
    assert np.abs(read[..., 0].ravel() - values / full * 255).max() <= 0.5001 and np.ptp(read, axis=-1).max() == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5, 1e6])
def test_grey_without_a_scale_is_refused(saved, bad):
    values = np.full((5, 7), bad, dtype=np.float32)
    with pytest.raises(InputError, match="face.tif: the image has grey values .* scale is unknown"):
        saved(Image.fromarray(values), "face.tif")


def test_inks_without_a_profile_are_mixed_as_defined(saved):
    inks = np.random.default_rng(3).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    share = inks / 255.0
    expected = 255 * (1 - share[..., :3]) * (1 - share[..., 3:])
    assert np.abs(saved(Image.fromarray(inks, "CMYK"), "a.tif") - expected).max() <= 1


def test_what_is_transparent_is_white_and_hidden_colours_stay_hidden(saved):
    alpha = np.linspace(0, 255, 35).round().reshape(5, 7, 1)
    expected = PICTURE * (alpha / 255) + 255 * (1 - alpha / 255)
    read = saved(Image.fromarray(np.concatenate([PICTURE, alpha.astype(np.uint8)], axis=-1), "RGBA"))
    assert np.abs(read - expected).max() <= 0.51
    grey = np.concatenate([PICTURE[..., :1], alpha.astype(np.uint8)], axis=-1)
    expected = PICTURE[..., :1] * (alpha / 255) + 255 * (1 - alpha / 255)
    assert np.abs(saved(Image.fromarray(grey, "LA")) - expected).max() <= 0.51


def test_one_colour_of_a_palette_or_of_grey_may_be_transparent(saved):
    palette = np.array([[255, 0, 255], [10, 20, 30], [200, 150, 120]], dtype=np.uint8)
    index = np.arange(35).reshape(5, 7) % 3
    expected = np.where((index == 0)[..., None], 255, palette[index])
    chunks = [(b"PLTE", palette.tobytes()), (b"tRNS", b"\0")]
    assert np.array_equal(saved(png(index, bits=8, colour=3, chunks=chunks)), expected)
    grey = np.where(index == 0, 255, index * 50)
    assert np.array_equal(saved(png(index * 50, bits=8, colour=0, chunks=[(b"tRNS", b"\0\0")]))[..., 0], grey)
    deep = np.where(index == 0, 255, np.rint(index * 5000 / 257))
    assert np.array_equal(saved(png(index * 5000, bits=16, colour=0, chunks=[(b"tRNS", b"\0\0")]))[..., 1], deep)


@pytest.mark.parametrize("primaries, gamma", [(ADOBE, 563 / 256), (ADOBE, 1.8), (SRGB, 1.0)])
def test_colours_of_another_profile_are_converted(saved, primaries, gamma):
    pixels = np.stack(np.meshgrid(*[np.arange(0, 256, 17, dtype=np.uint8)] * 3), axis=-1).reshape(64, 64, 3)
    read = saved(Image.fromarray(pixels), icc_profile=profile(primaries, gamma))
    error = np.abs(read - to_srgb(pixels, primaries, gamma))
    assert error.mean() < 0.5 and np.abs(pixels.astype(float) - read).mean() > 5
    assert np.quantile(error, 0.99) <= 1.01, error.max()


def test_a_skin_tone_of_a_wide_gamut_keeps_its_colour(saved):
    skin = np.array([[198, 150, 120], [90, 60, 45], [60, 42, 35]], dtype=float)
    linear = ((skin / 255 + 0.055) / 1.055) ** 2.4 @ SRGB @ np.linalg.inv(ADOBE)
    stored = np.rint(255 * np.clip(linear, 0, 1) ** (256 / 563))
    read = saved(Image.fromarray(stored.astype(np.uint8)[None]), icc_profile=profile(ADOBE, 563 / 256))
    assert np.abs(read[0] - skin).max() <= 1.5 and np.abs(stored - skin).max() > 5


def test_an_srgb_profile_and_one_that_does_not_fit_change_nothing(saved):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for embedded in (srgb, b"no profile", profile(ADOBE, 2.2)[:200]):
        assert np.array_equal(saved(Image.fromarray(PICTURE), icc_profile=embedded), PICTURE)
    inks = Image.fromarray(np.dstack([PICTURE, PICTURE[..., 0]]), "CMYK")
    assert np.array_equal(saved(inks, "a.tif", icc_profile=profile(ADOBE, 2.2)), saved(inks, "b.tif"))


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_of_several_frames_the_first_counts(saved, name):
    frames = [Image.new("RGB", (7, 5), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    options = {"lossless": True} if name == "a.webp" else {}
    read = saved(frames[0], name, save_all=True, append_images=frames[1:], **options)
    assert (read == (255, 0, 0)).all()


def test_a_jpeg_may_be_decoded_smaller_but_not_too_small(tmp_path):
    Image.new("RGB", (800, 640), (90, 60, 45)).save(tmp_path / "a.jpg")
    assert open_rgb(tmp_path / "a.jpg", at_least=150).size == (200, 160)
    assert open_rgb(tmp_path / "a.jpg", at_least=700).size == (800, 640)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "cannot be decoded .cannot identify image file"),
        (b"no image at all", "cannot be decoded .cannot identify image file"),
        (png(PICTURE[..., 0], bits=8, colour=0)[:-30], "cannot be decoded"),
        (png(PICTURE[:1, :1, 0], bits=8, colour=0), "is a single pixel"),
        (png(PICTURE[..., 0], bits=8, colour=0, size=(20000, 5001)), "is too large .20000 x 5001; at most 100,000,000"),
        (png(PICTURE[..., 0], bits=8, colour=0, size=(90000, 90000)), "is too large .more than 100,000,000"),
    ],
    ids=["empty", "text", "cut", "one pixel", "100 megapixels", "a bomb"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_cannot_be_read_is_named_with_the_reason(tmp_path, content, words):
    (tmp_path / "face.png").write_bytes(content)
    with pytest.raises(images.UnreadableImage, match=f"face.png: the image {words}.*01_data_prep") as caught:
        open_rgb(tmp_path / "face.png")
    assert str(tmp_path) not in caught.value.reason and "0x" not in caught.value.reason


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_size_of_a_bomb_is_refused_like_its_pixels(tmp_path):
    (tmp_path / "face.png").write_bytes(png(PICTURE[..., 0], bits=8, colour=0, size=(90000, 90000)))
    with pytest.raises(images.UnreadableImage, match="face.png"):
        images.size(tmp_path / "face.png")


def test_a_missing_file_is_named():
    with pytest.raises(InputError, match="data/raw/nobody.png: the image cannot be decoded .No such file"):
        open_rgb("data/raw/nobody.png")


def test_no_other_module_opens_the_image_of_a_face():
    """Except those of the rooms `lmfm` and `units`; `figures` opens what it has drawn itself."""
    rooms = ("datasets", "embedding", "probe", "stats", "controlled", "pipeline")
    files = [path for room in rooms for path in (paths.ROOT / "ferlib" / room).glob("*.py")]
    files += [*(paths.ROOT / "notebooks").glob("*.ipynb"), paths.ROOT / "ferlib" / "figures" / "curves.py"]
    assert [path.name for path in files if "Image.open" in path.read_text(encoding="utf-8")] == []


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_damaged_files_never_raise_anything_else(tmp_path):
    random = np.random.default_rng(5)
    whole = []
    for name in ("a.png", "a.jpg", "a.webp", "a.gif", "a.tif", "a.bmp"):
        Image.fromarray(PICTURE).save(tmp_path / name)
        whole.append((tmp_path / name).read_bytes())
    for data in whole:
        for _ in range(60):
            spoilt = np.frombuffer(data, dtype=np.uint8).copy()
            spoilt[random.integers(0, len(spoilt), 4)] = random.integers(0, 256, 4)
            try:
                assert open_rgb(spoilt.tobytes()).mode == "RGB"
            except images.UnreadableImage:
                continue
