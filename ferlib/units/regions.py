"""Where in a picture an Action Unit acts: regions of any origin, and the masks of the demo's faces."""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from ferlib import tables
from ferlib.errors import InputError
from ferlib.paths import absolute, relative

FACE = "face"
"""In the column `unit`: the whole face, for the share of relevance outside it."""

OK, PARTLY, OUTSIDE, EMPTY = "ok", "partly outside the frame", "outside the frame", "empty"
"""What became of a region; see `Regions`."""

TOGETHER = 64
"""Masks that are brought to another size in one step: bounds the memory."""


@dataclass(frozen=True)
class Regions:
    """Masks, and what each is the region of.

    Attributes
    ----------
    table : pandas.DataFrame, r rows
        `owner` (a subject_id or an image_id), `unit` (`au04`, ... or `face`), `status`: `ok`, `partly outside the
        frame` (the part inside is the mask), `outside the frame` or `empty` (no pixel is in the mask), `area`: share of
        the picture, 0-1.
    masks : numpy.ndarray of bool, shape (r, height, width)
    by : str
        Column of a manifest that names the owner: `subject_id` or `image_id`.
    """

    table: pd.DataFrame
    masks: np.ndarray
    by: str

    def at(self, size):
        """The same regions at another height and width, in pixels; see `resized`."""
        masks = resized(self.masks, size)
        return Regions(self.table.assign(area=masks.mean(axis=(1, 2))), masks, self.by)

    def which(self, manifest, unit):
        """Number of the mask of each image of a manifest; array of int, -1 where there is none for the unit."""
        own = self.table.index[self.table["unit"] == unit]
        numbers = pd.Series(own, index=self.table.loc[own, "owner"])
        return numbers.reindex(manifest[self.by]).fillna(-1).astype(int).to_numpy()


def read_masks(folder):
    """Masks of a set of demo faces.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds `regions.csv` with `subject_id`, `unit`, `path` (relative to the repository, or to the folder) and
        `sha256`, and the masks as one-bit PNG files.

    Returns
    -------
    Regions
        By `subject_id`: a mask serves all images of a person.

    Raises
    ------
    InputError
        When a file is missing, is not the one that the table lists, or is not of the others' size.
    """
    folder = absolute(folder)
    listed = tables.read_csv(folder / "regions.csv", columns=("subject_id", "unit", "path", "sha256"), dtype=str)
    _reject_twice(listed, "subject_id", folder / "regions.csv")
    masks = [_mask(folder, row.path, row.sha256) for row in listed.itertuples()]
    sizes = sorted({mask.shape for mask in masks})
    if len(sizes) != 1:
        raise InputError(f"{relative(folder / 'regions.csv')}: masks of sizes {sizes}: give all one size.")
    return from_masks(listed["subject_id"], listed["unit"], np.array(masks), [False] * len(masks), by="subject_id")


def _mask(folder, path, sha256):
    near = folder / path
    file = near if near.is_file() else absolute(path)
    if not file.is_file():
        raise InputError(f"{relative(folder / 'regions.csv')}: lists {path}, which is not there. Put the file back.")
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{relative(file)}: is not the mask that regions.csv lists (its SHA-256 is another).")
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("L")) > 127


def from_masks(owners, units, masks, beyond, *, by):
    """Regions of owners and units.

    Parameters
    ----------
    owners, units : sequence of str, length r
    masks : numpy.ndarray of bool, shape (r, height, width)
    beyond : sequence of bool, length r
        Whether a part lies outside the frame.
    by : {"subject_id", "image_id"}

    Returns
    -------
    Regions
    """
    area = masks.mean(axis=(1, 2))
    status = [
        (OUTSIDE if out else EMPTY) if share == 0 else (PARTLY if out else OK)
        for share, out in zip(area, beyond, strict=True)
    ]
    table = pd.DataFrame({"owner": list(owners), "unit": list(units), "status": status, "area": area})
    return Regions(table, masks, by)


def _reject_twice(frame, owner, path):
    twice = frame.duplicated([owner, "unit"])
    if twice.any():
        row = int(np.argmax(twice))
        unit = frame["unit"][row]
        raise InputError(f"{relative(path)}, row {row + 2}: a second region of {frame[owner][row]!r} for {unit!r}.")


def resized(masks, size):
    """Masks at another size: a pixel belongs if at least half of what it covers does.

    Parameters
    ----------
    masks : numpy.ndarray of bool, shape (n, height, width)
    size : int

    Returns
    -------
    numpy.ndarray of bool, shape (n, size, size)
    """
    masks = np.asarray(masks)
    parts = [_resized(masks[start : start + TOGETHER], size) for start in range(0, len(masks), TOGETHER)]
    return np.concatenate([np.empty((0, size, size), bool), *parts])


def _resized(masks, size):
    shares = np.asarray(masks, dtype=float)
    for axis in (1, 2):
        edges = np.linspace(0, shares.shape[axis], size + 1)
        total = np.insert(np.cumsum(shares, axis=axis), 0, 0, axis=axis)
        whole = np.floor(edges).astype(int)
        after = np.minimum(whole + 1, shares.shape[axis])
        part = (edges - whole).reshape([-1 if i == axis else 1 for i in range(3)])
        sums = total.take(whole, axis=axis) * (1 - part) + total.take(after, axis=axis) * part
        shares = np.diff(sums, axis=axis) / np.diff(edges).mean()
    return shares >= 0.5 - 1e-9


def mirrored(masks, faces=None):
    """Each region, and a control of equal size elsewhere in the face: its mirror image upside down.

    Left and right will not do: nearly all Action Units act on both sides, so that a region is its own mirror image. The
    mirror lies across the horizontal line through the middle of the picture, so that a brow's image is near the mouth.
    Pixels that lie in both, or, with `faces`, whose mirror image lies outside the face, are left out of both.

    Parameters
    ----------
    masks : numpy.ndarray of bool, shape (n, height, width)
    faces : numpy.ndarray of bool, shape (n, height, width), optional

    Returns
    -------
    own, mirror : numpy.ndarray of bool, shape (n, height, width)
        Equal in size, apart in place. Compare `own` with the region: little is left of one across the middle.
    """
    masks = np.asarray(masks, dtype=bool)
    inside = masks if faces is None else masks & np.asarray(faces, dtype=bool)[:, ::-1]
    own = inside & ~masks[:, ::-1]
    return own, own[:, ::-1]
