"""Intake: one file of predictions, checked row by row, as the manifest and the answers that the statistics read."""

import difflib
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ferlib.errors import InputError
from ferlib.labels import OTHER_LABEL, STATUSES, WHOLE, clean, fold, one_spelling, words
from ferlib.paths import relative
from ferlib.stats import sheets, spellings
from ferlib.stats.outcomes import KEY, lopsided
from ferlib.stats.scope import Scope
from ferlib.stats.spellings import refuse_values

REQUIRED = ("image_id", "subject_id", "emotion", "race", "gender", "predicted")
"""Columns that a file has, where it is about race and gender."""

OPTIONAL = {"dataset": "data", "model": "model", "variant": "only", "repeat": "0", "status": "ok"}
"""Columns that may be absent, and what is then in each row."""

MOST_GROUPS = 40  # more groups of an attribute than this are taken for a wrong column
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


def read(given, *, cluster="person", columns=None, classes=(), labels=(), attributes=(), measures=(), reference=None):
    """Read a file, or a data frame, of predictions.

    Parameters
    ----------
    given : str, pathlib.Path or pandas.DataFrame
        See `ferlib.stats.sheets.read` for the kinds of files. It has the columns `REQUIRED`, with other
        `attributes` in place of race and gender on wish, and perhaps those of `OPTIONAL`; in place of `predicted` there
        may be probabilities `p_anger` ... Blanks, capitals and the usual other words for columns, emotions and statuses
        do not matter (`data/intake/words.yaml`).
    cluster : {"person", "none"}
        With `none` each image is taken for another person; the column `subject_id` may be absent and is not used.
    columns : dict of str to str, optional
        Our name of a column to its name in the file, where they differ by more than that.
    classes : sequence of str
        Labels in the order of the numbers 0, 1, 2 ..., where the file holds numbers of classes.
    labels, attributes, measures : sequence of str, optional
    reference : dict of str to str, optional
        What the audit is about, where that is not the study's; see `ferlib.stats.scope.Scope`.

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
    scope = Scope.declared(labels=labels, attributes=attributes, measures=measures, reference=reference)
    read_as = spellings.words_of(scope)
    frame = _named(rows, source, columns or {}, scope, read_as, notes)
    frame = _tidy(frame, source, scope, cluster=cluster, notes=notes)
    spellings.label(frame, source, classes, read_as, notes)
    refuse_values(
        frame[(frame["status"] == "ok") & (frame["predicted"] == "")], "predicted", source, "no prediction",
        f"Where the model gave none, say why in a column `status`: {', '.join(STATUSES[1:])}.",
    )  # fmt: skip
    refuse_values(
        frame[(frame["status"] != "ok") & (frame["predicted"] != "")], "status", source,
        "a prediction beside a status other than 'ok'", "Empty `predicted`, or set `status` to ok.",
    )  # fmt: skip
    frame["repeat"] = frame["repeat"].str.replace(*WHOLE, regex=True)
    wrong = frame[~frame["repeat"].str.fullmatch(r"[0-9]{1,9}")]
    refuse_values(wrong, "repeat", source, "a repeat that is no number from 0", "Number the repeats 0, 1, 2 ...")
    frame["repeat"] = frame["repeat"].astype(int)
    for name in ("dataset", *scope.base):
        frame[name], merged = one_spelling(frame[name], words()["genders"] if name == "gender" else None)
        notes += [f"{name}: {change}" for change in merged]
    frame["group"] = scope.crossed(frame)
    if cluster != "none":
        spellings.one_number(frame, notes)
    _consistent(frame, source, scope)
    manifest = frame[["dataset", "image_id", "emotion", *scope.person]].drop_duplicates(["dataset", "image_id"])
    scope.check_reference(manifest)
    notes += lopsided(manifest)
    predictions = frame[[*KEY, "status"]].assign(predicted=frame["predicted"].replace("", None))
    manifest.attrs = predictions.attrs = scope.attrs
    return Taken(manifest, predictions, tuple(notes))


def _needed(scope):
    return (*REQUIRED[:3], *scope.base, *REQUIRED[5:])


def _named(rows, source, columns, scope, read_as, notes):
    """The rows under our names of columns."""
    for name in rows.columns[rows.columns.duplicated()]:
        if name:
            raise InputError(f"{source}: two columns are called {name!r}. Keep one.")
    known = (*_needed(scope), *OPTIONAL)
    for ours, theirs in columns.items():
        if ours not in known or (theirs not in rows and (theirs or ours not in OPTIONAL)):
            raise InputError(
                f"COLUMNS: {ours}={theirs}: give one of {', '.join(known)} = a column of {source}. "
                f"It has: {', '.join(map(repr, rows.columns[:20]))}. Several take commas between them."
            )
    named = {theirs: ours for ours, theirs in columns.items() if theirs}
    aliases = words()["columns"] | {fold(name): name for name in scope.base}
    notes += [f"As COLUMNS says, `{ours}` is the column {theirs!r}." for theirs, ours in named.items()]
    for ours in known:
        if ours in columns:
            continue
        close = [name for name in rows if name not in named and aliases.get(fold(name)) == ours]
        close = [name for name in close if fold(name) == fold(ours)] or close
        if len(close) > 1:
            found = " and ".join(map(repr, close))
            raise InputError(f"{source}: {found} could each be the column {ours!r}. Say which: COLUMNS={ours}=...")
        if close and close[0] != ours:
            named[close[0]] = ours
            notes.append(f"The column {close[0]!r} was taken for `{ours}`.")
    sure = "predicted" in columns or "predicted" in rows
    rows = rows.drop(columns=[name for name in columns if name in rows and name not in named]).rename(columns=named)
    rows = rows if "predicted" in rows else spellings.most_probable(rows, notes, read_as)
    if not sure and {"emotion", "predicted"} <= {*rows}:
        for name in spellings.labelled(rows, ["emotion", "predicted"], read_as):
            raise InputError(
                f"{source}: the column {name!r} holds labels, too, and is not used. Say which is the truth, and which "
                f"the answer: COLUMNS=emotion=...,predicted=... Or leave that column out."
            )
    return rows


def _tidy(rows, source, scope, *, cluster, notes):
    """The columns that are used: all there, without spaces, nothing empty that must not be."""
    needed = _needed(scope)
    missing = [name for name in needed if name not in rows and (name != "subject_id" or cluster != "none")]
    if missing:
        raise InputError(
            f"{source}: lacks the column {', '.join(map(repr, missing))}.{_hint(missing[0], needed, rows)}"
        )
    if rows.empty:
        raise InputError(f"{source}: has a header but no rows. It needs a row for each answer.")
    frame = pd.DataFrame(index=rows.index)
    for name in (*needed, *OPTIONAL):
        column = rows[name] if name in rows else pd.Series(OPTIONAL.get(name, ""), index=rows.index)
        frame[name] = column.map({value: clean(value) for value in column.unique()})
        if hidden := (frame[name] != column.str.strip()).sum():
            notes.append(f"{name}: invisible characters or double blanks were taken out of {hidden} values.")
    for name in scope.base:
        spellings.dates(frame[name], name, notes)
    frame["image_id"] = spellings.whole_numbers(frame["image_id"], "image_id", notes)
    if cluster == "none":
        frame["subject_id"] = frame["image_id"]
    nothing = {"", *words()["nothing"]} - {label.lower() for label in scope.labels}
    for name in ("predicted", "status"):
        frame[name] = frame[name].where(~frame[name].str.lower().isin(nothing), "")
    frame.loc[(frame["status"] == "") & (frame["predicted"] != ""), "status"] = "ok"
    for name in (name for name in frame if name != "predicted"):
        below_0 = frame[name].str.fullmatch(r"-\d+(\.0*)?") & (name in ("subject_id", *scope.base))
        blank, word = frame[frame[name] == ""], frame[frame[name].str.lower().isin(nothing) | below_0]
        fill = f"Fill it. {NOT_ALONE}" if name in scope.base else "Fill it, or leave the row out."
        refuse_values(blank, name, source, f"the column {name!r} is empty", fill)
        code = "a code, such as that of Native American people" if name == "race" else "a code"
        remedy = f"Is it {code}? Then write the name in full. {fill.removeprefix('Fill it. ')}"
        refuse_values(word, name, source, f"{name!r} may be empty or not:", remedy)
    for name in ("image_id", "subject_id"):
        shortened = frame[frame[name].str.fullmatch(spellings.SHORTENED)]
        problem = "a long number that a spreadsheet has shortened, so that several are alike:"
        refuse_values(shortened, name, source, problem, "Take the ids, as text, from where the file was made.")
    return frame


def _hint(name, needed, rows):
    if name == "subject_id":
        return (
            " It says who is in the image; without it nobody can tell how sure the result is. If it cannot be had, say "
            "so: make audit ... CLUSTER=none takes each image for another person, and intervals may be far too short."
        )
    close = difflib.get_close_matches(name, list(rows), n=3, cutoff=0.6)
    like = f"Did you mean {' or '.join(map(repr, close))}? Say COLUMNS={name}={close[0] if len(close) == 1 else '...'}."
    like = like if close else f"Needed: {', '.join(needed)}."
    return f" It has: {', '.join(map(repr, rows.columns[:20]))}. {like}"


def _consistent(frame, source, scope):
    """One label an image, one group a person, one answer a question, and groups that can be groups."""
    image, person = ["dataset", "image_id"], ["dataset", "subject_id"]
    for by, column, whose in (
        (image, "emotion", "an image with two true emotions"), (image, "subject_id", "an image of two people"),
        *((person, name, f"a person with two {name}s") for name in scope.base),
    ):  # fmt: skip
        differs = frame[frame.groupby(by)[column].transform("nunique") > 1]
        first = differs[(differs[by] == differs[by].head(1).to_numpy()).all(axis=1)] if len(differs) else differs
        name = f" ({by[1]} {first[by[1]].iloc[0]!r})" if len(first) else ""
        refuse_values(first, column, source, f"{whose}{name}:", "Keep one, or separate the ids.")
    double = frame[frame.duplicated(list(KEY), keep=False)].sort_values(list(KEY), kind="stable")
    remedy = "Keep one, or number them in a column `repeat`, or name what differs in `variant` or `model`."
    refuse_values(double, "image_id", source, "more than one answer for the same image", remedy)
    pairs = frame[[*scope.base, "group"]].drop_duplicates()
    for name in scope.attributes:
        if (many := frame[name].nunique()) > MOST_GROUPS:
            raise InputError(
                f"{source}: {many} groups by {name}; at most {MOST_GROUPS} can be compared. Write bands in place of "
                f"numbers, or name other columns: ATTRIBUTES=..."
            )
    if pairs["group"].duplicated().any():
        raise InputError(f"{source}: two groups are called {pairs['group'][pairs['group'].duplicated()].iloc[0]!r}.")
    models = frame.groupby("model")["group"].nunique()
    if len(models) > 1 and (models == 1).all():
        raise InputError(
            f"{source}: each of the {len(models)} models, such as {models.index[0]!r}, was asked about one group only: "
            f"none can be judged. If that column does not name models, say COLUMNS=model= (nothing)."
        )
    for dataset, groups in frame.groupby("dataset")["group"]:
        if groups.nunique() == 1:
            raise InputError(
                f"{source}: all people are {groups.iloc[0]} (dataset {dataset!r}): a disparity needs two groups. Add "
                f"people of another group, or name other columns: ATTRIBUTES=..."
            )
