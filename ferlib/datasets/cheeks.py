"""Where the cheeks are in a portrait, by a rule that needs no trained detector.

The rule assumes one face, about frontal, upright, about in the middle of the image, its cheeks not covered. It takes
the skin-like, smooth area that holds the middle of the image; its width in the middle rows; the eyes as the level where
lightness changes most on both sides of the nose; and the cheeks at a fixed distance below and beside. Where a step
fails there is no answer. It was tried on rendered faces only: draw `Cheeks.boxes` on a few images of your own first.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SMALLEST_SIDE = 64
"""Pixels. Below this the cheeks are too few pixels to measure."""

SKIN_HUE, SKIN_CHROMA, SKIN_LIGHTNESS = (5.0, 85.0), (4.0, 60.0), (8.0, 97.0)
"""CIELAB hue angle (degrees), chroma and lightness within which a pixel may be skin, of any tone."""

EYES = (0.3, 0.55)
"""Shares of the image's height between which the eyes of a centred face lie, from the top."""

OFF_CENTRE = 0.12
"""Largest distance of the midline of a centred face from that of the image, as a share of its width. A face of which
only one half is lit looks like half a face beside the middle."""

SAME_SKIN = 14.0
"""Largest distance in the a*b* plane from the colour of the middle of the face."""


@dataclass(frozen=True, eq=False)
class Cheeks:
    """Where the rule sees the cheeks, in pixels of the working image.

    Attributes
    ----------
    centre : float
        Column of the face's midline.
    eyes, level : float
        Row of the eyes and of the middle of the cheeks.
    width : float
        Width of the skin in the middle rows.
    skin : numpy.ndarray
        bool, as `skin` returns.
    """

    centre: float
    eyes: float
    level: float
    width: float
    skin: np.ndarray

    def boxes(self):
        """Two slices (rows, columns) of the working image, left and right, each a seventh of the face wide."""
        half = max(2, round(0.07 * self.width))
        rows = slice(max(0, round(self.level) - half), round(self.level) + half + 1)
        columns = [round(self.centre + side * 0.27 * self.width) for side in (-1, 1)]
        return [(rows, slice(max(0, column - half), column + half + 1)) for column in columns]


def skin_like(pixels):
    """Which pixels have a colour that skin can have, of any tone and under any usual light.

    Parameters
    ----------
    pixels : numpy.ndarray
        CIELAB, (height, width, 3).

    Returns
    -------
    numpy.ndarray
        bool, (height, width).
    """
    lightness, chroma = pixels[..., 0], np.hypot(pixels[..., 1], pixels[..., 2])
    hue = np.degrees(np.arctan2(pixels[..., 2], pixels[..., 1]))
    limits = ((lightness, SKIN_LIGHTNESS), (chroma, SKIN_CHROMA), (hue, SKIN_HUE))
    return np.logical_and.reduce([(low <= value) & (value <= high) for value, (low, high) in limits])


def skin(pixels):
    """Which pixels are skin-like and hang together with the middle of the image, which must be; else as `skin_like`."""
    height, width, _ = pixels.shape
    lightness, plane, like = pixels[..., 0], pixels[..., 1:], skin_like(pixels)
    middle = (slice(int(0.4 * height), int(0.65 * height)), slice(int(0.35 * width), int(0.65 * width)))
    if like[middle].mean() < 0.5:
        return np.zeros_like(like)
    reference = np.median(pixels[middle][like[middle]], axis=0)
    near = np.hypot(plane[..., 0] - reference[1], plane[..., 1] - reference[2]) <= SAME_SKIN
    near &= np.abs(lightness - reference[0]) <= 30
    near &= ~_rough(lightness)
    parts, count = ndimage.label(like & near)
    if count == 0:
        return np.zeros_like(like)
    return parts == 1 + np.argmax(np.bincount(parts[middle].ravel(), minlength=count + 1)[1:])


def _rough(lightness, window=5):
    """Pixels whose neighbourhood varies too much in lightness for skin: hair, beards, backgrounds."""
    mean = ndimage.uniform_filter(lightness, window)
    variance = ndimage.uniform_filter(lightness**2, window) - mean**2
    return variance > 5.0**2


def find(pixels):
    """Find the cheeks of one centred, frontal, upright face.

    Parameters
    ----------
    pixels : numpy.ndarray
        CIELAB, (height, width, 3).

    Returns
    -------
    Cheeks or None
        None when there is no skin-like area in the middle that has the proportions of a face, or no eyes in it.
    """
    height, width, _ = pixels.shape
    if min(height, width) < SMALLEST_SIDE:
        return None
    area = skin(pixels)
    face = ndimage.binary_fill_holes(area)
    rows = slice(int(0.4 * height), int(0.65 * height))
    spans = [np.flatnonzero(row)[[0, -1]] for row in face[rows] if row.any()]
    if len(spans) < 0.8 * (rows.stop - rows.start):
        return None
    left, right = np.median(spans, axis=0)
    across, centre = right - left + 1, (left + right) / 2
    if not 0.15 * width <= across <= 0.95 * width or abs(centre - width / 2) > OFF_CENTRE * width:
        return None
    eyes = _eye_level(pixels[..., 0], face, centre, across)
    if eyes is None:
        return None
    return Cheeks(centre=centre, eyes=eyes, level=eyes + 0.33 * across, width=across, skin=area)


def _eye_level(lightness, face, centre, across):
    """Row where light changes most from row to row, on both sides of the nose: brows, lids and irises lie there."""
    reach, offset = round(0.12 * across), 0.21 * across
    change = np.abs(ndimage.sobel(ndimage.gaussian_filter(lightness, 1.0), axis=0))
    both = []
    for side in (-1, 1):
        column = round(centre + side * offset)
        columns = slice(max(0, column - reach), column + reach + 1)
        inside = ndimage.binary_erosion(face[:, columns].mean(axis=1) > 0.95, iterations=max(1, round(0.08 * across)))
        both.append(np.where(inside, change[:, columns].mean(axis=1), 0.0))
    energy = ndimage.gaussian_filter1d(np.minimum(*both), 0.06 * across)
    first, last = (round(share * len(energy)) for share in EYES)
    band = energy[first:last]
    return float(first + np.argmax(band)) if band.max() > 0 else None
