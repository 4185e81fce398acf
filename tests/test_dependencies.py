"""make executes a notebook again when something that it depended on changes: its rules name everything, and no more."""

import os
import subprocess
import sys
import time
import types

import pytest

from ferlib import dependencies, paths


@pytest.fixture
def run(tmp_path):
    return paths.run(tmp_path / "run")


def rules(run, *, reads=(), writes=(), name="01_first"):
    """Prerequisites and outputs of a notebook, as make itself understands its rules."""
    dependencies.write(name, run=run, reads=reads, writes=writes)
    database = subprocess.run(
        ["make", "-npqr", "-f", "-", f"RUN={run.root}"],
        input=f"include {run.depends / name}.mk\n", capture_output=True, text=True, cwd=paths.ROOT,
    ).stdout  # fmt: skip
    target = f"{run.root}/executed/{name}.ipynb:"
    (line,) = [line for line in database.splitlines() if line.startswith(target)]
    (outputs,) = [line for line in database.splitlines() if line.startswith(f"OUTPUTS_{name} :=")]
    return line.removeprefix(target), outputs.split(":=")[1].split()


def test_names_each_file_read_and_each_module_loaded(run, tmp_path):
    table = tmp_path / "mine.csv"
    table.touch()
    needed, outputs = rules(run, reads=[table], writes=[run.tables / "a.csv"])
    assert f" {table}" in needed and " ferlib/dependencies.py" in needed and " ferlib/tables.py" in needed
    assert "site-packages" not in needed and outputs == [str(run.tables / "a.csv")]


def test_a_file_that_was_opened_counts_also_when_nobody_names_it(run):
    script = (
        "from ferlib import dependencies, paths\n"
        f"run = paths.run({str(run.root)!r})\n"
        "dependencies.watch()\n"
        "(paths.ROOT / 'data/published/claims.csv').exists()\n"
        "(paths.ROOT / 'data/published/confusions.csv').read_text()\n"
        "dependencies.write('02_second', run=run, reads=[], writes=[])\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=paths.ROOT)
    written = (run.depends / "02_second.mk").read_text()
    assert "data/published/confusions.csv" in written and "claims.csv" not in written
    assert "ferlib/stats" not in written


def test_a_package_that_loads_itself_bit_by_bit_is_not_asked_for_more(run, monkeypatch):
    class Lazy(types.ModuleType):
        def __getattr__(self, name):
            raise AssertionError(f"asked for {name}")

    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    monkeypatch.setitem(sys.modules, "no_module", 1)
    assert " ferlib/dependencies.py" in rules(run)[0]


def test_own_outputs_are_no_prerequisites(run):
    made = run.tables / "a.csv"
    made.parent.mkdir(parents=True)
    made.touch()
    needed, outputs = rules(run, reads=[made], writes=[made])
    assert str(made) not in needed and outputs == [str(made)]


def test_a_folder_stands_for_all_that_is_in_it(run, tmp_path):
    folder = tmp_path / "raw" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.png").touch()
    needed, _ = rules(run, reads=[tmp_path / "raw"])
    assert all(f" {place}" in needed for place in (tmp_path / "raw", folder, folder / "a.png"))


@pytest.mark.parametrize("name", ["a b.png", "c#d.png", "e%f.png", "g:h.png", "i$j.png", "ü ß.png"])
@pytest.mark.parametrize("change", ["touched", "removed"])
def test_make_sees_a_change_of_a_file_whatever_its_name(run, tmp_path, name, change):
    file = tmp_path / name
    file.touch()
    dependencies.write("01_first", run=run, reads=[file], writes=[])
    target = run.root / "executed" / "01_first.ipynb"
    target.parent.mkdir()
    target.touch()
    makefile = f"{target}: ; @echo again\ninclude {run.depends}/01_first.mk\n"
    command = ["make", "-f", "-", f"RUN={run.root}", str(target)]

    def made():
        return subprocess.run(
            command, input=makefile, capture_output=True, text=True, check=True, cwd=paths.ROOT
        ).stdout

    later = time.time() + 100  # than any module that this process has loaded
    os.utime(target, (later, later))
    assert "again" not in made()
    os.utime(file, (later + 1, later + 1)) if change == "touched" else file.unlink()
    assert "again" in made()
