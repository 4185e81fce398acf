"""What an error's body says, in the form of any provider, and how long it asks to wait."""

import datetime
import email.utils
import json
import math
import re
import time

LONGEST_MESSAGE = 300
"""Letters of a provider's words that are repeated."""


def as_json(text):
    """The JSON in a text; None when it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def complaint(body, text):
    """What an error's body says, in any provider's form.

    Parameters
    ----------
    body : object
        Its JSON, if any.
    text : str

    Returns
    -------
    codes : list
        Everything in it that names the error.
    message : str
    wait_s : float or None
        Seconds that it asks to wait.
    details : dict
        What a block was for, as it came.
    """
    body = body[0] if isinstance(body, list) and body else body
    if not isinstance(body, dict):
        return [], text, None, {}
    error = body.get("error", body)
    if not isinstance(error, dict):
        return [body.get("code")], str(error), None, {}
    inside = [error.get(name) for name in ("metadata", "innererror")]
    metadata, inner = (found if isinstance(found, dict) else {} for found in inside)
    more = [item for item in error.get("details") or [] if isinstance(item, dict)]
    codes = [error.get(name) for name in ("code", "type", "status")] + [inner.get("code"), metadata.get("error_type")]
    codes += [item.get("reason") for item in more]
    codes += ["moderation"] if metadata.get("reasons") or metadata.get("flagged_input") else []
    quotas = [str(fault.get("quotaId")) for item in more for fault in item.get("violations") or []]
    codes += ["per_day"] if any("PerDay" in quota for quota in quotas) else []
    said = error.get("message") or body.get("message") or body.get("detail") or error.get("detail") or ""
    said = metadata["raw"] if metadata.get("raw") and "provider returned error" in str(said).casefold() else said
    said = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    delays = [str(item["retryDelay"]).removesuffix("s") for item in more if "retryDelay" in item]
    details = {**metadata, **inner, **{name: error[name] for name in ("content_filter_result",) if name in error}}
    return [code for code in codes if code is not None], said, next(map(_seconds, delays), None), details


def shortened(text):
    """A message in one line of bounded length; of an HTML page its title alone."""
    if re.search(r"<(?:!doctype|html|head|body)\b", text[:500], re.IGNORECASE):
        title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = f"an HTML page ({title[1]})" if title else "an HTML page"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 4]} ..."


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
