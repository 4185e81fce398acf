"""What a reader of a dataset hands back: the manifest, and everything that is not in it with the reason."""

from dataclasses import dataclass, field

import pandas as pd

from ferlib.errors import InputError

LEFT_OUT = ("image_id", "dataset", "path", "cause", "reason")
"""Columns of the table of files left out. `cause` is `rule` (the study or a convention leaves it out), `copy` (another
file holds the same image) or `fault` (the file cannot be used)."""

CODES = ("dataset", "field", "code", "label", "confidence", "source", "files")
"""Columns of the table of codes met in file names, and of what each was taken to mean."""

MISSING = ("dataset", "title", "where", "terms", "put_it_in")
"""Columns of the table of datasets that are not there."""


class MissingDataset(InputError):
    """A dataset that was asked for is not on this machine.

    Attributes
    ----------
    row : dict
        Keys `MISSING`.
    """

    def __init__(self, message, row):
        super().__init__(message)
        self.row = row


def _empty(columns):
    return field(default_factory=lambda: pd.DataFrame(columns=list(columns), dtype="string"))


@dataclass(frozen=True)
class Reading:
    """One or more datasets as read.

    Attributes
    ----------
    manifest : pandas.DataFrame
        As `ferlib.datasets.manifest.complete`.
    left_out : pandas.DataFrame
        Columns `LEFT_OUT`, a row a file.
    codes : pandas.DataFrame
        Columns `CODES`; empty for a dataset that says its labels in plain words.
    missing : pandas.DataFrame
        Columns `MISSING`, a row for each dataset that was asked for and is not there.
    notes : tuple of str
        What a reader of the results must know about how the files were read.
    """

    manifest: pd.DataFrame
    left_out: pd.DataFrame = _empty(LEFT_OUT)
    codes: pd.DataFrame = _empty(CODES)
    missing: pd.DataFrame = _empty(MISSING)
    notes: tuple = ()


def combine(readings, *, missing=()):
    """Several readings as one.

    A file that one dataset leaves out and another takes, such as those of an extension in the same folder, is not
    listed as left out.

    Parameters
    ----------
    readings : sequence of Reading
    missing : sequence of dict
        Rows for the table of missing datasets; see `MISSING`.

    Returns
    -------
    Reading
        The manifest sorted by `image_id`; a covariate that a dataset lacks is missing (NA) there.

    Raises
    ------
    InputError
        When two datasets share an `image_id`.
    """
    manifest = pd.concat([reading.manifest for reading in readings], ignore_index=True)
    shared = manifest.loc[manifest["image_id"].duplicated(), "image_id"]
    if len(shared):
        raise InputError(
            f"datasets {', '.join(manifest['dataset'].unique())}: image_id {shared.iloc[0]!r} occurs in more than one "
            f"of them ({len(shared)} ids in all). Give the ids of one dataset a prefix."
        )
    told = manifest.groupby("subject_id")[["race", "gender"]].nunique()
    if (told > 1).any(axis=None):
        named, person = ", ".join(manifest["dataset"].unique()), told.index[(told > 1).any(axis=1)][0]
        raise InputError(
            f"datasets {named}: person {person!r} is of two groups in two of them. Give the ids of one a prefix."
        )
    ids = manifest["subject_id"].drop_duplicates()
    same = ids[ids.str.normalize("NFC").str.casefold().duplicated(keep=False)]
    left_out = pd.concat([reading.left_out for reading in readings], ignore_index=True)
    left_out = left_out[~left_out["path"].isin(manifest["path"])].drop_duplicates("path", ignore_index=True)
    notes = [note for reading in readings for note in reading.notes]
    if len(same):
        written = ", ".join(map(repr, same[:4]))
        notes.append(f"subject_id: {written} differ in capitals or in the form of letters only: one person each?")
    races = pd.Series(sorted(manifest["race"].unique()), dtype=object)
    for _, spellings in races.groupby(races.str.casefold().str.split().str.join(" ")):
        if len(spellings) > 1:
            notes.append(f"race is written {', '.join(map(repr, spellings))}: these count as groups of their own.")
    return Reading(
        manifest=manifest.sort_values("image_id", ignore_index=True),
        left_out=left_out,
        codes=pd.concat([reading.codes for reading in readings], ignore_index=True),
        missing=pd.DataFrame(list(missing), columns=list(MISSING), dtype="string"),
        notes=tuple(notes),
    )
