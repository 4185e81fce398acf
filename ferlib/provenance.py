"""What made this: the record that every executed notebook ends with."""

import ast
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import time
from importlib import metadata

import pandas as pd

from ferlib import dependencies
from ferlib.errors import InputError
from ferlib.paths import LAB, ROOT, RUNS, Run, relative
from ferlib.tables import write_bytes

PACKAGES = (
    "numpy", "pandas", "scipy", "scikit-learn", "statsmodels", "pingouin", "matplotlib", "seaborn", "pillow",
    "papermill", "torch", "torchvision", "captum", "zennit", "open_clip_torch", "transformers", "openai",
    "google-genai", "google-generativeai",
)  # fmt: skip
"""Packages whose version can change a number."""


def sha256(path):
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(paths):
    """One SHA-256 for a set of files: of their names and contents, in the order of their names.

    A folder stands for all the files below it.
    """
    files = []
    for path in paths:
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for path in sorted(files, key=relative):
        digest.update(f"{relative(path)}\0{sha256(path)}\n".encode())
    return digest.hexdigest()


def commit():
    """The repository's commit, followed by `+ uncommitted changes` when files differ from it.

    A copy without history, or a machine without git, has the commit `unknown (not a git checkout)`.
    """
    try:
        head = _git("rev-parse", "HEAD")
        return head + (" + uncommitted changes" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git checkout)"


def _git(*arguments):
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def versions():
    """Version of Python, the platform, and each installed package of `PACKAGES`."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def parameters_cell(notebook):
    """Source of the one cell of a notebook (a path) that is tagged `parameters`; of literals, each with a comment."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise InputError(f"{relative(notebook)}: has {len(tagged)} cells tagged `parameters`, needs exactly one.")
    return "".join(tagged[0]["source"])


def declared(notebook):
    """Parameters that a notebook (a path) declares, with their defaults, as a dict."""
    body = ast.parse(parameters_cell(notebook)).body
    return {statement.targets[0].id: ast.literal_eval(statement.value) for statement in body}


class Record:
    """The provenance of one execution of a notebook, from `start` to `finish`."""

    def __init__(self, notebook, *, run, seed, parameters=None):
        self.notebook, self.run, self.seed, self.parameters = notebook, run, seed, parameters or {}
        self.warnings = []
        self._began = time.monotonic()

    def warn(self, message):
        """Say something that the reader must not miss: shown here, on the terminal, and in the report."""
        self.warnings.append(message)
        print(message, file=sys.stderr)

    def finish(self, *, reads, writes):
        """Write the record and return it as a table to show.

        Parameters
        ----------
        reads : sequence of pathlib.Path
            Files and folders that the results depend on.
        writes : sequence of pathlib.Path
            Every file that the notebook made. make executes the notebook again when one goes missing.

        Returns
        -------
        pandas.io.formats.style.Styler
            The record as a table that a notebook shows whole.

        Raises
        ------
        InputError
            When a file that was promised in `writes` is not there.
        """
        absent = [relative(path) for path in writes if not path.is_file()]
        if absent:
            raise InputError(f"{self.notebook}: said to have written {', '.join(absent)}, but it is not there.")
        content = {
            "notebook": self.notebook,
            "commit": commit(),
            "seed": self.seed,
            "parameters": self.parameters,
            "duration_s": round(time.monotonic() - self._began, 1),
            "versions": versions(),
            "reads": {self.run.name_of(path): sha256_of([path]) for path in reads},
            "writes": {self.run.name_of(path): sha256(path) for path in writes},
            "warnings": self.warnings,
        }
        folder = self.run.provenance
        write_bytes((json.dumps(content, indent=1) + "\n").encode(), folder / f"{self.notebook}.json")
        outputs = "".join(f"{path}\n" for path in content["writes"])
        listed = write_bytes(outputs.encode(), folder / f"{self.notebook}.outputs")
        dependencies.write(self.notebook, run=self.run, reads=reads, writes=[*writes, listed])
        return as_table(content).style.hide(axis="index").set_properties(**{"text-align": "left"})


