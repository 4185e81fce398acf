"""Action Units in tables as people have them (OpenFace, py-feat, our own), joined to images and people."""

import re
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from ferlib import tables
from ferlib.errors import InputError
from ferlib.paths import absolute, relative

KEYS = ("image_id", "input", "filename", "file", "path")
"""Columns that may say which image a row is about (py-feat: `input`); the first of them that is there, in any case."""

HIGHEST = 5.0
"""Of intensities, 0 absent to 5 the most a face can do; a hundredth more is rounding. Shares go from 0 to 1."""

SURE = ("confidence", "FaceScore")
"""Columns that say how sure the tool is that this is a face (OpenFace, py-feat)."""

LEAST_SURE = 0.5
"""A face of which the tool is less sure counts as none."""

_UNIT = re.compile(r"^au_?0*([1-9][0-9]?)(?:_(r|c|intensity))?$", re.IGNORECASE)
_NOTHING = re.compile(r"^[+-]?nan(\(ind\)|\(snan\))?$", re.IGNORECASE)


def unit_of(column):
    """Action Unit that a column is about, and what it holds.

    Returns
    -------
    tuple of str, or None
        Name as this compendium spells it, and `r` (intensity), `c` (presence) or an empty string (the column does not
        say); None for a column of something else.

    Examples
    --------
    >>> unit_of("AU01_r"), unit_of(" AU12"), unit_of("au_4_intensity"), unit_of("age")
    (('au01', 'r'), ('au12', ''), ('au04', 'r'), None)
    """
    found = _UNIT.match(str(column).strip())
    return (f"au{int(found[1]):02d}", (found[2] or "").lower().replace("intensity", "r")) if found else None


def read(path, *, threshold=None, key=None, prefer="r"):
    """Read which Action Units are present.

    Parameters
    ----------
    path : str or pathlib.Path
        A CSV with a row a face, or a folder of CSV files, named as the images are (as OpenFace leaves them). Relative
        to the repository or absolute. Columns `AU01_c` (0 or 1), `AU01_r` (0-5), `AU01` or `au01` (0-1 or 0-5),
        LibreFace's `au_1` and `au_1_intensity`. Of several faces in an image the one counts of which the tool is
        surest (`SURE`).
    threshold : float, optional
        Intensity from which on a unit counts as present, on the scale of the table. Needed unless all are 0 or 1.
    key : str, optional
        Column that says which image a row is about; one of `KEYS` if none is given.
    prefer : {"r", "c"}
        With a `threshold`, where a unit has both: the intensity or the program's own presence. Without one, presence.

    Returns
    -------
    pandas.DataFrame
        `image`, as the table names it, then a column of Int8 a unit (`au01`, ...): 1 present, 0 absent, missing where
        the cell is empty or no face was found: no row, `success` = 0, or less sure than `LEAST_SURE`.

    Raises
    ------
    InputError
        For no unit or key, two rows of one image, a value that is no number or off the scale, or intensities without a
        threshold. The message names the file, the column, the row and the value.
    """
    path = absolute(path)
    if path.is_dir():
        return _read_folder(path, threshold, prefer)
    frame = tables.read_csv(path, dtype=str, skipinitialspace=True).rename(columns=lambda name: name.strip())
    key = key or next((name for known in KEYS for name in frame if name.lower() == known), None)
    if key is None or key not in frame:
        raise InputError(
            f"{relative(path)}: lacks a column that says which image a row is about ({key or ', '.join(KEYS)}). It "
            f"has: {', '.join(frame.columns)}. Add one with the image_id or the file name."
        )
    images = frame[key].str.strip()
    _reject(images.isna() | (images == ""), path, key, frame[key], "is empty. Give the image's id or file name.")
    frame = _surest(frame.assign(**{key: images}), key)
    twice = frame[key].duplicated(keep=False)
    _reject(twice, path, key, frame[key], "is there more than once. Keep one row an image (of several faces, one).")
    return pd.concat([frame[key].rename("image"), _present(frame, path, threshold, prefer)], axis=1)


def _surest(frame, key):
    """Of several faces of an image the one of which the tool is surest, where it says so."""
    sure = next((name for name in SURE if name in frame), None)
    if sure is None or not frame[key].duplicated().any():
        return frame
    order = pd.to_numeric(frame[sure], errors="coerce").sort_values(ascending=False, kind="stable").index
    return frame.loc[order].drop_duplicates(key).sort_index()


def _read_folder(folder, threshold, prefer):
    found = []
    for path in sorted(folder.glob("*.csv")):
        frame = tables.read_csv(path, dtype=str, skipinitialspace=True).rename(columns=lambda name: name.strip())
        frame = _surest(frame.assign(image=path.stem), "image")
        if len(frame) > 1:
            raise InputError(
                f"{relative(path)}: holds {len(frame)} rows, and in a folder each file is about one face of one image. "
                f"Keep the row of the right face."
            )
        units = _present(frame, path, threshold, prefer).reindex(range(1) if frame.empty else frame.index)
        units.insert(0, "image", path.stem)
        found.append(units)
    if not found:
        raise InputError(f"{relative(folder)}: holds no CSV file. Give a table, or the folder that OpenFace wrote.")
    return pd.concat(found, ignore_index=True)


