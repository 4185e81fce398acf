"""What was asked once can be published and gives the same tables elsewhere: no image, key, network or model."""

import os
import subprocess
import sys
import threading
import zipfile

import pandas as pd
import pytest
from ferdemo.standin import dials, server
from lmfm_helpers import classify, entry, faces

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import archive, replay, run, store, study


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Parts of a study with every status in it, asked and stored, and its prediction tables beside."""
    folder = tmp_path_factory.mktemp("asked")
    made = server.make_server(classify, dials=dials.Dials(refused=0.2, blocked=0.2, truncated=0.1))
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    who = [entry(made, "openai"), entry(made, "gemini")]
    parts = study.questions(
        faces(folder, 14), models=who, prompt_names=["forced-choice", "rating"], option_order="shuffled", repeats=2,
        temperature=0.0, max_tokens=128, compare_images=3, compare_prompts=["description"], compare_orders=2,
        compare_repeats=1, compare_temperatures=[0.7], legacy_check_images=2, seed=1,
    )  # fmt: skip
    responses = store.Store(folder / "r")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda handle: None)
        answers = [run.ask(plan, responses, progress=False) for some in parts.values() for plan in some]
    made.shutdown()
    made.server_close()
    for image in folder.glob("*.png"):
        image.unlink()
    os.remove(responses.path(answers[0]["response_id"].dropna().iloc[3]))  # one question that stays without an answer
    main = [replay.tabulate(plan, responses) for plan in parts[study.MAIN]]
    for model in who:
        own = [frame for frame in main if frame["model"].iloc[0] == model["name"]]
        tables.write_parquet(replay.predictions(pd.concat(own)), folder / "first" / f"{model['name']}.parquet")
    return parts, responses


ELSEWHERE = """
import socket, sys
def nowhere(*_): raise AssertionError("no network")
socket.socket.connect = nowhere
sys.argv[1:] = ["replay", sys.argv[1], "--out", sys.argv[2]]
from ferlib.pipeline import responses
responses.main()
assert not {"openai", "google.genai", "torch"} & set(sys.modules)
"""


def test_an_archive_replays_elsewhere_to_the_same_bytes(asked, tmp_path):
    parts, responses = asked
    path = tmp_path / "elsewhere" / "run-responses.zip"
    questions, answers = archive.export(parts, responses, path)
    assert questions > answers == len(list(responses.folder.glob("??/*.json")))
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    out = tmp_path / "elsewhere" / "predictions"
    subprocess.run([sys.executable, "-c", ELSEWHERE, path, out], check=True, env=bare, cwd=tmp_path)
    first = {file.name: file.read_bytes() for file in (responses.folder.parent / "first").iterdir()}
    assert {file.name: file.read_bytes() for file in out.iterdir()} == first and len(first) == 2
    frame = tables.read_parquet(out / "demo-openai.parquet")
    assert set(frame["status"]) >= {"ok", "refused", "blocked", "truncated", "error"}


def test_the_same_answers_give_the_same_archive_and_it_is_compact(asked, tmp_path):
    parts, responses = asked
    archive.export(parts, responses, tmp_path / "a.zip")
    os.utime(next(responses.folder.glob("??/*.json")), (1, 1))
    archive.export(parts, responses, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    stored = sum(file.stat().st_size for file in responses.folder.glob("??/*.json"))
    assert (tmp_path / "a.zip").stat().st_size < stored / 5


def test_its_checksums_are_those_that_sha256sum_checks(asked, tmp_path):
    archive.export(*asked, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        file.extractall(tmp_path / "x")
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "x", capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count(": OK") == 3


def test_a_changed_answer_is_noticed(asked, tmp_path):
    archive.export(*asked, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        files = {name: file.read(name) for name in file.namelist()}
    files["answers.jsonl"] = files["answers.jsonl"].replace(b"Anger", b"Happy", 1)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    with pytest.raises(InputError, match="b.zip: answers.jsonl is not what it was"):
        archive.read(tmp_path / "b.zip")
    (tmp_path / "c.zip").write_bytes(b"no archive")
    with pytest.raises(InputError, match="c.zip: cannot be read as an archive"):
        archive.read(tmp_path / "c.zip")


def test_restored_into_a_store_it_answers_the_notebook(asked, tmp_path):
    parts, responses = asked
    archive.export(parts, responses, tmp_path / "a.zip")
    _, records = archive.read(tmp_path / "a.zip")
    assert archive.restore(records, tmp_path / "s") == len(records)
    assert archive.restore(records, tmp_path / "s") == 0
    answers = run.ask(parts[study.MAIN][2], store.Store(tmp_path / "s"), progress=False)  # the server is gone
    assert "error" not in set(answers["status"])