def start(notebook, *, run, seed):
    """Begin the record of a notebook, with the values that its parameters have at this moment.

    The record of an earlier execution is removed: from here to `finish` the files of the run are nobody's result, and
    make executes again what was stopped on the way. The run of readers in JupyterLab begins as a copy of the demo's.

    Parameters
    ----------
    notebook : str
        Name without suffix, for example `06_bias_stats`.
    run : ferlib.paths.Run
    seed : int
        The one seed that all randomness of the notebook is drawn from.

    Returns
    -------
    Record
    """
    if not isinstance(run, Run):
        raise TypeError(f"run must come from ferlib.paths.run, got {type(run).__name__}")
    if run.root == LAB and not run.manifest.is_file():
        _begin_lab()
    _forget(notebook, run)
    source, values = ROOT / "notebooks" / f"{notebook}.ipynb", sys._getframe(1).f_globals
    names = declared(source) if source.is_file() else ()
    dependencies.watch()
    return Record(notebook, run=run, seed=seed, parameters={name: values[name] for name in names if name in values})


def _begin_lab():
    """Copy the demo's results to the reader's run, so that any notebook can be the first."""
    demo = RUNS / "demo"
    made_by_make = shutil.ignore_patterns("executed", "report", "params", "depends", "responses")
    if (demo / "manifest.parquet").is_file():
        shutil.copytree(demo, LAB, ignore=made_by_make, dirs_exist_ok=True)
        print(f"{relative(LAB)} begins as a copy of {relative(demo)}, which stays as it is.", file=sys.stderr)


def left_out(notebook, *, run):
    """Record that a run does without a notebook."""
    discard(notebook, run=run)
    write_bytes(b"", run.provenance / f"{notebook}.outputs")


def discard(notebook, *, run):
    """Remove what the last execution of a notebook made inside the run, and its record; returns the files' names."""
    listed = written(run, notebook) if (run.provenance / f"{notebook}.outputs").is_file() else []
    made = [path for path in listed if path.is_relative_to(run.root)]
    for path in made:
        path.unlink(missing_ok=True)
    _forget(notebook, run)
    return made


def _forget(notebook, run):
    for suffix in ("json", "outputs"):
        (run.provenance / f"{notebook}.{suffix}").unlink(missing_ok=True)


def written(run, notebook):
    """Files that a notebook's last execution wrote: none that an earlier one left, and none if it was left out.

    Parameters
    ----------
    run : ferlib.paths.Run
    notebook : str

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    InputError
        When the notebook has neither been executed in this run nor left out of it.
    """
    record = run.provenance / f"{notebook}.outputs"
    if not record.is_file():
        raise InputError(f"{relative(record)}: no such file. Execute notebook {notebook} first, or run `make demo`.")
    return [run.file(line) for line in record.read_text(encoding="utf-8").splitlines()]


def recorded(run, notebook):
    """The record of a notebook's last execution in a run, as a dict; empty for one that was left out."""
    record = run.provenance / f"{notebook}.json"
    return json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}


def as_table(content):
    """A provenance record as a table of two columns, `item` and `value`."""
    rows = [(key, content[key]) for key in ("notebook", "commit", "seed", "duration_s")]
    rows += [("parameters", ", ".join(f"{name} = {value!r}" for name, value in content["parameters"].items()))]
    rows += [("packages", ", ".join(f"{name} {version}" for name, version in content["versions"].items()))]
    rows += [(f"read {path}", f"sha256 {digest[:16]}…") for path, digest in content["reads"].items()]
    rows += [("wrote", f"{len(content['writes'])} files: {', '.join(content['writes'])}")]
    rows += [("warning", message) for message in content["warnings"]]
    return pd.DataFrame(rows, columns=["item", "value"])
