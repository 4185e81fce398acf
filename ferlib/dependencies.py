"""What one execution of a notebook depended on, as rules for make: files that it read and modules that it loaded."""

import os
import sys

from ferlib.paths import ROOT, RUNS, relative
from ferlib.tables import write_bytes

RUN = "$(RUN)"
"""How a rule names the folder of the run, so that a run that was moved keeps its rules."""

PASSED_OVER = (".git", ".ipynb_checkpoints", "__pycache__")
"""Folders that hold nothing that a result can depend on."""

_opened = set()
_watching = []


def watch():
    """From now on, note every file that this process opens for reading.

    A file that a library reads without Python's help (parquet, safetensors) is not noticed: name it to `write`.
    """
    _opened.clear()
    if not _watching:
        sys.addaudithook(_note)
        _watching.append(True)


def _note(event, arguments):
    if event == "open" and isinstance(arguments[0], str | os.PathLike) and not set("wax+") & set(arguments[1] or ""):
        _opened.add(os.path.abspath(arguments[0]))


def write(notebook, *, run, reads, writes):
    """Write the rules of a notebook: when to execute it again, and which files come of it.

    Parameters
    ----------
    notebook : str
        Name without suffix.
    run : ferlib.paths.Run
    reads : sequence of pathlib.Path
        Files and folders that the results depend on; those that were opened, and all modules of the repository that
        were loaded, are added. A folder stands for all that is in it.
    writes : sequence of pathlib.Path
        Files that the notebook made.

    Returns
    -------
    pathlib.Path
    """
    made = {os.path.abspath(path) for path in writes}
    needed = {os.path.abspath(place) for path in reads for place in _below(path)}
    needed |= {path for path in _opened if _counts(path, run) and os.path.isfile(path)}
    # Not by getattr: some packages load the rest of themselves when asked for what they do not have.
    loaded = {getattr(module, "__dict__", {}).get("__file__") for module in [*sys.modules.values()]}
    needed |= {file for file in loaded if _ours(file)}
    target = f"{RUN}/executed/{notebook}.ipynb"
    outputs = " ".join(_named(path, run) for path in sorted(made))
    before = [_named(path, run) for path in sorted(needed - made)]
    lines = [
        f"OUTPUTS_{notebook} := {outputs}",
        f"{target}: \\\n " + " \\\n ".join(before),
        "# No rule makes these: one that has gone is a change, not an error.",
        *(name.replace("%", "\\%") + ":" for name in before),
    ]
    return write_bytes(("\n".join(lines) + "\n").encode(), run.depends / f"{notebook}.mk")


def _below(path):
    """A file; or a folder, all folders in it, which change with the names in them, and all files."""
    yield path
    seen = set()
    for folder, inner, files in os.walk(path, followlinks=True):
        inner[:] = [name for name in inner if name not in PASSED_OVER]
        if os.path.realpath(folder) in seen:  # a link that leads back
            inner.clear()
            continue
        seen.add(os.path.realpath(folder))
        yield from (os.path.join(folder, name) for name in [*inner, *files])


def _counts(path, run):
    """Whether an opened file can be an input: part of the repository or of this run, and not of an environment."""
    if _inside(path, run.responses):
        return False
    if _inside(path, run.root):
        return True
    parts = path.split(os.sep)
    return _ours(path) and not _inside(path, RUNS) and not any(name in parts for name in PASSED_OVER)


def _ours(file):
    """Whether a file is part of the repository, and not of an environment in it."""
    return bool(file) and _inside(file, ROOT) and not _inside(file, sys.prefix)


def _inside(path, folder):
    return path.startswith(os.path.join(os.path.abspath(folder), ""))


def _named(path, run):
    """Name of a file as make writes it: relative to the run or to the repository, special characters escaped."""
    inside = _inside(path, run.root)
    name = os.path.relpath(path, run.root) if inside else relative(path)
    name = name.replace(os.sep, "/").replace("$", "$$")
    for character in " #:":
        name = name.replace(character, f"\\{character}")
    return f"{RUN}/{name}" if inside else name
