"""What comes back from a provider, in one form for all of them: an answer, or no answer."""

from dataclasses import dataclass, field

from ferlib.errors import InputError

RETRIED = (408, 409, 425, 429)
"""HTTP statuses below 500 after which it makes sense to ask again; from 500 on it always does."""

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""What the client libraries raise, or let through, for a body that is not of their protocol."""


@dataclass(frozen=True)
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
    usage: dict = field(default_factory=dict)
    """`input_tokens` and `output_tokens`, as the provider counts them."""


class NoAnswer(Exception):
    """A request that brought no answer: an error on the way, or a request that the provider cannot serve.

    Parameters
    ----------
    message : str
        Free of keys.
    retry : bool
        Whether asking again may help.
    wait_s : float, optional
        Seconds that the provider asks to wait before that.
    status : int, optional
        HTTP status; None when no response arrived whole, so that nobody knows whether it will be billed.
    """

    def __init__(self, message, *, retry, wait_s=None, status=None):
        super().__init__(message)
        self.retry, self.wait_s, self.status = retry, wait_s, status


def failure(status, message, *, model, wait_s=None):
    """The exception for an HTTP error: one for this request, or one that ends the run.

    Parameters
    ----------
    status : int
    message : str
        The provider's words, free of keys.
    model : dict
        As in `ferlib.lmfm.models`.
    wait_s : float, optional
        Seconds that the provider asks to wait.

    Returns
    -------
    NoAnswer or InputError
        InputError where every further request would fail alike: a rejected key, an unknown model, an empty account.
    """
    name, variable = model["name"], model["key_variable"]
    if status == 401 or (status == 400 and "api key" in message.casefold()):
        # The provider's own message is left out: it may repeat part of the key.
        return InputError(f"model {name!r}: the provider rejects the key in {variable} (HTTP {status}). Set another.")
    if status == 403:
        return InputError(f"model {name!r}: the key in {variable} may not use it (HTTP 403: {message}).")
    if status == 404:
        return InputError(
            f"model {name!r}: the provider knows no model {model['model']!r} at this address (HTTP 404: {message}). "
            f"Models are retired: see the provider's list, and name one of it in the parameter `models`."
        )
    if status == 429 and "quota" in message.casefold() and wait_s is None:
        return InputError(f"model {name!r}: the account's quota is used up (HTTP 429: {message}).")
    return NoAnswer(f"HTTP {status}: {message}", retry=status in RETRIED or status >= 500, wait_s=wait_s, status=status)
