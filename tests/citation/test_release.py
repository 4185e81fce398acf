"""What machines read about the compendium says what it was made from; no release is packed of what is stale."""

import hashlib
import json
import os
import subprocess
import zipfile

import codecheck
import codemeta
import crate
import croissant
import pandas as pd
import pytest
import release
import yaml

from ferlib import paths
from ferlib.errors import InputError
from ferlib.provenance import sha256, sha256_of

NOTEBOOKS = sorted(path.stem for path in (paths.ROOT / "notebooks").glob("[0-9]*.ipynb"))


def test_what_is_generated_is_as_it_would_be_generated_now():
    old = release.stale()
    assert not old, f"{', '.join(old)} no longer say what they are made from. Run `make release` and commit."


def test_versions_and_hashes_of_the_repository_agree():
    assert list(release.disagreements()) == []


# --- Croissant


SHEET = """# Small faces: datasheet

Rendered faces of nobody. One set:

**The groups are presets.** No finding.

## Motivation

To test.

## Composition

| column | meaning |
|---|---|
| `image_id`, `path` | unique; the file |
| `race`, `gender` | **labels** of [presets](http://nowhere) |
| `emotion` | what was asked for |
| `au01` ... `au43` | intensity, 0-1 |

No image shows a person, so nobody was asked.

## How they were made

By hand.

## Uses

To teach. What they must not be used for:

- **Findings about people.**

## What is not right

Teeth are blue.

## Licence and care

CC0.
"""


@pytest.fixture
def faces(tmp_path, monkeypatch):
    """A folder of faces with one set of three pictures, and its datasheet."""
    folder = tmp_path / "demo" / "small"
    folder.mkdir(parents=True)
    names = pd.read_csv(paths.DEMO / "crossed" / "manifest.csv")[["image_id", "path", "sha256"]].head(3)
    names.assign(race=["Asian", "Black", None], age=[20, 30, None], au04=[0, 0.5, 1]).to_csv(folder / "manifest.csv")
    (folder / "README.md").write_text("| `age` | years |\n")
    (tmp_path / "demo" / "README.md").write_text(SHEET)
    monkeypatch.setattr(croissant, "DEMO", tmp_path / "demo")
    monkeypatch.setattr(croissant, "DATASHEET", tmp_path / "demo" / "README.md")
    return folder


def test_croissant_describes_the_tables_that_are_there(faces):
    told = json.loads(croissant.described())
    table, pictures = told["distribution"]
    assert table["@id"] == "small/manifest.csv"
    assert table["sha256"] == hashlib.sha256((faces / "manifest.csv").read_bytes()).hexdigest()
    assert pictures["includes"].endswith("/images/*.webp") and pictures["description"].startswith("3 pictures")
    fields = {field["name"]: (field["dataType"], field["description"]) for field in told["recordSet"][0]["field"]}
    assert fields.pop("Unnamed: 0")[0] == "sc:Integer"
    assert fields == {
        "image_id": ("sc:Text", "unique; the file"), "path": ("sc:Text", "unique; the file"),
        "sha256": ("sc:Text", "See the set's README."), "race": ("sc:Text", "labels of presets"),
        "age": ("sc:Integer", "years"), "au04": ("sc:Float", "intensity, 0-1"),
    }  # fmt: skip


def test_croissant_says_what_the_datasheet_says_of_responsible_use(faces):
    told = {
        word.removeprefix("rai:"): said for word, said in json.loads(croissant.described()).items() if "rai:" in word
    }
    assert told == {
        "dataCollection": "By hand.", "dataCollectionType": "Others", "dataLimitations": "Teeth are blue.",
        "dataAnnotationProtocol": "emotion: what was asked for. race, gender and group: labels of presets.",
        "dataUseCases": "To teach.", "dataSocialImpact": "What they must not be used for: - Findings about people.",
        "dataReleaseMaintenancePlan": "CC0.", "dataBiases": "The groups are presets. No finding.",
        "personalSensitiveInformation": "No image shows a person, so nobody was asked.",
    }  # fmt: skip


def test_a_section_that_the_datasheet_lost_is_named(faces):
    sheet = faces.parent / "README.md"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("## What is not right", "## Faults"), encoding="utf-8")
    with pytest.raises(InputError, match="README.md has no section '## What is not right'. Write it"):
        croissant.described()


def test_mlcroissant_finds_no_fault_and_reads_every_row():
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed (extra `metadata`)")
    faces = mlcroissant.Dataset(jsonld=paths.DEMO / "croissant.json")
    assert not faces.metadata.ctx.issues.errors and not faces.metadata.ctx.issues.warnings
    for part in faces.metadata.record_sets:
        rows = pd.read_csv(paths.DEMO / f"{part.uuid}.csv")
        read = list(faces.records(record_set=part.uuid))
        assert [row[f"{part.uuid}/sha256"].decode() for row in read] == list(rows["sha256"])


# --- codecheck.yml


