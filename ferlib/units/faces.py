"""Faces to be examined: a manifest, which Action Units each image shows, and where they act."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ferlib import tables
from ferlib.errors import InputError
from ferlib.paths import absolute, relative
from ferlib.units import regions, unit_tables

NEEDED = ("image_id", "path", "subject_id")
PHOTOGRAPH = "photograph"
"""Kind of an image whose manifest names none."""


@dataclass(frozen=True)
class Faces:
    """Images with labels.

    Attributes
    ----------
    manifest : pandas.DataFrame
        `image_id`, `path`, `subject_id`, `kind`, `row` (0 ... images - 1), and what else the manifest holds; in the
        order of `image_id`.
    present : pandas.DataFrame
        A column of 1, 0 or missing for each unit, rows as in the manifest.
    files : list of pathlib.Path
        Tables that were read.
    notes : tuple of str
        Whose images a table of Action Units does not tell about.
    """

    manifest: pd.DataFrame
    present: pd.DataFrame
    files: list
    notes: tuple = ()

    def of_kinds(self, included):
        """Those of some kinds (column `kind`); `row` still is their number among all."""
        chosen = self.manifest["kind"].isin(included)
        return Faces(self.manifest[chosen], self.present[chosen], self.files)

    def prevalence(self, kinds):
        """Share of images that show the rarest unit (`min`) and the most frequent one (`max`).

        A row for each of `kinds`, a dict of a name and the kinds of images that are taken together.
        """
        shares = {name: self.of_kinds(included).present.mean() for name, included in kinds.items()}
        return pd.DataFrame(shares).agg(["min", "max"]).T

    def people(self, attributes):
        """The people, a row each: `subject_id` and their value of each attribute.

        Parameters
        ----------
        attributes : sequence of str
            Columns of the manifest; `"gender × tone"` is both together, such as `"Female dark"`.

        Raises
        ------
        InputError
            When a column is not there, or a person's images do not agree.
        """
        single = list(dict.fromkeys(part for name in attributes for part in name.split(" × ")))
        absent = [name for name in single if name not in self.manifest]
        if absent:
            raise InputError(
                f"{relative(self.files[0])}: lacks the column {absent[0]!r}, by which groups are to be told apart. It "
                f"has: {', '.join(self.manifest.columns)}."
            )
        found = self.manifest[["subject_id", *single]].drop_duplicates()
        several = found["subject_id"].duplicated()
        if several.any():
            who = found.loc[several, "subject_id"].iloc[0]
            raise InputError(
                f"{relative(self.files[0])}: the images of {who!r} do not agree in {', '.join(single)}. Give a "
                f"person one value of each."
            )
        if found[single].isna().any().any():
            row = found[found[single].isna().any(axis=1)].iloc[0]
            raise InputError(f"{relative(self.files[0])}: {row['subject_id']!r} lacks a value of {', '.join(single)}.")
        for name in attributes:
            found[name] = found[name.split(" × ")].agg(" ".join, axis=1) if " × " in name else found[name]
        return found.sort_values("subject_id", ignore_index=True)


def read(manifest, *, threshold, table="", bands=None, people_per_group=0):
    """Read a manifest and its Action Units.

    Parameters
    ----------
    manifest : str or pathlib.Path
        CSV with the columns `NEEDED`, and the attributes to be compared; `kind` tells kinds of images apart.
    threshold : float or None
        Intensity from which on a unit counts as present; see `ferlib.units.unit_tables.read`.
    table : str or pathlib.Path
        A table of Action Units as OpenFace or py-feat write it; empty for the manifest's own columns. Images that it
        does not hold are left out.
    bands : dict of str to list of int, optional
        Name of each band of skin tones, with its lowest and highest step of the Monk scale: makes the column `tone` of
        `skin_tone`.
    people_per_group : int
        Take only so many people of each group (column `group`), the first by name; 0 for all.

    Returns
    -------
    Faces

    Raises
    ------
    InputError
        When a column is missing, or a skin tone lies in no band or in two.
    """
    path, notes = absolute(manifest), ()
    frame = tables.read_csv(path, columns=NEEDED, dtype={"image_id": str, "subject_id": str})
    if people_per_group:
        first = frame.drop_duplicates("subject_id").sort_values("subject_id")
        first = first.groupby("group", sort=True).head(people_per_group) if "group" in first else first
        frame = frame[frame["subject_id"].isin(first["subject_id"])]
    if table:
        joined = unit_tables.join(unit_tables.read(table, threshold=threshold), frame, source=table)
        labels = unit_tables.labels(joined, threshold=None, source=table)
        told = joined["image_id"][labels.notna().any(axis=1)]
        notes = _untold(frame, {"are not in it": joined["image_id"], "show no face that was found": told}, table)
        frame = joined
    else:
        frame = frame.sort_values("image_id", ignore_index=True)
        labels = unit_tables.labels(frame, threshold=threshold, source=path)
    frame = frame.assign(row=range(len(frame)))
    if "kind" not in frame:
        frame["kind"] = PHOTOGRAPH
    if bands and "skin_tone" in frame:
        frame["tone"] = _banded(frame["skin_tone"], bands, path)
    return Faces(frame, labels, [path, *([absolute(table)] if table else [])], notes)


def _untold(frame, seen, table):
    """Images that a table does not tell about, counted by group: a sentence for each way in which it may be silent."""
    notes, by = [], next((name for name in ("group", "race", "gender") if name in frame), None)
    for what, ids in seen.items():
        lost = ~frame["image_id"].isin(ids)
        groups = lost.groupby(frame[by] if by else "all").agg(["sum", "size"])
        each = ", ".join(f"{name} {row['sum']} of {row['size']}" for name, row in groups.iterrows())
        if lost.any():
            notes.append(f"{relative(absolute(table))}: {lost.sum()} of {len(frame)} images {what}: {each}.")
        frame = frame[~lost]
    return tuple(notes)


def _banded(tones, bands, path):
    found = pd.Series(pd.NA, index=tones.index, dtype=object)
    for name, (low, high) in bands.items():
        inside = tones.between(low, high)
        if (found.notna() & inside).any():
            raise InputError(f"tone bands: {name!r} ({low} to {high}) overlaps with another. Give each tone one band.")
        found[inside] = name
    if found.isna().any():
        bad = tones[found.isna()].iloc[0]
        raise InputError(f"{relative(path)}: skin_tone {bad} lies in no band of {', '.join(bands)}.")
    return found


def regions_of(faces, *, size, masks="", boxes="", landmarks=""):
    """Where the units act: masks, or a user's boxes or landmarks.

    Parameters
    ----------
    faces : Faces
    size : int
        Height and width of the network's input.
    masks, boxes, landmarks : str or pathlib.Path
        One of the three: a folder of masks, or a table of boxes or of landmarks; see `ferlib.units.regions`.

    Returns
    -------
    ferlib.units.regions.Regions

    Raises
    ------
    InputError
        When none or several are given, or no face has a region.
    """
    given = {"masks": masks, "boxes": boxes, "landmarks": landmarks}
    given = {name: path for name, path in given.items() if path}
    if len(given) != 1:
        told = ", ".join(given) or "none"
        raise InputError(f"regions: give one of masks, boxes, landmarks; got {told}. Leave the others empty.")
    ((kind, path),) = given.items()
    if kind == "masks":
        found = regions.read_masks(path).at(size)
    else:
        found = (regions.read_boxes if kind == "boxes" else regions.read_landmarks)(path, faces.manifest, size=size)
    if not found.table["owner"].isin(faces.manifest[found.by]).any():
        raise InputError(
            f"{relative(absolute(Path(path)))}: holds no region of these faces. It is about {found.by} "
            f"{found.table['owner'].iloc[0]!r}, the first face is {faces.manifest[found.by].iloc[0]!r}."
        )
    return found
