"""The manifest: one row an image, checked before anything is computed from it."""

import pandas as pd
from tqdm import tqdm

from ferlib import labels
from ferlib.datasets.reading import LEFT_OUT
from ferlib.errors import InputError, refuse
from ferlib.images import UnreadableImage, open_rgb
from ferlib.paths import absolute, relative
from ferlib.provenance import sha256

REQUIRED = ("image_id", "path", "subject_id", "emotion", "race", "gender")
"""Columns that a manifest must bring; `dataset`, `sha256` and `group` are filled in, others are kept as covariates."""

LEADING = ("image_id", "dataset", "path", "sha256", "subject_id", "emotion", "race", "gender", "group")


def complete(frame, *, dataset, source):
    """Check a manifest as read, and fill in what follows from it.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row an image, with at least the columns `REQUIRED`.
    dataset : str
        Name of the dataset, used where the manifest has no column `dataset`.
    source : pathlib.Path
        The file read, for the messages.

    Returns
    -------
    pandas.DataFrame
        Columns `LEADING` first, then the covariates; sorted by `image_id`.

    Raises
    ------
    InputError
        For a missing column, an empty cell, a duplicate `image_id` or `path`, an unknown emotion or gender, a person
        with two races or genders, or no rows at all. The message names the file, the rows and the values.
    """
    source = relative(source)
    frame = check(frame, source=source)
    frame = frame.assign(group=[labels.group(r, g) for r, g in zip(frame["race"], frame["gender"], strict=True)])
    for column, default in (("dataset", dataset), ("sha256", pd.NA)):
        if column not in frame.columns:
            frame[column] = default
    text = {column: frame[column].astype("string") for column in LEADING}
    covariates = [column for column in frame.columns if column not in LEADING]
    return frame.assign(**text)[[*LEADING, *covariates]].sort_values("image_id", ignore_index=True)


def check(frame, *, source):
    """The rules of a manifest, wherever it comes from; parameters and errors as for `complete`.

    Returns
    -------
    pandas.DataFrame
        The manifest, with the columns `REQUIRED` as text without blanks around it.
    """
    missing = [column for column in REQUIRED if column not in frame.columns]
    if missing:
        raise InputError(
            f"{source}: lacks the column {', '.join(map(repr, missing))}. A manifest needs: {', '.join(REQUIRED)}."
        )
    if frame.empty:
        raise InputError(f"{source}: has no rows. A manifest has one row for each image.")
    if twice := [name for name in REQUIRED if f"{name}.1" in frame.columns]:
        raise InputError(f"{source}: two columns are called {twice[0]!r}. Keep one.")
    frame = frame.reset_index(drop=True)
    frame = frame.assign(**{column: frame[column].astype("string").str.strip() for column in REQUIRED})
    for column in REQUIRED:
        refuse(frame[frame[column].fillna("") == ""], source, f"empty {column}", "Fill it in, or leave the row out.")
    for column in ("emotion", "race", "gender"):
        words = frame[frame[column].str.lower().isin(labels.words()["nothing"])]
        remedy = "Is it a code? Then write the name in full; where nobody knows, write 'unknown'."
        refuse(words, source, f"{column!r} may be empty or not:", remedy, show=column)
    twice = frame["image_id"].duplicated(keep=False)
    names = ", ".join(map(repr, frame.loc[twice, "image_id"].unique()[:5]))
    refuse(frame[twice], source, f"duplicate image_id {names}", "Give every image an id of its own.")
    twice = frame["path"].duplicated(keep=False)
    refuse(frame[twice], source, "one file in several rows", "Keep one row an image, with one label.", show="path")
    for name in labels.ALLOWED:
        labels.check(frame[name], name, source=source)
    for column in ("race", "gender"):
        mixed = frame[frame.groupby("subject_id")[column].transform("nunique") > 1]
        first = mixed.loc[mixed["subject_id"] == mixed["subject_id"].min(), column]
        problem = f"one person with more than one {column} (first: {', '.join(sorted(first.unique()))})"
        refuse(mixed, source, problem, "Give each person one id and one label.", show="subject_id")
    return frame


