"""What the two stand-in models say about a face that the demo CLIP has looked at.

`demo-openai` and `demo-gemini` are two readers of one network: each compares the image with its own caption template,
so they often agree and sometimes do not. Both know doubt, and show it in different ways, so that an audit meets more
than plain answers: below its threshold `demo-openai` declines, and `demo-gemini` names the two likeliest emotions
instead of one. Both depend on how they are asked, as real models do, in three declared ways: an emotion that is offered
earlier has a small advantage (`PRIMACY`), at a temperature above 0 they draw instead of naming the likeliest, and they
answer in the form that is asked for.
"""

import hashlib
import json
import re
from dataclasses import dataclass

import numpy as np

from ferlib.labels import ADJECTIVES, EMOTIONS

PRIMACY = 0.1
"""What the first of the options gains in probability, the last gains nothing, those between in proportion."""

DECLINED = "I'm sorry, but I can't tell this expression reliably enough to name it."

VAGUE = "The expression of the person is subtle and can be read in several ways."
"""It declines to choose; free to describe, it stays vague instead."""


@dataclass(frozen=True)
class Reader:
    """One stand-in model."""

    name: str
    template: str
    """Caption with one `{}` for the adjective of the emotion."""
    threshold: float
    """Least probability of the likeliest emotion at which it names one."""

    def version(self, weights_sha256):
        """Name that changes whenever the answers may: `<name>@<weights>.<reading>`.

        Parameters
        ----------
        weights_sha256 : str
            SHA-256 of the weights file; its first 12 digits are used.

        Returns
        -------
        str
            The last 4 digits stand for the template, the threshold and the primacy.
        """
        reading = hashlib.sha256(f"{self.template}\0{self.threshold!r}\0{PRIMACY!r}".encode()).hexdigest()
        return f"{self.name}@{weights_sha256[:12]}.{reading[:4]}"


READERS = {
    "demo-openai": Reader("demo-openai", "a photo of a {} face", 0.65),
    "demo-gemini": Reader("demo-gemini", "a photo of a person who looks {}", 0.65),
}


@dataclass(frozen=True)
class Reply:
    """What a model says, before it is put into a provider's words.

    `outcome` is `answered`, `refused` (declined in its own words), `blocked` (a safety filter took the answer),
    `blocked-prompt` (a filter took the question) or `truncated`.
    """

    outcome: str
    text: str | None = None


@dataclass(frozen=True)
class Asked:
    """How a model was asked."""

    prompt: str = ""
    schema: dict | None = None
    """JSON schema that the answer must keep."""
    temperature: float = 0.0
    seed: int | None = None
    image_sha256: str = ""

    def options(self):
        """The labels in the order in which the prompt offers them; empty when it offers none."""
        places = {label: re.search(rf"\b{label}\b", self.prompt) for label in EMOTIONS}
        named = sorted((found.start(), label) for label, found in places.items() if found)
        return [label for _, label in named] if len(named) > 1 else []

    def chance(self):
        """Random numbers that repeat when the very same question is asked with the same seed."""
        if self.seed is None:
            return np.random.default_rng()
        digest = hashlib.sha256(f"{self.prompt}\0{self.seed}\0{self.image_sha256}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16]))


def respond(reader, probabilities, asked=Asked()):  # noqa: B008  (frozen)
    """What a reader says, given what it sees and how it was asked.

    Parameters
    ----------
    reader : Reader
    probabilities : numpy.ndarray, shape (7,)
        In the order of `ferlib.labels.EMOTIONS`.
    asked : Asked

    Returns
    -------
    Reply

    Examples
    --------
    >>> sure, torn = [0.9, 0.1, 0, 0, 0, 0, 0], [0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1]
    >>> respond(READERS["demo-gemini"], sure).text
    'The person looks angry.'
    >>> respond(READERS["demo-gemini"], torn).text
    'The person looks angry or disgusted.'
    >>> respond(READERS["demo-openai"], torn, Asked("anger or disgust?")).outcome
    'refused'
    """
    ratings = [name for name in (asked.schema or {}).get("properties", {}) if name in EMOTIONS]
    if ratings:
        seen = {name: round(100 * float(probabilities[EMOTIONS.index(name)])) for name in ratings}
        return Reply("answered", json.dumps(seen))
    first, second = _ranked(np.asarray(probabilities, dtype=float), asked)
    sure = max(probabilities) >= reader.threshold
    declines = reader.name == "demo-openai"
    describing = "describe" in asked.prompt.casefold()
    if declines and not sure:
        return Reply("answered", VAGUE) if describing else Reply("refused", DECLINED)
    if asked.schema:
        return Reply("answered", json.dumps({"emotion": first}))
    if declines:
        return Reply("answered", f"The person appears {ADJECTIVES[first]}." if describing else first.capitalize())
    seen = ADJECTIVES[first] if sure else f"{ADJECTIVES[first]} or {ADJECTIVES[second]}"
    return Reply("answered", f"The person looks {seen}.")


def _ranked(probabilities, asked):
    """The first and the second choice."""
    weights = probabilities.copy()
    options = asked.options()
    for place, label in enumerate(options):
        weights[EMOTIONS.index(label)] += PRIMACY * (1 - place / max(1, len(options) - 1))
    order = list(np.argsort(-weights, kind="stable"))
    if asked.temperature > 0:
        odds = np.clip(weights, 1e-12, None) ** (1 / asked.temperature)
        drawn = asked.chance().choice(len(EMOTIONS), p=odds / odds.sum())
        order.remove(drawn)
        order.insert(0, drawn)
    return EMOTIONS[order[0]], EMOTIONS[order[1]]
