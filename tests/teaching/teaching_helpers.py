"""Exercises run in this process, cell by cell, as a student would run them."""

import contextlib
import io
import os
import re
import sys

import nbformat
import yaml

from ferlib.paths import ROOT

TEACHING = ROOT / "data" / "teaching"
for folder in (TEACHING, TEACHING / "source"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

MISUNDERSTANDINGS = yaml.safe_load((TEACHING / "source" / "misunderstandings.yaml").read_text(encoding="utf-8"))


def read(path):
    return nbformat.read(path, as_version=4)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def exercise(cell):
    """Name of the exercise that a cell answers or checks, and which of the two it does."""
    marks = cell.metadata.get("nbgrader", {})
    role = "check" if marks.get("grade") and not marks.get("solution") else "solution" if marks else ""
    return marks.get("grade_id", "").removeprefix("check_"), role


def expected(stem):
    """Expressions and their values, as the guide says that they come out of one notebook's solutions."""
    text = (TEACHING / "guide.md").read_text(encoding="utf-8")
    return re.findall(rf"^\| \[[^]]+\]\({stem}\.ipynb\) \| `([^`]+)` \| `([^`]+)` \|$", text, re.M)


@contextlib.contextmanager
def at_the_desk():
    """In the folder of the exercises, where Jupyter would start them, with nothing printed."""
    before = os.getcwd()
    os.chdir(TEACHING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.chdir(before)


def run(code, names):
    exec(compile(code, "<cell>", "exec"), names)  # noqa: S102
