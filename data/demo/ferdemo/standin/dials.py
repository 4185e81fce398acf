"""What goes wrong at the stand-in server, and how often."""

import collections
import dataclasses
import hashlib
import random
import threading

from ferdemo.standin.readers import Reply

OUTCOMES = {"refused": "I'm sorry, I can't help with that.", "blocked": None, "truncated": "The person lo"}


@dataclasses.dataclass(frozen=True)
class Dials:
    """Rates between 0 and 1, and durations in seconds.

    What happens on the way (`too_many` ... `malformed`) is drawn anew for each request, so that asking again helps.
    What the model does (`refused` ... `truncated`) depends on the question, so that asking again does not.
    """

    too_many: float = 0.0
    """HTTP 429 with `retry-after`."""
    failing: float = 0.0
    """HTTP 500."""
    dropped: float = 0.0
    """The connection is closed without an answer."""
    malformed: float = 0.0
    """The answer is cut off in the middle of its JSON."""
    slow: float = 0.0
    """The answer comes a byte at a time, over `slow_s`."""
    refused: float = 0.0
    blocked: float = 0.0
    truncated: float = 0.0
    latency_s: float = 0.0
    """Before every answer."""
    retry_after_s: float = 1.0
    slow_s: float = 5.0
    seed: int = 0

    WAYS = ("too_many", "failing", "dropped", "malformed", "slow")


class Chance:
    """Draws what happens, by the dials.

    Parameters
    ----------
    dials : Dials

    Attributes
    ----------
    drawn : collections.Counter
        How often each way was drawn.
    """

    def __init__(self, dials):
        self.dials = dials
        self.drawn = collections.Counter()
        self._random, self._lock = random.Random(dials.seed), threading.Lock()

    def on_the_way(self):
        """What happens to the next request: one of `Dials.WAYS`, or None."""
        with self._lock:
            drawn = self._random.random()
            for way in Dials.WAYS:
                drawn -= getattr(self.dials, way)
                if drawn < 0:
                    self.drawn[way] += 1
                    return way
        return None

    def reply(self, image, prompt, seed):
        """What the model says instead of an answer; None when it answers. The same question has the same fate."""
        content = hashlib.sha256(image).digest() + f"\0{prompt}\0{seed}\0{self.dials.seed}".encode()
        drawn = int.from_bytes(hashlib.sha256(content).digest()[:8]) / 2**64
        for outcome, words in OUTCOMES.items():
            drawn -= getattr(self.dials, outcome)
            if drawn < 0:
                return Reply(outcome, words)
        return None
