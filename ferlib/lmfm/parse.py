"""A model's own words to one of the seven labels, or to the status that says why there is none.

Never a guess: whatever could be read in two ways is `unparsed`, and the words themselves are kept in the store. How a
model declines is data (data/languages/refusals.yaml), tuned on one half of a labelled set of replies and measured on
both.
"""

import functools
import re

from ferlib.lmfm import forms, vocabulary

NEGATION = (
    r"\b(?:no|not|never|neither|nor|none|nothing|non|un|without|hardly|barely|scarcely|cannot|lack(?:s|ing)?"
    r"|absen(?:ce|t)|except|unlike(?:ly)?|improbable|impossible|wrong|incorrect|devoid|opposite|doubts?|doubtful"
    r"|(?:rather|other|less)\s+than|instead\s+of|far\s+from|(?:any|every)thing\s+but|free\s+(?:of|from)|whether|wonder"
    r"|rul(?:e|es|ed|ing)\s+out|exclud(?:e|es|ed|ing)|fail(?:s|ed|ing)?\s+to|(?<!\ba\s)(?:few|little)"
    r"|\w+n't|(?:is|are|was|does|do|did|ca|could|would|should|wo|has|have)nt)\b"
)
"""Words that can turn a label into its opposite, or leave it open."""

LABEL = rf"(?:{'|'.join(vocabulary.label_of())})\b"

SPEAKER = re.compile(
    r"\b(?:i|we)(?:'(?:m|re|d|ll)|\s+(?:am|are|would|will|must|should|try\s+to))?(?:\s+(?:be|remain|stay|keep))?\s+"
    rf"(?:(?:so|very|quite|more\s+than|always)\s+)?{LABEL}|\bmak(?:es?|ing)\s+me\s+{LABEL}|\b{LABEL}\s+to\s+(?:do|help"
    r"|assist|answer|discuss|describe|explain|provide|offer|support|try|take|look|wait|analy[sz]e|talk|share)\b"
)
"""What a model says of itself: "I'm afraid I am unsure", "Happy to help", "As an AI, I remain neutral"."""

RATING = re.compile(r"\b(?:rat(?:e|es|ed|ing|ings)|scor(?:e|es|ed|ing)|numbers?|percentages?|quantif\w+)\b")
"""What the forms that ask for numbers ask to do."""

THOUGHTS = re.compile(
    r"<((?:\w+:)?(?:think|thinking|thought|reason|reasoning|analysis))>.*?(?:</\1>|\Z)"
    r"|<\|?channel\|?>(?:analysis|thought).*?(?:<\|?channel\|?>(?:final)?|\Z)|<unused94>.*?(?:<unused95>|\Z)"
    r"|\[THINK\].*?(?:\[/THINK\]|\Z)|◁think▷.*?(?:◁/think▷|\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""What a model thinks before it answers, where a server leaves that among its words."""

ONLY_END = re.compile(
    r"\A.*?(?:</(?:think|thinking|thought|reasoning|analysis)>|\[/THINK\]|◁/think▷)", re.IGNORECASE | re.DOTALL
)
"""The same where the server keeps the beginning of it to itself."""

CLAUSES = re.compile(
    r"[.!?\n;。！？；]+|,?\s+(?:but|however|though|aber|doch|pero|mais|mas|ma|ama|fakat)\s+|,?\s*(?:但是|但|不过)"
)
"""Where one clause ends and another may take it back: "I cannot be certain, but she looks happy"."""


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

    An answer is `ok` when it names exactly one label, by itself or a word of `ferlib.lmfm.vocabulary`, in any case. It
    is `unparsed` when it names none or several, or when a sentence that names one also holds a negation or is a
    question; `refused` when it declines in so many words and names no label but in doing so. Of a JSON object only the
    field that holds the label is read.

    Parameters
    ----------
    text : str or None
    language : str
        Of the prompt.

    Returns
    -------
    status, label : str, str or None
        `ok`, `unparsed` or `refused`; one of `ferlib.labels.EMOTIONS` when `ok`.

    Examples
    --------
    >>> parse("She looks **Terrified**."), parse("Not angry."), parse("I'm sorry, I can't help with that.")
    (('ok', 'fear'), ('unparsed', None), ('refused', None))
    """
    words = without_thoughts(text)
    field = forms.named_field(words)
    plain = vocabulary.fold(words if field is None else field)
    clauses = declines(SPEAKER.sub(" ", plain))
    named = any(_labels(said, language) for said, refused in clauses if not refused)
    if any(refused for _, refused in clauses) and not named:
        return "refused", None
    found, doubtful, negation = set(), False, _negation(language)
    # What ends in a colon or a semicolon holds for what follows: "Not shown:\n- anger".
    told = re.sub(r"([:;])\s+", r"\1 ", SPEAKER.sub(" ", plain.replace("_", " ")))
    for sentence in re.findall(r"[^.!?\n]+[.!?\n]?", told):
        labels, denied = _labels(sentence, language), negation.search(sentence)
        alone = denied and denied[0] == sentence.strip(" *.!\n")  # "Happy. Not."
        doubtful |= bool(alone or labels and (sentence.endswith("?") or denied))
        found |= labels
    return ("ok", found.pop()) if len(found) == 1 and not doubtful else ("unparsed", None)


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

    Returns
    -------
    status, label : str, str or None
        One of `ferlib.labels.STATUSES`; a label with `ok` only. An answer that was cut off carries none: its end might
        have changed it. Of ratings and scores the highest counts, unless two share that place.
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


def declines(text):
    """The folded clauses of a reply, each with whether it declines: a list of (str, bool).

    Examples
    --------
    >>> [refused for _, refused in declines("I'm sorry, but I can't identify emotions from faces.")]
    [False, True]
    >>> any(refused for _, refused in declines("I cannot tell, the image is too dark."))
    False
    """
    return [(clause, _declines(clause)) for clause in map(str.strip, CLAUSES.split(vocabulary.fold(text))) if clause]


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
    return [tuple(re.compile(entry[way]) for way in ways) for entry in vocabulary.read("refusals").values()]


def _labels(text, language):
    label_of = vocabulary.label_of(language)
    return {label_of[word] for word in re.findall(r"[^\W\d]+", text) if word in label_of}


@functools.cache
def _negation(language):
    words = vocabulary.read()["negations"][language]
    return re.compile(rf"{NEGATION}|\b(?:{'|'.join(words)})\b" if words else NEGATION)
