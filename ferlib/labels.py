"""The seven emotions, the answer statuses, and the words that people use for them."""

import pandas as pd

from ferlib.errors import refuse

EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The labels of the study, in the order every table uses."""

STATUSES = ("ok", "refused", "blocked", "truncated", "unparsed", "error")
"""What can become of one question to a model. Only `ok` carries a predicted emotion; the others are outcomes too."""

GENDERS = ("Female", "Male")

ALLOWED = {"emotion": EMOTIONS, "gender": GENDERS}
"""What a column may hold. A race is whatever the dataset names it."""

ADJECTIVES = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
}
"""How a caption says the emotion of a person: "a photo of an angry person"."""

SYNONYMS = {
    "anger": ("anger", "angry", "angered", "furious", "mad", "rage", "enraged"),
    "disgust": ("disgust", "disgusted", "disgusting", "repulsed", "revulsion"),
    "fear": ("fear", "fearful", "afraid", "scared", "frightened", "terrified"),
    "happy": ("happy", "happiness", "joy", "joyful", "cheerful", "happily"),
    "neutral": ("neutral", "neutrality", "calm", "expressionless", "emotionless"),
    "sad": ("sad", "sadness", "unhappy", "sorrow", "sorrowful"),
    "surprise": ("surprise", "surprised", "astonished", "astonishment", "amazed"),
}
"""Words that stand for exactly one label. Each word occurs once, so that a word never has two readings."""


def group(race, gender):
    """Name of a race-gender group, as the tables spell it.

    Examples
    --------
    >>> group("Black", "Female")
    'Black Female'
    """
    return f"{race} {gender}"


def check_emotions(values, *, source):
    """Raise unless every value is one of the seven labels; parameters and errors as for `check`."""
    check(values, "emotion", source=source)


def check(values, name, *, source):
    """Raise unless every value is one of the labels allowed.

    Parameters
    ----------
    values : iterable of str
        Labels in file order; the first data row is row 2, below the header.
    name : str
        A key of `ALLOWED`.
    source : str or pathlib.Path
        The file that the labels were read from, for the message.

    Raises
    ------
    InputError
        Names the file, the first rows with an unknown label, the labels found and the labels allowed.
    """
    values = pd.Series(list(values), dtype=object)
    unknown = values[~values.isin(ALLOWED[name])]
    found = ", ".join(sorted({repr(value) for value in unknown})[:5])
    remedy = f"Allowed: {', '.join(ALLOWED[name])}. Rename the label in the file, or leave the row out."
    refuse(unknown, source, f"unknown {name} {found}", remedy)
