"""A folder of images whose names say who and what is on them."""

import fnmatch
import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

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

AFAR, ALIKE = 16, 6
"""Pixels a side, and the mean difference of grey of 256, up to which two images of one id are taken for one."""

CLAIMS = ("subject_id", "emotion", "race", "gender")
GREY_SPREAD = 6
"""Of 255. A grey image keeps its three channels this close; saving as JPEG moves them by 1 or 2."""


def list_files(folder):
    """All files below a folder, sorted, following links; hidden files and what systems leave behind are passed over."""
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

    Files with one `image_id` are copies of an image where their pixels are alike; others, as of a set that numbers its
    images anew in each folder, are images of their own, and their folders become part of the id. Of copies, those that
    can be decoded go before those that cannot, colour goes before grey, then the file format in the order of `SUFFIXES`
    (BMP first, since it lost nothing), then the path by the alphabet.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `image_id`, `dataset`, `path`, and the labels of the image.

    Returns
    -------
    kept, copies : pandas.DataFrame
        `copies` has the columns `ferlib.datasets.reading.LEFT_OUT`; the reason names the file that is kept.

    Raises
    ------
    InputError
        When two copies of an image have two labels.
    """
    kept, copies, dropped = frame.copy(), [], []
    for image, group in frame[frame["image_id"].duplicated(keep=False)].groupby("image_id"):
        paths = group["path"]
        looks, kinds = paths.map(_look), paths.map(lambda path: SUFFIXES.index(Path(path).suffix.lower()))
        rest = sorted(group.index, key=lambda row: (looks[row][0], kinds[row], paths[row]))
        first = rest[0]
        while rest:
            best, *rest = rest
            alike = [row for row in rest if _alike(looks[row], looks[best])]
            rest = [row for row in rest if row not in alike]
            told = group.loc[[best, *alike], [name for name in CLAIMS if name in group]].drop_duplicates()
            if len(told) > 1:
                both = " and ".join(paths[told.index[:2]])
                raise InputError(f"{both}: one image with two labels or people. Keep the one that is right.")
            if best != first:
                own = "-".join((image, *Path(paths[best]).parts[-3:-1]))
                kept.loc[best, "image_id"] = own
                if group["subject_id"][best] == image:  # each image is taken for a person
                    kept.loc[best, "subject_id"] = own
            for row in alike:
                look = ("colour", "grey", "undecodable")[looks[row][0]]
                copies.append(group.loc[row].to_dict() | {"reason": f"{look} copy of {paths[best]}"})
            dropped += alike
    copies = pd.DataFrame(copies, columns=[*frame.columns, "reason"]).assign(cause="copy")
    return kept.drop(index=dropped), copies[list(LEFT_OUT)]


def _look(path):
    """Rank of an image (0 in colour, 1 grey, 2 undecodable), and what it looks like from afar; None where nothing."""
    try:
        image = open_rgb(path)
    except UnreadableImage:
        return 2, None
    pixels = np.asarray(image, dtype=np.int16)
    spread = np.percentile(pixels.max(axis=-1) - pixels.min(axis=-1), 95)
    return int(spread <= GREY_SPREAD), np.asarray(image.convert("L").resize((AFAR, AFAR), Image.Resampling.BOX), float)


def _alike(one, other):
    """Whether two images show the same from afar, however they were saved, or nothing can be seen of the first."""
    return one[1] is None or np.abs(one[1] - other[1]).mean() <= ALIKE
