"""The questions put to the models: one YAML file each, so that a prompt is added without touching code."""

import re
from dataclasses import dataclass

import yaml

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import forms, vocabulary
from ferlib.paths import ROOT, relative

FOLDER = ROOT / "data" / "prompts"
FIELDS = ("name", "version", "purpose", "text")
OPTIONAL = ("form", "language")
SLOT = "{labels}"


@dataclass(frozen=True)
class Prompt:
    """One question, before the labels are put into it."""

    name: str
    version: int
    purpose: str
    template: str
    """The text, with `{labels}` where the labels go; a description has no such place."""
    form: str = "words"
    """What it asks for, see `ferlib.lmfm.forms`."""
    language: str = "en"

    def text(self, options=EMOTIONS):
        """The text as sent, with the labels in a given order."""
        names = vocabulary.names(self.language)
        return self.template.replace(SLOT, ", ".join(names[label] for label in options))

    def demands(self, options=EMOTIONS):
        """What is sent beside the text: a JSON schema, or the labels to score; empty for plain words.

        Parameters
        ----------
        options : sequence of str
            The labels in the order in which the text names them.

        Returns
        -------
        dict
            Part of the settings of a question.
        """
        names = [vocabulary.names(self.language)[label] for label in options]
        if self.form == "scores":
            return {"scored": names}
        schema = forms.schema(self.form, names)
        return {"schema": schema} if schema else {}


def available(folder=FOLDER):
    """Names of the prompts in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(name, *, folder=FOLDER):
    """Read a prompt.

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
    plain = {field: " ".join(content[field].split()) for field in ("purpose", "text")}
    extra = {field: content[field] for field in OPTIONAL if field in content}
    return Prompt(content["name"], content["version"], plain["purpose"], plain["text"], **extra)


def _check(content, name, path):
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no fields. It needs {', '.join(FIELDS)}, one a line.")
    missing, unknown = set(FIELDS) - set(content), set(content) - {*FIELDS, *OPTIONAL}
    if missing or unknown:
        found = ", ".join(map(str, content))
        raise InputError(
            f"{path}: has the fields {found}. Needed: {', '.join(FIELDS)}. Allowed as well: {', '.join(OPTIONAL)}."
        )
    for field, allowed in (("form", forms.FORMS), ("language", vocabulary.languages())):
        if field in content and content[field] not in allowed:
            raise InputError(f"{path}: its field {field} is {content[field]!r}. Allowed: {', '.join(allowed)}.")
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
    needed = 0 if content.get("form") in forms.WITHOUT_OPTIONS else 1
    if content["text"].count(SLOT) != needed:
        raise InputError(
            f"{path}: its text holds {SLOT} {content['text'].count(SLOT)} times. It must hold it "
            + ("once, where the seven labels go." if needed else "never: a description is free of options.")
        )
