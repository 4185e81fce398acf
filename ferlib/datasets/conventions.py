"""What the codes in a dataset's file names mean: an editable table, which fails on a code that it does not know."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from ferlib import labels
from ferlib.datasets.reading import CODES
from ferlib.errors import InputError
from ferlib.paths import ROOT, absolute, relative

FOLDER = ROOT / "data" / "conventions"
FIELDS = ("emotion", "race", "gender")
CONFIDENCES = ("high", "medium", "low")


@dataclass(frozen=True)
class Convention:
    """The conventions of one dataset; see the files in `data/conventions/`.

    Attributes
    ----------
    file : pathlib.Path
        The YAML file that the conventions were read from, for messages.
    about : dict
        `dataset`, `title`, `where`, `terms`, `reference` and whatever else the file says.
    codes : dict of str to dict
        For each field that has a table: code in upper case, to a dict with `label` or `leave_out`, `confidence` and
        `source`.
    """

    file: Path
    about: dict
    codes: dict


def read_yaml(path):
    """A YAML file whose values all stay text, so that the codes `NO` and `007` are what they look like.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    dict

    Raises
    ------
    InputError
        When the file is missing or is not YAML with `name: value` lines.
    """
    path = absolute(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except OSError as error:
        raise InputError(f"{relative(path)}: cannot be read ({error.strerror}). Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{relative(path)}: is not valid YAML ({error}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{relative(path)}: needs lines `name: value`.")
    return content


def load(name):
    """The `Convention` of a dataset known by name, from `data/conventions/<name>.yaml`."""
    path = FOLDER / f"{name}.yaml"
    content = read_yaml(path)
    return Convention(file=path, about=content, codes=codes_of(content, path))


def codes_of(content, path):
    """Tables of codes of a YAML file, checked.

    A code is given as a mapping with `label` or `leave_out`, or just as its label.

    Parameters
    ----------
    content : dict
        With some of the keys `FIELDS`.
    path : pathlib.Path

    Returns
    -------
    dict of str to dict

    Raises
    ------
    InputError
        For a label that is not one of those allowed, or a code with neither or both of `label` and `leave_out`.
    """
    tables = {}
    for name in FIELDS:
        if name not in content:
            continue
        if not isinstance(content[name], dict):
            raise InputError(f"{relative(path)}: {name}: needs lines `CODE: label` below it, found {content[name]!r}.")
        tables[name] = {}
        for code, entry in content[name].items():
            if code.upper() in tables[name]:
                raise InputError(f"{relative(path)}: {name}: {code}: is given twice (capitals do not matter).")
            tables[name][code.upper()] = _checked(entry, name, code, path)
    return tables


def _checked(entry, name, code, path):
    entry = {"label": entry} if isinstance(entry, str) else dict(entry)
    where = f"{relative(path)}: {name}: {code}"
    if ("label" in entry) == ("leave_out" in entry):
        raise InputError(f"{where}: needs either `label` or `leave_out`, found {entry}.")
    if "label" in entry:
        check_label(entry["label"], name, where)
    confidence = entry.get("confidence", "high")
    if confidence not in CONFIDENCES:
        raise InputError(f"{where}: unknown confidence {confidence!r}. Allowed: {', '.join(CONFIDENCES)}.")
    return {"confidence": confidence, "source": "", **entry}


def check_label(label, name, where):
    """Raise, with the place in the file, unless a label is one that `ferlib.labels.ALLOWED` knows."""
    allowed = labels.ALLOWED.get(name, (label,))
    if label not in allowed:
        raise InputError(f"{where}: unknown {name} {label!r}. Allowed: {', '.join(allowed)}.")


def decode(files, convention):
    """Give every file its labels, or the reason why it is left out.

    Parameters
    ----------
    files : pandas.DataFrame
        Columns `path` and `FIELDS`, the latter holding codes.
    convention : Convention

    Returns
    -------
    files : pandas.DataFrame
        `FIELDS` hold labels; a column `reason` is added (or kept where it was filled before): empty for a file to use.
    codes : pandas.DataFrame
        Columns `ferlib.datasets.reading.CODES`.

    Raises
    ------
    InputError
        For codes that the convention does not know; the message lists them all with the file to edit.
    """
    _reject_unknown(files, convention)
    decoded, met = files.copy(), []
    reason = files["reason"].copy() if "reason" in files.columns else pd.Series("", index=files.index)
    for name, table in convention.codes.items():
        codes = files[name].str.upper()
        dropped = codes.map({code: entry.get("leave_out", "") for code, entry in table.items()})
        reason = reason.where(reason != "", dropped)
        decoded[name] = codes.map({code: entry.get("label") for code, entry in table.items()})
        for code, count in codes.value_counts().sort_index().items():
            entry = table[code]
            meaning = entry.get("label") or f"left out: {entry['leave_out']}"
            row = (convention.about["dataset"], name, code, meaning, entry["confidence"], entry["source"], count)
            met.append(row)
    return decoded.assign(reason=reason), pd.DataFrame(met, columns=list(CODES))


def _reject_unknown(files, convention):
    found = []
    for name, table in convention.codes.items():
        codes = files[name].str.upper()
        for code in sorted(set(codes) - set(table)):
            paths = files.loc[codes == code, "path"]
            found.append(f"{name} {code!r} ({counted(len(paths), 'file')}, for example {Path(paths.iloc[0]).name})")
    if found:
        known = "; ".join(f"{name}: {', '.join(table)}" for name, table in convention.codes.items())
        raise InputError(
            f"{convention.about['dataset']}: {counted(len(found), 'code')} in the file names, not in "
            f"{relative(convention.file)}: {', '.join(found)}. Known there: {known}. If a code is real, add it there, "
            f"with a `label` or a reason to `leave_out` its files; if a file has lost its name, give it its own back."
        )


def counted(number, noun):
    """A number with its noun, as `1 file` or `3 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def doubts(codes):
    """What to warn of: codes (as of `decode`) whose meaning is a guess, and the number of files that rest on it."""
    guessed, notes = codes[codes["confidence"] == "low"], []
    for dataset, group in guessed.groupby("dataset"):
        each = [f"{row.code} ({row.label}, {counted(row.files, 'file')})" for row in group.itertuples()]
        notes.append(
            f"{dataset}: the meaning of the codes {', '.join(each)} is a guess. Look at a few of these images, and "
            f"mend {relative(FOLDER)}/ where it is wrong."
        )
    return tuple(notes)
