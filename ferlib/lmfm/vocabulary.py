"""The words that stand for the seven emotions, in English and in the languages that prompts may be written in.

A prompt names its language; its answers are read with that language's words and the English ones, since models fall
back into English. The words are in data/languages/emotions.yaml.
"""

import functools
import unicodedata

import yaml

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS, SYNONYMS
from ferlib.paths import ROOT

FOLDER = ROOT / "data" / "languages"

PLAIN = str.maketrans({"œ": "oe", "Œ": "OE", **dict.fromkeys("’‘`´ʼ＇", "'")})
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@functools.cache
def read(name="emotions", folder=FOLDER):
    """Content of a file of data/languages/."""
    return yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))


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


def _inflected(words, language):
    for entry in words:
        yield (word := entry.rstrip("/"))
        for ending, others in read()["endings"][language].items() if entry.endswith("/") else ():
            if word.endswith(ending):
                yield from (word.removesuffix(ending) + other for other in others)
