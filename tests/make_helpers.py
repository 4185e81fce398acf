"""How tests run the Makefile."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ferlib import paths, provenance

VENV = os.path.relpath(sys.prefix, paths.ROOT)
"""The environment that the tests themselves run in; relative, since the way to the repository may hold blanks."""

PLANTED_KEY = "sk-planted-key-that-nothing-may-read"


def hashes(run):
    """SHA-256 of all tables of a run, by name."""
    files = [run.manifest, run.rejected, *run.tables.glob("*.csv"), *run.predictions.glob("*.parquet")]
    files += [*run.figures.glob("*.csv"), *run.embeddings.glob("*.npz")]
    return {path.relative_to(run.root).as_posix(): provenance.sha256(path) for path in files}


@dataclass(frozen=True)
class Make:
    """Runs make in the repository, with its runs elsewhere, without a network, and with a key that must stay unread."""

    runs: Path

    def command(self, *arguments):
        """The command line for the environment that the tests themselves run in."""
        return ["make", "--no-print-directory", f"VENV={VENV}", f"RUNS={self.runs}", *arguments]

    @property
    def environment(self):
        nowhere = "http://127.0.0.1:9"
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
            "OPENAI_API_KEY": PLANTED_KEY,
            "GEMINI_API_KEY": PLANTED_KEY,
            "GOOGLE_API_KEY": PLANTED_KEY,
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
            "http_proxy": nowhere,
            "https_proxy": nowhere,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def __call__(self, *arguments):
        return subprocess.run(
            self.command(*arguments), cwd=paths.ROOT, env=self.environment, capture_output=True, text=True
        )

    def start(self, *arguments, stdout=subprocess.DEVNULL):
        """Start make as the leader of a process group of its own, so that all of it can be killed."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=paths.ROOT,
            env=self.environment,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
