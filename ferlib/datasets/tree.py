"""A folder of images whose names say who and what is on them."""

import fnmatch
import os
from pathlib import Path

import numpy as np
import pandas as pd

from ferlib.datasets import conventions, manifest
from ferlib.datasets.reading import LEFT_OUT, MissingDataset, Reading
from ferlib.errors import InputError
from ferlib.images import UnreadableImage, open_rgb
from ferlib.paths import relative

SUFFIXES = (
    ".bmp", ".tif", ".tiff", ".png", ".ppm", ".pgm", ".webp", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".avif",
    ".heic", ".heif", ".gif",
)  # fmt: skip
"""File name endings of images, in the order in which copies of one image are preferred. What cannot be decoded here,
such as HEIC, counts as an image all the same, so that it is missed."""

GREY_SPREAD = 6
"""Of 255. A grey image keeps its three channels this close; saving as JPEG moves them by 1 or 2."""


def list_files(folder):
    """All files below a folder, following links; hidden files and what systems leave behind are passed over.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    list of pathlib.Path
        Sorted.
    """
    files, seen = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        here = os.path.realpath(place)
        if here in seen:
            folders.clear()
            continue
        seen.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        files += [Path(place) / name for name in names if not name.startswith(".") and name.lower() != "thumbs.db"]
    return sorted(files)


def read(folder, convention, parse, *, pattern):
    """Read a folder of images.

    Parameters
    ----------
    folder : pathlib.Path
    convention : ferlib.datasets.conventions.Convention
    parse : callable
        Takes the path of an image relative to the folder; returns None when the name does not follow the pattern,
        else a dict with `image_id`, `subject_id`, the codes `emotion`, `race` and `gender`, and optionally `reason`,
        why the file is left out. May raise InputError.
    pattern : str
        How names look, for messages.

    Returns
    -------
    ferlib.datasets.reading.Reading

    Raises
    ------
    MissingDataset
        When the folder has no images.
    InputError
        When a name does not follow the pattern, a code is unknown, or the manifest breaks a rule.
    """
    files = list_files(folder)
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not images:
        raise missing(convention, folder)
    stray = convention.about.get("leave_out_files") or {}
    others = [(path, "not an image, by its name") for path in files if path.suffix.lower() not in SUFFIXES]
    named, parsed, strange = [], [], []
    for path in images:
        reason = next((why for glob, why in stray.items() if fnmatch.fnmatch(path.name, glob)), None)
        if reason is not None:
            others.append((path, reason))
            continue
        row = parse(path.relative_to(folder))
        (strange if row is None else named).append(path)
        parsed += [] if row is None else [row]
    _reject_strange(strange, images, folder, convention, pattern)
    dataset = convention.about["dataset"]
    if not any(not row.get("reason") for row in parsed):
        raise missing(convention, folder)
    frame = pd.DataFrame(parsed).assign(path=[relative(path) for path in named], dataset=dataset)
    frame, codes = conventions.decode(frame, convention)
    ignored = pd.DataFrame(
        [(pd.NA, dataset, relative(path), "rule", why) for path, why in others], columns=list(LEFT_OUT)
    )
    ruled = frame[frame["reason"] != ""].assign(cause="rule")[list(LEFT_OUT)]
    kept, copies = resolve_copies(frame[frame["reason"] == ""].drop(columns="reason"))
    return Reading(
        manifest=manifest.complete(kept, dataset=dataset, source=folder),
        left_out=pd.concat([ruled, copies, ignored], ignore_index=True).astype("string"),
        codes=codes,
        notes=conventions.doubts(codes),
    )


def missing(convention, folder):
    """The error for a dataset that is not there: where to get it, its terms, where to put it."""
    about = convention.about
    where = " or ".join(about.get("where", []))
    message = (
        f"{about['dataset']}: no images in {relative(folder)}/. {about.get('title', '')}: get it from {where}. "
        f"Terms: {about.get('terms', 'see there')} Put it, unpacked, in {relative(folder)}/. "
        f"To go on without it, leave {about['dataset']!r} out of `datasets`, or set `skip_missing: true`."
    )
    row = {
        "dataset": about["dataset"], "title": about.get("title"), "where": where, "terms": about.get("terms"),
        "put_it_in": f"{relative(folder)}/",
    }  # fmt: skip
    return MissingDataset(message, row)


def _reject_strange(strange, images, folder, convention, pattern):
    if strange:
        names = ", ".join(path.relative_to(folder).as_posix() for path in strange[:5])
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        raise InputError(
            f"{convention.about['dataset']}: {len(strange)} of {len(images)} images in {relative(folder)} are not "
            f"named {pattern}: {names}{more}. Give each its own name back; a file that is no part of the set can be "
            f"named under `leave_out_files` in {relative(convention.file)}, with the reason."
        )


def resolve_copies(frame):
    """Keep one file an image.

    Of files with the same `image_id`, those that can be decoded go before those that cannot, colour goes before grey,
    then the file format in the order of `SUFFIXES` (BMP first, since it lost nothing), then the path by the alphabet.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `image_id`, `dataset`, `path`.

    Returns
    -------
    kept, copies : pandas.DataFrame
        `copies` has the columns `ferlib.datasets.reading.LEFT_OUT`; the reason names the file that is kept.
    """
    doubled = frame["image_id"].duplicated(keep=False)
    candidates = frame[doubled].copy()
    candidates["look"] = [_look(path) for path in candidates["path"]]
    candidates["format"] = [SUFFIXES.index(Path(path).suffix.lower()) for path in candidates["path"]]
    candidates["rank"] = candidates["look"].map({"colour": 0, "grey": 1, "undecodable": 2})
    candidates = candidates.sort_values(["image_id", "rank", "format", "path"])
    best = candidates.groupby("image_id")["path"].transform("first")
    copies = candidates[candidates["path"] != best].assign(cause="copy")
    kept_paths = best[copies.index]
    copies["reason"] = [f"{look} copy of {kept}" for look, kept in zip(copies["look"], kept_paths, strict=True)]
    kept = frame.drop(index=copies.index)
    return kept, copies[list(LEFT_OUT)]


def _look(path):
    """Whether an image is `colour`, `grey`, or `undecodable`."""
    try:
        pixels = np.asarray(open_rgb(path), dtype=np.int16)
    except UnreadableImage:
        return "undecodable"
    spread = pixels.max(axis=-1) - pixels.min(axis=-1)
    return "colour" if np.percentile(spread, 95) > GREY_SPREAD else "grey"
