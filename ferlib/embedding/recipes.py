"""What an embedding depends on besides the image: two embeddings of the same recipe may stand for each other."""

import hashlib
import json
import re
from importlib import metadata

from ferlib.paths import absolute, relative
from ferlib.provenance import sha256
from ferlib.tables import write_bytes

FORMAT = 1
"""Goes up when the code between image file and vector changes what comes out, so that nothing older is reused."""

PACKAGES = ("open_clip_torch", "pillow", "torch", "torchvision")
"""Packages between image file and vector."""


def recipe(backbone, *, weights_sha256):
    """All that an embedding by a backbone depends on, as a dict that JSON can hold.

    Parameters
    ----------
    backbone : ferlib.embedding.backbones.Backbone
        In the number format that it computes with.
    weights_sha256 : str
        `Backbone.weights_sha256` of the weights as they were loaded.
    """
    return {
        "format": FORMAT,
        "backbone": backbone.name,
        "architecture": backbone.architecture,
        "weights_sha256": weights_sha256,
        # A function's repr holds its address in memory, which is another one each time.
        "preprocess": re.sub(r" at 0x[0-9a-fA-F]+", "", repr(backbone.preprocess)),
        "dtype": backbone.dtype,
        "packages": versions(),
    }


def versions():
    """Version of each of `PACKAGES`, without the build (`2.14.1` for `2.14.1+cpu`)."""
    return {name: metadata.version(name).split("+")[0] for name in PACKAGES}


def address(content):
    """SHA-256 of anything that JSON can hold, 64 hexadecimal digits; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Known:
    """Recipes of backbones that were loaded before, so that a re-run need not load them to know what it has.

    A recipe is believed as long as the files that the backbone was loaded from hold the same bytes.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first recipe comes.
    """

    def __init__(self, folder):
        self.folder = folder

    def get(self, asked):
        """What was learnt when this backbone was last loaded, or None when its files or packages are others now."""
        try:
            record = json.loads(self._path(asked).read_bytes())
            for path, digest in record["files"].items():
                if sha256(absolute(path)) != digest:
                    return None
            return record["learnt"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not there, or damaged: load it
            return None

    def put(self, asked, learnt, *, files):
        """Remember what was learnt by loading a backbone from these files."""
        record = {"asked": asked, "learnt": learnt, "files": {relative(path): sha256(path) for path in files}}
        write_bytes((json.dumps(record, indent=1, sort_keys=True) + "\n").encode(), self._path(asked))

    def _path(self, asked):
        return self.folder / f"{address({**asked, 'packages': versions(), 'format': FORMAT})}.json"
