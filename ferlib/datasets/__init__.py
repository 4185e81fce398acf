"""Readers of face datasets: a tree of files in, a manifest out."""

import pandas as pd

from ferlib.datasets import folder
from ferlib.errors import InputError
from ferlib.paths import DEMO, absolute, relative

NAMES = {"demo": DEMO / "people" / "manifest.csv"}
"""Datasets known by name, each with the manifest that describes it."""


def read(name):
    """Read one dataset by its name, or by the path of its CSV manifest.

    Parameters
    ----------
    name : str
        A key of `NAMES`, or a path that ends in `.csv`, relative to the repository or absolute.

    Returns
    -------
    pandas.DataFrame
        The manifest; see `ferlib.datasets.manifest.complete`.

    Raises
    ------
    InputError
        When there is no such dataset; the message says what was looked for and what can be given.
    """
    if name in NAMES:
        return folder.read(NAMES[name])
    known = f"Give one of {', '.join(map(repr, NAMES))}, or the path of a CSV manifest (see data/raw/README.md)."
    if not name.endswith(".csv"):
        raise InputError(f"datasets: {name!r} is not a dataset known here. {known}")
    if not absolute(name).is_file():
        raise InputError(f"datasets: {relative(absolute(name))} does not exist. {known}")
    return folder.read(name)


def read_all(names):
    """Read several datasets into one manifest.

    Parameters
    ----------
    names : sequence of str
        As for `read`.

    Returns
    -------
    pandas.DataFrame
        All rows, sorted by `image_id`; a covariate that a dataset lacks is missing (NA) there.

    Raises
    ------
    InputError
        When a dataset cannot be read, none is named, or two datasets share an `image_id`.
    """
    if not names:
        raise InputError(f"datasets: none is named. Give at least one of {', '.join(map(repr, NAMES))}, or a CSV path.")
    combined = pd.concat([read(name) for name in names], ignore_index=True)
    shared = combined.loc[combined["image_id"].duplicated(), "image_id"]
    if len(shared):
        raise InputError(
            f"datasets {', '.join(names)}: image_id {shared.iloc[0]!r} occurs in more than one of them "
            f"({len(shared)} ids in all). Give the ids of one dataset a prefix."
        )
    return combined.sort_values("image_id", ignore_index=True)
