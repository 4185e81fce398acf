"""An image file as the bytes that are sent."""

import contextlib
import functools
import hashlib
import io
import re

import pandas as pd
from PIL import Image

from ferlib import images, tables
from ferlib.errors import InputError
from ferlib.paths import absolute

SENT_AS_IS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""Formats that most providers take."""

JPEG_KEPT = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe\0"))
"""Application segments of JPEG that decide how the pixels look. All others go: EXIF with its place, day and preview,
XMP, IPTC, comments, further pictures."""

PIXELS_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
LEFT_OUT = (b"eXIf", b"iTXt", b"tEXt", b"zTXt", b"tIME", b"EXIF", b"XMP ")
"""Chunks of PNG and WebP files that are not about the pixels."""

FILE = "images.csv"
COLUMNS = ("sha256", "format", "sent_sha256")


def payload(path, *, sha256, image_format=""):
    """Bytes of an image and their media type.

    JPEG, PNG and WebP files are sent with the pixels as they are, but without what they say beside them (see `bare`): a
    provider is told neither where nor when a face was photographed. Others, such as the BMP files of RADIATE, are sent
    as PNG with the same pixels. Where a model takes one format only, files of another one are converted to it; those
    that EXIF turns are written anew, upright.

    `path` and `sha256` are those of the manifest, and `InputError` is raised when the file is another one, or none;
    `image_format` is `png`, `jpeg` (quality 95), `webp` (without loss), or empty.
    """
    try:
        data = absolute(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Run notebook 01_data_prep again.") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise InputError(
            f"{path}: has changed since the manifest was made (sha256 {found[:12]}..., there {sha256[:12]}...). "
            f"Restore the file, or run notebook 01_data_prep again."
        )
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind = "JPEG" if image.format == "MPO" else image.format  # a JPEG file with more pictures behind the first
            upright = image.getexif().get(images.ORIENTATION, 1) == 1
        if upright and kind in ([image_format.upper()] if image_format else SENT_AS_IS):
            with contextlib.suppress(ValueError, IndexError):  # odd, but it may be decoded: then written anew
                return bare(data, kind), SENT_AS_IS[kind]
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path}: is not an image that can be decoded ({error}). Leave it out.") from None
    wanted, converted = image_format.upper() or (kind if kind in SENT_AS_IS else "PNG"), io.BytesIO()
    how = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(wanted, {})
    images.open_rgb(data, name=path).save(converted, format=wanted, **how)
    return converted.getvalue(), SENT_AS_IS[wanted]


def bare(data, kind):
    """A JPEG, PNG or WebP file without what it says beside its pixels: place, day, camera, names, previews.

    What the colours need is kept (ICC profile, JFIF, Adobe), and so is every byte of a file that has nothing to leave
    out. Raises ValueError or IndexError when the file is not built as its format says.
    """
    if kind == "JPEG":
        return b"".join(_segments(data))
    if kind == "PNG":
        return data[:8] + b"".join(chunk for name, chunk in _chunks(data, 8) if name not in LEFT_OUT)
    body = b"WEBP"
    for name, chunk in _chunks(data, 12, end=8 + int.from_bytes(data[4:8], "little")):
        if name == b"VP8X":  # says which others follow; two of its bits are for those left out
            chunk = chunk[:8] + bytes([chunk[8] & ~0b1100]) + chunk[9:]
        body += b"" if name in LEFT_OUT else chunk
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(data, at, *, end=None):
    """Chunks of a PNG file, or of a WebP file that ends at `end`, each with its name, to the end of the image."""
    name = None
    while at < min(len(data), end or len(data)) and name != b"IEND":
        head = data[at : at + 8]
        name, length = (head[:4], head[4:]) if end else (head[4:], head[:4])
        size = int.from_bytes(length, "little" if end else "big")
        after = at + 8 + size + (size % 2 if end else 4)
        yield name, data[at:after]
        at = after


def _segments(data):
    """Segments of a JPEG file that are kept, to the end of its first image."""
    yield data[:2]
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            raise ValueError("no segment where one should begin")
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xD9:
            yield data[at : at + 2]
            return
        if marker == 0xDA:  # the pixels follow, to the next marker
            found = PIXELS_END.search(data, end)
            end = found.start() if found else len(data)
        needed = any(marker == number and data.startswith(start, at + 4) for number, start in JPEG_KEPT)
        if needed or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield data[at:end]
        at = end


class Sent:
    """Hashes of the bytes that images of another format become, kept beside the answers: a replay needs no images."""

    def __init__(self, folder):
        self._path = folder / FILE

    def sha256(self, manifest, *, image_format):
        """Hashes of the bytes that are sent for the images of a manifest, as dict by the hash of the file.

        Where any format may be sent, a file that is not there, as in a replay without images, or that cannot be sent is
        taken to be sent as it is; asking says what is wrong with it.
        """
        known, found = self._read(), {}
        for row in manifest.drop_duplicates("sha256").itertuples():
            asked = row.sha256, image_format
            found[row.sha256] = known[asked] if asked in known else _sent(row.path, *asked)
        new = [(file, image_format, sent) for file, sent in found.items() if image_format or file != sent]
        if any(row[:2] not in known for row in new):
            self.add(new)
        return found

    def add(self, rows):
        """Keep some rows of `COLUMNS`, for example those that an archive brings."""
        with tables.alone(self._path):
            known = {**{row[:2]: row[2] for row in rows}, **self._read()}
            table = pd.DataFrame([(*key, sent) for key, sent in sorted(known.items())], columns=list(COLUMNS))
            tables.write_csv(table, self._path)

    def _read(self):
        if not self._path.is_file():
            return {}
        table = tables.read_csv(self._path, columns=COLUMNS, dtype=str, keep_default_na=False)
        return {tuple(key): sent for *key, sent in table[list(COLUMNS)].itertuples(index=False)}


@functools.cache
def _sent(path, sha256, image_format):
    try:
        return hashlib.sha256(payload(path, sha256=sha256, image_format=image_format)[0]).hexdigest()
    except InputError:
        if image_format:
            raise
        return sha256
