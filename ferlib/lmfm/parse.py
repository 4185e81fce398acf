"""A model's own words to one of the seven labels, or to the status that says why there is none.

Never a guess: whatever could be read in two ways is `unparsed`, and the words themselves are kept in the store.
"""

import re
import unicodedata

from ferlib.labels import SYNONYMS

LABEL_OF = {word: label for label, words in SYNONYMS.items() for word in words}

NEGATION = re.compile(
    r"\b(?:no|not|never|neither|nor|none|nothing|non|un|without|hardly|barely|scarcely|cannot|lack(?:s|ing)?"
    r"|absen(?:ce|t)|except|unlike|rather\s+than|instead\s+of|far\s+from|anything\s+but|free\s+(?:of|from)"
    r"|\w+n't|(?:is|are|was|does|do|did|ca|could|would|should)nt)\b"
)
"""Words that can turn a label into its opposite."""

SPEAKER = re.compile(
    r"\bi(?:'m|\s+am|'d\s+be|\s+would\s+be)\s+(?:(?:so|very|quite|more\s+than|always)\s+)?"
    rf"(?:{'|'.join(LABEL_OF)})\b"
)
"""What a model says of itself: "I'm afraid I am unsure", "I'd be happy to help"."""

DECLINED = re.compile(
    r"\b(?:ca(?:n't|nnot|n\s+not)|won't|will\s+not|(?:un|not\s+)able\s+to|must\s+decline|decline\s+to)\b"
    r"[^.!?\n]*?\b(?:help|assist|comply|analy[sz]e|identify|provide|answer|fulfil|fulfill|discuss|process|request)\b"
)
"""A refusal in plain words, where the provider's own field for refusals stays empty."""


def parse(text):
    """Label that an answer names.

    An answer is `ok` when it names exactly one label, by the label itself or one of `ferlib.labels.SYNONYMS` as a whole
    word, in any case. It is `unparsed` when it names none or several, or when a sentence that names one also holds a
    negation or is a question. It is `refused` when it names none and declines in so many words.

    Parameters
    ----------
    text : str or None
        The model's words.

    Returns
    -------
    status : str
        `ok`, `unparsed` or `refused`.
    label : str or None
        One of `ferlib.labels.EMOTIONS` when `ok`.

    Examples
    --------
    >>> parse("She looks **Terrified**.")
    ('ok', 'fear')
    >>> parse("Not angry.")
    ('unparsed', None)
    >>> parse("Sad or neutral")
    ('unparsed', None)
    >>> parse("I'm sorry, I can't help with that.")
    ('refused', None)
    """
    plain = unicodedata.normalize("NFKC", text or "").casefold().replace("’", "'").replace("_", " ")
    sentences = re.findall(r"[^.!?;:\n]+[.!?;:\n]?", SPEAKER.sub(" ", plain))
    found, doubtful = set(), False
    for sentence in sentences:
        labels = {LABEL_OF[word] for word in re.findall(r"[^\W\d]+", sentence) if word in LABEL_OF}
        doubtful |= bool(labels) and (sentence.endswith("?") or bool(NEGATION.search(sentence)))
        found |= labels
    if not found and DECLINED.search(plain):
        return "refused", None
    if len(found) != 1 or doubtful:
        return "unparsed", None
    return "ok", found.pop()


def outcome(kind, text):
    """Status and label of a stored answer.

    Parameters
    ----------
    kind : str
        What the provider reported: `answered`, `refused`, `blocked` or `truncated`.
    text : str or None

    Returns
    -------
    status : str
        One of `ferlib.labels.STATUSES`.
    label : str or None
        None unless the status is `ok`. An answer that was cut off carries none: its end might have changed it.
    """
    return parse(text) if kind == "answered" else (kind, None)
