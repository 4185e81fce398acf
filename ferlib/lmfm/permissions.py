"""What may leave this machine, and to which address: the key of its own provider, and images as their terms allow.

A key comes from the environment, goes to its own provider only, and is shown to nobody. A dataset's terms decide about
its images; the user who holds a permission says so by name.
"""

import contextlib
import os
import re

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import services
from ferlib.paths import DEMO, ROOT, absolute, relative

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

TERMS = ROOT / "data" / "terms" / "datasets.csv"

COLUMNS = ("dataset", "terms", "quotation", "quoted_from", "source", "checked")


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


def check(images, *, model, may_send=()):
    """Raise unless these images (rows with their `dataset` and `path`) may be sent to a model's address.

    The faces that are shipped here may go anywhere (CC0): those below `DEMO`, whatever a dataset elsewhere is called.
    An address on this machine is always allowed: mind that a gateway which listens here and passes requests on is such
    an address, too. `may_send` are datasets that the user holds permission for. The `InputError` names each of the
    others with its terms and their source, the host, and the parameter.
    """
    if services.is_loopback(model["base_url"]):
        return
    home = DEMO.resolve()
    shipped = images["path"].map(lambda path: absolute(path).resolve().is_relative_to(home))
    if unclear := sorted({*images["dataset"][~shipped]} - {*may_send}):
        known = tables.read_csv(TERMS, columns=COLUMNS, dtype=str, keep_default_na=False).set_index("dataset")
        reasons = "\n".join(f"- {name!r}: {_terms(name, known)}" for name in unclear)
        raise InputError(
            f"model {model['name']!r} at {services.host(model['base_url'])}: images of "
            f"{', '.join(map(repr, unclear))} stay on this machine. Their terms:\n{reasons}\nIf you hold permission to "
            f"send them there, name the dataset: may_send = {sorted({*may_send, *unclear})!r}."
        )


def _terms(name, known):
    if name not in known.index:
        return f"not known here (no row in {relative(TERMS)}), so taken to forbid it"
    row = known.loc[name]
    quoted = f"it says “{row['quotation']}” ({row['quoted_from']}); " if row["quotation"] else ""
    return f"{quoted}in our words: {row['terms']}. Source: {row['source']}, noted here on {row['checked']}"
