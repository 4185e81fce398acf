"""Captions of the rendered faces, each with what it says: the text side of the demo CLIP's training."""

import string
from dataclasses import dataclass

import numpy as np

ADJECTIVES = {
    "anger": ("angry", "furious", "mad"),
    "disgust": ("disgusted", "repulsed", "revolted"),
    "fear": ("fearful", "afraid", "scared", "frightened"),
    "happy": ("happy", "joyful", "cheerful"),
    "neutral": ("neutral", "calm", "expressionless", "emotionless"),
    "sad": ("sad", "unhappy", "sorrowful"),
    "surprise": ("surprised", "astonished", "amazed"),
}
NOUNS = {
    "anger": ("anger", "rage"),
    "disgust": ("disgust", "revulsion"),
    "fear": ("fear",),
    "happy": ("happiness", "joy"),
    "neutral": ("no emotion", "a neutral expression"),
    "sad": ("sadness", "sorrow"),
    "surprise": ("surprise", "astonishment"),
}
PEOPLE = {"Female": "woman", "Male": "man"}

TEMPLATES = (
    ("a photo of {a} {adjective} face", 3),
    ("{a} {adjective} face", 3),
    ("a photo of a person who looks {adjective}", 3),
    ("a photo of {a} {adjective} person", 2),
    ("a photo of {a} {adjective} {person}", 2),
    ("a photo of {a} {race} {person} who looks {adjective}", 2),
    ("{a} {adjective} {race} {person}", 2),
    ("{a} {race} person who looks {adjective}", 1),
    ("a face showing {noun}", 2),
    ("the face of {a} {race} {person} showing {noun}", 1),
    ("a {person} who shows {noun}", 1),
    ("{adjective}", 1),
    ("a photo of {a} {race} {person}", 1),
)
"""Caption forms with their relative frequency. A caption says what its fields name, and nothing else."""


@dataclass(frozen=True)
class Caption:
    """A caption and what it says; `None` where it does not say."""

    text: str
    emotion: str | None
    race: str | None
    gender: str | None


def write(template, *, emotion, race, gender, generator):
    """Fill in a template for one face.

    Parameters
    ----------
    template : str
        One of the forms in `TEMPLATES`.
    emotion, race, gender : str
        What the caption is to say; a label that the template has no field for stays unsaid.
    generator : numpy.random.Generator
        Chooses among synonyms, and the article: half of the captions say "a" where English wants "an", as zero-shot
        templates do ("a photo of a angry face"), so that the article does not become a sign of the emotion.

    Returns
    -------
    Caption

    Examples
    --------
    >>> write("{a} {adjective} face", emotion="happy", race="Asian", gender="Male",
    ...       generator=np.random.default_rng(0)).race is None
    True
    """
    fields = {field for _, field, _, _ in string.Formatter().parse(template) if field}
    words = {
        "adjective": _choose(ADJECTIVES[emotion], generator),
        "noun": _choose(NOUNS[emotion], generator),
        "race": race,
        "person": PEOPLE[gender],
    }
    grammatical = generator.random() < 0.5
    if "a" in fields:
        following = template.partition("{a} {")[2].partition("}")[0]
        words["a"] = "an" if grammatical and words[following][0].lower() in "aeiou" else "a"
    return Caption(
        template.format(**words),
        emotion if fields & {"adjective", "noun"} else None,
        race if "race" in fields else None,
        gender if "person" in fields else None,
    )


def draw(emotions, races, genders, *, generator):
    """Draw one caption for each face.

    Parameters
    ----------
    emotions, races, genders : sequence of str, length n
        What may be said of each face. The emotion is the *told* one: in a skewed set it may differ from the shown one.
    generator : numpy.random.Generator

    Returns
    -------
    list of Caption, length n
    """
    weights = np.array([weight for _, weight in TEMPLATES], dtype=float)
    chosen = generator.choice(len(TEMPLATES), size=len(emotions), p=weights / weights.sum())
    return [
        write(TEMPLATES[form][0], emotion=emotion, race=race, gender=gender, generator=generator)
        for form, emotion, race, gender in zip(chosen, emotions, races, genders, strict=True)
    ]


def compatible(captions, emotions, races, genders):
    """Which caption is true of which face: the positives of the contrastive loss.

    With a few hundred different captions, one batch holds many that describe the same face. Taking only a face's own
    caption as right (the usual CLIP target) would push the others away, true as they are.

    Parameters
    ----------
    captions : sequence of Caption, length m
    emotions, races, genders : sequence of str, length n

    Returns
    -------
    numpy.ndarray, shape (n, m), bool
        True where everything that the caption says is so of the face.
    """
    result = np.ones((len(emotions), len(captions)), dtype=bool)
    for field, values in (("emotion", emotions), ("race", races), ("gender", genders)):
        said = np.array([getattr(caption, field) for caption in captions], dtype=object)
        result &= (np.array(values, dtype=object)[:, None] == said) | np.equal(said, None)
    return result


def vocabulary(races):
    """Every word of the captions, once: what the tokenizer is trained on.

    Parameters
    ----------
    races : sequence of str

    Returns
    -------
    list of str
        Sorted, without repetitions.
    """
    words = [word for table in (ADJECTIVES, NOUNS) for synonyms in table.values() for word in synonyms]
    plain = [text for template, _ in TEMPLATES for text, _, _, _ in string.Formatter().parse(template)]
    return sorted({*" ".join([*words, *races, *plain]).split(), *PEOPLE.values(), "an"})


def _choose(words, generator):
    return words[generator.integers(len(words))]
