"""Answers of models, one row each, in the one form that the statistics read."""

import numpy as np
import pandas as pd

from ferlib import tables
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS, STATUSES
from ferlib.paths import relative
from ferlib.provenance import written

KEY = ("dataset", "image_id", "model", "variant", "repeat")
"""Columns that together name one answer."""

COLUMNS = (*KEY, "status", "predicted")
PROBABILITIES = tuple(f"p_{emotion}" for emotion in EMOTIONS)


def from_probabilities(manifest, probabilities, *, model, variant):
    """Answers of a classifier that gives a probability to each emotion; it always answers.

    Parameters
    ----------
    manifest : pandas.DataFrame
        The images, in the order of the rows of `probabilities`.
    probabilities : numpy.ndarray, shape (n, 7)
        In the order of `ferlib.labels.EMOTIONS`.
    model, variant : str

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS` and `PROBABILITIES`.
    """
    answers = manifest[["dataset", "image_id"]].assign(
        model=model,
        variant=variant,
        repeat=0,
        status="ok",
        predicted=np.array(EMOTIONS)[np.argmax(probabilities, axis=1)],
    )
    return answers.assign(**dict(zip(PROBABILITIES, np.asarray(probabilities, dtype=float).T, strict=True)))


def check(frame, *, source):
    """Raise unless a table holds answers in the form that the statistics read.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its `attrs["labels"]`, where it has any, are the labels that may be predicted; else they are the study's.
    source : str or pathlib.Path
        Where it was read from, for the message.

    Raises
    ------
    InputError
        For an unknown status or label, a label where the status is not `ok`, none where it is, or a double answer.
    """
    unknown = sorted(set(frame["status"]) - set(STATUSES))
    if unknown:
        raise InputError(f"{source}: unknown status {unknown[0]!r}. Allowed: {', '.join(STATUSES)}.")
    allowed = frame.attrs.get("labels", EMOTIONS)
    unknown = sorted(set(frame["predicted"].dropna()) - set(allowed))
    if unknown:
        raise InputError(f"{source}: unknown prediction {unknown[0]!r}. Allowed: {', '.join(allowed)}.")
    wrong = frame[(frame["status"] == "ok") != frame["predicted"].notna()]
    if len(wrong):
        raise InputError(
            f"{source}: image_id {wrong['image_id'].iloc[0]!r}: status {wrong['status'].iloc[0]!r} with prediction "
            f"{wrong['predicted'].iloc[0]!r} ({len(wrong)} rows). A prediction belongs to status 'ok' and to no other."
        )
    double = frame[frame.duplicated(list(KEY))]
    if len(double):
        answer = ", ".join(f"{name} {double[name].iloc[0]!r}" for name in KEY)
        raise InputError(f"{source}: more than one answer for {answer} ({len(double)} rows). Keep one of them.")


def read_all(run, *, made_by):
    """All answers of a run.

    Parameters
    ----------
    run : ferlib.paths.Run
    made_by : sequence of str
        Notebooks whose answers are wanted.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, plus those that a file has beyond them.
    """
    files = [path for notebook in made_by for path in written(run, notebook) if path.parent == run.predictions]
    frames = []
    for path in files:
        frame = tables.read_parquet(path, columns=COLUMNS, made_by=made_by[-1])
        check(frame, source=relative(path))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
