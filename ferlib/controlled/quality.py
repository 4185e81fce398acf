"""Quality: the same photograph, as a poorer camera, a smaller face, a stronger compression would have shown it.

A version of an image differs from it in quality alone: nothing is rendered or photographed again, so that the label,
the person and the light stay what they were.
"""

import io
import zlib
from functools import lru_cache

import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance, ImageFilter

from ferlib.errors import InputError
from ferlib.images import open_rgb
from ferlib.labels import EMOTIONS

GAMMA = 2.2
"""Exponent between a stored value and light, by which an exposure is changed."""

GREY = 128
"""Value of what hides a part of a face."""


def _blur(image, amount):
    return image.filter(ImageFilter.GaussianBlur(amount * image.width))


def _size(image, amount):
    small = (amount, max(1, round(amount * image.height / image.width)))
    return image.resize(small, Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.BICUBIC)


def _jpeg(image, amount):
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=amount)
    return open_rgb(kept.getvalue())


def _noise(image, amount):
    noise = _normal(_seed(image), (image.height, image.width, 3))
    return Image.fromarray(
        np.rint((noise * np.float32(255 * amount) + np.asarray(image)).clip(0, 255)).astype(np.uint8)
    )


def _exposure(image, amount):
    table = [round(255 * min(1, (value / 255) ** GAMMA * 2.0**amount) ** (1 / GAMMA)) for value in range(256)]
    return image.point(table * 3)


def _colour(image, amount):
    return ImageEnhance.Color(image).enhance(amount)


def _hidden(image, amount):
    # Around one point near the middle, whatever the amount, so that a larger square hides what a smaller one hid.
    middle = (0.3 + 0.4 * np.random.default_rng(_seed(image)).random(2)) * image.size
    reach = amount / 2 * image.width
    image = image.copy()
    image.paste((GREY,) * 3, tuple(np.rint([*(middle - reach), *(middle + reach)]).astype(int).tolist()))
    return image


def _seed(image):
    """The same for the same image, whenever and in whatever order it is asked about."""
    return zlib.crc32(image.tobytes())


@lru_cache(maxsize=1)
def _normal(seed, shape):
    """Random numbers of an image, drawn once for all its levels, so that a stronger noise is the same noise, louder."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


KINDS = {
    "blur": (_blur, "standard deviation of a Gaussian blur, in widths of the image"),
    "size": (_size, "width of the image in pixels, enlarged again to what it was"),
    "jpeg": (_jpeg, "quality at which it is saved as JPEG, 1 to 95"),
    "noise": (_noise, "standard deviation of the sensor's noise, of the whole range of values"),
    "exposure": (_exposure, "stops of light more (above 0) or less, with what clips and what rounds away"),
    "colour": (_colour, "share of the colour that is left; 0 is grey-scale"),
    "hidden": (_hidden, "side of a grey square over a part of the face, in widths of the image"),
}
"""How each kind of loss is made, and what its amount is."""

AMOUNTS = {
    "blur": [0.005, 0.01, 0.02, 0.04], "size": [64, 40, 24, 16], "jpeg": [40, 20, 10, 5],
    "noise": [0.05, 0.1, 0.2, 0.4], "exposure": [-1, -2, -3, -4], "colour": [0.75, 0.5, 0.25, 0],
    "hidden": [0.15, 0.25, 0.35, 0.5],
}  # fmt: skip
"""Amounts of each kind from hardly seen to hardly bearable, for an image that a face fills."""


def degrade(image, kind, amount):
    """A version of an image in which one quality is poorer.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB.
    kind : str
        One of `KINDS`, which says what the amount means.
    amount : float or int

    Returns
    -------
    PIL.Image.Image
        RGB, of the same size; the same for the same image.

    Raises
    ------
    InputError
        For an unknown kind.

    Examples
    --------
    >>> degrade(Image.new("RGB", (8, 8), (200, 0, 0)), "colour", 0).getpixel((0, 0))
    (60, 60, 60)
    """
    if kind not in KINDS:
        raise InputError(f"quality {kind!r}: not known. Allowed: {', '.join(map(repr, KINDS))}.")
    return KINDS[kind][0](image, amount)


def versions(image, amounts):
    """An image as it is, and every poorer version of it, in the order of `conditions`.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB.
    amounts : dict of str to sequence of float
        Of each kind, from the mildest to the strongest.
    """
    return [
        image if not level else degrade(image, kind, amounts[kind][level - 1]) for kind, level in conditions(amounts)
    ]


def conditions(amounts):
    """Kind and level of each version: the image as it is, `("", 0)`, then level 1, 2 ... of each kind."""
    return [("", 0), *((kind, level) for kind, of in amounts.items() for level in range(1, len(of) + 1))]


def outcomes(said, images, amounts):
    """What a reader said to the versions of images, a row for each image, kind and level.

    Parameters
    ----------
    said : numpy.ndarray of str, shape (images, versions)
    images : pandas.DataFrame
        Columns `subject_id`, `side`, `emotion`.
    amounts : dict of str to sequence of float
        As for `versions`.

    Returns
    -------
    pandas.DataFrame
        `subject_id`, `side`, `unit` (the kind), `measure` (the level), `value` (1 where the version was read as
        labelled, else 0) and `sharp`, the same of the image as it is: that is level 0 of every kind.
    """
    right = (said == images["emotion"].to_numpy()[:, None]).astype(float)
    own = images[["subject_id", "side"]].assign(sharp=right[:, 0])
    parts, end = [], 1
    for kind, of in amounts.items():
        for level, column in enumerate([0, *range(end, end + len(of))]):
            parts.append(own.assign(unit=kind, measure=level, value=right[:, column]))
        end += len(of)
    return pd.concat(parts, ignore_index=True)


def sample(manifest, *, dataset, attribute, sides, people, seed):
    """Images of some people of each side, and of as many others of either to learn from.

    Parameters
    ----------
    manifest : pandas.DataFrame
    dataset : str
    attribute : str
        Column that says which side somebody is on; the same for all images of a person.
    sides : dict of str to list
        Name of each side, and the values that belong to it. Other people are left out.
    people : int
        How many are drawn of each side; all, where there are fewer.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Rows of `manifest` with `side` and `asked`; none where the dataset is not there. Of the people not asked about
        every side has the same number, as many as there are on the smallest.

    Raises
    ------
    InputError
        When images of the dataset lack the attribute.
    """
    own = manifest[(manifest["dataset"] == dataset) & manifest["emotion"].isin(EMOTIONS)]
    if len(own) and (attribute not in own or own[attribute].isna().all()):
        raise InputError(f"quality: the images of {dataset} have no {attribute!r}. Name another column as attribute.")
    side_of = {value: side for side, values in sides.items() for value in values}
    own = own.assign(side=own[attribute].map(side_of) if len(own) else None).dropna(subset="side")
    drawn = own.drop_duplicates("subject_id").sample(frac=1, random_state=seed)
    asked = drawn.groupby("side").head(people)
    left = drawn.drop(asked.index)
    left = left.groupby("side").head(left["side"].value_counts().min() if left["side"].nunique() == len(sides) else 0)
    own = own.assign(asked=own["subject_id"].isin(asked["subject_id"]))
    return own[own["asked"] | own["subject_id"].isin(left["subject_id"])]
