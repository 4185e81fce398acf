"""An image file as the bytes that are sent."""

import csv
import functools
import hashlib
import io

from PIL import Image

from ferlib import tables
from ferlib.errors import InputError
from ferlib.paths import absolute

SENT_AS_IS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""Formats that most providers take."""

FILE = "images.csv"
COLUMNS = ("sha256", "format", "sent_sha256")


def payload(path, *, sha256, image_format=""):
    """Bytes of an image and their media type.

    JPEG, PNG and WebP files are sent byte for byte; others, such as the BMP files of RADIATE, as PNG with the same
    pixels. Where a model takes one format only, files of another one are converted to it.

    Parameters
    ----------
    path : str
        Relative to the repository, as in the manifest.
    sha256 : str
        Of the file, as in the manifest.
    image_format : str
        `png`, `jpeg` (quality 95), `webp` (without loss), or empty.

    Returns
    -------
    data : bytes
    media_type : str

    Raises
    ------
    InputError
        When the file is missing, is not an image, or is not the one of the manifest.
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
            if image.format in ([image_format.upper()] if image_format else SENT_AS_IS):
                return data, SENT_AS_IS[image.format]
            converted, wanted = io.BytesIO(), (image_format or "png").upper()
            how = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(wanted, {})
            image.convert("RGB").save(converted, format=wanted, **how)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not an image that can be decoded ({error}). Leave it out.") from None
    return converted.getvalue(), SENT_AS_IS[wanted]


class Sent:
    """Hashes of the bytes that images of another format become, kept beside the answers: a replay needs no images.

    Parameters
    ----------
    folder : pathlib.Path
        Of the answers.
    """

    def __init__(self, folder):
        self._path = folder / FILE

    def sha256(self, path, *, sha256, image_format):
        """Hash of the bytes that are sent for an image; parameters as for `payload`."""
        known = self._read()
        if (sha256, image_format) not in known:
            data, _ = payload(path, sha256=sha256, image_format=image_format)
            self.add([(sha256, image_format, hashlib.sha256(data).hexdigest())])
        return self._read()[sha256, image_format]

    def add(self, rows):
        """Keep some rows of `COLUMNS`, for example those that an archive brings."""
        known = {**{row[:2]: row[2] for row in rows}, **self._read()}
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [COLUMNS, *((*key, sent) for key, sent in sorted(known.items()))]
        )
        tables.write_bytes(text.getvalue().encode(), self._path)
        _rows.cache_clear()

    def _read(self):
        return _rows(self._path) if self._path.is_file() else {}


@functools.cache
def _rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return {(row["sha256"], row["format"]): row["sent_sha256"] for row in csv.DictReader(file)}
