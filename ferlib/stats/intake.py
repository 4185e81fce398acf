"""Intake: one file of predictions, checked row by row, as the manifest and the answers that the statistics read."""

import difflib
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ferlib import labels
from ferlib.errors import InputError, refuse
from ferlib.labels import EMOTIONS, OTHER_LABEL, STATUSES
from ferlib.paths import relative
from ferlib.predictions import most_probable
from ferlib.stats import sheets
from ferlib.stats.outcomes import KEY, MANIFEST_COLUMNS, lopsided

REQUIRED = ("image_id", "subject_id", "emotion", "race", "gender", "predicted")
OPTIONAL = {"dataset": "data", "model": "model", "variant": "only", "repeat": "0", "status": "ok"}
"""Columns that may be absent, and what is then in each row."""

MISSING = ("", "nan", "na", "n/a", "<na>", "null", "none")
"""What spreadsheets and programs write where there is nothing; in any case."""

MOST_GROUPS = 40  # more race-gender groups than this are taken for a wrong column
NOT_ALONE = "Where nobody knows, write 'unknown': that is a group like any other."


class Taken(NamedTuple):
    """What was read: two tables as `ferlib.stats.outcomes.join` takes them, and how the file was understood."""

    manifest: pd.DataFrame
    predictions: pd.DataFrame
    notes: tuple

    @property
    def summary(self):
        """One line: rows, images, people, groups, models, and how many answers are missing."""
        answers, people = self.predictions, self.manifest[["dataset", "subject_id"]].drop_duplicates()
        asked = answers.groupby(["dataset", "model", "variant", "repeat"])["image_id"].nunique().reset_index()
        images = asked["dataset"].map(self.manifest.groupby("dataset").size())
        return (
            f"{len(answers)} rows: {len(self.manifest)} images of {len(people)} people in "
            f"{self.manifest['group'].nunique()} groups, {answers['model'].nunique()} model(s); "
            f"{(~answers['status'].isin(['ok', OTHER_LABEL])).sum()} without an answer, "
            f"{(images - asked['image_id']).sum()} not asked"
        )


def read(given, *, cluster="person", columns=None, classes=()):
    """Read a file, or a data frame, of predictions.

    Parameters
    ----------
    given : str, pathlib.Path or pandas.DataFrame
        See `ferlib.stats.sheets.read` for the kinds of files. It has the columns `REQUIRED`, and perhaps those of
        `OPTIONAL`; in place of `predicted` there may be probabilities `p_anger` ... Blanks, capitals and the usual
        other words for columns, emotions and statuses do not matter (`data/intake/words.yaml`).
    cluster : {"person", "none"}
        With `none` each image is taken for another person; the column `subject_id` may be absent and is not used.
    columns : dict of str to str, optional
        Our name of a column to its name in the file, where they differ by more than that.
    classes : sequence of str
        Labels in the order of the numbers 0, 1, 2 ..., where the file holds numbers of classes.

    Returns
    -------
    Taken

    Raises
    ------
    InputError
        Names the file, the rows as a spreadsheet counts them (the header is row 1), the values found and allowed,
        and what to do.
    """
    table = isinstance(given, pd.DataFrame)
    source = "the table" if table else relative(Path(given))
    rows = sheets.as_text(given) if table else sheets.read(given)
    notes = list(rows.attrs["notes"])
    frame = _tidy(_named(rows, source, columns or {}, notes), source, cluster=cluster, notes=notes)
    _labelled(frame, source, classes, notes)
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
    for name in ("dataset", "race", "gender"):
        frame[name], merged = labels.one_spelling(frame[name])
        notes += [f"{name}: {change}" for change in merged]
    frame["group"] = frame["race"] + " " + frame["gender"]
    if cluster != "none":
        _one_number(frame, notes)
    _consistent(frame, source)
    manifest = frame[list(MANIFEST_COLUMNS)].drop_duplicates(["dataset", "image_id"])
    notes += lopsided(manifest)
    predictions = frame[[*KEY, "status"]].assign(predicted=frame["predicted"].replace("", None))
    return Taken(manifest, predictions, tuple(notes))


