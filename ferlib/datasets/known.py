"""The datasets that are known by name, and how any dataset is read: by its name, or by the file that describes it."""

import re
from dataclasses import replace
from pathlib import Path

from ferlib.datasets import conventions, folder, tree
from ferlib.datasets.reading import MissingDataset, combine
from ferlib.errors import InputError
from ferlib.paths import DEMO, absolute, relative

MANIFESTS = {
    "demo": DEMO / "people" / "manifest.csv",
    "demo-crossed": DEMO / "crossed" / "manifest.csv",
    "demo-light-pose": DEMO / "light_pose" / "manifest.csv",
}
"""Datasets shipped here, each with the manifest that describes it."""

CONVENTIONS = {"radiate": "radiate", "tarr": "tarr", "cfd": "cfd", "cfd-mr": "cfd", "cfd-india": "cfd"} | {
    name: name for name in ("kdef", "faces", "nimstim", "jaffe", "ckplus", "raf-db", "affectnet", "fer2013")
}
"""Datasets that the user brings, each with the name of its conventions, which is also its folder below `data/raw/`."""


def read(name, *, raw_dir="data/raw"):
    """Read one dataset by its name, or by the path of the file that describes it.

    Parameters
    ----------
    name : str
        A key of `MANIFESTS` or `CONVENTIONS`; or a path, relative to the repository or absolute, that ends in `.csv` (a
        manifest) or `.yaml` (a folder of images, see `ferlib.datasets.folder.read_tree`).
    raw_dir : str or pathlib.Path
        Folder that holds a folder for each of `CONVENTIONS`.

    Returns
    -------
    ferlib.datasets.reading.Reading

    Raises
    ------
    MissingDataset
        When a known dataset is not there; the message says where to get it, its terms, and where to put it.
    InputError
        When there is no such dataset, or its files cannot be used; the message says what was looked for and what can
        be given.
    """
    if name in MANIFESTS:
        return folder.read_csv(MANIFESTS[name])
    if name in CONVENTIONS:
        convention = conventions.load(CONVENTIONS[name])
        return by_file_names(absolute(raw_dir) / CONVENTIONS[name], convention, dataset=name)
    known = (
        f"Give one of {', '.join(map(repr, [*MANIFESTS, *CONVENTIONS]))}, or the path of a CSV manifest or of a YAML "
        f"description (see data/raw/README.md)."
    )
    readers = {".csv": folder.read_csv, ".yaml": folder.read_tree, ".yml": folder.read_tree}
    reader = readers.get(Path(name).suffix.lower())
    if reader is None:
        raise InputError(f"datasets: {name!r} is not a dataset known here. {known}")
    if not absolute(name).is_file():
        raise InputError(f"datasets: {relative(absolute(name))} does not exist. {known}")
    return reader(name)


def by_file_names(place, convention, *, dataset):
    """Read one dataset, or one extension of it, by the names of its files: they say who and what is on them.

    Extensions that lie in the same folder as the set, such as CFD-MR, are told apart by the code of the race.

    Parameters
    ----------
    place : pathlib.Path
        Its folder.
    convention : ferlib.datasets.conventions.Convention
        Its `about` says `file_name`, a regular expression of the name without its ending, in capitals, with the groups
        `image_id`, `subject_id`, `emotion`, `race` and `gender` (empty where the set does not say); with a slash in it,
        of the path below the folder; `looks_like`, the same for people; and optionally `person_folder`, a regular
        expression of folders that hold one person, `extensions`, code of the race to dataset, and `note`.
    dataset : str
        Which of the datasets in the folder; files of the others are listed as left out.

    Returns
    -------
    ferlib.datasets.reading.Reading

    Raises
    ------
    MissingDataset
        When the folder has no image of this dataset.
    InputError
        When a name does not follow the rule, a code is unknown, or an image lies in the folder of another person.
    """
    about = convention.about
    convention = replace(convention, about={**about, "dataset": dataset})

    def parse(path):
        name = path.with_suffix("").as_posix() if "/" in about["file_name"] else path.stem
        match = re.fullmatch(about["file_name"], name.upper())
        return None if match is None else _row(path, match.groupdict(), about, dataset)

    reading = tree.read(place, convention, parse, pattern=about["looks_like"])
    return replace(reading, notes=(*reading.notes, f"{dataset}: {about['note']}") if "note" in about else reading.notes)


def _row(path, parts, about, dataset):
    person, beside = parts["subject_id"], path.parent.name.upper()
    if beside != person and re.fullmatch(about.get("person_folder", "(?!)"), beside):
        raise InputError(
            f"{path.as_posix()}: the name says person {person}, the folder {beside}. Give the file its own name back, "
            f"or move it to the folder of its person."
        )
    own = about.get("extensions", {}).get(parts["race"], about["dataset"])
    return {
        "image_id": f"{own}-{parts['image_id']}",
        "subject_id": f"{own}-{person}",
        "reason": "" if own == dataset else f"belongs to {own}: name that in `datasets` to read it",
        **{field: parts[field] for field in conventions.FIELDS},
    }


def read_all(names, *, raw_dir="data/raw", skip_missing=False):
    """Read several datasets into one manifest.

    Parameters
    ----------
    names : sequence of str
    raw_dir : str or pathlib.Path
        As for `read`.
    skip_missing : bool
        Go on with whichever of the known datasets are there; those that are not are rows of the result's `missing`.

    Returns
    -------
    ferlib.datasets.reading.Reading

    Raises
    ------
    InputError
        When a dataset cannot be read, none is named or there, or two datasets share an `image_id`.
    """
    if not names:
        known = ", ".join(map(repr, [*MANIFESTS, *CONVENTIONS]))
        raise InputError(f"datasets: none is named. Give at least one of {known}, or a CSV or YAML path.")
    readings, absent = [], []
    for name in names:
        try:
            readings.append(read(name, raw_dir=raw_dir))
        except MissingDataset as error:
            if not skip_missing:
                raise
            absent.append(error)
    if not readings:
        raise InputError(f"None of the datasets is there. {' '.join(map(str, absent))}")
    return combine(readings, missing=[error.row for error in absent])


def sources(names, *, raw_dir="data/raw"):
    """Files and folders that the manifest of these datasets depends on, of those that are there: a list of paths."""
    found = []
    for name in names:
        if name in CONVENTIONS:
            place = CONVENTIONS[name]
            found += [absolute(raw_dir) / place, conventions.FOLDER / f"{place}.yaml"]
        else:
            found.append(MANIFESTS[name].parent if name in MANIFESTS else absolute(name))
    return [path for path in dict.fromkeys(found) if path.exists()]
