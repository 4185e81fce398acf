"""A model's own words to one of the seven labels or a number for each, or to the status that says why there is none.

Never a guess: whatever could be read in two ways is `unparsed`, and the words themselves are kept in the store.
"""

import json
import math
import re

from ferlib.labels import EMOTIONS
from ferlib.lmfm import prompts, vocabulary

FIELDS = ("emotion", "label", "answer", "expression", "facial_expression")
"""Fields of a JSON object that may hold the label."""

NUMBERED = re.compile(
    r"([^\W\d]+)\W{1,6}?(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?!\w|[.,]\d|\s*(?:[-–—]|to\b)\s*\d)", re.IGNORECASE
)
"""A name and its number in plain words, which is not the first of a range."""

LABEL = rf"(?:{'|'.join(vocabulary.label_of())})\b"

SPEAKER = re.compile(
    r"\b(?:i|we)(?:'(?:m|re|d|ll)|\s+(?:am|are|would|will|must|should|try\s+to))?(?:\s+(?:be|remain|stay|keep))?\s+"
    rf"(?:(?:so|very|quite|more\s+than|always)\s+)?{LABEL}|\bmak(?:es?|ing)\s+me\s+{LABEL}|\b{LABEL}\s+to\s+(?:do|help"
    r"|assist|answer|discuss|describe|explain|provide|offer|support|try|take|look|wait|analy[sz]e|talk|share)\b"
)
"""What a model says of itself: "I'm afraid I am unsure", "Happy to help", "As an AI, I remain neutral"."""

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
    field = named_field(words)
    plain = vocabulary.fold(words if field is None else field)
    clauses = vocabulary.declines(SPEAKER.sub(" ", plain))
    named = any(_labels(said, language) for said, refused in clauses if not refused)
    if any(refused for _, refused in clauses) and not named:
        return "refused", None
    found, doubtful, negation = set(), False, vocabulary.negation(language)
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
        What the prompt asked for, see `ferlib.lmfm.prompts`.
    language : str

    Returns
    -------
    status, label : str, str or None
        One of `ferlib.labels.STATUSES`; a label with `ok` only. An answer that was cut off carries none: its end might
        have changed it. Of ratings and scores the highest counts, unless two share that place.
    """
    if kind != "answered":
        return kind, None
    if form not in prompts.NUMBERS:
        return parse(text, language=language)
    label = highest(numbers(without_thoughts(text), form=form, language=language))
    if label is not None:
        return "ok", label
    # Words instead of numbers may decline, but name no label: the question was another one.
    return ("refused" if parse(text, language=language)[0] == "refused" else "unparsed"), None


def json_object(text):
    """The JSON object in an answer, also within a fence of backquotes; None when there is none, or more than one.

    None as well for one that names a field twice: nobody knows which counts.
    """
    inside = re.search(r"\{.*\}", text or "", re.DOTALL)
    try:
        content = json.loads(inside[0], object_pairs_hook=_once) if inside else None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def named_field(text):
    """The words of the field that holds the label, when an answer is a JSON object that has one; else None.

    Of several such fields all words count, so that two that differ are two labels.

    Examples
    --------
    >>> named_field('{"emotion": "sad", "why": "not happy"}')
    'sad'
    """
    content = {str(name).casefold(): value for name, value in (json_object(text) or {}).items()}
    values = [content[field] for field in FIELDS if field in content]
    words = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    return "\n".join(words) if words else None


def numbers(text, *, form, language="en"):
    """The number that an answer gives to each emotion, by a JSON object or lines such as `anger: 80`.

    `ratings` go from 0 to 100, `scores` are natural logarithms of probabilities. None unless each of the seven emotions
    has exactly one number in the range.
    """
    content, label_of = json_object(text), vocabulary.label_of(language)
    pairs = list(content.items()) if content else NUMBERED.findall(text or "")
    found = {}
    for name, value in pairs:
        label, number = label_of.get(vocabulary.fold(str(name))), _number(value)
        in_range = math.isfinite(number) and (form == "scores" or 0 <= number <= 100)
        if label is None or label in found or not in_range:
            return None
        found[label] = number
    return {label: found[label] for label in EMOTIONS} if len(found) == len(EMOTIONS) else None


def highest(values):
    """The label with the highest number; None without numbers, or when two share the highest."""
    if values is None:
        return None
    first, second = sorted(values.values(), reverse=True)[:2]
    return max(values, key=values.get) if first > second else None


def shares(values, *, form):
    """Numbers of the seven emotions as shares of one; NaN where there are none.

    Ratings are divided by their sum: shares of what the model handed out, not probabilities. Scores are exponentiated
    before: the model's probabilities, given that it says one of the seven.
    """
    if values is None or not any(values.values()):
        return dict.fromkeys(EMOTIONS, math.nan)
    most = max(values.values())
    weights = {label: math.exp(value - most) if form == "scores" else value for label, value in values.items()}
    return {label: weight / sum(weights.values()) for label, weight in weights.items()}


def _labels(text, language):
    label_of = vocabulary.label_of(language)
    return {label_of[word] for word in re.findall(r"[^\W\d]+", text) if word in label_of}


def _once(pairs):
    """A JSON object whose fields all have different names."""
    if len({str(name).casefold() for name, _ in pairs}) < len(pairs):
        raise ValueError("a field occurs twice")
    return dict(pairs)


def _number(value):
    """The number in a value; NaN for none."""
    try:
        return math.nan if isinstance(value, bool) else float(str(value).strip().removesuffix("%"))
    except ValueError:
        return math.nan
