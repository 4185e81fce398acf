"""What the two stand-in models say about a face that the demo CLIP has looked at.

`demo-openai` and `demo-gemini` are two readers of one network: each compares the image with its own caption template,
so they often agree and sometimes do not. Neither reads the prompt, and neither has a temperature: each says what is
likeliest. Both know doubt, and show it in different ways, so that an audit meets more than plain answers: below its
threshold `demo-openai` declines, and `demo-gemini` names the two likeliest emotions instead of one.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from ferlib.labels import ADJECTIVES, EMOTIONS

DECLINED = "I'm sorry, but I can't tell this expression reliably enough to name it."


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
            The last 4 digits stand for the template and the threshold.
        """
        reading = hashlib.sha256(f"{self.template}\0{self.threshold!r}".encode()).hexdigest()
        return f"{self.name}@{weights_sha256[:12]}.{reading[:4]}"


READERS = {
    "demo-openai": Reader("demo-openai", "a photo of a {} face", 0.45),
    "demo-gemini": Reader("demo-gemini", "a photo of a person who looks {}", 0.45),
}


@dataclass(frozen=True)
class Reply:
    """What a model says, before it is put into a provider's words.

    `outcome` is `answered`, `refused` (declined in its own words), `blocked` (a safety filter took the answer),
    `blocked-prompt` (a filter took the question) or `truncated`.
    """

    outcome: str
    text: str | None = None


def respond(reader, probabilities):
    """What a reader says, given what it sees.

    Parameters
    ----------
    reader : Reader
    probabilities : numpy.ndarray, shape (7,)
        In the order of `ferlib.labels.EMOTIONS`.

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
    >>> respond(READERS["demo-openai"], torn).outcome
    'refused'
    """
    first, second = (EMOTIONS[i] for i in np.argsort(-np.asarray(probabilities), kind="stable")[:2])
    sure = max(probabilities) >= reader.threshold
    if reader.name == "demo-gemini":
        seen = ADJECTIVES[first] if sure else f"{ADJECTIVES[first]} or {ADJECTIVES[second]}"
        return Reply("answered", f"The person looks {seen}.")
    return Reply("answered", first.capitalize()) if sure else Reply("refused", DECLINED)
