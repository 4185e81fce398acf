"""Where in a picture an Action Unit acts, as boxes or landmarks that a user brings for photographs of their own."""

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, QhullError

from ferlib import tables
from ferlib.errors import InputError
from ferlib.images import open_rgb
from ferlib.paths import absolute, relative
from ferlib.units import regions


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
    ferlib.units.regions.Regions
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

    Parameters
    ----------
    path : str or pathlib.Path
        CSV with `image_id`, `unit`, `x`, `y` in pixels of the image from its upper left corner: the region is the
        convex hull of a unit's landmarks, of which there must be three.
    manifest, size
        As for `read_boxes`.

    Returns
    -------
    ferlib.units.regions.Regions
        By `image_id`.
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
    frame = tables.read_csv(path, columns=("image_id", "unit", *numbers))
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
    return regions.from_masks(owners, units, np.array(masks, dtype=bool).reshape(-1, size, size), beyond, by="image_id")


def _fill(polygon, size):
    """Pixels whose middle lies in a polygon, given in pixels from the upper left corner."""
    finer = 4
    picture = Image.new("1", (size * finer, size * finer))
    ImageDraw.Draw(picture).polygon([tuple(point) for point in polygon * finer - 0.5], fill=1)
    return regions.resized(np.asarray(picture)[None], size)[0]
