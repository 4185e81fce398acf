"""What a prompt asks for: a word, a JSON object, a description, a rating of each emotion, or a score of each label.

| form | the answer | becomes a label by |
|---|---|---|
| `words` | one of the words offered | the word itself |
| `json` | a JSON object of a given schema | its field `emotion` |
| `description` | free words, no options offered | the one emotion that they name |
| `ratings` | a number from 0 to 100 for each emotion | the highest, if it is the only one |
| `scores` | the log-probability of each label, without any words (local models only) | the highest |
"""

import json
import math
import re

from ferlib.labels import EMOTIONS
from ferlib.lmfm import vocabulary

FORMS = ("words", "json", "description", "ratings", "scores")

NUMBERS = ("ratings", "scores")
"""Forms whose answers carry a number for each emotion."""

WITHOUT_OPTIONS = ("description",)
"""Forms whose prompt names no labels."""

FIELDS = ("emotion", "label", "answer", "expression", "facial_expression")
"""Fields of a JSON object that may hold the label."""


NUMBERED = re.compile(
    r"([^\W\d]+)\W{1,6}?(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?!\w|[.,]\d|\s*(?:[-–—]|to\b)\s*\d)", re.IGNORECASE
)
"""A name and its number in plain words, which is not the first of a range."""


def demanded(form, names):
    """What is sent beside a prompt that offers labels by these names: a JSON schema, labels to score, or nothing.

    The schema is in the subset that OpenAI's strict mode and Gemini both take.
    """
    if form == "scores":
        return {"scored": names}
    if form == "json":
        fields = {"emotion": {"type": "string", "enum": names}}
    elif form == "ratings":
        fields = {name: {"type": "integer"} for name in names}
    else:
        return {}
    schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {"schema": schema}


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
