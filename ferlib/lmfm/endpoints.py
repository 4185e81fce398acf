"""Where questions go: which address is this machine, and which key opens it."""

import datetime
import email.utils
import ipaddress
import math
import os
import re
import time
from urllib.parse import urlsplit

from ferlib.errors import InputError
from ferlib.lmfm import models

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
        From `ferlib.lmfm.models.read`.

    Returns
    -------
    str
        `PLACEHOLDER` where none is needed: at an address on this machine, unless the model names a variable of its
        own (some gateways want a key), and at an address whose variable is given as empty.

    Raises
    ------
    InputError
        When the environment variable is not set, or does not hold what can be sent, or when none is named for an
        address that is not the provider's own: a key is never tried at a stranger's door.
    """
    name, variable = model["name"], model["key_variable"]
    usual = {provider["key_variable"] for provider in models.PROVIDERS.values()}
    if not variable or (is_loopback(model["base_url"]) and variable in {models.NOT_NAMED, *usual}):
        return PLACEHOLDER
    if variable == models.NOT_NAMED:
        raise InputError(
            f"model {name!r}: {host(model['base_url'])} is not the provider's own address, so the provider's key is "
            f"not sent there. Name the environment variable that holds the key of that address in the field "
            f"key_variable; if it needs none, say key_variable: ''."
        )
    value = os.environ.get(variable, "").strip()
    if not value:
        raise InputError(
            f"model {name!r}: asking {host(model['base_url'])} needs a key in the environment variable "
            f"{variable}, which is not set. Set it in the shell that starts the notebook "
            f"(`export {variable}=...`); never write it into a notebook or a parameter file."
        )
    if not re.fullmatch(r"[!-~]+", value):
        raise InputError(
            f"model {name!r}: the key in {variable} holds a space, a line break or a letter with an accent. It was "
            f"probably not copied as a whole, or with more than itself; set it again."
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
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _seconds(headers.get(name))
        if seconds is not None:
            return seconds * unit_s
    return None


def _seconds(value):
    """Seconds from now, of a number or a date; None for anything else."""
    try:
        number = float(value)
        return max(0.0, number) if math.isfinite(number) else None
    except (TypeError, ValueError):
        pass
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError, AttributeError):
        return None
    if date.tzinfo is None:  # the form of C's asctime says no zone; HTTP means UTC
        date = date.replace(tzinfo=datetime.UTC)
    return max(0.0, date.timestamp() - time.time())
