"""Make the students' and the teacher's version of each exercise from one notebook: `make teaching`.

The sources follow the conventions of nbgrader (https://nbgrader.readthedocs.io), so that it can hand out, collect and
grade them too: what stands between `### BEGIN SOLUTION` and `### END SOLUTION` is the answer, and what stands between
`### BEGIN HIDDEN TESTS` and `### END HIDDEN TESTS` is run when the answers are graded only.
"""

import argparse
import copy
import re
from pathlib import Path

import nbformat

from ferlib import paths
from ferlib.errors import InputError
from ferlib.tables import write_bytes

SOURCES = paths.ROOT / "data" / "teaching" / "source"
STUDENT = SOURCES.parent
SOLUTION = paths.ROOT / "data" / "runs" / "teaching"

STUBS = {"code": "# YOUR CODE HERE\nraise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}
"""What nbgrader puts in place of an answer."""


def _regions(cell, name, replacement):
    """Text of a cell with each marked region replaced; `replacement` gets the region's lines and its indent."""
    kept, inside = [], None
    for line in cell.source.splitlines():
        if f"BEGIN {name}" in line:
            if inside is not None:
                raise InputError(f"cell {cell.id}: '### BEGIN {name}' twice. End the first region before the second.")
            inside, indent = [], re.match(r"\s*", line).group()
        elif f"END {name}" in line:
            if inside is None:
                raise InputError(f"cell {cell.id}: '### END {name}' without a beginning. Add '### BEGIN {name}'.")
            kept += replacement(inside, indent)
            inside = None
        else:
            (kept if inside is None else inside).append(line)
    if inside is not None:
        raise InputError(f"cell {cell.id}: '### BEGIN {name}' has no end. Add '### END {name}'.")
    return "\n".join(kept)


def _marked(cell, role):
    return cell.metadata.get("nbgrader", {}).get(role, False)


def student(notebook):
    """The version without answers: each is a stub that fails, and hidden tests are gone.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        A source.

    Returns
    -------
    nbformat.NotebookNode
    """
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        stub = STUBS.get(cell.cell_type, "").splitlines()
        before = cell.source
        cell.source = _regions(cell, "SOLUTION", lambda _, indent, stub=stub: [indent + line for line in stub])
        if _marked(cell, "solution") and cell.source == before:
            cell.source = "\n".join(stub)
        cell.source = _regions(cell, "HIDDEN TESTS", lambda lines, indent: []).rstrip()
    return made


def solution(notebook):
    """The version with the answers and all tests, and without markers.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        A source.

    Returns
    -------
    nbformat.NotebookNode
    """
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        for name in ("SOLUTION", "HIDDEN TESTS"):
            cell.source = _regions(cell, name, lambda lines, indent: lines)
    return made


def sources():
    """The notebooks that both versions are made from, in the order of the lessons."""
    return sorted(SOURCES.glob("*.ipynb"))


def write(version, source, folder):
    """Write one version of one source under its name.

    Parameters
    ----------
    version : callable
        `student` or `solution`.
    source, folder : pathlib.Path

    Returns
    -------
    pathlib.Path
    """
    text = nbformat.writes(version(nbformat.read(source, as_version=4)), version=4)
    return write_bytes((text.rstrip("\n") + "\n").encode("utf-8"), folder / source.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--student", type=Path, default=STUDENT, help="folder of the versions without answers")
    parser.add_argument("--solution", type=Path, default=SOLUTION, help="folder of the versions with answers")
    given = parser.parse_args()
    for source in sources():
        write(student, source, given.student)
        print(paths.relative(write(solution, source, given.solution).resolve()))
