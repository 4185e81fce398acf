"""The seven emotions, the answer statuses, and the words that people use for them."""

from ferlib.errors import InputError

EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The labels of the study, in the order every table uses."""

STATUSES = ("ok", "refused", "blocked", "truncated", "unparsed", "error")
"""What can become of one question to a model. Only `ok` carries a predicted emotion; the others are outcomes too."""

GENDERS = ("Female", "Male")

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
    """Raise unless every value is one of the seven labels.

    Parameters
    ----------
    values : iterable of str
        Labels in file order; the first data row is row 2, below the header.
    source : str or pathlib.Path
        The file that the labels were read from, for the message.

    Raises
    ------
    InputError
        Names the file, the first rows with an unknown label, the labels found and the labels allowed.
    """
    unknown = [(row, value) for row, value in enumerate(values, start=2) if value not in EMOTIONS]
    if unknown:
        found = sorted({str(value) for _, value in unknown})
        rows = ", ".join(str(row) for row, _ in unknown[:5]) + (" ..." if len(unknown) > 5 else "")
        raise InputError(
            f"{source}: unknown emotion {', '.join(map(repr, found))} (row {rows}; {len(unknown)} in all). "
            f"Allowed: {', '.join(EMOTIONS)}. Rename the label in the file, or leave the row out."
        )
