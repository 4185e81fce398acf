"""Where questions go: which address is this machine, and which key opens it."""

import email.utils
import ipaddress
import os
import time
from urllib.parse import urlsplit

from ferlib.errors import InputError

PLACEHOLDER = "loopback-needs-no-key"
"""Sent to an address on this machine in place of a key; no secret, and no key is read for such an address."""


def host(url):
    """Host of an address.

    Examples
    --------
    >>> host("http://127.0.0.1:8000/v1")
    '127.0.0.1'
    """
    return urlsplit(url).hostname or ""


def is_loopback(url):
    """Whether an address is this very machine.

    Examples
    --------
    >>> is_loopback("http://localhost:8000/v1"), is_loopback("https://127.0.0.1.example.org")
    (True, False)
    """
    name = host(url)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def key(model):
    """The key for a model: from the environment, and from nowhere else.

    Parameters
    ----------
    model : dict
        With `name`, `base_url` and `key_variable`.

    Returns
    -------
    str
        `PLACEHOLDER` for an address on this machine.

    Raises
    ------
    InputError
        When the environment variable is not set.
    """
    if is_loopback(model["base_url"]):
        return PLACEHOLDER
    value = os.environ.get(model["key_variable"], "").strip()
    if not value:
        raise InputError(
            f"model {model['name']!r}: asking {host(model['base_url'])} needs a key in the environment variable "
            f"{model['key_variable']}, which is not set. Set it in the shell that starts the notebook "
            f"(`export {model['key_variable']}=...`); never write it into a notebook or a parameter file."
        )
    return value


def redact(text, secret):
    """Text in which a key is replaced by `[key]`."""
    return str(text).replace(secret, "[key]") if secret and secret != PLACEHOLDER else str(text)


def retry_after_s(headers):
    """Seconds that a provider asks to wait, from its response's headers; None when it does not say.

    Parameters
    ----------
    headers : mapping of str to str
        `retry-after` in seconds or as a date (RFC 9110, section 10.2.3), or `retry-after-ms`.
    """
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        value = headers.get("retry-after")
        return None if value is None else max(0.0, float(value))
    except ValueError:
        date = email.utils.parsedate_to_datetime(value) if "," in (value or "") else None
        return None if date is None else max(0.0, date.timestamp() - time.time())
