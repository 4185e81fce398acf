"""What comes back from a provider, in one form for all of them: an answer, or no answer."""

import dataclasses

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""What reading a body raises that is not of its protocol."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer, as the provider gave it."""

    kind: str
    """`answered`, `refused`, `blocked` (by a safety filter) or `truncated` (at the token limit)."""
    text: str | None
    """The model's words, or its refusal's; None when there were none."""
    finish: str | None
    """The provider's own word for how it ended, for example `stop` or `SAFETY`."""
    model_version: str | None
    """The version that the provider says has answered."""
    usage: dict = dataclasses.field(default_factory=dict)
    """`input_tokens` and `output_tokens` as the provider counts them; where there are any, also `thought_tokens` (not
    among the output tokens), `cached_tokens` and `cache_write_tokens` (both among the input tokens)."""
    details: dict = dataclasses.field(default_factory=dict)
    """As they came: `id` and `fingerprint` of the response, and what a block was for."""
    billed: str = "usage"
    """`usage`, `no` or `unknown`, see data/providers/outcomes.csv; not stored."""

    def stored(self):
        """The part that belongs into the store; details only where there are any, as answers of old have none."""
        fields = dataclasses.asdict(self)
        del fields["billed"]
        return fields if fields["details"] else {name: fields[name] for name in fields if name != "details"}


class NoAnswer(Exception):
    """A request that brought no answer.

    Parameters
    ----------
    message : str
        The provider's words, short and free of keys.
    outcome : ferlib.lmfm.meanings.Outcome
        Whether it is billed, whether asking again may help, whether to stop.
    wait_s : float, optional
        Seconds that the provider asks to wait before that.
    usage : dict, optional
        As in `Answer`, where it reported any.
    raw : str, optional
        What came, where it may have been paid for; free of keys.
    status : int, optional
        Of HTTP, where a response came.
    """

    def __init__(self, message, outcome, *, wait_s=None, usage=None, raw="", status=None):
        super().__init__(message)
        self.outcome, self.wait_s, self.usage, self.raw = outcome, wait_s, usage or {}, raw
        self.status = status