def test_codecheck_lists_every_table_behind_a_figure_with_its_hash(tmp_path, monkeypatch):
    figures = tmp_path / "figures" / "demo"
    figures.mkdir(parents=True)
    (figures / "gaps.csv").write_text("gap\n1\n")
    (figures / "gaps.txt").write_text("Marks: a gap.\nLargest: 1.\n")
    monkeypatch.setattr(codecheck, "FIGURES", figures)
    monkeypatch.setattr(codecheck, "ROOT", tmp_path)
    text = codecheck.described()
    digest = hashlib.sha256(b"gap\n1\n").hexdigest()
    manifest = yaml.safe_load(text)["manifest"]
    assert manifest == [{"file": "figures/demo/gaps.csv", "comment": "Marks: a gap. Largest: 1.", "sha256": digest}]
    assert text.startswith("---\n")


# --- the release


def record(notebook, reads=(), writes=(), run=None):
    """Provenance of a notebook, as `ferlib.provenance` writes it."""
    return {
        "notebook": notebook, "commit": "0" * 40, "seed": 1, "parameters": {"alpha": 0.05}, "duration_s": 1.0,
        "versions": {"python": "3.11.7", "platform": "Linux x86_64", "numpy": "2.4.6"},
        "reads": {run.name_of(path): sha256_of([path]) for path in reads},
        "writes": {run.name_of(path): sha256(path) for path in writes}, "warnings": [],
    }  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """A finished run: notebook 06 read the crossed faces and wrote a table; the figures are the committed ones."""
    run = paths.run(tmp_path / "demo_run")
    for folder in (run.tables, run.figures, run.provenance):
        folder.mkdir(parents=True)
    (run.tables / "disparities.csv").write_text("gap\n.1\n")
    for words in codecheck.FIGURES.glob("*.txt"):
        (run.figures / f"{words.stem}.csv").write_bytes(words.with_suffix(".csv").read_bytes())
    for notebook in NOTEBOOKS:
        here = notebook.startswith("06")
        reads, writes = ([paths.DEMO / "crossed"], [run.tables / "disparities.csv"]) if here else ([], [])
        (run.provenance / f"{notebook}.json").write_text(json.dumps(record(notebook, reads, writes, run)))
    return run


@pytest.fixture
def packed(run, tmp_path):
    names = [f"notebooks/{notebook}.ipynb" for notebook in NOTEBOOKS]
    names += ["README.md", "LICENSE", "data/demo/crossed/manifest.csv"]
    names += pd.read_csv(paths.DEMO / "crossed" / "manifest.csv")["path"].head(2).tolist()
    files = {name: paths.ROOT / name for name in names}
    files["data/runs/demo/tables/disparities.csv"] = run.tables / "disparities.csv"
    target = tmp_path / "out" / "a.zip"
    release.pack(files, release.records(run), prefix="data/runs/demo", target=target, date="2026-11-26")
    return files, target


def test_a_release_holds_the_hash_of_every_file(packed):
    files, target = packed
    with zipfile.ZipFile(target) as archive:
        sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
        assert set(sums) == set(files) | {"ro-crate-metadata.json"} == set(archive.namelist()) - {"SHA256SUMS"}
        assert all(hashlib.sha256(archive.read(name)).hexdigest() == digest for name, digest in sums.items())


def test_the_same_files_give_the_same_archive(packed, run, tmp_path):
    files, target = packed
    again = tmp_path / "b.zip"
    release.pack(files, release.records(run), prefix="data/runs/demo", target=again, date="2026-11-26")
    assert again.read_bytes() == target.read_bytes()
    with zipfile.ZipFile(again) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 11, 26, 0, 0, 0)}


def entities(target):
    with zipfile.ZipFile(target) as archive:
        return {entity["@id"]: entity for entity in json.loads(archive.read("ro-crate-metadata.json"))["@graph"]}


def test_the_crate_says_what_each_notebook_read_and_wrote(packed):
    graph = entities(packed[1])
    assert len(graph["./"]["mentions"]) == len(NOTEBOOKS)
    done = graph["#06_bias_stats"]
    assert done["instrument"] == {"@id": "notebooks/06_bias_stats.ipynb"}
    assert {"@id": "data/demo/crossed/"} in done["object"] and {"@id": "#06_bias_stats/alpha"} in done["object"]
    assert done["result"] == [{"@id": "data/runs/demo/tables/disparities.csv"}]
    assert graph["#06_bias_stats/alpha"]["value"] == "0.05"
    table = graph["data/runs/demo/tables/disparities.csv"]
    assert table["sha256"] == hashlib.sha256(b"gap\n.1\n").hexdigest() and table["contentSize"] == "7"


def test_the_crate_points_to_nothing_that_it_does_not_hold(packed):
    graph = entities(packed[1])
    values = [value for entity in graph.values() for value in entity.values()]
    several = [one for value in values for one in (value if isinstance(value, list) else [value])]
    targets = {one["@id"] for one in several if isinstance(one, dict)}
    assert targets - set(graph) == {"https://w3id.org/ro/crate/1.1"}


def test_what_a_release_does_not_hold_is_said_to_be_elsewhere():
    told = crate.action({**record("06_bias_stats"), "reads": {"../responses": "a" * 64}}, set(), "data/runs/demo")
    assert {"@id": "#../responses"} in told[0]["object"] and told[-1]["description"].startswith(
        "Read by the run; not part"
    )


