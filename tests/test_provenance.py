"""Every executed notebook says what made it."""

import json
import subprocess

import pytest

from ferlib import paths, provenance
from ferlib.errors import InputError


@pytest.fixture
def run(tmp_path):
    return paths.run(tmp_path)


def test_a_record_holds_commit_versions_hashes_seed_and_duration(run, tmp_path):
    source, result = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("a\n1\n")
    record = provenance.start("99_x", run=run, seed=3)
    result.write_text("b\n2\n")
    record.warn("one image left out")
    shown = record.finish(reads=[source], writes=[result]).data.set_index("item")["value"]
    saved = json.loads((run.provenance / "99_x.json").read_text())
    assert saved["seed"] == 3 and saved["duration_s"] >= 0 and saved["versions"]["pandas"]
    assert saved["writes"]["out.csv"] == provenance.sha256(result)
    assert saved["warnings"] == ["one image left out"]
    assert saved["commit"] == shown["commit"] and len(saved["commit"].split()[0]) == 40
    assert provenance.written(run, "99_x") == [result]


def test_the_hash_of_a_folder_changes_with_any_file_in_it(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    before = provenance.sha256_of([tmp_path / "a"])
    (tmp_path / "a" / "x").write_text("2")
    changed = provenance.sha256_of([tmp_path / "a"])
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    assert len({before, changed, provenance.sha256_of([tmp_path / "a"])}) == 3


def test_sha256_is_that_of_the_usual_tool(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert provenance.sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_promised_file_that_is_not_there_is_an_error(run, tmp_path):
    record = provenance.start("99_x", run=run, seed=0)
    with pytest.raises(InputError, match="99_x.*nothing.csv"):
        record.finish(reads=[], writes=[tmp_path / "nothing.csv"])


def test_a_notebook_not_yet_executed_is_named(run):
    with pytest.raises(InputError, match="Execute notebook 03_probing first"):
        provenance.written(run, "03_probing")


def test_uncommitted_changes_are_flagged(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    git("init")
    (tmp_path / "x").write_text("1")
    git("add", "x")
    git("commit", "-m", "x")
    assert len(provenance.commit()) == 40
    (tmp_path / "x").write_text("2")
    assert provenance.commit().endswith("+ uncommitted changes")


def test_a_copy_without_history_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.commit() == "unknown (not a git checkout)"


def test_every_parameter_is_on_record_with_the_value_that_it_has(run):
    record = "from ferlib import provenance\nrecord = provenance.start('06_bias_stats', run=run, seed=3)"
    notebook = {**provenance.declared(paths.ROOT / "notebooks" / "06_bias_stats.ipynb"), "alpha": 0.2, "run": run}
    exec(record, notebook)
    shown = notebook["record"].finish(reads=[], writes=[]).data.set_index("item")["value"]
    saved = json.loads((run.provenance / "06_bias_stats.json").read_text())["parameters"]
    assert saved["alpha"] == 0.2 and saved["run_dir"] == "data/runs/lab" and len(saved) > 8
    assert set(saved) == set(provenance.declared(paths.ROOT / "notebooks" / "06_bias_stats.ipynb"))
    assert "alpha = 0.2" in shown["parameters"]


def test_what_was_stopped_on_the_way_has_no_record(run, tmp_path):
    (tmp_path / "out.csv").touch()
    provenance.start("99_x", run=run, seed=3).finish(reads=[], writes=[tmp_path / "out.csv"])
    assert provenance.written(run, "99_x")
    provenance.start("99_x", run=run, seed=3)
    with pytest.raises(InputError, match="Execute notebook 99_x first"):
        provenance.written(run, "99_x")


def test_a_run_that_was_renamed_finds_its_files(tmp_path):
    first = paths.run(tmp_path / "first")
    first.tables.mkdir(parents=True)
    (first.tables / "a.csv").touch()
    provenance.start("99_x", run=first, seed=0).finish(reads=[], writes=[first.tables / "a.csv"])
    second = paths.run(first.root.rename(tmp_path / "second"))
    assert provenance.written(second, "99_x") == [second.tables / "a.csv"]


def test_in_the_lab_one_works_on_a_copy_of_the_demo(tmp_path, monkeypatch):
    demo, lab = paths.run(tmp_path / "demo"), paths.run(tmp_path / "lab")
    demo.tables.mkdir(parents=True)
    demo.manifest.write_text("the demo's")
    (demo.tables / "a.csv").write_text("the demo's")
    monkeypatch.setattr(provenance, "RUNS", tmp_path)
    monkeypatch.setattr(provenance, "LAB", lab.root)
    provenance.start("99_x", run=lab, seed=0)
    assert (lab.tables / "a.csv").read_text() == "the demo's"
    (lab.tables / "a.csv").write_text("mine")
    provenance.start("99_x", run=lab, seed=0)
    assert (lab.tables / "a.csv").read_text() == "mine" and (demo.tables / "a.csv").read_text() == "the demo's"


def test_no_notebook_works_in_the_demo_s_run_unless_it_is_told_to():
    for path in (paths.ROOT / "notebooks").glob("*.ipynb"):
        assert paths.absolute(provenance.declared(path)["run_dir"]) == paths.LAB
