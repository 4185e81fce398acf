"""Spellings: labels, statuses and ids of people, as files write them and as the audit does."""

import re

import pandas as pd

from ferlib.errors import refuse
from ferlib.labels import OTHER_LABEL, STATUSES, WHOLE, fold
from ferlib.labels import words as all_words

NUMBER = re.compile(r"^(?:label|class)?[_ ]*0*(?=[0-9])|\.0*$")
"""What stands around the number of a class: LABEL_4, 04, 4.0."""

DATE = re.compile(r"\d{1,2}-[A-Z][a-z]{2}|[A-Z][a-z]{2}-\d{1,2}|\d{4}-\d\d-\d\d( .*)?")  # 19-Oct, Oct-19, 2026-10-19

SHORTENED = r"-?\d[.,]?\d*E\+\d+"  # what a spreadsheet leaves of a long number: 1.23457E+11


def words_of(scope):
    """What is read as which label: the usual words for those that have some, and what the user declared."""
    own, usual = {fold(label): label for label in scope.labels}, all_words()["emotions"]
    meant = {}  # LABELS may say angry where the study says anger, or joy beside happy
    for word in own:
        meant.setdefault(usual.get(word), []).append(word)
    named = {name: own[name] if name in words else own[words[0]] for name, words in meant.items()
             if name in words or len(words) == 1}  # fmt: skip
    return {word: named[name] for word, name in usual.items() if name in named} | own


def most_probable(rows, notes, known):
    """A table of texts, with `predicted` made of the columns of numbers of labels, if it has any; `notes` says so.

    These are called by a known word, alone or with one such as `p_` around it. Where they do not add up to 1 or 100,
    a further column of numbers with which they do is one of another label.
    """
    labels, around = known.keys() | all_words()["foreign"].keys(), all_words()["around"]
    short = {name: "".join(part for part in re.split(r"[\W_]+", name) if fold(part) not in around) for name in rows}
    named = [name for name in rows if fold(short[name]) in labels]
    named = [name for name in named if name.startswith("p_")] or named
    values = _numbers(rows[named]).dropna(axis=1, how="all")
    if sum(fold(short[name]) in known for name in values) < 2:
        return rows
    whole = values.notna().all(axis=1)
    sums = values[whole].sum(axis=1)
    total = 100 if sums.max() > 1.5 else 1
    lack = total - sums
    if (values.min(axis=None) >= 0) and (lack.abs() > total / 50).mean() > 0.05:
        numbers = _numbers(rows.drop(columns=list(values)))
        others = [name for name in numbers if numbers[name].between(0, total).all()]
        for more in [others, *([name] for name in others)]:
            if more and ((lack - numbers[whole][more].sum(axis=1)).abs() <= total / 50).mean() > 0.95:
                values = values.join(numbers[more])
                break
        else:
            notes.append(
                f"`predicted`: {', '.join(values)} do not add up to 1 or 100. Is the column of a label missing?"
            )
    tied = (values.eq(values.max(axis=1), axis=0).sum(axis=1) > 1) & whole
    again = f" In {tied.sum()} rows two were equal: the first counts." if tied.any() else ""
    notes.append(f"`predicted` is the most probable of {', '.join(values)}.{again}")
    best = values[whole].idxmax(axis=1).map(lambda name: short[name] or name)
    return rows.assign(predicted=best.reindex(rows.index, fill_value=""))


def _numbers(rows):
    """Columns of texts as numbers, NaN where a text is none; a decimal comma and a sign of percent are understood."""
    return rows.apply(lambda one: pd.to_numeric(one.str.rstrip("% ").str.replace(",", "."), errors="coerce"))


def labelled(rows, used, known):
    """Names of the columns beyond those used that hold labels: in nearly all cells, not always one, not those used."""
    said = {name: rows[name].map({value: known.get(fold(value)) for value in rows[name].unique()}) for name in rows}
    others = [name for name in rows if name not in used and said[name].nunique() > 1]
    others = [name for name in others if said[name][rows[name] != ""].notna().mean() > 0.9]
    return [name for name in others if not any(said[name].equals(said[other]) for other in used)]


