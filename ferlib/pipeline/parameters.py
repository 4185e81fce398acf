"""The parameter file of a profile: checked against the notebooks, then split into one file a notebook.

A file a notebook, left untouched when its content is the same, is what lets make re-run only the notebooks whose
parameters changed. papermill itself would accept an unknown parameter with a warning.
"""

import argparse
import ast
import difflib
import json
import re
import sys
from pathlib import Path

import yaml

from ferlib.errors import InputError
from ferlib.paths import relative
from ferlib.tables import write_bytes

EVERYWHERE = "all"
"""Section whose parameters go to every notebook."""

LEFT_OUT = "left_out"
"""Key under which the reason stands why a notebook is not executed: a section that is a text instead of parameters."""

SET_BY_MAKE = "run_dir"
"""Parameter that follows from the profile and cannot be set in the file."""


def declared(notebook):
    """Parameters that a notebook declares, with their defaults.

    Parameters
    ----------
    notebook : pathlib.Path
        A notebook with one cell tagged `parameters`, which holds literals only.

    Returns
    -------
    dict
    """
    body = ast.parse(_cell(notebook)).body
    return {statement.targets[0].id: ast.literal_eval(statement.value) for statement in body}


def _cell(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise InputError(f"{relative(notebook)}: has {len(tagged)} cells tagged `parameters`, needs exactly one.")
    return "".join(tagged[0]["source"])


def read(path, notebooks, *, run_dir):
    """Read a parameter file and give every notebook its parameters.

    Parameters
    ----------
    path : pathlib.Path
        YAML: a section for each notebook by its name, and `all` for those of every notebook. A text in place of a
        section says why that notebook is left out.
    notebooks : sequence of pathlib.Path
    run_dir : str
        Folder of the run, passed to every notebook.

    Returns
    -------
    dict of str to dict
        Parameters of each notebook by its name.

    Raises
    ------
    InputError
        For a file that is not YAML, an unknown section or parameter, or a value of another type than the default.
    """
    source = relative(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{source}: is not valid YAML ({error}).") from error
    if not isinstance(content, dict) or not all(
        isinstance(values, dict | None) or (isinstance(values, str) and name != EVERYWHERE)
        for name, values in content.items()
    ):
        raise InputError(
            f"{source}: needs sections (a notebook's name, or `{EVERYWHERE}`) with `name: value` below, or a text that "
            f"says why a notebook is left out."
        )
    known = {notebook.stem: declared(notebook) for notebook in notebooks}
    # A comment that says what None means, says that it may be given.
    nothing = {notebook.stem: re.findall(r"^(\w+) = .*#.*\bNone\b", _cell(notebook), re.M) for notebook in notebooks}
    left_out = {name: reason for name, reason in content.items() if isinstance(reason, str) and name in known}
    content = {name: section for name, section in content.items() if name not in left_out}
    for section, values in content.items():
        if section not in (EVERYWHERE, *known):
            raise InputError(
                f"{source}: unknown section {section!r}.{_did_you_mean(section, known)} "
                f"Known: {', '.join([EVERYWHERE, *known])}."
            )
        for notebook in known if section == EVERYWHERE else (section,):
            given = {name: value for name, value in (values or {}).items() if value or name not in nothing[notebook]}
            _check(given, known[notebook], source=source, section=section, notebook=notebook)
    shared = content.get(EVERYWHERE) or {}
    split = {name: {**shared, **(content.get(name) or {}), SET_BY_MAKE: run_dir} for name in known}
    return split | {name: {LEFT_OUT: reason} for name, reason in left_out.items()}


def _check(values, defaults, *, source, section, notebook):
    for name, value in values.items():
        if name == SET_BY_MAKE:
            raise InputError(f"{source}: {section}: {name!r} follows from the profile's name. Remove the line.")
        if name not in defaults:
            raise InputError(
                f"{source}: {section}: unknown parameter {name!r} (value {value!r}).{_did_you_mean(name, defaults)} "
                f"Notebook {notebook} knows: {', '.join(key for key in defaults if key != SET_BY_MAKE)}."
            )
        default = defaults[name]
        fits = isinstance(value, type(default)) and isinstance(value, bool) == isinstance(default, bool)
        if not fits and not (isinstance(default, float) and type(value) is int) and default is not None:
            raise InputError(
                f"{source}: {section}: parameter {name!r} is {value!r} ({type(value).__name__}), but notebook "
                f"{notebook} expects {type(default).__name__}, for example {default!r}."
            )


def _did_you_mean(name, known):
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def main():
    """Command line: check a parameter file and write one file a notebook."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--run-dir", required=True)
    parser.add_argument("notebooks", nargs="+", type=Path)
    arguments = parser.parse_args()
    try:
        split = read(arguments.file, arguments.notebooks, run_dir=arguments.run_dir)
    except InputError as error:
        sys.exit(f"Error: {error}")
    for name, values in split.items():
        text = yaml.safe_dump(values, sort_keys=True, allow_unicode=True)
        write_bytes(text.encode(), Path(arguments.run_dir) / "params" / f"{name}.yaml")
    (Path(arguments.run_dir) / "params" / ".checked").touch()


if __name__ == "__main__":
    main()
