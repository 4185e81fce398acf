"""The words of answers that stand for the seven emotions, negate, or decline, in the languages of prompts.

A prompt names its language; its answers are read with that language's words and the English ones, since models fall
back into English. The words are data, in data/languages/: how a model declines was tuned on one half of a labelled set
of replies, and measured on both.
"""

import functools
import re
import unicodedata

import yaml

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS, SYNONYMS
from ferlib.paths import ROOT

FOLDER = ROOT / "data" / "languages"

PLAIN = str.maketrans({"œ": "oe", "Œ": "OE", **dict.fromkeys("’‘`´ʼ＇", "'")})
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})

RATING = re.compile(r"\b(?:rat(?:e|es|ed|ing|ings)|scor(?:e|es|ed|ing)|numbers?|percentages?|quantif\w+)\b")
"""What the forms that ask for numbers ask to do."""

CLAUSES = re.compile(
    r"[.!?\n;。！？；]+|,?\s+(?:but|however|though|aber|doch|pero|mais|mas|ma|ama|fakat)\s+|,?\s*(?:但是|但|不过)"
)
"""Where one clause ends and another may take it back: "I cannot be certain, but she looks happy"."""


@functools.cache
def read(name="emotions"):
    """Content of a file of data/languages/."""
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def fold(text):
    """Text in which words compare equal whatever their case, in any of the languages.

    Case is folded as Unicode does it (German ß and SS, the two Greek sigmas), letters lose their marks, full-width
    letters and apostrophes become plain ones, and Turkish dotted and dotless i are one letter.

    Examples
    --------
    >>> fold("DÉGOÛT") == fold("degout"), fold("KIZGIN") == fold("kızgın"), fold("İĞRENME") == fold("iğrenme")
    (True, True, True)
    """
    plain = unicodedata.normalize("NFKD", text.translate(PLAIN)).casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)).replace("ı", "i")


def languages():
    """Languages that a prompt may be written in."""
    return sorted(read()["negations"])


def names(language="en"):
    """What a prompt calls the seven labels, as dict of label to name in the order of `ferlib.labels.EMOTIONS`."""
    if language == "en":
        return {label: label for label in EMOTIONS}
    return {label: read()["words"][language][label].split()[0].rstrip("/") for label in EMOTIONS}


@functools.cache
def label_of(language="en"):
    """The label that each word of a language, and each English one, stands for: dict of folded word to label."""
    english = read()["words"]["en"]
    words = {fold(word): label for label in EMOTIONS for word in (*SYNONYMS[label], *english[label].split())}
    for label, line in read()["words"][language].items() if language != "en" else ():
        for word in _inflected(line.split(), language):
            for spelling in {fold(word), fold(word.translate(UMLAUTS))}:
                if words.setdefault(spelling, label) != label:
                    raise InputError(f"vocabulary {language}: {word!r} stands for {words[spelling]!r} and {label!r}.")
    return words


@functools.cache
def negation(language):
    """Pattern of the words of a language, and of English ones, that turn a label into its opposite or leave it open."""
    negations = read()["negations"]
    words = [*negations["en"], *(negations[language] if language != "en" else ())]
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


def declines(text):
    """The folded clauses of a reply, each with whether it declines: a list of (str, bool).

    Examples
    --------
    >>> [refused for _, refused in declines("I'm sorry, but I can't identify emotions from faces.")]
    [False, True]
    >>> any(refused for _, refused in declines("I cannot tell, the image is too dark."))
    False
    """
    return [(clause, _declines(clause)) for clause in map(str.strip, CLAUSES.split(fold(text))) if clause]


def _declines(clause):
    for cannot, task, decline, doubt in _patterns():
        unable, doubts = cannot.search(clause), doubt.search(clause)
        asked = task.search(clause) or RATING.search(clause)
        if (decline.search(clause) and (unable or not doubts)) or (unable and asked and not doubts):
            return True
    return False


@functools.cache
def _patterns():
    ways = ("cannot", "task", "decline", "doubt")
    return [tuple(re.compile(entry[way]) for way in ways) for entry in read("refusals").values()]


def _inflected(words, language):
    for entry in words:
        yield (word := entry.rstrip("/"))
        for ending, others in read()["endings"][language].items() if entry.endswith("/") else ():
            if word.endswith(ending):
                yield from (word.removesuffix(ending) + other for other in others)
