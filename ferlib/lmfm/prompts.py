"""The questions put to the models: one YAML file each, so that a prompt is added without touching code.

What a prompt asks for is its form:

| form | the answer | becomes a label by |
|---|---|---|
| `words` | one of the words offered | the word itself |
| `json` | a JSON object of a given schema | its field `emotion` |
| `description` | free words, no options offered | the one emotion that they name |
| `ratings` | a number from 0 to 100 for each emotion | the highest, if it is the only one |
| `scores` | the log-probability of each label, without any words (local models only) | the highest |
"""

import re
from dataclasses import dataclass

import yaml

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import vocabulary
from ferlib.paths import ROOT, relative

FOLDER = ROOT / "data" / "prompts"
FIELDS = ("name", "version", "purpose", "text")
OPTIONAL = ("form", "language")
SLOT = "{labels}"

FORMS = ("words", "json", "description", "ratings", "scores")

NUMBERS = ("ratings", "scores")
"""Forms whose answers carry a number for each emotion."""

WITHOUT_OPTIONS = ("description",)
"""Forms whose prompt names no labels."""


@dataclass(frozen=True)
class Prompt:
    """One question, before the labels are put into it."""

    name: str
    version: int
    purpose: str
    template: str
    """The text, with `{labels}` where the labels go; a description has no such place."""
    form: str = "words"
    """What it asks for, one of `FORMS`."""
    language: str = "en"

    def _names(self, options):
        return [vocabulary.names(self.language)[label] for label in options]

    def text(self, options=EMOTIONS):
        """The text as sent, with the labels in a given order."""
        return self.template.replace(SLOT, ", ".join(self._names(options)))

    def demands(self, options=EMOTIONS):
        """What is sent beside the text, as part of the settings: a JSON schema, the labels to score, or nothing.

        The schema is in the subset that OpenAI's strict mode and Gemini both take.
        """
        names = self._names(options)
        if self.form == "scores":
            return {"scored": names}
        if self.form == "json":
            fields = {"emotion": {"type": "string", "enum": names}}
        elif self.form == "ratings":
            fields = {name: {"type": "integer"} for name in names}
        else:
            return {}
        schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
        return {"schema": schema}


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
    if problem := _problem(content, name):
        raise InputError(f"{relative(path)}: {problem}")
    plain = {field: " ".join(content[field].split()) for field in ("purpose", "text")}
    extra = {field: content[field] for field in OPTIONAL if field in content}
    return Prompt(content["name"], content["version"], plain["purpose"], plain["text"], **extra)


def _problem(content, name):
    """What is wrong with the content of a prompt's file; None when nothing is."""
    if not isinstance(content, dict):
        return f"holds no fields. It needs {', '.join(FIELDS)}, one a line."
    if not set(FIELDS) <= set(content) <= {*FIELDS, *OPTIONAL}:
        found = ", ".join(map(str, content))
        return f"has the fields {found}. Needed: {', '.join(FIELDS)}. Allowed as well: {', '.join(OPTIONAL)}."
    words = {field for field in ("purpose", "text") if isinstance(content[field], str) and content[field].strip()}
    own_name = f"{name!r}, as the file is called, and made of letters, digits, '.', '_' and '-'"
    right = {
        "form": (content.get("form", "words") in FORMS, f"one of {', '.join(FORMS)}"),
        "language": (content.get("language", "en") in vocabulary.languages(), ", ".join(vocabulary.languages())),
        "name": (content["name"] == name and re.fullmatch(r"[A-Za-z0-9._-]+", name), own_name),
        "version": (type(content["version"]) is int, "a whole number"),
        "purpose": ("purpose" in words, "a text"),
        "text": ("text" in words, "a text"),
    }
    for field, (fits, allowed) in right.items():
        if not fits:
            return f"its field {field} is {content[field]!r}. It must be {allowed}."
    free = content.get("form") in WITHOUT_OPTIONS
    where = "never: a description is free of options" if free else "once, where the seven labels go"
    times = content["text"].count(SLOT)
    return None if times == (not free) else f"its text holds {SLOT} {times} times. It must hold it {where}."
