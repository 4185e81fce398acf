"""The models to ask, as a notebook's parameter lists them."""

import re
from urllib.parse import urlsplit

from ferlib.errors import InputError

PROVIDERS = {
    "openai": {"base_url": "https://api.openai.com/v1", "key_variable": "OPENAI_API_KEY"},
    "gemini": {"base_url": "https://generativelanguage.googleapis.com", "key_variable": "GEMINI_API_KEY"},
    "gemini-legacy": {"base_url": "https://generativelanguage.googleapis.com", "key_variable": "GEMINI_API_KEY"},
    "paligemma": {"base_url": "http://localhost", "key_variable": ""},  # runs here: nothing is sent anywhere
}
"""Client libraries, each with the address and the key's environment variable that it has unless told otherwise.

Addresses are given explicitly, so that no variable of the environment can send the images elsewhere.
"""

SAME_PROVIDER = {"gemini-legacy": "gemini"}
"""Client libraries of the same provider."""

NOT_NAMED = "(not named)"
"""Key variable of a model at another address than its provider's own that names none."""

FIELDS = ("name", "provider", "model", "base_url", "version", "key_variable", "transport")

TRANSPORTS = ("direct", "batch")
"""Ways in which questions go, see `ferlib.lmfm.transport`."""

LIMITS = {"concurrency": 8, "requests_per_minute": 0, "timeout_s": 60.0, "tries": 6}
"""How fast and how patiently a model is asked, with what holds unless told otherwise: questions under way at a time,
requests begun in a minute (0 for no limit), seconds until a request is given up, requests a question at most. Models of
one provider at one address share one pace, with the lowest of their limits."""


def read(entries, **limits):
    """Check a list of models and fill in what it leaves out.

    Parameters
    ----------
    entries : sequence of dict
        Each with `name` (what the tables call it) and `provider`; optionally `model` (what the provider calls it, by
        default the same), `base_url`, `version` (becomes part of the address of its stored answers, so that a model
        that changed under its name can be asked anew), `key_variable`, `transport` (where it differs from the
        notebook's), and any of `LIMITS`. Empty to ask nobody.

        A key goes to the provider's own address only; for any other address `key_variable` names the variable with
        the key of that one, or is empty when it needs none.
    **limits
        Any of `LIMITS`, for the models that have none of their own.

    Returns
    -------
    list of dict
        With all of these fields.

    Raises
    ------
    InputError
        Names the entry, the value found (never one that could be a key) and the values allowed.
    """
    models = [_complete(entry, row, {**LIMITS, **limits}) for row, entry in enumerate(entries, start=1)]
    addresses = {}
    for model in models:
        _check_limits(model)
        names = [other["name"] for other in models]
        if names.count(model["name"]) > 1:
            raise InputError(
                f"models: the name {model['name']!r} occurs {names.count(model['name'])} times. Give each its own."
            )
        asked = (model["provider"], model["model"], model["version"])
        other = addresses.setdefault(asked, model)
        if other["base_url"] != model["base_url"]:
            raise InputError(
                f"models: {other['name']!r} and {model['name']!r} are model {model['model']!r} at two addresses, and "
                f"would share their stored answers. Give at least one of them a field version, such as its host."
            )
    for model in models:
        alike = [other for other in models if door(other) == door(model)]
        model["concurrency"] = min(other["concurrency"] for other in alike)
        a_minute = [other["requests_per_minute"] for other in alike if other["requests_per_minute"]]
        model["requests_per_minute"] = min(a_minute, default=0)
    return models


def limited(model, **limits):
    """A model with some of its `LIMITS` replaced."""
    unknown = set(limits) - set(LIMITS)
    if unknown:
        raise TypeError(f"unknown limit {', '.join(sorted(unknown))}; there are {', '.join(LIMITS)}")
    return {**LIMITS, **model, **limits}


def door(model):
    """Where a model is asked: its provider and its address. Models behind one door share one pace."""
    return SAME_PROVIDER.get(model["provider"], model["provider"]), urlsplit(model["base_url"]).netloc


