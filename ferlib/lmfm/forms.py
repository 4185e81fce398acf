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
"""Fields of a JSON object that may hold the label, in the order in which they are looked for."""


def schema(form, names):
    """JSON schema that a prompt of a form asks the provider to keep to; None where there is none.

    Parameters
    ----------
    form : str
    names : sequence of str
        The labels as the prompt names them, in the order in which it does.

    Returns
    -------
    dict or None
        In the subset of JSON schema that OpenAI's strict mode and Gemini both take.
    """
    if form == "json":
        properties = {"emotion": {"type": "string", "enum": list(names)}}
    elif form == "ratings":
        properties = {name: {"type": "integer"} for name in names}
    else:
        return None
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def json_object(text):
    """The JSON object in an answer, also within a fence of backquotes.

    Returns
    -------
    dict or None
        None when there is none, more than one, or one that names a field twice, so that nobody knows which counts.
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
    """The number that an answer gives to each emotion.

    Parameters
    ----------
    text : str or None
        A JSON object, or lines such as `anger: 80`.
    form : str
        `ratings` (0 to 100) or `scores` (natural logarithms of probabilities).
    language : str

    Returns
    -------
    dict of str to float, or None
        None unless each of the seven emotions has exactly one number in the range.
    """
    content = json_object(text)
    pairs = list(content.items()) if content else re.findall(r"([^\W\d]+)\W{1,3}(-?\d+(?:\.\d+)?)\s*%?", text or "")
    found, label_of = {}, vocabulary.label_of(language)
    for name, value in pairs:
        label, number = label_of.get(vocabulary.fold(str(name))), _number(value)
        if label is None or label in found or number is None or (form == "ratings" and not 0 <= number <= 100):
            return None
        found[label] = number
    return {label: found[label] for label in EMOTIONS} if set(found) == set(EMOTIONS) else None


def highest(values):
    """The label with the highest number; None without numbers, or when two share the highest."""
    if values is None:
        return None
    first, second = sorted(values.values(), reverse=True)[:2]
    return max(values, key=values.get) if first > second else None


def shares(values, *, form):
    """Numbers of the seven emotions as shares of one.

    Ratings are divided by their sum: shares of what the model handed out, not probabilities. Scores are exponentiated
    and divided by their sum: the model's probabilities, given that it says one of the seven.

    Parameters
    ----------
    values : dict of str to float, or None
    form : str

    Returns
    -------
    dict of str to float
        NaN where there are none.
    """
    if values is None or not any(values.values()):
        return dict.fromkeys(EMOTIONS, math.nan)
    most = max(values.values())
    weights = {label: math.exp(value - most) if form == "scores" else value for label, value in values.items()}
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}


def _once(pairs):
    """A JSON object whose fields all have different names."""
    if len({str(name).casefold() for name, _ in pairs}) < len(pairs):
        raise ValueError("a field occurs twice")
    return dict(pairs)


def _number(value):
    if isinstance(value, bool):
        return None
    try:
        number = float(str(value).strip().removesuffix("%"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
