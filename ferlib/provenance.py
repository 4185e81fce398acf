"""What made this: the record that every executed notebook ends with."""

import hashlib
import json
import platform
import subprocess
import sys
import time
from importlib import metadata

import pandas as pd

from ferlib import dependencies
from ferlib.errors import InputError
from ferlib.paths import ROOT, Run, absolute, relative
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

    Returns
    -------
    str
        `unknown (not a git checkout)` for a copy without history, or on a machine without git.
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


class Record:
    """The provenance of one execution of a notebook, from `start` to `finish`."""

    def __init__(self, notebook, *, run, seed):
        self.notebook, self.run, self.seed = notebook, run, seed
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
            "duration_s": round(time.monotonic() - self._began, 1),
            "versions": versions(),
            "reads": {relative(path): sha256_of([path]) for path in reads},
            "writes": {relative(path): sha256(path) for path in writes},
            "warnings": self.warnings,
        }
        folder = self.run.provenance
        write_bytes((json.dumps(content, indent=1) + "\n").encode(), folder / f"{self.notebook}.json")
        outputs = "".join(f"{path}\n" for path in content["writes"])
        listed = write_bytes(outputs.encode(), folder / f"{self.notebook}.outputs")
        dependencies.write(self.notebook, run=self.run, reads=reads, writes=[*writes, listed])
        return as_table(content).style.hide(axis="index").set_properties(**{"text-align": "left"})


def start(notebook, *, run, seed):
    """Begin the record of a notebook.

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
    dependencies.watch()
    return Record(notebook, run=run, seed=seed)


def written(run, notebook):
    """Files that a notebook's last execution wrote; files left by an earlier one are not among them.

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
        When the notebook has not been executed in this run.
    """
    record = run.provenance / f"{notebook}.outputs"
    if not record.is_file():
        raise InputError(f"{relative(record)}: no such file. Execute notebook {notebook} first, or run `make demo`.")
    return [absolute(line) for line in record.read_text(encoding="utf-8").splitlines()]


def as_table(content):
    """A provenance record as a table of two columns, `item` and `value`."""
    rows = [(key, content[key]) for key in ("notebook", "commit", "seed", "duration_s")]
    rows += [("packages", ", ".join(f"{name} {version}" for name, version in content["versions"].items()))]
    rows += [(f"read {path}", f"sha256 {digest[:16]}…") for path, digest in content["reads"].items()]
    rows += [("wrote", f"{len(content['writes'])} files: {', '.join(content['writes'])}")]
    rows += [("warning", message) for message in content["warnings"]]
    return pd.DataFrame(rows, columns=["item", "value"])