def _complete(entry, row, limits):
    where = f"models, entry {row}"
    if not isinstance(entry, dict) or not {"name", "provider"} <= set(entry):
        raise InputError(f"{where}: it must be a mapping with at least name and provider, found {_shape(entry)}.")
    unknown = sorted(set(map(str, entry)) - {*FIELDS, *LIMITS})
    if unknown:
        keys = " Keys come from the environment, never from a file." if "key" in unknown[0].casefold() else ""
        raise InputError(f"{where}: unknown field {unknown[0]!r}. Allowed: {', '.join([*FIELDS, *LIMITS])}.{keys}")
    for field in FIELDS:
        if not isinstance(entry.get(field, ""), str):
            raise InputError(f"{where}: {field} is {entry[field]!r}. It must be a text.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", entry["name"]):
        raise InputError(
            f"{where}: the name {entry['name']!r} becomes a file's name. Allowed: letters, digits, '.', "
            f"'_' and '-'. Put what the provider calls it into the field model."
        )
    if entry["provider"] not in PROVIDERS:
        raise InputError(
            f"{where}: unknown provider {entry['provider']!r}. Allowed: {', '.join(PROVIDERS)}. "
            f"Any server that speaks OpenAI's protocol is provider 'openai' with its own base_url."
        )
    if entry.get("transport", "direct") not in TRANSPORTS:
        raise InputError(f"{where}: transport is {entry['transport']!r}. Allowed: {', '.join(TRANSPORTS)}.")
    own = PROVIDERS[entry["provider"]]
    model = {"model": entry["name"], "version": "", **limits, **own, **entry}
    url = urlsplit(model["base_url"])
    if "@" in url.netloc or url.query or url.fragment:
        raise InputError(
            f"{where}: base_url holds more than an address (a user, a password, or what follows '?' or '#'), which "
            f"would be written into tables and messages. Leave it out; a key goes into the environment."
        )
    variable = entry.get("key_variable", NOT_NAMED)
    if variable not in ("", NOT_NAMED) and not re.fullmatch(r"[A-Z][A-Z0-9_]*", variable):
        raise InputError(
            f"{where}: key_variable is no name of an environment variable (capital letters, digits and '_', for "
            f"example {own['key_variable'] or 'MY_KEY'}). It is not shown here, in case it is the key itself: that "
            f"one belongs into the environment."
        )
    if "key_variable" not in entry and (url.scheme, url.netloc) != urlsplit(own["base_url"])[:2]:
        model["key_variable"] = NOT_NAMED
    return model


def _check_limits(model):
    for field, least, whole in (
        ("concurrency", 1, True), ("requests_per_minute", 0, False), ("timeout_s", 0.001, False), ("tries", 1, True)
    ):  # fmt: skip
        value = model[field]
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < float("inf"):
            kind = "a whole number" if whole else "a number"
            bound = "more than 0" if field == "timeout_s" else f"{least} or more"
            raise InputError(f"model {model['name']!r}: {field} is {value!r}. It must be {kind}, {bound}.")


def _shape(entry):
    """What an entry is, without its values, one of which might be a key."""
    return f"a mapping with {', '.join(map(str, entry))}" if isinstance(entry, dict) else f"a {type(entry).__name__}"


def client(model, *, timeout_s):
    """Client of a model's provider.

    The client libraries are slow to import, so each is imported when it is needed.

    Parameters
    ----------
    model : dict
        From `read`, with an address that can be reached.
    timeout_s : float
        Seconds after which a request without an answer is given up.

    Returns
    -------
    object
        With `ask(image, media_type, text, settings) -> ferlib.lmfm.answers.Answer`, safe to be called by several
        threads, `library` (name and version), and `close()`.
    """
    if model["provider"] == "openai":
        from ferlib.lmfm import openai as provider
    elif model["provider"] == "gemini":
        from ferlib.lmfm import gemini as provider
    elif model["provider"] == "paligemma":
        from ferlib.lmfm import paligemma as provider
    else:
        from ferlib.lmfm import gemini_legacy as provider
    return provider.Client(model, timeout_s=timeout_s)
