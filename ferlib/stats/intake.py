"""Intake: one CSV of predictions, checked row by row, as the manifest and the answers that the statistics read."""

import difflib
import unicodedata
from pathlib import Path

import pandas as pd

from ferlib.errors import InputError, refuse
from ferlib.labels import EMOTIONS, STATUSES, group
from ferlib.paths import relative
from ferlib.stats.outcomes import KEY, MANIFEST_COLUMNS

REQUIRED = ("image_id", "subject_id", "emotion", "race", "gender", "predicted")
OPTIONAL = {"dataset": "data", "model": "model", "variant": "only", "repeat": "0"}
"""Columns that may be absent, and what is then in each row; `status` may be absent too."""

MISSING = ("", "nan", "na", "n/a", "<na>", "null", "none")
"""What spreadsheets and programs write where there is nothing; in any case."""

MOST_GROUPS = 40
"""More race-gender groups than this are taken for a wrong column."""


def read(path, *, cluster="person"):
    """Read a CSV of predictions.

    Parameters
    ----------
    path : str or pathlib.Path
        A CSV in UTF-8 with a header: the columns `REQUIRED`, and perhaps those of `OPTIONAL` and `status`. Spaces
        around values do not matter, nor does the case of emotions and statuses; other columns are left alone.
    cluster : {"person", "none"}
        With `none` each image is taken for another person; the column `subject_id` may be absent and is not used.

    Returns
    -------
    manifest, predictions : pandas.DataFrame
        As `ferlib.stats.outcomes.join` takes them.

    Raises
    ------
    InputError
        Names the file, the rows as a spreadsheet counts them (the header is row 1), the values found and allowed,
        and what to do.
    """
    path = Path(path)
    source = relative(path)
    frame = _tidy(_text(path, source), source, cluster=cluster)
    _label(frame, "emotion", EMOTIONS, source)
    _label(frame, "status", STATUSES, source)
    _label(frame[frame["predicted"] != ""], "predicted", EMOTIONS, source)
    _refuse(
        frame[(frame["status"] == "ok") & (frame["predicted"] == "")], "predicted", source, "no prediction",
        f"Where the model gave none, say why in a column `status`: {', '.join(STATUSES[1:])}.",
    )  # fmt: skip
    _refuse(
        frame[(frame["status"] != "ok") & (frame["predicted"] != "")], "status", source,
        "a prediction beside a status other than 'ok'", "Empty `predicted`, or set `status` to ok.",
    )  # fmt: skip
    whole = frame["repeat"].str.fullmatch(r"[0-9]{1,9}")
    _refuse(frame[~whole], "repeat", source, "a repeat that is no number from 0", "Number the repeats 0, 1, 2 ...")
    frame["repeat"] = frame["repeat"].astype(int)
    frame["group"] = [group(race, gender) for race, gender in zip(frame["race"], frame["gender"], strict=True)]
    _consistent(frame, source)
    predictions = frame[[*KEY, "status"]].assign(predicted=frame["predicted"].replace("", None))
    return frame[list(MANIFEST_COLUMNS)].drop_duplicates(["dataset", "image_id"]), predictions