@pytest.fixture
def unpacked(packed, tmp_path):
    with zipfile.ZipFile(packed[1]) as archive:
        archive.extractall(tmp_path / "crate")
    return tmp_path / "crate"


def test_the_library_rocrate_reads_the_crate(unpacked):
    library = pytest.importorskip("rocrate.rocrate", reason="rocrate is not installed (extra `metadata`)")
    whole = library.ROCrate(unpacked)
    assert whole.root_dataset["datePublished"] == codemeta.released()[1]
    assert {one.id for one in whole.mainEntity or []} == set()
    assert [file["name"] for file in whole.dereference("#06_bias_stats")["result"]] == [
        "data/runs/demo/tables/disparities.csv"
    ]


def test_the_validator_of_crates_finds_no_fault(unpacked):
    """It needs another version of rich than ours, and the network for the words of RO-Crate."""
    program = os.environ.get("ROC_VALIDATOR")
    if not program:
        pytest.skip("ROC_VALIDATOR names no program rocrate-validator (package roc-validator)")
    asked = [program, "-y", "validate", str(unpacked), "-p", "process-run-crate", "-l", "required", "--no-paging", "-v"]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0 and "is a valid process-run-crate" in done.stdout, done.stdout + done.stderr


# --- what is refused


def test_a_run_of_today_is_not_outdated(run):
    assert list(release.outdated(run)) == []


def test_a_run_of_other_faces_figures_or_notebooks_is_outdated(run):
    (run.tables / "disparities.csv").write_text("gap\n.2\n")
    (run.provenance / f"{NOTEBOOKS[0]}.json").unlink()
    told = json.loads((run.provenance / "07_controlled_faces.json").read_text())
    told["reads"]["data/demo/crossed"] = "0" * 64
    (run.provenance / "07_controlled_faces.json").write_text(json.dumps(told))
    figure = sorted(codecheck.FIGURES.glob("*.txt"))[0].stem
    (run.figures / f"{figure}.csv").write_text("other\n")
    missing, table, faces, shown = release.outdated(run)
    assert f"notebook {NOTEBOOKS[0]} has no record. Run `make demo`." in missing
    assert table == "06_bias_stats wrote tables/disparities.csv, another today (1 such). Run `make demo`."
    assert faces.startswith("07_controlled_faces read data/demo/crossed, another today")
    assert shown.startswith(f"figures/demo/{figure}.csv is not") and shown.endswith("Run `make demo-figures`.")


def test_pictures_other_than_their_table_says_are_named(faces, monkeypatch):
    table = pd.read_csv(faces / "manifest.csv")
    table.loc[1, "sha256"] = "0" * 64
    table.to_csv(faces / "manifest.csv", index=False)
    monkeypatch.setattr(paths, "DEMO", faces.parent)
    (said,) = release.disagreements()
    assert f"1 hashes are not their file's, {table.loc[1, 'path']} among them" in said and "make demo-faces" in said


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one generated file, which is stale; what git says of it can be set."""
    (tmp_path / "codemeta.json").write_text("old\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.setattr(release, "GENERATED", {"codemeta.json": lambda: "new\n"})
    monkeypatch.setattr(release, "disagreements", list)
    return tmp_path


def test_a_release_renews_what_is_stale_and_says_what_it_lacks(repository, capsys):
    assert release.stale() == ["codemeta.json"]
    assert release.main(repository / "no_run") == 0
    assert (repository / "codemeta.json").read_text() == "new\n" and release.stale() == []
    told = capsys.readouterr().out
    assert "codemeta.json: renewed" in told and "No archive" in told and "make demo" in told


def test_a_release_of_other_versions_writes_nothing(repository, monkeypatch, capsys):
    monkeypatch.setattr(release, "disagreements", lambda: ["versions differ."])
    assert release.main(repository / "no_run") == 1
    assert (repository / "codemeta.json").read_text() == "old\n"
    assert "no release while something is stale:\n  versions differ." in capsys.readouterr().err


def test_versions_that_differ_are_a_disagreement(monkeypatch):
    monkeypatch.setattr(codemeta, "released", lambda: ("9.9.9", "2030-01-01"))
    (said,) = release.disagreements()
    assert "CHANGELOG.md: 9.9.9 of 2030-01-01" in said and said.endswith("Write the same into all three.")


def test_no_archive_is_packed_of_a_stale_run_or_of_what_is_not_committed(repository, run, monkeypatch, capsys):
    monkeypatch.setattr(release, "outdated", lambda run: ["06 is of yesterday."])
    assert release.main(run.root) == 1 and "06 is of yesterday." in capsys.readouterr().err
    monkeypatch.setattr(release, "outdated", lambda run: [])
    monkeypatch.setattr(release, "git", lambda *arguments: [" M codemeta.json"])
    monkeypatch.setattr(release, "pack", None)
    assert release.main(run.root) == 0 and "codemeta.json among them" in capsys.readouterr().out
