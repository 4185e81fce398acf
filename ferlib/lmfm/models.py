"""The models to ask, as a notebook's parameter lists them."""

import re

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

FIELDS = ("name", "provider", "model", "base_url", "version", "key_variable")


def read(entries):
    """Check a list of models and fill in what it leaves out.

    Parameters
    ----------
    entries : sequence of dict
        Each with `name` (what the tables call it) and `provider`; optionally `model` (what the provider calls it, by
        default the same), `base_url`, `version` (becomes part of the address of its stored answers, so that a model
        that changed under its name can be asked anew) and `key_variable`.

    Returns
    -------
    list of dict
        With all of these fields.

    Raises
    ------
    InputError
        Names the entry, the value found and the values allowed.
    """
    models = [_complete(entry, row) for row, entry in enumerate(entries, start=1)]
    names = [model["name"] for model in models]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"models: the name {name!r} occurs {names.count(name)} times. Give each model its own.")
    return models


def _complete(entry, row):
    if not isinstance(entry, dict) or not {"name", "provider"} <= set(entry):
        raise InputError(f"models, entry {row}: found {entry!r}. It must be a mapping with at least name and provider.")
    unknown = sorted(set(entry) - set(FIELDS))
    if unknown:
        raise InputError(f"models, entry {row}: unknown field {unknown[0]!r}. Allowed: {', '.join(FIELDS)}.")
    for field, value in entry.items():
        if not isinstance(value, str):
            raise InputError(f"models, entry {row}: {field} is {value!r}. It must be a text.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", entry["name"]):
        raise InputError(
            f"models, entry {row}: the name {entry['name']!r} becomes a file's name. Allowed: letters, digits, '.', "
            f"'_' and '-'. Put what the provider calls it into the field model."
        )
    if entry["provider"] not in PROVIDERS:
        raise InputError(
            f"models, entry {row}: unknown provider {entry['provider']!r}. Allowed: {', '.join(PROVIDERS)}. "
            f"Any server that speaks OpenAI's protocol is provider 'openai' with its own base_url."
        )
    return {"model": entry["name"], "version": "", **PROVIDERS[entry["provider"]], **entry}


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
