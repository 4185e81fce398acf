"""environment.yml, pyproject.toml and requirements.lock must say the same; conda itself is not run."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ferlib.paths import ROOT

PROMISED = {
    "jupyterlab", "papermill", "torch", "open-clip-torch", "scikit-learn", "seaborn", "pandas", "pingouin", "openai",
    "google-generativeai", "google-genai",
}  # fmt: skip


IMPORTED_AS = {"opencv-python-headless": "cv2"}
"""Packages of extras that need not be installed, and whose modules have another name."""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def requirements(project):
    extras = project["optional-dependencies"].values()
    return [Requirement(text) for texts in (project["dependencies"], *extras) for text in texts]


@pytest.fixture(scope="module")
def lock():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {normal(pin.name): next(iter(pin.specifier)).version for pin in pins}


@pytest.fixture(scope="module")
def conda():
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_every_requirement_is_pinned_to_a_version_that_it_allows(requirements, lock):
    for requirement in requirements:
        assert normal(requirement.name) in lock, f"{requirement.name} is not in requirements.lock"
        assert requirement.specifier.contains(lock[normal(requirement.name)]), requirement


def test_all_packages_of_the_study_are_dependencies(requirements):
    assert {normal(requirement.name) for requirement in requirements} >= PROMISED


def test_the_light_core_needs_no_deep_learning_and_no_client(project):
    core = {normal(Requirement(text).name) for text in project["dependencies"]}
    assert not core & {"torch", "torchvision", "open-clip-torch", "transformers", "openai", "google-genai", "anny"}


def test_conda_installs_the_same_extras_and_lock_as_make(conda):
    pip = next(item["pip"] for item in conda["dependencies"] if isinstance(item, dict))
    make = (ROOT / "Makefile").read_text()
    assert f"-e .[{re.search(r'[.]ready: EXTRAS := (.*)', make)[1]}]" in pip
    assert "-c requirements.lock" in pip


def test_conda_and_pyproject_allow_the_same_pythons(conda, project):
    python = next(item for item in conda["dependencies"] if str(item).startswith("python "))
    allowed = SpecifierSet(python.removeprefix("python "))
    for version in ("3.11.0", "3.12.0", "3.13.0"):
        assert allowed.contains(version) and SpecifierSet(project["requires-python"]).contains(version)


def test_what_is_imported_is_declared(requirements):
    """A package that only comes along with another one may stop doing so."""
    declared, makers = {normal(requirement.name) for requirement in requirements}, metadata.packages_distributions()
    code = [
        path.read_text() for room in ("ferlib", "data/demo/ferdemo", "tests") for path in (ROOT / room).rglob("*.py")
    ]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        code += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    nodes = [node for text in code for node in ast.walk(ast.parse(text))]
    names = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
    declared |= {module for package, module in IMPORTED_AS.items() if package in declared}
    ours = {path.stem for room in ("tests", "data/teaching", "data/citation") for path in (ROOT / room).rglob("*.py")}
    ours |= {"ferlib", "ferdemo"}
    for name in names - ours - {"google"} - set(sys.stdlib_module_names):
        assert {normal(maker) for maker in makers.get(name, [name])} & declared, name


def test_every_folder_of_modules_is_a_package():
    for room in ("ferlib", "data/demo/ferdemo"):
        for folder in {path.parent for path in (ROOT / room).rglob("*.py")}:
            assert (folder / "__init__.py").is_file(), f"{folder} would not be installed"


def test_make_alone_prints_help_with_every_public_goal():
    # As at a prompt: under a make of one's own (`make test` among them) make tells besides which folder it is in.
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    printed = subprocess.run(["make"], cwd=ROOT, env=alone, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("make help")
    for goal in ("demo", "test", "lab", "demo-faces", "run"):
        assert f"make {goal}" in printed
