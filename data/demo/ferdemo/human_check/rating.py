"""The faces that people are shown, and their saved answers as those of one more model, called `people`."""

import json

import pandas as pd

from ferlib import tables
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.paths import DEMO, relative
from ferlib.predictions import COLUMNS

FOLDER = DEMO / "human_check"
SAMPLE = FOLDER / "faces.js"
BEGINS = "const FACES = "
NATURAL = range(1, 6)
SAVED = ("image_id", "rater", "trial", "answer", "naturalness", "seconds", "sample")
"""Columns of the file that the page saves."""

MODEL, VARIANT = "people", "forced-choice"


def sample(manifest, *, per_cell, seed):
    """Draw the faces that the page may show: so many of each group and expression.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Of the set `people`.
    per_cell, seed : int

    Returns
    -------
    list of list of str
        Ids of images, a list for each group and expression; the page draws one of each for everybody.
    """
    drawn = manifest.sample(frac=1, random_state=seed).groupby(["group", "emotion"], sort=True).head(per_cell)
    return [sorted(part) for _, part in drawn.groupby(["group", "emotion"], sort=True)["image_id"]]


def script(cells, *, name):
    """The sample as the page reads it; a script, since a page opened from disk may load nothing else."""
    content = {"name": name, "folder": "../people/images/", "cells": cells}
    return f"{BEGINS}{json.dumps(content, indent=0)};\n"


def read(paths):
    """Read the files that browsers saved.

    Parameters
    ----------
    paths : sequence of pathlib.Path

    Returns
    -------
    pandas.DataFrame
        Columns `SAVED`, a row an answer.

    Raises
    ------
    InputError
        When a file has other columns, another label or number, or when somebody judged a face twice.
    """
    found = []
    for path in paths:
        saved = pd.read_csv(path, dtype={"rater": str, "image_id": str, "answer": str, "sample": str})
        if tuple(saved.columns) != SAVED:
            raise InputError(f"{relative(path)}: has the columns {', '.join(saved)}, not {', '.join(SAVED)}.")
        wrong = saved[~saved["answer"].isin(EMOTIONS) | ~saved["naturalness"].isin(NATURAL)]
        if len(wrong):
            row = wrong.iloc[0]
            raise InputError(
                f"{relative(path)}, row {wrong.index[0] + 2}: answer {row['answer']!r}, naturalness "
                f"{row['naturalness']}. Allowed: {', '.join(EMOTIONS)}; {NATURAL[0]} to {NATURAL[-1]}. "
                "Leave the row out, or mend it."
            )
        found.append(saved.assign(file=relative(path)))
    saved = pd.concat(found, ignore_index=True)
    twice = saved[saved.duplicated(["rater", "image_id"])]
    if len(twice):
        row = twice.iloc[0]
        raise InputError(f"{row['file']}: {row['rater']} judged {row['image_id']} twice. Give each file once.")
    return saved.drop(columns="file")


def predictions(saved):
    """Answers of people in the form of `predictions/*.parquet`: every rater is one repeat of the model `people`."""
    repeat = saved["rater"].rank(method="dense").astype(int) - 1
    table = saved.assign(
        dataset="demo", model=MODEL, variant=VARIANT, repeat=repeat, status="ok", predicted=saved["answer"]
    )
    return table[list(COLUMNS)].sort_values(["image_id", "repeat"], ignore_index=True)


def beside(people, models, manifest):
    """People and models on the faces that people judged, as `make audit` reads it.

    Parameters
    ----------
    people : pandas.DataFrame
        As `predictions` returns it.
    models : list of pandas.DataFrame
        Answers of models in the same form, one variant each; may be empty.
    manifest : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        Columns of `people` with `subject_id`, `emotion`, `race`, `gender`.

    Raises
    ------
    InputError
        When people judged an image that the manifest does not list.
    """
    strange = sorted(set(people["image_id"]) - set(manifest["image_id"]))
    if strange:
        raise InputError(f"answers: {strange[0]!r} is not among the faces of the set `people`. Was it another sample?")
    of_all = pd.concat([people, *models], ignore_index=True)[list(COLUMNS)]
    shown = manifest[manifest["image_id"].isin(people["image_id"])]
    return of_all.merge(shown[["dataset", "image_id", "subject_id", "emotion", "race", "gender"]])


def by_group(saved, manifest):
    """How people judged the faces of each group.

    Returns
    -------
    pandas.DataFrame
        `group`, `faces`, `answers`, `as_labelled` (share of the answers), `agree` (share of the pairs of raters of one
        face that said the same; missing where no face has two) and `naturalness` (mean).
    """
    rows = saved.merge(manifest[["image_id", "group", "emotion"]])
    rows = pd.concat([rows.assign(group="all"), rows])
    votes = rows.groupby(["group", "image_id", "answer"], sort=False).size()
    of_face = votes.groupby(level=["group", "image_id"]).sum()
    same = (votes * (votes - 1)).groupby(level="group").sum()
    pairs = (of_face * (of_face - 1)).groupby(level="group").sum()
    groups = rows.groupby("group", sort=False)
    table = pd.DataFrame({"faces": groups["image_id"].nunique(), "answers": groups.size()})
    table["as_labelled"] = (rows["answer"] == rows["emotion"]).groupby(rows["group"]).mean()
    table["agree"] = same / pairs.where(pairs > 0)
    table["naturalness"] = groups["naturalness"].mean()
    return table.reset_index()


def write_sample(*, per_cell=6, seed=1):
    """Write the sample of the page anew; the same seed gives the same bytes."""
    manifest = tables.read_csv(DEMO / "people" / "manifest.csv")
    cells = sample(manifest, per_cell=per_cell, seed=seed)
    return tables.write_bytes(script(cells, name=f"people-{seed}").encode(), SAMPLE)
