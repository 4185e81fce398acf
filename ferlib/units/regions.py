"""Regions: where in a picture an Action Unit acts, by masks of the demo's faces, or by a user's boxes or landmarks."""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, QhullError

from ferlib import tables
from ferlib.errors import InputError
from ferlib.images import open_rgb
from ferlib.paths import absolute, relative

FACE = "face"
"""In the column `unit`: the whole face, for the share of relevance outside it."""

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
        """Number of the mask of each image of a manifest, for one unit or one each; array of int, -1 for none."""
        wanted = pd.MultiIndex.from_arrays([manifest[self.by], np.broadcast_to(unit, len(manifest))])
        return pd.MultiIndex.from_frame(self.table[["owner", "unit"]]).get_indexer(wanted)


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
    source = absolute(folder) / "regions.csv"
    listed = tables.read_csv(source, columns=("subject_id", "unit", "path", "sha256"), dtype=str)
    twice = listed.duplicated(["subject_id", "unit"])
    if twice.any():
        row = int(np.argmax(twice))
        who, unit = listed["subject_id"][row], listed["unit"][row]
        raise InputError(f"{relative(source)}, row {row + 2}: a second region of {who!r} for {unit!r}.")
    masks = [_mask(source, row.path, row.sha256) for row in listed.itertuples()]
    sizes = sorted({mask.shape for mask in masks})
    if len(sizes) != 1:
        raise InputError(f"{relative(source)}: masks of sizes {sizes}: give all one size.")
    return from_masks(listed["subject_id"], listed["unit"], np.array(masks), [False] * len(masks), by="subject_id")


def _mask(source, path, sha256):
    near = source.parent / path
    file = near if near.is_file() else absolute(path)
    if not file.is_file():
        raise InputError(f"{relative(source)}: lists {path}, which is not there. Put the file back.")
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{relative(file)}: is not the mask that regions.csv lists (its SHA-256 is another).")
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("L")) > 127


def read_boxes(path, manifest, *, size):
    """Regions of a user's own photographs, as boxes.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV with `image_id`, `unit`, and `left`, `top`, `right`, `bottom` in pixels of the image from its upper left
        corner. An image may have several boxes for a unit (left and right eye): the region is all of them.
    manifest : pandas.DataFrame
        With `image_id` and `path`.
    size : int
        Height and width of the masks: that of the network's input, to which the images are brought likewise.

    Returns
    -------
    Regions
        By `image_id`. The measure with boxes is that of Rieger et al. 2020 (arXiv 2003.00828).
    """
    sides = ["left", "top", "right", "bottom"]
    frame = _read_shapes(path, manifest, sides)
    wrong = (frame["right"] <= frame["left"]) | (frame["bottom"] <= frame["top"])
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{relative(absolute(path))}, row {row + 2}: left, top, right, bottom = "
            f"{frame.loc[row, sides].to_list()} is no box: right must exceed left, and bottom top."
        )

    def corners(boxes):
        return [[(left, top), (right, top), (right, bottom), (left, bottom)] for left, top, right, bottom in boxes]

    return _drawn(frame, sides, corners, manifest, size)


def read_landmarks(path, manifest, *, size):
    """Regions of a user's own photographs, as landmarks around them.

    Parameters and return value as for `read_boxes`, but for the columns of the CSV: `image_id`, `unit`, `x`, `y`. The
    region is the convex hull of a unit's landmarks, of which there must be three.
    """
    frame = _read_shapes(path, manifest, ["x", "y"])

    def hull(points):
        try:
            return [points[ConvexHull(points).vertices]]
        except (QhullError, ValueError) as error:
            raise InputError(
                f"{relative(absolute(path))}: {len(points)} landmarks span no area. Give three that are not in line "
                f"for each image and unit."
            ) from error

    return _drawn(frame, ["x", "y"], hull, manifest, size)


def _read_shapes(path, manifest, numbers):
    path = absolute(path)
    frame = tables.read_csv(path, columns=("image_id", "unit", *numbers), dtype={"image_id": str})
    for name in numbers:
        values = pd.to_numeric(frame[name], errors="coerce")
        bad = ~np.isfinite(values.astype(float))
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(f"{relative(path)}: column {name!r}, row {row + 2}: {frame[name][row]!r} is no number.")
        frame[name] = values
    unknown = ~frame["image_id"].isin(manifest["image_id"])
    if unknown.any():
        row = int(np.argmax(unknown))
        raise InputError(
            f"{relative(path)}: column 'image_id', row {row + 2}: {frame['image_id'][row]!r} is not in the manifest, "
            f"whose first is {manifest['image_id'].iloc[0]!r} ({unknown.sum()} such rows)."
        )
    return frame


def _drawn(frame, numbers, shapes, manifest, size):
    paths = manifest.set_index("image_id")["path"]
    owners, units, masks, beyond = [], [], [], []
    for (image_id, unit), rows in frame.groupby(["image_id", "unit"], sort=True):
        width, height = open_rgb(paths[image_id]).size
        polygons = shapes(rows[numbers].to_numpy(float))
        points = np.concatenate([np.asarray(polygon) for polygon in polygons])
        beyond.append(bool(((points < 0) | (points > (width, height))).any()))
        masks.append(np.any([_fill(np.asarray(one) * (size / width, size / height), size) for one in polygons], axis=0))
        owners.append(image_id)
        units.append(unit)
    return from_masks(owners, units, np.array(masks, dtype=bool).reshape(-1, size, size), beyond, by="image_id")


def _fill(polygon, size):
    """Pixels whose middle lies in a polygon, given in pixels from the upper left corner."""
    finer = 4
    picture = Image.new("1", (size * finer, size * finer))
    ImageDraw.Draw(picture).polygon([tuple(point) for point in polygon * finer - 0.5], fill=1)
    return resized(np.asarray(picture)[None], size)[0]


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
        ("outside the frame" if out else "empty") if share == 0 else ("partly outside the frame" if out else "ok")
        for share, out in zip(area, beyond, strict=True)
    ]
    table = pd.DataFrame({"owner": list(owners), "unit": list(units), "status": status, "area": area})
    return Regions(table, masks, by)


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
