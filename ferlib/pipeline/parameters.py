"""The parameter file of a profile: checked against the notebooks, then split into one file a notebook.

A file a notebook, left untouched when its content is the same, is what lets make re-run only the notebooks whose
parameters changed. papermill itself would accept an unknown parameter with a warning.
"""

import argparse
import ast
import difflib
import re
import sys
from pathlib import Path

import yaml

from ferlib.errors import InputError
from ferlib.paths import Run, relative
from ferlib.provenance import declared, parameters_cell
from ferlib.tables import write_bytes

EVERYWHERE = "all"
"""Section whose parameters go to every notebook."""

BASED_ON = "based_on"
"""Key under which a parameter file names the profile whose sections it takes over and may change."""

LEFT_OUT = "left_out"
"""Key under which the reason stands why a notebook is not executed: a section that is a text instead of parameters."""

SET_BY_MAKE = "run_dir"
"""Parameter that follows from the profile and cannot be set in the file."""

TAKEN = ("lab", "responses", "embedding-shards", "calibration")
"""Names of folders beside the runs, which no profile may have."""

NUMBER = r"(-?[\d.]*\d)"
RANGES = (
    (rf"^{NUMBER} < \w+ < {NUMBER}", lambda value, low, high: low < value < high),
    (rf"^{NUMBER} \.\.\. {NUMBER}", lambda value, low, high: low <= value <= high),
    (rf"^above {NUMBER}", lambda value, low: value > low),
    (rf"^{NUMBER} \.\.\. number|\binteger from {NUMBER}|\b{NUMBER} or more", lambda value, low: value >= low),
)
"""How the comment of a parameter says which numbers are legal."""

LISTS = re.compile(r"\w+: \[([^\]]+)\]$")
"""How it says that each value of a mapping is a list of so many."""


def comments(notebook):
    """What the comment of each parameter of a notebook says, its legal values among it: dict of str to str."""
    lines = parameters_cell(notebook).splitlines()
    ends = {node.targets[0].id: lines[node.end_lineno - 1] for node in ast.parse("\n".join(lines)).body}
    return {name: line.rpartition("  # ")[2] for name, line in ends.items()}


def legal(value, comment):
    """Whether a value is one that the comment of its parameter allows; where that names no limits, any is.

    Examples
    --------
    >>> legal(1.5, "0 < alpha < 1"), legal("gpu", '"cpu", or "cuda"'), legal(3, "integer from 2")
    (False, False, True)
    >>> legal({"b32": ["ViT-B-32"]}, "model: [open_clip name, weights' tag]")
    False
    """
    if isinstance(value, str):
        choices = re.findall(r'"([^"]*)"', comment)
        return len(choices) < 2 or value in choices
    if isinstance(value, dict) and (found := LISTS.match(comment)):
        return all(isinstance(one, list) and len(one) == len(found[1].split(",")) for one in value.values())
    numbers = [one for one in (value if isinstance(value, list) else [value]) if type(one) in (int, float)]
    for pattern, holds in RANGES:
        if found := re.search(pattern, comment):
            return all(holds(one, *(float(end) for end in found.groups() if end)) for one in numbers)
    return True


def read(path, notebooks, *, run_dir):
    """Read a parameter file and give every notebook its parameters.

    Parameters
    ----------
    path : pathlib.Path
        YAML: a section for each notebook by its name, and `all` for those of every notebook. A text in place of a
        section says why that notebook is left out; `based_on` names a profile that gives the sections to begin with.
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
        For a file that is not YAML, an unknown profile, section or parameter, or a value that is not legal.
    """
    source, content = relative(path), _sections(path, profiles=notebooks[0].parent / "params")
    known = {notebook.stem: declared(notebook) for notebook in notebooks}
    said = {notebook.stem: comments(notebook) for notebook in notebooks}
    # A comment that says what None means, says that it may be given.
    nothing = {name: [one for one, words in of.items() if re.search(r"\bNone\b", words)] for name, of in said.items()}
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
            _check(given, known[notebook], source=source, section=section, notebook=notebook, said=said[notebook])
    shared = content.get(EVERYWHERE) or {}
    split = {name: {**shared, **(content.get(name) or {}), SET_BY_MAKE: run_dir} for name in known}
    return split | {name: {LEFT_OUT: reason} for name, reason in left_out.items()}


def _sections(path, *, profiles, followed=()):
    """Sections of a parameter file, with those of the profile that it is based on."""
    source = relative(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{source}: is not valid YAML ({error}).") from error
    base = content.pop(BASED_ON, None) if isinstance(content, dict) else None
    if not isinstance(content, dict) or not all(
        isinstance(values, dict | None) or (isinstance(values, str) and name != EVERYWHERE)
        for name, values in content.items()
    ):
        raise InputError(
            f"{source}: needs sections (a notebook's name, or `{EVERYWHERE}`) with `name: value` below, or a text that "
            f"says why a notebook is left out."
        )
    if base is None:
        return content
    known = [file.stem for file in sorted(profiles.glob("*.yaml")) if file.stem not in followed]
    if base not in known:
        raise InputError(f"{source}: {BASED_ON}: {base!r} is no profile to begin with. There are: {', '.join(known)}.")
    sections = _sections(profiles / f"{base}.yaml", profiles=profiles, followed=(*followed, base))
    for name, values in content.items():
        both = isinstance(values, dict) and isinstance(sections.get(name), dict)
        sections[name] = {**sections[name], **values} if both else values
    return sections


def _check(values, defaults, *, source, section, notebook, said):
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
        if value != default and not legal(value, said[name]):
            raise InputError(
                f"{source}: {section}: parameter {name!r} is {value!r}, which notebook {notebook} does not allow. Its "
                f"legal values: {said[name]}."
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
    if Path(arguments.run_dir).name in TAKEN:
        sys.exit(f"Error: {arguments.run_dir} is no folder for a run: the name is taken. Call the profile otherwise.")
    split = read(arguments.file, arguments.notebooks, run_dir=arguments.run_dir)
    run = Run(Path(arguments.run_dir).resolve())
    if run.responses.parent == run.root:  # as older versions kept them
        from ferlib.pipeline import responses

        responses.join(run)
    for name, values in split.items():
        text = yaml.safe_dump(values, sort_keys=True, allow_unicode=True)
        write_bytes(text.encode(), Path(arguments.run_dir) / "params" / f"{name}.yaml")
    (Path(arguments.run_dir) / "params" / ".checked").touch()


if __name__ == "__main__":
    main()
