"""The words that stand for the seven emotions, in English and in the languages that prompts may be written in.

A word stands for one emotion and no other; words that can be read in two ways (shocked, content, startled) are left out
on purpose. So is Turkish sinirli (angry), since sınırlı (limited) is the same word in capitals without dots. A prompt
names its language; its answers are read with that language's words and the English ones, since models fall back into
English.
"""

import functools
import re
import unicodedata

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS, SYNONYMS

INFLECTIONS = {
    "anger": ("angrier", "angriest", "irate", "outraged", "infuriated", "wrathful", "fury"),
    "disgust": ("disgusts", "revolted", "repulsion", "disgustedness"),
    "fear": ("fears", "fearfulness", "fright", "terror", "frightful"),
    "happy": ("happier", "happiest", "joyous", "joyfulness", "cheerfulness", "delighted", "elated", "gladness"),
    "neutral": ("neutrally", "unemotional", "impassive", "calmness"),
    "sad": ("sadder", "saddest", "saddened", "unhappiness", "mournful"),
    "surprise": ("surprises", "amazement", "astounded"),
}
"""English words beyond `ferlib.labels.SYNONYMS`."""

TRANSLATIONS = {
    "de": {
        "anger": "Wut wütend/ Zorn zornig/ Ärger ärgerlich/ verärgert/",
        "disgust": "Ekel angeekelt/ angewidert/ Abscheu",
        "fear": "Angst ängstlich/ Furcht furchtsam/ verängstigt/",
        "happy": "Freude freudig/ fröhlich/ glücklich/",
        "neutral": "neutral/ ausdruckslos/",
        "sad": "Trauer traurig/ Traurigkeit",
        "surprise": "Überraschung überrascht/ erstaunt/",
    },
    "es": {
        "anger": "ira enojado/ enfado enfadado/ enojo furioso/",
        "disgust": "asco repugnancia",
        "fear": "miedo temor asustado/ temeroso/",
        "happy": "alegría alegre/ feliz felices felicidad",
        "neutral": "neutral neutro/ inexpresivo/",
        "sad": "tristeza triste/",
        "surprise": "sorpresa sorprendido/ asombrado/",
    },
    "fr": {
        "anger": "colère fâché/ furieux furieuse furieuses",
        "disgust": "dégoût dégoûté/ écœuré/",
        "fear": "peur effrayé/ apeuré/ craintif craintive",
        "happy": "joie joyeux joyeuse joyeuses heureux heureuse heureuses",
        "neutral": "neutre neutres inexpressif inexpressive",
        "sad": "tristesse triste tristes",
        "surprise": "surprise surpris surpris/ étonné/",
    },
    "it": {
        "anger": "rabbia arrabbiato/ furioso/",
        "disgust": "disgusto disgustato/",
        "fear": "paura impaurito/ spaventato/",
        "happy": "felicità felice/ gioia contento/",
        "neutral": "neutro/ neutrale/ inespressivo/",
        "sad": "tristezza triste/",
        "surprise": "sorpresa sorpreso/ stupito/",
    },
    "pt": {
        "anger": "raiva zangado/ irritado/ furioso/",
        "disgust": "nojo repulsa enojado/",
        "fear": "medo assustado/ amedrontado/",
        "happy": "felicidade feliz felizes alegria alegre/",
        "neutral": "neutro/ inexpressivo/",
        "sad": "tristeza triste/",
        "surprise": "surpresa surpreso/ surpreendido/ espantado/",
    },
    "tr": {
        "anger": "öfke öfkeli kızgın kızgınlık",
        "disgust": "iğrenme tiksinti iğrenmiş tiksinmiş",
        "fear": "korku korkmuş korkulu",
        "happy": "mutluluk mutlu neşeli neşe",
        "neutral": "nötr ifadesiz",
        "sad": "üzüntü üzgün mutsuz mutsuzluk",
        "surprise": "şaşkınlık şaşkın şaşırmış",
    },
}
"""Words by language, the one that a prompt names first. A word that ends in `/` also occurs with the endings of
`ENDINGS`: numbers, genders and cases."""

ENDINGS = {
    "de": {"": ("e", "er", "en", "es", "em")},
    "es": {"o": ("a", "os", "as"), "e": ("es",)},
    "fr": {"": ("e", "s", "es")},
    "it": {"o": ("a", "i", "e"), "e": ("i",)},
    "pt": {"o": ("a", "os", "as"), "e": ("es",)},
}

