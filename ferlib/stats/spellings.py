"""Spellings: labels, statuses and ids of people, as files write them and as the audit does."""

import re

from ferlib.errors import refuse
from ferlib.labels import OTHER_LABEL, STATUSES, fold
from ferlib.labels import words as all_words

NUMBER = re.compile(r"^(?:label|class)?[_ ]*0*(?=[0-9])|\.0*$")
"""What stands around the number of a class: LABEL_4, 04, 4.0."""

DATE = re.compile(r"\d{1,2}-[A-Z][a-z]{2}|[A-Z][a-z]{2}-\d{1,2}|\d{4}-\d\d-\d\d( .*)?")  # 19-Oct, Oct-19, 2026-10-19


def words_of(scope):
    """What is read as which label: the usual words for those that have some, and what the user declared."""
    own = {fold(label): label for label in scope.labels}
    return {word: own[name] for word, name in all_words()[1].items() if name in own} | own


def label(frame, source, classes, words, notes):
    """Emotions and statuses in our words; what the model said beyond the labels is an outcome of its own."""
    statuses, own = all_words()[2], list(dict.fromkeys(words.values()))
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
    instead = instead.where((frame["status"] == "ok") | (frame["status"] == instead)).dropna()
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
    begins = (name for word, name in statuses.items() if len(word) > 12 and told.startswith(word))
    return statuses.get(told) or next(begins, None)


def dates(values, name, notes):
    """Bands such as 10-12, which spreadsheets take for dates, are told: nobody here can know what they were."""
    if found := sorted(value for value in set(values) if DATE.fullmatch(value)):
        notes.append(f"{name}: {', '.join(found[:5])} may be bands such as 10-12, which a spreadsheet took for a date.")


def one_number(frame, notes):
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


def refuse_values(rows, column, source, problem, remedy):
    found = ", ".join(sorted({repr(value) for value in rows[column].head(1000) if value != ""})[:5])
    refuse(rows, source, f"{problem} {found}".rstrip(), remedy)
