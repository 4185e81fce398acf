"""Where things are: the repository's root and the files of one run."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository. Tables hold paths relative to it, so that they mean the same on every machine."""

DEMO = ROOT / "data" / "demo"
RUNS = ROOT / "data" / "runs"
LAB = RUNS / "lab"
"""Where the notebooks keep what they make unless they are told otherwise: nobody's results but the reader's own."""

PUBLISHED = ROOT / "data" / "published"


def relative(path):
    """Path as text, relative to the repository where it lies inside it.

    Examples
    --------
    >>> relative(ROOT / "data" / "demo")
    'data/demo'
    """
    path = Path(path)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()


def absolute(path):
    """Path on this machine of a path that a table or a parameter gives relative to the repository.

    An absolute path stays as it is.
    """
    return ROOT / path


def _within(name, says):
    """A property of a run: the path of a file or folder inside it."""
    return property(lambda run: run.root / name, doc=says)


@dataclass(frozen=True)
class Run:
    """The files of one run; see the data dictionary in the README."""

    root: Path
    manifest = _within("manifest.parquet", "The images: one row each (made by 01).")
    rejected = _within("rejected.csv", "The images that were left out, each with the reason (made by 01).")
    embeddings = _within("embeddings", "Folder of image embeddings, one file a backbone (made by 02).")
    unanswered = _within("unanswered.csv", "The questions of this run that got no answer (made by 04).")
    predictions = _within("predictions", "Folder of answers, one file a model (made by 03 and 04).")
    tables = _within("tables", "Folder of result tables (made by 06).")
    figures = _within("figures", "Folder of figures, each with the numbers drawn (made by 10).")
    provenance = _within("provenance", "Folder of provenance records, one a notebook.")
    changed = _within(".changed", "Empty file that says that a notebook was executed since the last summary.")
    depends = _within("depends", "Folder of rules for make, one a notebook: what it depended on, and what it made.")
    shards = property(lambda run: run.root.parent / "embedding-shards", doc="Embeddings of all runs (made by 02).")

    def name_of(self, path):
        """Path as text, relative to the run where it lies inside it, so that a run may be copied and renamed."""
        path = Path(path)
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else relative(path)

    def file(self, name):
        """Path of a name from `name_of`, of a file inside the run."""
        return self.root / name

    @property
    def responses(self):
        """Folder of raw model responses, addressed by content (made by 04), kept for all runs that lie side by side.

        A run that still has a folder of its own keeps to it, until make moves its answers to the others.
        """
        own = self.root / "responses"
        return own if own.is_dir() else self.root.parent / "responses"


def run(run_dir):
    """The `Run` in a folder, which is given relative to the repository or absolute."""
    return Run(absolute(run_dir))
