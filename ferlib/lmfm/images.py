"""An image file as the bytes that are sent."""

import hashlib
import io

from PIL import Image

from ferlib.errors import InputError
from ferlib.paths import absolute

SENT_AS_IS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""Formats that all providers take."""


def payload(path, *, sha256):
    """Bytes of an image and their media type.

    JPEG, PNG and WebP files are sent byte for byte; others, such as the BMP files of RADIATE, as PNG with the same
    pixels.

    Parameters
    ----------
    path : str
        Relative to the repository, as in the manifest.
    sha256 : str
        Of the file, as in the manifest.

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
            if image.format in SENT_AS_IS:
                return data, SENT_AS_IS[image.format]
            converted = io.BytesIO()
            image.convert("RGB").save(converted, format="PNG")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not an image that can be decoded ({error}). Leave it out.") from None
    return converted.getvalue(), "image/png"