def _named(rows, source, columns, notes):
    """The rows under our names of columns."""
    for name in rows.columns[rows.columns.duplicated()]:
        if name:
            raise InputError(f"{source}: two columns are called {name!r}. Keep one.")
    known = (*REQUIRED, *OPTIONAL)
    for ours, theirs in columns.items():
        if ours not in known or theirs not in rows:
            raise InputError(
                f"COLUMNS: {ours}={theirs}: give one of {', '.join(known)} = a column of {source}. "
                f"It has: {', '.join(map(repr, rows.columns[:20]))}."
            )
    named = {theirs: ours for ours, theirs in columns.items()}
    notes += [f"As COLUMNS says, `{ours}` is the column {theirs!r}." for ours, theirs in columns.items()]
    for ours in known:
        if ours in rows or ours in columns:
            continue
        close = [name for name in rows if name not in named and labels.words()[0].get(labels.fold(name)) == ours]
        close = [name for name in close if labels.fold(name) == labels.fold(ours)] or close
        if len(close) > 1:
            found = " and ".join(map(repr, close))
            raise InputError(f"{source}: {found} could each be the column {ours!r}. Say which: COLUMNS={ours}=...")
        if close:
            named[close[0]] = ours
            notes.append(f"The column {close[0]!r} was taken for `{ours}`.")
    rows = rows.drop(columns=[name for name in columns if name in rows and name not in named]).rename(columns=named)
    return rows if "predicted" in rows else most_probable(rows, notes)


def _tidy(rows, source, *, cluster, notes):
    """The columns that are used: all there, without spaces, nothing empty that must not be."""
    missing = [name for name in REQUIRED if name not in rows and (name != "subject_id" or cluster != "none")]
    if missing:
        raise InputError(f"{source}: lacks the column {', '.join(map(repr, missing))}.{_hint(missing[0], rows)}")
    if rows.empty:
        raise InputError(f"{source}: has a header but no rows. It needs a row for each answer.")
    frame = pd.DataFrame(index=rows.index)
    for name in (*REQUIRED, *OPTIONAL):
        column = rows[name] if name in rows else pd.Series(OPTIONAL.get(name, ""), index=rows.index)
        frame[name] = column.map({value: labels.clean(value) for value in column.unique()})
        if hidden := (frame[name] != column.str.strip()).sum():
            notes.append(f"{name}: invisible characters or double blanks were taken out of {hidden} values.")
    if cluster == "none":
        frame["subject_id"] = frame["image_id"]
    for name in ("predicted", "status"):
        frame[name] = frame[name].where(~frame[name].str.lower().isin(MISSING), "")
    frame.loc[(frame["status"] == "") & (frame["predicted"] != ""), "status"] = "ok"
    for name in (name for name in frame if name != "predicted"):
        blank, word = frame[frame[name] == ""], frame[frame[name].str.lower().isin(MISSING)]
        fill = f"Fill it. {NOT_ALONE}" if name in ("race", "gender") else "Fill it, or leave the row out."
        _refuse(blank, name, source, f"the column {name!r} is empty", fill)
        code = "a code, such as that of Native American people" if name == "race" else "a code"
        remedy = f"Is it {code}? Then write the name in full. {fill.removeprefix('Fill it. ')}"
        _refuse(word, name, source, f"{name!r} may be empty or not:", remedy)
    return frame


def _hint(name, rows):
    if name == "subject_id":
        return (
            " It says who is in the image; without it nobody can tell how sure the result is. If it cannot be had, say "
            "so: make audit ... CLUSTER=none takes each image for another person, and intervals may be far too short."
        )
    close = difflib.get_close_matches(name, list(rows), n=1)
    like = f"Did you mean {close[0]!r}? Say COLUMNS={name}={close[0]}." if close else f"Needed: {', '.join(REQUIRED)}."
    return f" It has: {', '.join(map(repr, rows.columns[:20]))}. {like}"


