"""A model's own words to one of the seven labels, or to the status that says why there is none.

Never a guess: whatever could be read in two ways is `unparsed`, and the words themselves are kept in the store.
"""

import functools
import re

from ferlib.lmfm import forms, refusals, vocabulary

NEGATION = re.compile(
    r"\b(?:no|not|never|neither|nor|none|nothing|non|un|without|hardly|barely|scarcely|cannot|lack(?:s|ing)?"
    r"|absen(?:ce|t)|except|unlike|rather\s+than|instead\s+of|far\s+from|anything\s+but|free\s+(?:of|from)"
    r"|\w+n't|(?:is|are|was|does|do|did|ca|could|would|should)nt)\b"
)
"""Words that can turn a label into its opposite."""

SPEAKER = re.compile(
    r"\bi(?:'m|\s+am|'d\s+be|\s+would\s+be)\s+(?:(?:so|very|quite|more\s+than|always)\s+)?"
    rf"(?:{'|'.join(vocabulary.label_of())})\b"
)
"""What a model says of itself: "I'm afraid I am unsure", "I'd be happy to help"."""

THOUGHTS = re.compile(
    r"<(think|thinking|thought|reasoning|analysis)>.*?(?:</\1>|\Z)|\[THINK\].*?(?:\[/THINK\]|\Z)|◁think▷.*?(?:◁/think▷|\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""What a model thinks before it answers, where a server leaves that among its words."""

ONLY_END = re.compile(
    r"\A.*?(?:</(?:think|thinking|thought|reasoning|analysis)>|\[/THINK\]|◁/think▷)", re.IGNORECASE | re.DOTALL
)
"""The same where the server keeps the beginning of it to itself."""


def without_thoughts(text):
    """The words of an answer without the thoughts before it; empty when it is all thought.

    Examples
    --------
    >>> without_thoughts("<think>Angry? No: the brows are raised.</think>fear")
    'fear'
    """
    return ONLY_END.sub("", THOUGHTS.sub("", text or "")).strip()


def parse(text, *, language="en"):
    """Label that an answer names.

    An answer is `ok` when it names exactly one label, by the label itself or one of the words of
    `ferlib.lmfm.vocabulary` as a whole word, in any case. It is `unparsed` when it names none or several, or when a
    sentence that names one also holds a negation or is a question. It is `refused` when it declines in so many words
    (see `ferlib.lmfm.refusals`) and names no label but in doing so. Of a JSON object only the field that holds the
    label is read. Thoughts are left out.

    Parameters
    ----------
    text : str or None
        The model's words.
    language : str
        Language of the prompt.

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
    >>> parse("I'm sorry, I can't help with that.")
    ('refused', None)
    >>> parse("WÜTEND", language="de")
    ('ok', 'anger')
    """
    words = without_thoughts(text)
    field = forms.named_field(words)
    words = words if field is None else field
    clauses = refusals.declines(SPEAKER.sub(" ", vocabulary.fold(words).replace("’", "'")))
    if any(refused for _, refused in clauses) and not any(
        _labels(said, language) for said, refused in clauses if not refused
    ):
        return "refused", None
    plain = SPEAKER.sub(" ", vocabulary.fold(words).replace("’", "'").replace("_", " "))
    found, doubtful, negation = set(), False, _negation(language)
    for sentence in re.findall(r"[^.!?;:\n]+[.!?;:\n]?", plain):
        labels = _labels(sentence, language)
        doubtful |= bool(labels) and (sentence.endswith("?") or bool(negation.search(sentence)))
        found |= labels
    if len(found) != 1 or doubtful:
        return "unparsed", None
    return "ok", found.pop()


def outcome(kind, text, *, form="words", language="en"):
    """Status and label of a stored answer.

    Parameters
    ----------
    kind : str
        What the provider reported: `answered`, `refused`, `blocked` or `truncated`.
    text : str or None
    form : str
        What the prompt asked for, see `ferlib.lmfm.forms`.
    language : str
        Language of the prompt.

    Returns
    -------
    status : str
        One of `ferlib.labels.STATUSES`.
    label : str or None
        None unless the status is `ok`. An answer that was cut off carries none: its end might have changed it. Of
        ratings and scores the highest counts; when two share that place there is no label.
    """
    if kind != "answered":
        return kind, None
    if form not in forms.NUMBERS:
        return parse(text, language=language)
    label = forms.highest(forms.numbers(without_thoughts(text), form=form, language=language))
    if label is not None:
        return "ok", label
    # Words instead of numbers may decline, but name no label: the question was another one.
    return ("refused" if parse(text, language=language)[0] == "refused" else "unparsed"), None


def _labels(text, language):
    label_of = vocabulary.label_of(language)
    return {label_of[word] for word in re.findall(r"[^\W\d]+", text) if word in label_of}


@functools.cache
def _negation(language):
    words = vocabulary.negations(language)
    return re.compile(rf"{NEGATION.pattern}|\b(?:{'|'.join(words)})\b") if words else NEGATION
