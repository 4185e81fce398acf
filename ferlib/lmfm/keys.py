"""Which key opens an address: from the environment, for its own provider only, and shown to nobody."""

import contextlib
import os
import re

from ferlib.errors import InputError
from ferlib.lmfm import services

PLACEHOLDER = "loopback-needs-no-key"
"""Sent to an address on this machine in place of a key; no secret, and no key is read for such an address."""

NOT_NAMED = "(not named)"
"""Key variable of a model at another address than its provider's own that names none."""

OF_PROVIDERS = ("OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "AZURE_OPENAI_")
"""Beginnings of environment variables that the client libraries read by themselves."""

SECRETS = re.compile(
    r"\b(?:sk|pk|rk|xai|gsk|org|proj)-[\w*.-]{6,}|\bAIza[\w*-]{10,}|\bBearer\s+[\w.~+/*-]{6,}=*|\beyJ[\w-]{10,}[\w.-]*"
)
"""What looks like a key, whole or masked, or like the name of an account."""


def key(model):
    """The key for a model.

    `PLACEHOLDER` where none is needed: at an address whose variable is given as empty, and on this machine, unless the
    model names a variable of its own (some gateways want a key). Raises when the environment variable is not set, or
    does not hold what can be sent, or when none is named for an address that is not the provider's own: a key is never
    tried on a stranger.
    """
    name, variable, where = model["name"], model["key_variable"], services.host(model["base_url"])
    usual = {provider["key_variable"] for provider in services.read()[0].values()}
    if not variable or (services.is_loopback(model["base_url"]) and variable in {NOT_NAMED, *usual}):
        return PLACEHOLDER
    if variable == NOT_NAMED:
        raise InputError(
            f"model {name!r}: {where} is not the provider's own address, so the provider's key is not sent there. Name "
            f"the environment variable that holds the key of that address in the field key_variable; if it needs none, "
            f"say key_variable: ''."
        )
    if not (value := os.environ.get(variable, "").strip()):
        raise InputError(
            f"model {name!r}: asking {where} needs a key in the environment variable {variable}, which is not set. Set "
            f"it in the shell that starts the notebook (`export {variable}=...`); never write it into a notebook or a "
            f"parameter file."
        )
    if not re.fullmatch(r"[!-~]+", value):
        raise InputError(
            f"model {name!r}: the key in {variable} holds a space, a line break or a letter with an accent. It was "
            f"probably not copied as a whole, or with more than itself; set it again."
        )
    return value


def redact(text, secret):
    """Text in which the key, and whatever looks like one, is replaced by `[key]`."""
    text = str(text).replace(secret, "[key]") if secret and secret != PLACEHOLDER else str(text)
    return SECRETS.sub("[key]", text)


@contextlib.contextmanager
def environment_of(model):
    """While a client is made: hide what the environment says to client libraries, except to the model's own service."""
    own = services.of(model)["environment"] if not services.is_loopback(model["base_url"]) else ()
    own = {*own, model["key_variable"]}
    hidden = {name: os.environ[name] for name in os.environ if name.startswith(OF_PROVIDERS) and name not in own}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
