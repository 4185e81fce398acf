"""The models to ask, as a notebook's parameter lists them."""

import importlib
import re
from types import SimpleNamespace
from urllib.parse import urlsplit

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import services
from ferlib.lmfm.permissions import NOT_NAMED, environment_of

CLIENTS = {
    "openai": "clients.OpenAI", "gemini": "gemini.Gemini", "gemini-legacy": "gemini.Legacy",
    "anthropic": "anthropic.Anthropic", "paligemma": "paligemma.PaliGemma", "transformers": "paligemma.Chat",
}  # fmt: skip
"""Module and class of each client library."""

STANDIN = "standin"
"""A model whose `base_url` is this word is answered by a server that stands in for its provider, such as the demo's."""

NOBODY = SimpleNamespace(
    pin=lambda models: models, connect=lambda model: model, sources=lambda models: [], stop=lambda: None
)  # fmt: skip
"""What stands in where no model asks for it: nothing. Models stay as they are, no file is read, nothing has to end."""

FIELDS = ("name", "provider", "model", "base_url", "version", "key_variable", "transport", "service", "image_format")

TRANSPORTS = ("direct", "batch")
"""Ways in which questions go, see `ferlib.lmfm.transport`."""

IMAGE_FORMATS = ("", "png", "jpeg", "webp")

SETTINGS = ("temperature", "max_tokens", "seed", "reasoning_effort", "thinking_budget", "detail", "extra")
"""What a model may have in `settings`, in place of the notebook's or on top of it; null leaves one out of the request,
and `extra` goes into its body as it is."""

LIMITS = {"concurrency": 8, "requests_per_minute": 0, "timeout_s": 60.0, "tries": 6}
"""How fast and how patiently a model is asked, with what holds unless told otherwise: questions under way at a time,
requests begun in a minute (0 for no limit), seconds until a request is given up, requests a question at most. Models of
one provider at one address share one pace, with the lowest of their limits."""

BATCH_LIMITS = ("batch_requests", "batch_bytes", "batch_tokens")
"""What one batch may hold, and for tokens all batches under way; by default as in data/providers/services.yaml."""

LEAST = {"concurrency": 1, "requests_per_minute": 0.0, "timeout_s": 0.001, "tries": 1, **dict.fromkeys(BATCH_LIMITS, 0)}
"""Lowest values; whole numbers where these are."""


def stand_in(entries, *, package, weights):
    """The stand-in that some of the models (of notebook 04) ask for, or `NOBODY`.

    `package` is a module with a class `StandIn`, which has the methods of `NOBODY`, imported only if a model asks for
    it, and never by name; `weights` is the folder of the networks that it answers from.
    """
    if any(isinstance(entry, dict) and entry.get("base_url") == STANDIN for entry in entries):
        return importlib.import_module(package).StandIn(weights=weights)
    return NOBODY


