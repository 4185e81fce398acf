"""Whether a reply declines in plain words, in any of the languages that models answer in.

The patterns are data (data/languages/refusals.yaml), tuned on one half of a labelled set of replies and measured on
both.
"""

import functools
import re

from ferlib.lmfm import vocabulary

CLAUSES = re.compile(
    r"[.!?\n;。！？；]+|,?\s+(?:but|however|though|aber|doch|pero|mais|mas|ma|ama|fakat)\s+|,?\s*(?:但是|但|不过)"
)
"""Where one clause ends and another may take it back: "I cannot be certain, but she looks happy"."""


def declines(text):
    """The clauses of a reply, each with whether it declines.

    Parameters
    ----------
    text : str
        Without the model's thoughts.

    Returns
    -------
    list of (str, bool)
        Folded clauses.

    Examples
    --------
    >>> [refused for _, refused in declines("I'm sorry, but I can't identify emotions from faces.")]
    [False, True]
    >>> any(refused for _, refused in declines("I cannot tell, the image is too dark."))
    False
    """
    plain = vocabulary.fold(text).replace("’", "'")
    return [(clause, _declines(clause)) for clause in map(str.strip, CLAUSES.split(plain)) if clause]


def _declines(clause):
    for cannot, task, decline, doubt in _patterns():
        if decline.search(clause) and not (doubt.search(clause) and not cannot.search(clause)):
            return True
        if cannot.search(clause) and task.search(clause) and not doubt.search(clause):
            return True
    return False


@functools.cache
def _patterns():
    ways = ("cannot", "task", "decline", "doubt")
    return [tuple(re.compile(entry[way]) for way in ways) for entry in vocabulary.read("refusals").values()]
