"""What can be measured on an image without a model: light, contrast, sharpness, face size, the tone of the cheeks."""

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

from ferlib.datasets.cheeks import find
from ferlib.images import open_rgb

COLUMNS = ("brightness", "contrast", "sharpness", "face_size", "ita_deg", "ita_ok")

WORKING_SIDE = 224
"""Pixels. The shorter side of an image is brought down to this, so that sharpness compares between datasets: it is the
detail that a network of this input size can see. Smaller images stay as they are, and look sharper than they would."""

LARGEST_DIFFERENCE = 30.0
"""Degrees. Cheeks whose angles differ by more are lit too unevenly to have one."""


def working_image(path):
    """An image in sRGB with its shorter side at most `WORKING_SIDE` pixels.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    numpy.ndarray
        uint8, (height, width, 3).
    """
    image = open_rgb(path, at_least=2 * WORKING_SIDE)
    scale = WORKING_SIDE / min(image.size)
    if scale < 1:
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BOX)
    return np.asarray(image)


def lab(rgb):
    """CIELAB (D65, 2 degrees) of sRGB pixels.

    Parameters
    ----------
    rgb : numpy.ndarray
        uint8, last axis 3.

    Returns
    -------
    numpy.ndarray
        float32, same shape: L* 0-100, a*, b*. Source: IEC 61966-2-1 and CIE 15.
    """
    linear = _LINEAR[rgb]
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]],
        dtype=np.float32,
    )
    ratio = linear @ (matrix / np.array([[0.95047], [1.0], [1.08883]], dtype=np.float32)).T
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * np.float32(841 / 108) + np.float32(4 / 29))
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1
    ).astype(np.float32)


_GREY = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_GREY <= 0.04045, _GREY / 12.92, ((_GREY + 0.055) / 1.055) ** 2.4).astype(np.float32)


def ita(lightness, blue_yellow):
    """Individual typology angle, in degrees: the higher, the lighter the skin.

    Source: A. Chardon, I. Cretois, C. Hourseau, Int. J. Cosmet. Sci. 13 (1991) 191-208. Customary bands: very light
    above 55, light above 41, intermediate above 28, tan above 10, brown above -30, dark below.

    Parameters
    ----------
    lightness, blue_yellow : float or numpy.ndarray
        CIELAB L* and b*.

    Examples
    --------
    >>> float(ita(50.0, 20.0)), round(float(ita(70.0, 20.0)), 1)
    (0.0, 45.0)
    """
    return np.degrees(np.arctan((np.asarray(lightness) - 50.0) / np.asarray(blue_yellow)))


def tone(pixels, found):
    """Individual typology angle of two cheeks.

    Parameters
    ----------
    pixels : numpy.ndarray
        CIELAB, (height, width, 3).
    found : Cheeks or None

    Returns
    -------
    float
        Degrees. NaN when there are no cheeks, when less than six tenths of one is smooth skin (hair, a beard, glasses,
        an eye), or when the two differ by more than `LARGEST_DIFFERENCE`.
    """
    if found is None:
        return np.nan
    sides = []
    for rows, columns in found.boxes():
        inside, patch = found.skin[rows, columns], pixels[rows, columns]
        if inside.size == 0 or inside.mean() < 0.6:
            return np.nan
        sides.append(np.median(patch[inside], axis=0))
    angles = [ita(side[0], side[2]) for side in sides]
    lightness, _, blue_yellow = np.mean(sides, axis=0)
    uneven = abs(angles[0] - angles[1]) > LARGEST_DIFFERENCE
    return np.nan if uneven or blue_yellow < 1 else float(ita(lightness, blue_yellow))


def measure_image(path):
    """Covariates of one image.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    dict
        Keys `COLUMNS`. In the middle of the image (a square, half the shorter side wide): `brightness`, the mean of
        L* (0 black to 100 white); `contrast`, its standard deviation; `sharpness`, the standard deviation of its
        Laplacian (L* a pixel squared, at the working size). `face_size`: width of the skin in the middle rows, as a
        share of the shorter side. `ita_deg`: degrees, with the flag `ita_ok`. What cannot be measured is NaN.
    """
    pixels = lab(working_image(path))
    lightness = pixels[..., 0]
    height, width = lightness.shape
    half = max(1, min(height, width) // 4)
    middle = (slice(height // 2 - half, height // 2 + half), slice(width // 2 - half, width // 2 + half))
    found = find(pixels)
    angle = tone(pixels, found)
    return {
        "brightness": round(float(lightness[middle].mean()), 3),
        "contrast": round(float(lightness[middle].std()), 3),
        "sharpness": round(float(ndimage.laplace(lightness)[middle].std()), 3),
        "face_size": round(found.width / min(height, width), 3) if found else np.nan,
        "ita_deg": round(angle, 2),
        "ita_ok": bool(np.isfinite(angle)),
    }


def measure(manifest, *, datasets=()):
    """Add the covariates of the images to a manifest.

    Parameters
    ----------
    manifest : pandas.DataFrame
        With the columns `dataset` and `path`; images that cannot be decoded must have been left out before.
    datasets : sequence of str
        Datasets to be measured; empty for all. A dataset that the manifest lacks is passed over.

    Returns
    -------
    pandas.DataFrame
        The manifest with the columns `COLUMNS`, in place of any of these names that it had; missing where the dataset
        was not to be measured.
    """
    chosen = manifest[manifest["dataset"].isin(datasets)] if datasets else manifest
    rows = [measure_image(path) for path in tqdm(chosen["path"], desc="covariates", unit="image")]
    measured = pd.DataFrame(rows, columns=list(COLUMNS), index=chosen.index).astype({"ita_ok": "boolean"})
    kept = manifest.drop(columns=list(COLUMNS), errors="ignore")
    return pd.concat([kept, measured.reindex(manifest.index)], axis=1)