def read(entries, **limits):
    """Check a list of models and fill in what it leaves out.

    Parameters
    ----------
    entries : sequence of dict
        Each with `name` (what the tables call it) and `provider`; optionally `model` (what the provider calls it, by
        default the same), `base_url`, `version` (becomes part of the address of its stored answers, so that a model
        that changed under its name can be asked anew), `key_variable`, `transport` (where it differs from the
        notebook's), `service` (who serves it, where the address does not tell), `image_format`, `settings` (see
        `SETTINGS`), and any of `LIMITS` and `BATCH_LIMITS`. Empty to ask nobody.

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
    models = []
    for row, entry in enumerate(entries, start=1):
        try:
            models.append(_complete(entry, {**LIMITS, **limits}))
        except InputError as error:
            raise InputError(f"models, entry {row}: {error}") from None
        _check_limits(models[-1])
    tables.file_names([model["name"] for model in models], what="models: name")
    addresses = {}
    for model in models:
        other = addresses.setdefault((model["provider"], model["model"], model["version"]), model)
        if other["base_url"] != model["base_url"]:
            raise InputError(
                f"models: {other['name']!r} and {model['name']!r} are model {model['model']!r} at two addresses, and "
                f"would share their stored answers. Give at least one of them a field version, such as its host."
            )
    for model in models:
        alike = [other for other in models if address(other) == address(model)]
        model["concurrency"] = min(other["concurrency"] for other in alike)
        a_minute = [other["requests_per_minute"] for other in alike if other["requests_per_minute"]]
        model["requests_per_minute"] = min(a_minute, default=0)
    return models


def limited(model, **limits):
    """A model with some of its `LIMITS` replaced."""
    if unknown := set(limits) - set(LIMITS):
        raise TypeError(f"unknown limit {', '.join(sorted(unknown))}; there are {', '.join(LIMITS)}")
    return {**LIMITS, **model, **limits}


def address(model):
    """Where a model is asked: its provider and its host. Models at one address share one pace."""
    return services.provider(model), urlsplit(model["base_url"]).netloc


def client(model, *, timeout_s):
    """Client of a model's provider, imported now: the libraries are slow to import.

    It has `ask` (see `ferlib.lmfm.clients.Client`), safe to be called by several threads, `library` (name and version),
    `close`, and, if it takes batches, `hand_in`, `find` and `fetch`.
    """
    module, _, kind = CLIENTS[model["provider"]].partition(".")
    with environment_of(model):
        return getattr(importlib.import_module(f"ferlib.lmfm.{module}"), kind)(model, timeout_s=timeout_s)


def _complete(entry, limits):
    providers, known = services.read()
    if not isinstance(entry, dict) or not {"name", "provider"} <= set(entry):
        kind = type(entry).__name__
        found = f"a mapping with {', '.join(map(str, entry))}" if isinstance(entry, dict) else f"a {kind}"
        raise InputError(f"it must be a mapping with at least name and provider, found {found}.")
    allowed = [*FIELDS, "settings", *LIMITS, *BATCH_LIMITS]
    if unknown := sorted(set(map(str, entry)) - set(allowed)):
        keys = " Keys come from the environment, never from a file." if "key" in unknown[0].casefold() else ""
        raise InputError(f"unknown field {unknown[0]!r}. Allowed: {', '.join(allowed)}.{keys}")
    for field in FIELDS:
        if not isinstance(entry.get(field, ""), str):
            raise InputError(f"{field} is {entry[field]!r}. It must be a text.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", entry["name"]):
        raise InputError(
            f"the name {entry['name']!r} becomes a file's name. Allowed: letters, digits, '.', '_' and '-'. Put what "
            f"the provider calls it into the field model."
        )
    if entry["provider"] not in providers:
        raise InputError(
            f"unknown provider {entry['provider']!r}. Allowed: {', '.join(providers)}. "
            f"Any server that speaks OpenAI's protocol is provider 'openai' with its own base_url."
        )
    for field, values in (("transport", TRANSPORTS), ("service", tuple(known)), ("image_format", IMAGE_FORMATS)):
        if entry.get(field, values[0]) not in values:
            raise InputError(f"{field} is {entry[field]!r}. Allowed: {', '.join(filter(None, values))}.")
    own = {name: value for name, value in providers[entry["provider"]].items() if name != "service"}
    model = {"model": entry["name"], "version": "", "settings": {}, **limits, **own, **entry}
    url = urlsplit(model["base_url"])
    if "@" in url.netloc or url.query or url.fragment:
        raise InputError(
            "base_url holds more than an address (a user, a password, or what follows '?' or '#'), which would be "
            "written into tables and messages. Leave it out; a key goes into the environment."
        )
    variable = entry.get("key_variable", NOT_NAMED)
    if variable not in ("", NOT_NAMED) and not re.fullmatch(r"[A-Z][A-Z0-9_]*", variable):
        raise InputError(
            f"key_variable is no name of an environment variable (capital letters, digits and '_', for example "
            f"{own['key_variable'] or 'MY_KEY'}). It is not shown here, in case it is the key itself: that one belongs "
            f"into the environment."
        )
    if "key_variable" not in entry and (url.scheme, url.netloc) != urlsplit(own["base_url"])[:2]:
        model["key_variable"] = NOT_NAMED
    model.setdefault("service", services.service_at(model["provider"], model["base_url"]))
    settings, usual = model["settings"], services.of(model)
    odd = [name for name in settings if name not in SETTINGS] if isinstance(settings, dict) else ["no mapping"]
    if odd:
        raise InputError(
            f"settings has {odd[0]!r}. Allowed: {', '.join(SETTINGS)}, each with null to leave it out; anything else "
            f"goes into extra, a mapping that is sent as it is."
        )
    extra, secret = settings.get("extra") or {}, re.compile("key|token$|authorization|secret", re.IGNORECASE)
    if not isinstance(extra, dict) or any(secret.search(str(name)) for name in extra):
        raise InputError("extra must be a mapping without keys: those come from the environment only.")
    return {**{field: usual[field] for field in ("image_format", *BATCH_LIMITS)}, **model}


def _check_limits(model):
    for field, least in LEAST.items():
        value, whole = model[field], isinstance(least, int)
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < float("inf"):
            bound = "more than 0" if field == "timeout_s" else f"{least:g} or more"
            raise InputError(
                f"model {model['name']!r}: {field} is {value!r}. It must be a {'whole ' * whole}number, {bound}."
            )
