"""How the stand-in models put into words what a network sees: each is a manner of speaking and a network.

The words are the network's own, in answer to the very prompt that was sent. The manner decides what happens when the
network is in doubt, so that an audit meets more than plain answers: `demo-openai-...` declines, and `demo-gemini-...`
names the two likeliest emotions instead of one. Behind either stands a demo PaliGemma, whose name ends the model's:
`demo-openai-skewed` is answered by `demo-paligemma-skewed`.
"""

import hashlib
import secrets
from dataclasses import dataclass

DECLINED = "I'm sorry, but I can't tell this expression reliably enough to name it."

VAGUE = "The expression of the person is subtle and can be read in several ways."
"""It declines to choose; free to describe, it stays vague instead."""


@dataclass(frozen=True)
class Reader:
    """One stand-in model."""

    name: str
    declines: bool
    """In doubt, whether it declines; otherwise it gives two answers."""
    network: str = ""
    """Folder of the demo PaliGemma that looks."""
    threshold: float = 0.65
    """Least probability of the likeliest word, where that is least clear, at which it is in no doubt."""

    def version(self, weights_sha256):
        """Name that changes whenever the answers may: `<name>@<weights>.<manner>`.

        Parameters
        ----------
        weights_sha256 : str
            SHA-256 of the weights file; its first 12 digits are used.

        Returns
        -------
        str
            The last 4 digits stand for the manner and the threshold.
        """
        manner = hashlib.sha256(f"{self.declines}\0{self.threshold!r}".encode()).hexdigest()
        return f"{self.name}@{weights_sha256[:12]}.{manner[:4]}"


STATES = ("balanced", "half", "skewed")
"""Doses of the declared skew."""

MANNERS = {"demo-openai": Reader("demo-openai", True), "demo-gemini": Reader("demo-gemini", False)}
"""The two manners, with no network behind them yet."""

READERS = {
    f"{name}-{state}": Reader(f"{name}-{state}", manner.declines, f"demo-paligemma-{state}", manner.threshold)
    for name, manner in MANNERS.items()
    for state in STATES
}
"""The models that the stand-in server knows."""


@dataclass(frozen=True)
class Reply:
    """What a model says, before it is put into a provider's words.

    `outcome` is `answered`, `refused` (declined in its own words), `blocked` (a safety filter took the answer),
    `blocked-prompt` (a filter took the question) or `truncated`.
    """

    outcome: str
    text: str | None = None


@dataclass(frozen=True)
class Thought:
    """What a network makes of a question about an image."""

    words: str
    """Its answer."""
    probability: float
    """Of the likeliest word at the place where it was least sure which one to say."""
    second: str
    """Its answer with the likeliest other word at that place."""


@dataclass(frozen=True)
class Asked:
    """How a model was asked."""

    prompt: str = ""
    schema: dict | None = None
    """JSON schema that the answer must keep."""
    temperature: float = 0.0
    seed: int | None = None
    image: bytes = b""

    def seed_of_chance(self):
        """Seed that repeats when the very same question is asked with the same seed; any where none is given."""
        if self.seed is None:
            return secrets.randbits(32)
        digest = hashlib.sha256(f"{self.prompt}\0{self.seed}\0".encode() + self.image).digest()
        return int.from_bytes(digest[:4])


def respond(reader, thought, asked=Asked()):  # noqa: B008  (frozen)
    """What a reader says, given what its network thinks and how it was asked.

    Parameters
    ----------
    reader : Reader
    thought : Thought
    asked : Asked

    Returns
    -------
    Reply

    Examples
    --------
    >>> sure, torn = Thought("anger", 0.9, "disgust"), Thought("anger", 0.5, "disgust")
    >>> respond(MANNERS["demo-gemini"], sure).text, respond(MANNERS["demo-gemini"], torn).text
    ('anger', 'anger or disgust')
    >>> respond(MANNERS["demo-gemini"], Thought("You look sad.", 0.4, "You look calm.")).text
    'You look sad or calm.'
    >>> respond(MANNERS["demo-openai"], torn).outcome, respond(MANNERS["demo-openai"], sure).text
    ('refused', 'anger')
    """
    certain = thought.probability >= reader.threshold
    if certain or len((asked.schema or {}).get("properties", {})) > 1:  # ratings can tell the doubt themselves
        return Reply("answered", thought.words)
    if reader.declines:
        describing = "describe" in asked.prompt.casefold()
        return Reply("answered", VAGUE) if describing else Reply("refused", DECLINED)
    if asked.schema:
        return Reply("answered", thought.words)
    differing = [two for one, two in zip(thought.words.split(), thought.second.split(), strict=False) if one != two]
    return Reply("answered", " or ".join([thought.words.removesuffix("."), *differing]))
