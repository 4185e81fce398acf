"""What earlier versions stored replays to the same tables; replies are told apart as they were labelled."""

import ast
import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from lmfm_helpers import faces

from ferlib.lmfm import archive, models, parse, store, study, vocabulary
from ferlib.paths import ROOT

HERE = Path(__file__).with_name("recorded")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The questions of the recorded study, worked out anew."""
    manifest = faces(tmp_path_factory.mktemp("faces"), 14, green=200)
    recorded = pd.read_csv(HERE / "manifest.csv")
    manifest["sha256"] = recorded["sha256"]  # other versions of Pillow may write other bytes
    url = "http://127.0.0.1:1"
    entries = [
        {"name": "demo-openai", "provider": "openai", "base_url": f"{url}/v1"},
        {"name": "demo-gemini", "provider": "gemini", "base_url": url},
    ]
    how = json.loads((HERE / "study.json").read_text(encoding="utf-8"))
    return study.questions(manifest, models=models.read(entries), **how)


def test_a_store_of_an_earlier_version_answers_its_questions(parts, tmp_path):
    shutil.copytree(HERE / "responses", tmp_path / "r")
    plan = parts["option order"][0]
    assert study.unanswered(plan, store.Store(tmp_path / "r")).empty and len(plan.questions) == 6
    for path in (HERE / "responses").glob("??/*.json"):
        record = store.Store(HERE / "responses").get(path.stem)
        assert store.key(record["question"]) == path.stem


def test_an_archive_of_an_earlier_version_replays_to_the_same_tables(parts):
    questions, records = archive.read(HERE / "answers.zip")
    assert set(questions["response_id"]) == {
        key for some in parts.values() for p in some for key in p.questions["response_id"]
    }
    for name, frame in archive.predictions(questions, records, part=study.MAIN).items():
        assert frame.to_csv(index=False) == (HERE / f"{name}.csv").read_text(encoding="utf-8")


def replies(half):
    with open(HERE / f"replies_{half}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("half", ["tuning", "held_back"])
def test_refusals_are_recognised_with_measured_precision_and_recall(half, capsys):
    rows = replies(half)
    found = []
    for row in rows:
        language = row["language"] if row["language"] in vocabulary.languages() else "en"
        found.append(parse.parse(row["text"], language=language)[0] == "refused")
    labelled = [row["refused"] == "yes" for row in rows]
    both = sum(a and b for a, b in zip(found, labelled, strict=True))
    precision, recall = both / sum(found), both / sum(labelled)
    with capsys.disabled():
        print(
            f"\n{half}: {len(rows)} replies, {sum(labelled)} refusals: precision {precision:.3f}, recall {recall:.3f}"
        )
    assert precision >= 0.98 and recall >= 0.9


def test_the_labelled_set_is_large_and_of_many_languages_and_kinds():
    rows = replies("tuning") + replies("held_back")
    assert len(rows) >= 300 and len({(row["language"], row["text"]) for row in rows}) == len(rows)
    assert {row["language"] for row in rows} >= {"en", "de", "es", "fr", "it", "pt", "tr", "zh"}
    assert {row["kind"] for row in rows} == {"refusal", "hedged", "answer", "off-topic"}


@pytest.mark.parametrize(
    ("text", "status", "label"),
    [
        ("<think>Angry? Sad? I can't identify people.</think>\nfear", "ok", "fear"),
        ("Angry or sad ... </think> fear", "ok", "fear"),
        ("<think>never ends, angry", "unparsed", None),
        ("[THINK]sad or happy[/THINK]happy", "ok", "happy"),
        ("<thinking>x</thinking>I'm sorry, but I can't help with that.", "refused", None),
        ('<think>{"emotion": "sad"}</think>{"emotion": "anger"}', "ok", "anger"),
        ("I can't help you there, but she looks happy.", "unparsed", None),
        ("I cannot identify whether this person is happy or sad.", "refused", None),
    ],
)
def test_thoughts_are_cut_off_and_a_refusal_may_name_emotions(text, status, label):
    assert parse.parse(text) == (status, label)


def test_a_clause_that_answers_outweighs_one_that_declines():
    clauses = vocabulary.declines("I won't guess what she feels, but the face is sad.")
    assert [refused for _, refused in clauses] == [True, False]


def imports(path):
    """Modules of the room that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "ferlib.lmfm":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ferlib.lmfm."):
            yield node.module.rpartition(".")[2]


def test_no_module_imports_itself_by_way_of_others_and_none_is_long():
    files = {path.stem: path for path in (ROOT / "ferlib" / "lmfm").glob("*.py")}
    graph = {name: set(imports(path)) & set(files) for name, path in files.items()}
    for name in graph:
        seen, todo = set(), list(graph[name])
        while todo:
            other = todo.pop()
            if other not in seen:
                seen.add(other)
                todo += graph[other]
        assert name not in seen, f"{name} imports itself by {sorted(seen)}"
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()}
    assert max(lines.values()) <= 250, {name: n for name, n in lines.items() if n > 250}
