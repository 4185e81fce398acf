"""Start and stop the stand-in server from a notebook."""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from ferdemo.standin import readers, server
from ferlib.errors import InputError
from ferlib.lmfm.models import STANDIN
from ferlib.paths import ROOT, absolute, relative
from ferlib.provenance import sha256

WEIGHTS = "data/demo/models"
"""Folder that holds the demo PaliGemmas."""
NAME = STANDIN
"""A model whose `base_url` is this word is answered by the stand-in."""
PATHS = {"openai": "/v1", "gemini": "", "gemini-legacy": ""}


def pin(models, *, weights=WEIGHTS):
    """Give each model that the stand-in answers for the version that it will report.

    The version is part of the address of a stored answer: a demo model that was trained anew is asked anew.

    Parameters
    ----------
    models : sequence of dict
        As in the parameters of notebook 04.
    weights : str
        Folder that holds the demo PaliGemmas, relative to the repository or absolute.

    Returns
    -------
    list of dict
        Other models are passed on as they are.

    Raises
    ------
    InputError
        When the stand-in has no such model, or the weights are missing.
    """
    return [{**model, "version": _version(model, weights)} if _ours(model) else model for model in models]


class StandIn:
    """A server process that starts when the first model needs it, and stops with a `with` block or by `stop`.

    Parameters
    ----------
    weights : str
        Folder that holds the demo PaliGemmas, relative to the repository or absolute.
    lifetime_s : float
        Seconds after which the server ends by itself. It also ends with the process that started it, however that one
        ends.
    start_s : float
        Seconds that it may take to be ready.
    fail : sequence of str
        Failures of the first requests, see `ferdemo.standin.server`.
    dials : dict
        What goes wrong after these, see `ferdemo.standin.dials.Dials`.
    """

    def __init__(self, *, weights=WEIGHTS, lifetime_s=3600, start_s=120, fail=(), dials=None):
        self.weights, self.lifetime_s, self.start_s, self.fail = weights, lifetime_s, start_s, fail
        self.dials = dials or {}
        self.process = None
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self, model):
        """The model with the address where it can be reached; starts the server if it is the one that answers."""
        if not _ours(model):
            return model
        if self.process is None:
            self._start()
        return {**model, "base_url": f"http://127.0.0.1:{self.port}{PATHS[model['provider']]}"}

    def pin(self, models):
        """As the function `pin`, with this server's networks."""
        return pin(models, weights=self.weights)

    def sources(self, models):
        """As the function `sources`, with this server's networks."""
        return sources(models, weights=self.weights)

    def stop(self):
        """End the server process and wait until it is gone."""
        if self.process is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None

    def _start(self):
        versions = {name: _version({"name": name}, self.weights) for name in readers.READERS}
        command = [sys.executable, "-m", server.__name__, "--weights", self.weights]
        command += ["--versions", json.dumps(versions), "--lifetime-s", str(self.lifetime_s), "--fail", *self.fail]
        command += ["--dials", json.dumps(self.dials)]
        with tempfile.TemporaryFile() as complaints:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True
            )
            late = threading.Timer(self.start_s, self.process.kill)
            late.start()
            line = self.process.stdout.readline()
            late.cancel()
            if not line:
                self.process.wait()
                complaints.seek(0)
                said = complaints.read().decode(errors="replace").strip()
                self.process.stdin.close()
                self.process.stdout.close()
                self.process = None
                raise RuntimeError(f"the stand-in server was not ready within {self.start_s} s; it said:\n{said}")
        self.port = json.loads(line)["port"]


def _ours(model):
    return model.get("base_url") == NAME


def sources(models, *, weights=WEIGHTS):
    """What the answers for some models depend on: the networks' folders, and this package; list of pathlib.Path."""
    found = [readers.READERS[_name(model)].network for model in models if _ours(model)]
    networks = [absolute(weights) / network for network in dict.fromkeys(found)]
    return [*networks, *sorted(Path(__file__).parent.glob("*.py"))] if networks else []


def _name(model):
    name = model.get("model", model.get("name"))
    if name not in readers.READERS:
        raise InputError(
            f"model {name!r} with base_url {NAME!r}: the stand-in has no such model. "
            f"Allowed: {', '.join(readers.READERS)}. Name one of these, or give the address of a real server."
        )
    return name


def _version(model, weights):
    reader = readers.READERS[_name(model)]
    file = absolute(weights) / reader.network / "model.safetensors"
    if not file.is_file():
        raise InputError(f"{relative(file)}: no such file. It ships with the repository; restore it with git.")
    return reader.version(sha256(file))
