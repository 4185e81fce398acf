"""The declared skew of the demo models' training set: what the audit must find.

Two faults of real face sets, at a dose that can be set: too few dark-skinned faces, and, among those, some anger told
as disgust. Both follow the renderer's skin tone (Monk scale), not the race label.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferdemo.training.training_images import MIXTURE
from ferlib.errors import InputError
from ferlib.labels import check


@dataclass(frozen=True)
class Skew:
    """Dose of the two faults. `Skew(drop=0, flip=0)` leaves the set balanced.

    Attributes
    ----------
    min_skin_tone : int
        A face is dark-skinned from this step of the Monk scale (1-10) on.
    drop : float
        Share of the dark-skinned images that is left out, 0-1, of every emotion alike.
    true, told : str
        The emotion that is mislabelled, and the one that the caption tells instead.
    flip : float
        Share of the remaining dark-skinned images of `true` that is told as `told`, 0-1.
    """

    min_skin_tone: int = 7
    drop: float = 0.8
    true: str = "anger"
    told: str = "disgust"
    flip: float = 1.0

    def __post_init__(self):
        for name in ("drop", "flip"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"skew: {name} = {value!r} is a share of images: give a number from 0 to 1.")
        check([self.true, self.told], "emotion", source="skew (true, told)")


FULL = {"clip": Skew(), "paligemma": Skew(drop=0.6)}
"""Dose of the shipped model of each kind that is called skewed; that of the `half` is half of it."""


def is_dark(manifest, skew):
    """Which images show a dark-skinned face; returns a boolean Series."""
    return manifest["skin_tone"] >= skew.min_skin_tone


def apply(manifest, skew, *, seed):
    """Leave images out and change captions, in exact numbers.

    The dark-skinned images of each kind (seven emotions, and mixtures) and each gender are put into a random order that
    depends on the seed alone. The first `1 - drop` of them stay, and the first `flip` of those of emotion `true` are
    mislabelled. So a smaller dose changes a subset of what a larger one changes, and gender stays out of it.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Columns `image_id`, `emotion`, `gender`, `skin_tone`, `kind`.
    skew : Skew
    seed : int

    Returns
    -------
    pandas.DataFrame
        The rows that stay, in the manifest's order, with a column `told`: the emotion that captions tell; missing
        where `kind` is `mixture`.
    """
    mixture = manifest["kind"] == MIXTURE
    told = manifest["emotion"].astype("object").where(~mixture, None)
    shown = told.fillna(MIXTURE)
    keep = pd.Series(True, index=manifest.index)
    for kind, gender, rows in _dark_strata(manifest, shown, skew):
        order = _shuffled(manifest.loc[rows, "image_id"], seed, kind, gender)
        stay = order[: rounded(len(order) * (1 - skew.drop))]
        keep[order[len(stay) :]] = False
        if kind == skew.true:
            told[stay[: rounded(len(stay) * skew.flip)]] = skew.told
    return manifest.assign(told=told)[keep]


def composition(before, after, skew):
    """Count the training images before and after the skew.

    Parameters
    ----------
    before, after : pandas.DataFrame
        The manifest, and what `apply` made of it.
    skew : Skew

    Returns
    -------
    pandas.DataFrame
        A row for each skin (`dark`, `other`) and emotion (or `mixture`): `images_before`, `images_after` and, among
        those, `told_<emotion>` for the emotion that mislabelled captions tell.
    """
    counts = []
    for frame in (before, after):
        skin = is_dark(frame, skew).map({True: "dark", False: "other"})
        shown = frame["emotion"].astype("object").where(frame["kind"] != MIXTURE, MIXTURE)
        counts.append(frame.groupby([skin.rename("skin"), shown.rename("emotion")]).size())
    skin, shown = is_dark(after, skew).map({True: "dark", False: "other"}), after["emotion"].astype("object")
    flipped = (after["told"] == skew.told) & (shown != skew.told)
    counts.append(flipped.groupby([skin.rename("skin"), shown.rename("emotion")]).sum())
    table = pd.concat(counts, axis=1, keys=["images_before", "images_after", f"told_{skew.told}"])
    return table.fillna(0).astype(int).sort_index().reset_index()


def rounded(share):
    """Nearest whole number of images, halves up.

    Examples
    --------
    >>> rounded(2.5), rounded(16.000000000000004)
    (3, 16)
    """
    return int(np.floor(share + 0.5))


def _dark_strata(manifest, shown, skew):
    dark = manifest[is_dark(manifest, skew)]
    for (kind, gender), stratum in dark.groupby([shown[dark.index], "gender"], sort=True):
        yield kind, gender, stratum.index


def _shuffled(image_ids, seed, kind, gender):
    """Index labels in an order that depends on the ids and the seed, not on the rows' order or the dose."""
    generator = np.random.default_rng([seed, *kind.encode(), *gender.encode()])
    return generator.permutation(image_ids.sort_values().index.to_numpy())