def _text(path, source):
    """The file as a table of text; index 0 is the first row below the header."""
    if not path.is_file():
        raise InputError(f"{source}: no such file. Check PREDICTIONS=.")
    options = {"header": None, "dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    try:
        table = pd.read_csv(path, encoding="utf-8-sig", **options)
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: is not text in UTF-8 ({error}). Save it again as 'CSV UTF-8'.") from error
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{source}: is empty. It needs a header and a row for each answer.") from error
    except (pd.errors.ParserError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"{source}: cannot be read as CSV ({problem}). Mend or leave out that row.") from error
    table = table.fillna("")
    table.index = table.index - 1
    names = [name.strip() for name in table.iloc[0]]
    rows = table.iloc[1:].set_axis(names, axis=1)
    for name in names:
        if name and names.count(name) > 1:
            raise InputError(f"{source}: two columns are called {name!r}. Keep one.")
    return rows[(rows != "").any(axis=1)]


def _tidy(rows, source, *, cluster):
    """The columns that are used: all there, without spaces, one spelling, nothing empty that must not be."""
    needed = [name for name in REQUIRED if name != "subject_id" or cluster != "none"]
    missing = [name for name in needed if name not in rows.columns]
    if missing:
        absent = ", ".join(map(repr, missing))
        raise InputError(f"{source}: lacks the column {absent}.{_hint(missing[0], rows)}")
    if rows.empty:
        raise InputError(f"{source}: has a header but no rows. It needs a row for each answer.")
    known = [name for name in (*REQUIRED, *OPTIONAL, "status") if name in rows.columns]
    frame = pd.DataFrame({name: rows[name].map(_clean) for name in known}, index=rows.index)
    for name, value in OPTIONAL.items():
        frame[name] = frame[name] if name in frame else value
    if cluster == "none":
        frame["subject_id"] = frame["image_id"]
    if "status" not in frame:
        frame["status"] = "ok"
    for name in ("emotion", "predicted", "status"):
        frame[name] = frame[name].str.lower()
    for name in (name for name in frame.columns if name != "predicted"):
        empty = frame[frame[name] == ""]
        _refuse(empty, name, source, f"the column {name!r} is empty", "Fill it, or leave the row out.")
    return frame


def _clean(value):
    text = unicodedata.normalize("NFC", value).strip()
    return "" if text.lower() in MISSING else text


def _hint(name, rows):
    if name == "subject_id":
        return (
            " It says who is in the image; without it nobody can tell how sure the result is. If it cannot be had, say "
            "so: make audit ... CLUSTER=none takes each image for another person, and intervals may be far too short."
        )
    names = [str(column) for column in rows.columns]
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return " The header has one column only: save the file with commas between the columns."
    close = difflib.get_close_matches(name, names, n=1)
    found = f" It has: {', '.join(map(repr, names[:20]))}."
    return f"{found} Did you mean {close[0]!r}? Rename it." if close else f"{found} Needed: {', '.join(REQUIRED)}."


def _label(frame, column, allowed, source):
    wrong = frame[~frame[column].isin(allowed)]
    _refuse(wrong, column, source, f"unknown {column}", f"Allowed: {', '.join(allowed)}.")


def _refuse(rows, column, source, problem, remedy):
    found = ", ".join(sorted({repr(value) for value in rows[column].head(1000) if value != ""})[:5])
    refuse(rows, source, f"{problem} {found}".rstrip(), remedy)


def _consistent(frame, source):
    """One label an image, one race and gender a person, one answer a question, and groups that can be groups."""
    image, person = ["dataset", "image_id"], ["dataset", "subject_id"]
    for by, column, whose in (
        (image, "emotion", "an image with two true emotions"), (image, "subject_id", "an image of two people"),
        (person, "race", "a person with two races"), (person, "gender", "a person with two genders"),
    ):  # fmt: skip
        differs = frame[frame.groupby(by)[column].transform("nunique") > 1]
        first = differs[(differs[by] == differs[by].head(1).to_numpy()).all(axis=1)] if len(differs) else differs
        name = f" ({by[1]} {first[by[1]].iloc[0]!r})" if len(first) else ""
        _refuse(first, column, source, f"{whose}{name}:", "Keep one, or separate the ids.")
    double = frame[frame.duplicated(list(KEY), keep=False)].sort_values(list(KEY), kind="stable")
    remedy = "Keep one, or number them in a column `repeat`, or name what differs in `variant` or `model`."
    _refuse(double, "image_id", source, "more than one answer for the same image", remedy)
    pairs = frame[["race", "gender", "group"]].drop_duplicates()
    if len(pairs) > MOST_GROUPS:
        raise InputError(f"{source}: {len(pairs)} groups of race and gender; at most {MOST_GROUPS} can be compared.")
    if pairs["group"].duplicated().any():
        raise InputError(f"{source}: two groups are called {pairs['group'][pairs['group'].duplicated()].iloc[0]!r}.")