def _labelled(frame, source, classes, notes):
    """Emotions and statuses in our words; what the model said beyond the labels is an outcome of its own."""
    _, words, statuses = labels.words()
    numbers = {str(number): name for number, name in enumerate(classes)}
    said = {}
    for name in ("emotion", "predicted"):
        named = {value: numbers.get(value, value) for value in frame[name].unique()}
        said[name] = frame[name].map({old: words.get(labels.fold(new), new.lower()) for old, new in named.items()})
        other = (said[name] != frame[name].str.lower()) & said[name].isin(EMOTIONS)
        pairs = (frame[name][other] + " = " + said[name][other]).unique()
        if len(pairs):
            notes.append(f"{name}: read as the labels of the audit: {', '.join(sorted(pairs)[:20])}.")
    remedy = f"Allowed: {', '.join(EMOTIONS)}, or usual words for them. Numbers of classes need CLASSES= (their order)."
    _refuse(frame[~said["emotion"].isin(EMOTIONS)], "emotion", source, "unknown emotion", remedy)
    frame["emotion"], frame["predicted"] = said["emotion"], said["predicted"]
    spelt = {value: statuses.get(labels.fold(value), value.lower()) for value in frame["status"].unique()}
    frame["status"] = frame["status"].map(spelt)
    allowed = f"Allowed: {', '.join(STATUSES)}."
    _refuse(frame[~frame["status"].isin(STATUSES)], "status", source, "unknown status", allowed)
    instead = frame["predicted"].map({value: statuses.get(labels.fold(value)) for value in frame["predicted"].unique()})
    instead = instead.where((frame["status"] == "ok") | (frame["status"] == instead)).dropna()
    frame.loc[instead.index, "status"], frame.loc[instead.index, "predicted"] = instead, ""
    foreign = frame[(frame["predicted"] != "") & ~frame["predicted"].isin(EMOTIONS)]
    most = foreign if len(foreign) * 2 > (frame["predicted"] != "").sum() else foreign.head(0)
    _refuse(most, "predicted", source, "most predictions are no label of the audit:", remedy)
    foreign = foreign[foreign["status"] == "ok"]
    if len(foreign):
        listed = ", ".join(f"{value!r} ({times})" for value, times in foreign["predicted"].value_counts().items())
        notes.append(f"predicted: labels that the audit does not have count as wrong: {listed}.")
        frame.loc[foreign.index, "status"], frame.loc[foreign.index, "predicted"] = OTHER_LABEL, ""


def _one_number(frame, notes):
    """People whose ids are the same number (001, 1, 1.0) are one person, unless their groups differ."""
    person = frame["subject_id"].str.extract(r"^0*([0-9]+)(?:\.0*)?$")[0]
    numbered = frame[person.notna()].groupby([frame["dataset"], person])
    if not len(numbered) or (numbered["subject_id"].nunique() == 1).all():
        return
    before, apart = frame["subject_id"].nunique(), numbered["group"].transform("nunique") > 1
    same = numbered["subject_id"].transform("min").where(~apart)
    frame["subject_id"] = same.reindex(frame.index).fillna(frame["subject_id"])
    after = frame["subject_id"].nunique()
    notes.append(
        f"subject_id: ids that are the same number, such as 001, 1 and 1.0, were taken for one person: {after} people, "
        f"not {before}." + (" Where their groups differ they were left apart: please check." if apart.any() else "")
    )


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
    for dataset, groups in frame.groupby("dataset")["group"]:
        if groups.nunique() == 1:
            raise InputError(
                f"{source}: all people are {groups.iloc[0]} (dataset {dataset!r}): a disparity needs two groups. Add "
                f"people of another group, or name other columns: COLUMNS='race=... gender=...'."
            )