NEGATIONS = {
    "en": (),
    "de": ("nicht", "kein", "keine", "keinen", "keiner", "weder", "ohne", "nie", "kaum"),
    "es": ("no", "ni", "sin", "nunca", "ningun", "ninguna", "tampoco"),
    "fr": ("ne", "pas", "ni", "sans", "jamais", "aucun", "aucune", "guere"),
    "it": ("non", "ne", "senza", "mai", "nessun", "nessuna"),
    "pt": ("nao", "nem", "sem", "nunca", "nenhum", "nenhuma"),
    "tr": ("degil", "yok", "hic", "olmayan"),
}
"""Words that can turn a label into its opposite, folded; the English ones are in `ferlib.lmfm.parse`."""

REFUSALS = {
    "en": (
        r"(?:ca(?:n't|nnot|n\s+not)|won't|will\s+not|(?:un|not\s+)able\s+to|must\s+decline|decline\s+to)",
        r"(?:help|assist|comply|analy[sz]e|identify|provide|answer|fulfil|fulfill|discuss|process|request)",
        r"(?:sorry|apologi[sz]e|apologies)",
    ),
    "de": (r"(?:kann|darf|konnte|mochte)\b[^.!?\n]*?\bnicht", r"(?:helfen|beantworten|identifizieren)", r"leid"),
    "es": (r"no\s+(?:puedo|podre)", r"(?:ayudar\w*|identificar|analizar|responder)", r"(?:lo\s+siento|disculp\w+)"),
    "fr": (r"ne\s+(?:peux|puis)(?:\s+pas)?", r"(?:aider|identifier|analyser|repondre)", r"(?:desolee?|regrette)"),
    "it": (r"non\s+posso", r"(?:aiutar\w*|identificare|analizzare|rispondere)", r"(?:dispiace|scus\w+)"),
    "pt": (r"nao\s+(?:posso|consigo)", r"(?:ajudar|identificar|analisar|responder)", r"(?:desculp\w+|lamento|sinto)"),
    "tr": (r"(?:olamam|edemem|yapamam|veremem)", r"(?:yardimci|yardim|yanit|cevap)", r"(?:uzgunum|maalesef)"),
}
"""How a model declines in plain words, folded: that it cannot, what it cannot do, and how it apologises. It declines
where the first goes with one of the others; "I cannot tell" alone is doubt."""

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def fold(text):
    """Text in which words compare equal whatever their case, in any of the languages.

    Case is folded as Unicode does it (German ß and SS, the two Greek sigmas), letters lose their marks (French
    capitals are often written without), full-width letters become plain ones, and Turkish dotted and dotless i are
    one letter.

    Examples
    --------
    >>> fold("DÉGOÛT") == fold("degout"), fold("KIZGIN") == fold("kızgın"), fold("İĞRENME") == fold("iğrenme")
    (True, True, True)
    """
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE")).casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)).replace("ı", "i")


def languages():
    """Languages that a prompt may be written in."""
    return sorted(NEGATIONS)


def names(language="en"):
    """What a prompt calls the seven labels, in the order of `ferlib.labels.EMOTIONS`.

    Returns
    -------
    dict of str to str
        Label to name; the labels themselves in English.
    """
    if language == "en":
        return {label: label for label in EMOTIONS}
    return {label: TRANSLATIONS[language][label].split()[0].rstrip("/") for label in EMOTIONS}


@functools.cache
def label_of(language="en"):
    """The label that each word stands for.

    Parameters
    ----------
    language : str
        One of `languages()`. English words are always among them.

    Returns
    -------
    dict of str to str
        Folded word to label.

    Raises
    ------
    InputError
        When a word would have two readings.
    """
    words = {fold(word): label for label in EMOTIONS for word in (*SYNONYMS[label], *INFLECTIONS[label])}
    for label, line in TRANSLATIONS.get(language, {}).items():
        for word in _inflected(line.split(), language):
            for spelling in {fold(word), fold(word.translate(UMLAUTS))}:
                if words.setdefault(spelling, label) != label:
                    raise InputError(f"vocabulary {language}: {word!r} stands for {words[spelling]!r} and {label!r}.")
    return words


@functools.cache
def declining(language="en"):
    """Pattern of a sentence that declines in plain words, in a language or in English.

    Parameters
    ----------
    language : str

    Returns
    -------
    re.Pattern
        For folded text.
    """
    ways = []
    for cannot, do, sorry in {REFUSALS["en"], REFUSALS[language]}:
        within = r"[^.!?\n]*?"
        ways += [rf"\b{first}\b{within}\b{second}\b" for first, second in ((cannot, do), (do, cannot), (sorry, cannot))]
    return re.compile("|".join(sorted(ways)))


def _inflected(words, language):
    for entry in words:
        word = entry.rstrip("/")
        yield word
        if entry.endswith("/"):
            for ending, others in ENDINGS[language].items():
                if word.endswith(ending):
                    yield from (word[: len(word) - len(ending)] + other for other in others)