def check_images(manifest):
    """Open every image and compare it with its hash.

    Parameters
    ----------
    manifest : pandas.DataFrame
        As returned by `complete`.

    Returns
    -------
    pandas.DataFrame
        The manifest with `sha256` filled in and a column `reason`: empty for a good image, else why it cannot be used.
    """
    digests, reasons = [], []
    recorded = manifest["sha256"].fillna("").str.strip().str.lower()
    rows = zip(manifest["path"], recorded, strict=True)
    for path, expected in tqdm(rows, total=len(manifest), desc="images", unit="image"):
        digest, reason = _check_image(absolute(path), expected)
        digests.append(digest)
        reasons.append(reason)
    return manifest.assign(sha256=pd.array(digests, dtype="string"), reason=pd.array(reasons, dtype="string"))


def _check_image(path, expected):
    if not path.is_file():
        return expected, "no such file: mend the path in the manifest, or put the image there"
    digest = sha256(path)
    if expected and digest != expected:
        return digest, "differs from the sha256 in the manifest: restore the file, or correct the manifest"
    try:
        open_rgb(path)
    except UnreadableImage as error:
        return digest, f"{error.reason}: replace the file"
    return digest, ""


def same_bytes(manifest):
    """What to warn of: files with the very bytes (`sha256`) of another one that tell something else about the image.

    Returns a tuple of str, empty or with one note.
    """
    told = manifest["subject_id"] + ", " + manifest["emotion"] + ", " + manifest["group"]
    told = manifest.assign(told=told)
    contrary = told[told.groupby("sha256")["told"].transform("nunique") > 1]
    if contrary.empty:
        return ()
    first = contrary[contrary["sha256"] == contrary["sha256"].iloc[0]]
    examples = " and ".join(f"{path} ({said})" for path, said in zip(first["path"], first["told"], strict=True))
    return (
        f"{len(contrary)} files hold the same image as another one under another person or label, for example "
        f"{examples}. Keep the one that is right.",
    )


def take_people(manifest, *, per_group):
    """The first people of each group of each dataset by id, with all their images; 0 takes everybody."""
    if per_group == 0:
        return manifest
    rank = manifest.groupby(["dataset", "group"])["subject_id"].rank(method="dense")
    return manifest[rank <= per_group].reset_index(drop=True)


def keep_usable(checked):
    """Split checked images into those to use and those that cannot be used.

    Parameters
    ----------
    checked : pandas.DataFrame
        As returned by `check_images`.

    Returns
    -------
    usable, rejected : pandas.DataFrame
        The manifest of the good images; of the others the columns `ferlib.datasets.reading.LEFT_OUT`, with the cause
        `fault`.
    """
    bad = checked["reason"] != ""
    rejected = checked[bad].assign(cause="fault")[list(LEFT_OUT)]
    return checked[~bad].drop(columns="reason").reset_index(drop=True), rejected


def limit_rejected(rejected, *, n_images, max_rejected, where):
    """Raise when too many images cannot be used.

    Parameters
    ----------
    rejected : pandas.DataFrame
        As returned by `keep_usable`.
    n_images : int
        Images that were checked.
    max_rejected : float
        Largest share of images that may be left out.
    where : str
        File that lists all of `rejected`, for the message.

    Raises
    ------
    InputError
        Names the first of them.
    """
    if len(rejected) > max_rejected * n_images:
        first = rejected.iloc[0]
        raise InputError(
            f"{len(rejected)} of {n_images} images cannot be used, more than max_rejected = {max_rejected} allows. The "
            f"first: {first['path']} (image_id {first['image_id']!r}): {first['reason']}. All of them: {where}. If "
            f"these may be left out, raise max_rejected."
        )
