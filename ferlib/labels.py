"""The seven emotions, the answer statuses, and the words that people use for them."""

import functools
import re
import unicodedata

import pandas as pd
import yaml

from ferlib.errors import refuse
from ferlib.paths import ROOT

EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The labels of the study, in the order every table uses."""

OTHER_LABEL = "other_label"
"""The model named something that is none of the labels, such as contempt: an answer, and never the right one."""

STATUSES = ("ok", "refused", "blocked", "truncated", "unparsed", "no_face", OTHER_LABEL, "error")
"""What can become of one question to a model. Only `ok` carries a predicted emotion; the others are outcomes too."""

GENDERS = ("Female", "Male")

ALLOWED = {"emotion": EMOTIONS, "gender": (*GENDERS, "Non-binary", "unsure", "unknown")}
"""What a column may hold; where nobody knows, that is a group like any other. A race is what the dataset names it."""

_GIVEN = yaml.safe_load((ROOT / "data" / "intake" / "words.yaml").read_text(encoding="utf-8"))

ADJECTIVES = _GIVEN["adjectives"]
"""How a caption says the emotion of a person: "a photo of an angry person"."""

SYNONYMS = {name: tuple(words) for name, words in _GIVEN["synonyms"].items()}
"""Words that stand for exactly one label. Each word occurs once, so that a word never has two readings."""


def group(race, gender):
    """Name of a race-gender group, as the tables spell it.

    Examples
    --------
    >>> group("Black", "Female")
    'Black Female'
    """
    return f"{race} {gender}"


def check(values, name, *, source, allowed=None):
    """Raise unless every value is one of the labels allowed.

    Parameters
    ----------
    values : iterable of str
        Labels in file order; the first data row is row 2, below the header.
    name : str
        A key of `ALLOWED`.
    source : str or pathlib.Path
        The file that the labels were read from, for the message.
    allowed : sequence of str, optional
        Other labels than those of `ALLOWED`.

    Raises
    ------
    InputError
        Names the file, the first rows with an unknown label, the labels found and the labels allowed.
    """
    values = pd.Series(list(values), dtype=object)
    allowed = allowed or ALLOWED[name]
    unknown = values[~values.isin(allowed)]
    found = ", ".join(sorted({repr(value) for value in unknown})[:5])
    remedy = f"Allowed: {', '.join(allowed)}. Rename the label in the file, or leave the row out."
    refuse(unknown, source, f"unknown {name} {found}", remedy)


WHOLE = r"^(\d+)\.0+$", r"\1"  # what programs make of whole numbers beside an empty cell, and what they were


def fold(word):
    """A word without capitals, blanks and punctuation, to compare it."""
    return re.sub(r"[\W_]+", "", word.casefold())


def clean(value):
    """A text without the characters that nobody sees, blanks at its ends and double blanks."""
    if not value.isascii():
        value = "".join(c for c in unicodedata.normalize("NFC", value) if unicodedata.category(c) != "Cf")
    return " ".join(value.split())


@functools.cache
def words():
    """Other words of files of predictions: by kind, the folded word and what it stands for; `nothing` is not folded."""
    kinds = {kind: _GIVEN[kind] for kind in ("columns", "statuses", "genders")}
    kinds |= {kind: dict.fromkeys(_GIVEN[kind], ()) for kind in ("foreign", "around")}
    kinds["emotions"] = {name: (*SYNONYMS[name], *_GIVEN["emotions"].get(name, ())) for name in EMOTIONS}
    folded = {
        kind: {fold(word) or word: name for name, others in meant.items() for word in (name, *others)}
        for kind, meant in kinds.items()
    }
    return folded | {"nothing": frozenset(_GIVEN["nothing"])}


def one_spelling(values, meant=None):
    """Values that differ in capitals, in what joins their words or in .0 only: each in its most frequent spelling.

    Parameters
    ----------
    values : pandas.Series of str
    meant : dict of str to str, optional
        Folded words that mean the same.

    Returns
    -------
    values : pandas.Series of str
    changes : list of str
        What was read as what, in words.
    """
    times = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    apart = times.index.str.replace(r"(?<=[a-z])(?=[A-Z])", " ", regex=True).str.casefold()
    alike = apart.str.replace(r"(?<=[^\W\d_])[ _/-]+(?=[^\W\d_])", " ", regex=True)
    alike = alike.str.replace(*WHOLE, regex=True).map(lambda word: (meant or {}).get(fold(word), word))
    first = pd.Series(times.index, index=times.index).groupby(alike).transform("first")
    others = first.index[first != first.index]
    return values.map(first), [f"{other!r} ({times[other]} rows) was read as {first[other]!r}." for other in others]