def label(frame, source, classes, words, notes):
    """Emotions and statuses in our words; what the model said beyond the labels is an outcome of its own."""
    statuses, own = all_words()["statuses"], list(dict.fromkeys(words.values()))
    numbers = {str(number): name for number, name in enumerate(classes)}
    said = {}
    for name in ("emotion", "predicted"):
        named = {value: numbers.get(NUMBER.sub("", value.lower()), value) for value in frame[name].unique()}
        said[name] = frame[name].map({old: words.get(fold(new), new.lower()) for old, new in named.items()})
        other = (said[name].str.lower() != frame[name].str.lower()) & said[name].isin(own)
        pairs = (frame[name][other] + " = " + said[name][other]).unique()
        if len(pairs):
            notes.append(f"{name}: read as the labels of the audit: {', '.join(sorted(pairs)[:20])}.")
    remedy = (
        f"Allowed: {', '.join(own)}, or usual words for them. Numbers of classes need CLASSES= (their order), another "
        f"task than this LABELS= (its labels)."
    )
    refuse_values(frame[~said["emotion"].isin(own)], "emotion", source, "unknown emotion", remedy)
    frame["emotion"], frame["predicted"] = said["emotion"], said["predicted"]
    spelt = {value: statuses.get(fold(value), value.lower()) for value in frame["status"].unique()}
    frame["status"] = frame["status"].map(spelt)
    allowed = f"Allowed: {', '.join(STATUSES)}."
    refuse_values(frame[~frame["status"].isin(STATUSES)], "status", source, "unknown status", allowed)
    instead = frame["predicted"].map({value: _status(value, statuses) for value in set(frame["predicted"]) - set(own)})
    instead = instead.where(instead != "ok").where((frame["status"] == "ok") | (frame["status"] == instead)).dropna()
    frame.loc[instead.index, "status"], frame.loc[instead.index, "predicted"] = instead, ""
    foreign = frame[(frame["predicted"] != "") & ~frame["predicted"].isin(own)]
    most = foreign if len(foreign) * 2 > (frame["predicted"] != "").sum() else foreign.head(0)
    refuse_values(most, "predicted", source, "most predictions are no label of the audit:", remedy)
    foreign = foreign[foreign["status"] == "ok"]
    if len(foreign):
        listed = ", ".join(f"{value!r} ({times})" for value, times in foreign["predicted"].value_counts().items())
        notes.append(f"predicted: labels that the audit does not have count as wrong: {listed}.")
        frame.loc[foreign.index, "status"], frame.loc[foreign.index, "predicted"] = OTHER_LABEL, ""


def _status(value, statuses):
    """The status that a word names, or a sentence begins with."""
    told = fold(value) or value
    begins = (name for word, name in statuses.items() if len(word) > 9 and told.startswith(word))
    return statuses.get(told, next(begins, None))


def dates(values, name, notes):
    """Bands such as 10-12, which spreadsheets take for dates, are told: nobody here can know what they were."""
    if found := sorted(value for value in set(values) if DATE.fullmatch(value)):
        notes.append(f"{name}: {', '.join(found[:5])} may be bands such as 10-12, which a spreadsheet took for a date.")


def one_number(frame, notes):
    """People whose ids are the same number (001, 1, 1.0) are one person, unless their groups differ."""
    person = frame["subject_id"].str.extract(r"^0*([0-9]+)(?:\.0*)?$")[0]
    capitals = frame["subject_id"].nunique() - frame["subject_id"].str.casefold().nunique()
    if capitals:
        notes.append(
            f"subject_id: {capitals} ids differ from others in capitals only, and were left apart: please check."
        )
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


def whole_numbers(values, name, notes):
    """Ids with .0 as they were, where a file has them both ways."""
    whole = values.str.replace(*WHOLE, regex=True)
    if whole.nunique() == values.nunique():
        return values
    notes.append(f"{name}: ids such as 1 and 1.0 were taken for one.")
    return whole


def refuse_values(rows, column, source, problem, remedy):
    found = ", ".join(sorted({repr(value) for value in rows[column].head(1000) if value != ""})[:5])
    refuse(rows, source, f"{problem} {found}".rstrip(), remedy)
