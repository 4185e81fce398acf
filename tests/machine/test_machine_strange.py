"""Whatever machine it is, the same images give the same bytes: embeddings, answers and tables."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_clip import CONFIG, save_images, save_model

from ferlib import paths
from ferlib.labels import EMOTIONS

PLAIN = {
    "environment": {"LC_ALL": "C.UTF-8", "TZ": "UTC", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "folder": "plain", "umask": 0o022, "hard_links": True, "cores": 2, "bf16": False, "cuda": False,
}  # fmt: skip

BARE = {
    "environment": {
        "LC_ALL": "C", "PYTHONWARNDEFAULTENCODING": "1", "TZ": "Pacific/Kiritimati", "HOME": None,
        "TMPDIR": "/nowhere/at/all", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    },
    "folder": "bare", "umask": 0o077, "hard_links": False, "cores": 1, "bf16": False, "cuda": False,
}  # fmt: skip
"""The C locale, no home, no temporary folder of the name given, a private umask, one core, a disk without hard links.

A file that the package opens without saying in which encoding is an error there.
"""

RICH = {
    "environment": {
        "LC_ALL": "C.UTF-8", "TZ": "America/St_Johns", "HOME": "home", "TMPDIR": "tmp \u00fc 1",
        "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "PYTHONHASHSEED": "7",
    },
    "folder": "Gr\u00f6\u00dfe u\u0308 und so", "umask": 0o000, "hard_links": True, "cores": 64, "bf16": True,
    "cuda": True,
}  # fmt: skip
"""Spaces, umlauts and accents of their own in every path, a home that may only be read, many cores, all devices.

German where the system can be (decimal commas, another order of letters).
"""


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A model and 84 images of 6 people, with spaces and accents in their names."""
    folder = tmp_path_factory.mktemp("material")
    text = {**CONFIG["model_cfg"]["text_cfg"], "vocab_size": 49408}
    save_model(folder / "model" / "tiny", config={**CONFIG, "model_cfg": {**CONFIG["model_cfg"], "text_cfg": text}})
    manifest = save_images(folder / "images", 84)
    names = [f"Jose\u0301 {index} \u00fc.png" for index in range(84)]
    for path, name in zip(manifest["path"], names, strict=True):
        Path(path).rename(folder / "images" / name)
    people = [f"p\u00e9{index // 14}" for index in range(84)]
    labels = {
        "race": np.repeat(["A", "B"], 42),
        "gender": np.tile(np.repeat(["Female", "Male"], 14), 3),
        "subject_id": people,
    }
    manifest = manifest.assign(dataset="d", path=names, emotion=np.resize(EMOTIONS, 84), **labels)
    manifest["group"] = manifest["race"] + " " + manifest["gender"]
    manifest.to_csv(folder / "images" / "manifest.csv", index=False, encoding="utf-8")
    return folder


def german(folder):
    """Environment of a German locale: the system's, or one compiled into a folder; None where neither can be had."""
    try:
        there = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout
        if "de_DE.utf8" in there.split():
            return {"LC_ALL": "de_DE.UTF-8"}
        folder.mkdir()
        compiled = ["localedef", "--no-archive", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
        subprocess.run(compiled, capture_output=True, check=True)
        return {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(folder)}
    except (OSError, subprocess.CalledProcessError):
        return None


def results(material, tmp_path, *, environment, folder, **how):
    """SHA-256 of each result of `work.py`, done by a copy of the package in a folder of that name."""
    house = tmp_path / folder
    shutil.copytree(paths.ROOT / "ferlib", house / "ferlib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("prompts", "intake"):
        shutil.copytree(paths.ROOT / "data" / name, house / "data" / name)
    shutil.copytree(material, house / "work")
    changed = {"HOME": str(tmp_path / "nobody"), "TMPDIR": str(tmp_path), **environment}
    for name in {"HOME", "TMPDIR"} & {name for name, value in changed.items() if value}:
        changed[name] = str(house / changed[name])
    if environment.get("TMPDIR", "").startswith("tmp"):
        (house / environment["TMPDIR"]).mkdir()
    options = {**how, "protected": [changed["HOME"]] if changed["HOME"] else []}
    command = [sys.executable, str(Path(__file__).with_name("work.py")), str(house / "work"), json.dumps(options)]
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LC_ALL", "LANG")}
    set_to = {name: value for name, value in {**inherited, **changed}.items() if value is not None}
    done = subprocess.run(
        command, env={**set_to, "PYTHONPATH": str(house)}, cwd=house, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def expected(material, tmp_path_factory):
    return results(material, tmp_path_factory.mktemp("plain"), **PLAIN)


def test_the_work_makes_what_an_audit_makes(expected):
    assert {Path(name).suffix for name in expected} == {".npz", ".parquet", ".csv", ".safetensors", ".json"}
    assert len(expected) == 10


def test_a_bare_machine_gives_the_same_bytes(expected, material, tmp_path):
    assert results(material, tmp_path, **BARE) == expected


def test_a_rich_machine_gives_the_same_bytes(expected, material, tmp_path):
    environment = {**RICH["environment"], **(german(tmp_path / "locale") or {})}
    assert results(material, tmp_path, **{**RICH, "environment": environment}) == expected


def test_the_rich_machine_is_a_german_one(tmp_path):
    environment = german(tmp_path / "locale")
    if environment is None:
        pytest.skip("no German locale here, and none can be compiled (localedef, or its sources, are missing)")
    script = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True)
    assert done.stdout.strip() == b","
