"""make re-runs a notebook when a module that it uses changes: the list of modules must be complete and exact."""

import json
import subprocess
import sys

from ferlib.paths import ROOT
from ferlib.pipeline import dependencies

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_finds_imports_in_functions_and_relative_ones():
    source = "import a.b\ndef f():\n    from ..c import d\n    from . import e\n"
    names = dependencies.imported(source, package="ferlib.x.y")
    assert {"a.b", "ferlib.x.c", "ferlib.x.c.d", "ferlib.x.y.e"} <= names


def test_ipython_commands_do_not_confuse_it(tmp_path):
    notebook = tmp_path / "n.ipynb"
    cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", "import ferlib.labels"]}]
    notebook.write_text(json.dumps({"cells": cells}))
    assert "ferlib.labels" in dependencies.imported(dependencies.notebook_source(notebook))


def test_lists_every_module_that_python_itself_loads():
    """Python's own import system is the independent witness."""
    names = set().union(*(dependencies.imported(dependencies.notebook_source(path)) for path in NOTEBOOKS))
    modules = sorted(name for name in names if name.startswith("ferlib") and dependencies.file_of(name))
    script = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'ferlib'))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(loaded.stdout.split()) <= {str(path) for path in dependencies.closure(names)}


def test_statistics_depend_on_no_model_code():
    files = {path.name for path in dependencies.closure(["ferlib.stats.counts", "ferlib.stats.disparities"])}
    assert not files & {"embed.py", "probe.py", "zeroshot.py", "openai.py"}


def test_nothing_outside_demo_and_faces_imports_them():
    for path in (ROOT / "ferlib").rglob("*.py"):
        # The pipeline stands beside the notebooks: it works out what notebook 04 would ask, stand-ins included.
        room = path.relative_to(ROOT / "ferlib").parts[0]
        package = ".".join(path.parent.relative_to(ROOT).parts)
        names = dependencies.imported(path.read_text(), package=package)
        if room not in ("demo", "pipeline"):
            assert not any(name.startswith("ferdemo") for name in names), path
        if room != "faces" and room != "demo":
            assert not any(name.startswith("ferdemo.faces") for name in names), path
