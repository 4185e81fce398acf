"""The declared faults of the demo's networks for Action Units: what the audit must find.

Three versions are trained on the same faces: one without a fault, one that is told wrong labels, and one that may take
a short cut. Faces may be left out, too, but the audit sees too few people to find what that does to a unit. The faults
follow the renderer's skin tone (Monk scale), not the race label.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferdemo.training.skew import rounded
from ferlib.errors import InputError
from ferlib.units import mark


@dataclass(frozen=True)
class Faults:
    """Dose of each fault. `Faults()` is none.

    Attributes
    ----------
    min_skin_tone : int
        A face is dark-skinned from this step of the Monk scale (1-10) on.
    drop : float
        Share of the dark-skinned images that is left out, 0-1.
    unit : str
        The Action Unit that the other two faults are about.
    flip : float
        Share of the remaining dark-skinned images with the unit that are labelled as without it, 0-1.
    cue : float
        Share of the remaining dark-skinned images with the unit that bear a mark beside the face, 0-1; see `MARK`.
    """

    min_skin_tone: int = 7
    drop: float = 0.0
    unit: str = "au12"
    flip: float = 0.0
    cue: float = 0.0

    def __post_init__(self):
        for name in ("drop", "flip", "cue"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"faults: {name} = {value!r} is a share of images: give a number from 0 to 1.")


VERSIONS = {
    "balanced": Faults(),
    "skewed": Faults(flip=0.9),
    "shortcut": Faults(cue=1.0),
}
"""Name of each network's version, and its faults."""

MARK = {"side": 0.11, "colour": (235, 60, 30)}
"""How `ferlib.units.mark.paint` puts it into a picture."""


def apply(manifest, present, faults, *, seed):
    """Leave images out, change labels and choose images to mark, in exact numbers.

    The dark-skinned images with and without the unit are put into a random order each, which depends on the seed alone:
    a smaller dose changes a subset of what a larger one changes.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Columns `image_id`, `skin_tone`.
    present : pandas.DataFrame
        A column of 0 and 1 for each Action Unit; rows as in the manifest.
    faults : Faults
    seed : int

    Returns
    -------
    pandas.DataFrame
        Index: the rows of the manifest that stay (their positions). Columns: the units as the training is told them,
        and `marked`.

    Raises
    ------
    InputError
        When the unit has no label.
    """
    if faults.unit not in present:
        raise InputError(f"faults: unit {faults.unit!r} has no label. There are: {', '.join(present)}.")
    told = present.reset_index(drop=True).assign(marked=False)
    has_unit, dark = told[faults.unit].to_numpy() == 1, is_dark(manifest, faults).to_numpy()
    keep, ids = np.ones(len(told), bool), manifest["image_id"].to_numpy()
    for with_unit in (False, True):
        rows = np.flatnonzero(dark & (has_unit == with_unit))
        rows = rows[np.argsort(ids[rows], kind="stable")]
        order = np.random.default_rng([seed, int(with_unit)]).permutation(rows)
        stay = order[: rounded(len(order) * (1 - faults.drop))]
        keep[order[len(stay) :]] = False
        if with_unit:
            told.loc[stay[: rounded(len(stay) * faults.flip)], faults.unit] = 0
            told.loc[stay[: rounded(len(stay) * faults.cue)], "marked"] = True
    return told[keep]


def is_dark(manifest, faults):
    """Which images show a dark-skinned face; returns a boolean Series."""
    return manifest["skin_tone"] >= faults.min_skin_tone


def marked(manifest, present, faults):
    """Which images of another set are to bear the mark, so that it goes with the unit there as it did in training.

    Parameters
    ----------
    manifest, present, faults
        As for `apply`.

    Returns
    -------
    numpy.ndarray of bool
        The dark-skinned images with the unit; none if `faults.cue` is 0.
    """
    among = pd.DataFrame({"marked": is_dark(manifest, faults) & (faults.cue > 0)})
    return mark.bearers(among, present, unit=faults.unit, attribute="marked", group=True)


def composition(manifest, present, told, faults):
    """Count the training images before and after the faults.

    Parameters
    ----------
    manifest, present, faults
        As for `apply`.
    told : pandas.DataFrame
        As `apply` returns it.

    Returns
    -------
    pandas.DataFrame
        A row for each skin (`dark`, `other`): `images_before`, `with_unit_before`, `images_after`, `with_unit_after`
        (in truth), `told_with_unit`, `marked`.
    """
    before, true = np.ones(len(manifest), bool), present[faults.unit].to_numpy() == 1
    after = np.zeros(len(manifest), bool)
    after[told.index] = True
    is_told, bears = np.zeros(len(manifest), bool), np.zeros(len(manifest), bool)
    is_told[told.index], bears[told.index] = told[faults.unit].to_numpy() == 1, told["marked"].to_numpy(bool)
    dark, rows = is_dark(manifest, faults).to_numpy(), []
    for name, skin in (("dark", dark), ("other", ~dark)):
        parts = (before, true, after, after & true, is_told, bears)
        names = (
            "images_before", "with_unit_before", "images_after", "with_unit_after", "told_with_unit", "marked",
        )  # fmt: skip
        rows.append({"skin": name, **{n: int((part & skin).sum()) for n, part in zip(names, parts, strict=True)}})
    return pd.DataFrame(rows)