def labels(manifest, *, threshold, source="manifest"):
    """Which Action Units are present, of a manifest that holds their intensities (`au01`, ...).

    Parameters
    ----------
    manifest : pandas.DataFrame
    threshold : float
        Intensity from which on a unit counts as present; in the demo's manifests they go from 0 to 1.
    source : str or pathlib.Path
        Where the manifest is from, for messages.

    Returns
    -------
    pandas.DataFrame
        A column of Int8 a unit; the manifest's rows and index.
    """
    return _present(manifest, Path(source), threshold)


def join(found, manifest, *, source):
    """Say of each image of a manifest which Action Units are present.

    Parameters
    ----------
    found : pandas.DataFrame
        As `read` returns it. An image is known by its `image_id`, its path, the name of its file, or that without the
        suffix.
    manifest : pandas.DataFrame
        With `image_id`, `path`, `subject_id`.
    source : str or pathlib.Path
        Where `found` is from, for messages.

    Returns
    -------
    pandas.DataFrame
        The manifest's rows that `found` has, with the columns of `found` in place of the manifest's own Action Units.

    Raises
    ------
    InputError
        When an image of `found` is not in the manifest, or a name stands for several of its images.
    """
    numbers = _numbers(manifest)
    places = [numbers.get(str(image), numbers.get(PurePosixPath(str(image)).name, ())) for image in found["image"]]
    bad = np.array([len(place) != 1 for place in places], dtype=bool)
    if bad.any():
        first = found["image"].iloc[int(np.argmax(bad))]
        times = len(places[int(np.argmax(bad))])
        what = f"stands for {times} images of the manifest" if times else "is not in the manifest"
        raise InputError(
            f"{relative(source)}: image {str(first)!r} {what} ({bad.sum()} of {len(bad)} rows in all). An image is "
            f"named by its image_id or its file name; the manifest's first is {manifest['image_id'].iloc[0]!r}."
        )
    rows = manifest.iloc[[place[0] for place in places]].reset_index(drop=True)
    if rows["image_id"].duplicated().any():
        again = rows.loc[rows["image_id"].duplicated(), "image_id"].iloc[0]
        raise InputError(f"{relative(source)}: two rows are about the image {again!r}. Keep one row an image.")
    kept = rows[[name for name in rows if unit_of(name) is None]]
    joined = pd.concat([kept, found.drop(columns="image").reset_index(drop=True)], axis=1)
    return joined.sort_values("image_id", ignore_index=True)


def _numbers(manifest):
    """Name of an image, in each way that it may be called, to the rows of the manifest that it can mean."""
    found = {}
    for number, (image_id, path) in enumerate(zip(manifest["image_id"], manifest["path"], strict=True)):
        path = PurePosixPath(str(path))
        for name in {str(image_id), path.stem, *("/".join(path.parts[start:]) for start in range(len(path.parts)))}:
            found.setdefault(name, []).append(number)
    # An id is that image's own, even where a file of another has the same name.
    return found | {str(image_id): [number] for number, image_id in enumerate(manifest["image_id"])}


def _present(frame, path, threshold, prefer="r"):
    columns = {}
    for name in frame:
        if unit := unit_of(name):
            columns.setdefault(unit[0], {})[unit[1]] = name
    if not columns:
        raise InputError(
            f"{relative(path)}: has no column of an Action Unit (AU01, AU01_r, AU01_c, au01, ...). It has: "
            f"{', '.join(map(str, frame.columns))}."
        )
    order = ("c", "", "r") if threshold is None or prefer == "c" else ("r", "", "c")
    chosen = {unit: next((kind, kinds[kind]) for kind in order if kind in kinds) for unit, kinds in columns.items()}
    nobody = pd.Series(False, index=frame.index)
    for name, least in {"success": 0.5, **dict.fromkeys(SURE, LEAST_SURE)}.items():
        if name in frame:
            nobody |= pd.to_numeric(frame[name], errors="coerce") < least
    found = {unit: _column(frame[name], kind, path, threshold, nobody) for unit, (kind, name) in chosen.items()}
    return pd.DataFrame(found, index=frame.index).sort_index(axis=1)


def _column(values, kind, path, threshold, nobody):
    """Presence in one column, as Int8."""
    values = values.mask(values.astype("string").str.fullmatch(_NOTHING).fillna(False).astype(bool))
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    _reject(numbers.isna() & values.notna(), path, values.name, values, "is no number. Mend it, or leave it empty.")
    off = ~numbers.between(0, 1 if kind == "c" else 1.01 * HIGHEST) & numbers.notna()
    scale = "0 (absent) or 1 (present)" if kind == "c" else f"0 to 1, or 0 to {HIGHEST:g}"
    _reject(off, path, values.name, values, f"is off the scale: {scale}. Mend it, or leave it empty.")
    between = ~numbers.isin([0, 1]) & numbers.notna()
    if kind == "c" or threshold is None:
        remedy = "Mend it." if kind == "c" else "Say from which intensity on a unit counts as present (threshold)."
        _reject(between, path, values.name, values, f"is neither 0 nor 1. {remedy}")
    present = numbers >= (0.5 if kind == "c" or threshold is None else threshold)
    return present.astype("Int8").mask(numbers.isna() | nobody)


def _reject(bad, path, column, values, what):
    bad = np.asarray(bad, dtype=bool)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{relative(path)}: column {column!r}, row {row + 2}: {values.iloc[row]!r} {what} ({bad.sum()} such rows)"
        )
