"""The questions put to the models: one YAML file each, so that a prompt is added without touching code."""

import re
from dataclasses import dataclass

import yaml

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.paths import ROOT, relative

FOLDER = ROOT / "data" / "prompts"
FIELDS = ("name", "version", "purpose", "text")
SLOT = "{labels}"


@dataclass(frozen=True)
class Prompt:
    """One question, ready to be sent."""

    name: str
    version: int
    purpose: str
    text: str
    """As sent: with the labels in their place."""


def available(folder=FOLDER):
    """Names of the prompts in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(name, *, folder=FOLDER):
    """Read a prompt and put the seven labels into its text.

    Parameters
    ----------
    name : str
        The file's name without `.yaml`; it becomes the `variant` of the prediction tables.
    folder : pathlib.Path
        Where the prompt files are.

    Returns
    -------
    Prompt

    Raises
    ------
    InputError
        When there is no such file, or it lacks a field, has one too many, or one of the wrong kind.
    """
    path = folder / f"{name}.yaml"
    if name not in available(folder):
        raise InputError(
            f"prompt {name!r}: there is no file {relative(path)}. Available: {', '.join(available(folder)) or 'none'}. "
            f"Choose one of these, or write the file with the fields {', '.join(FIELDS)}."
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{relative(path)}: is not YAML ({' '.join(str(error).split())}). Mend the file.") from None
    _check(content, name, relative(path))
    text = " ".join(content["text"].split()).replace(SLOT, ", ".join(EMOTIONS))
    return Prompt(content["name"], content["version"], " ".join(content["purpose"].split()), text)


def _check(content, name, path):
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no fields. It needs {', '.join(FIELDS)}, one a line.")
    missing, unknown = set(FIELDS) - set(content), set(content) - set(FIELDS)
    if missing or unknown:
        found = ", ".join(map(str, content))
        raise InputError(f"{path}: has the fields {found}. Allowed, and all needed: {', '.join(FIELDS)}.")
    if content["name"] != name or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise InputError(
            f"{path}: its field name is {content['name']!r}. It must be {name!r}, as the file is called, "
            f"and made of letters, digits, '.', '_' and '-'."
        )
    if isinstance(content["version"], bool) or not isinstance(content["version"], int):
        raise InputError(f"{path}: its field version is {content['version']!r}. It must be a whole number.")
    for field in ("purpose", "text"):
        if not isinstance(content[field], str) or not content[field].strip():
            raise InputError(f"{path}: its field {field} is {content[field]!r}. It must be a text.")
    if content["text"].count(SLOT) != 1:
        raise InputError(
            f"{path}: its text holds {SLOT} {content['text'].count(SLOT)} times. It must hold it once, where the "
            f"seven labels go."
        )
