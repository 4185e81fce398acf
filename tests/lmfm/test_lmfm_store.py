"""An answer is stored once, whole, and never lost or mistaken for another."""

import hashlib
import multiprocessing
import os
import random
import time

import pytest

from ferlib import tables
from ferlib.lmfm import store

ASKED = {
    "provider": "openai",
    "model": "m",
    "model_version": "",
    "prompt": "Which?",
    "settings": {"temperature": 0.0, "max_tokens": 8},
    "repeat": 0,
    "image_sha256": "ab" * 32,
}
ANSWER = {"kind": "answered", "text": "glücklich 🙂", "finish": "stop", "model_version": "m-1", "usage": {}}
HOW = {"at": "2026-01-01T00:00:00+00:00", "host": "127.0.0.1"}


def test_what_is_put_is_got_by_another_store_on_the_same_folder(tmp_path):
    record = store.Store(tmp_path).put(ASKED, ANSWER, how=HOW)
    assert record["key"] == store.key(ASKED)
    assert (
        store.Store(tmp_path).get(record["key"])
        == record
        == {"key": record["key"], "question": ASKED, "answer": ANSWER, "asked": HOW}
    )
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{record['key']}.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "gemini"},
        {"model": "n"},
        {"model_version": "2"},
        {"prompt": "Which? "},
        {"repeat": 1},
        {"settings": {"temperature": 0.1, "max_tokens": 8}},
        {"image_sha256": "ac" * 32},
    ],
)
def test_whatever_the_answer_may_depend_on_changes_the_address(change):
    assert store.key(ASKED) != store.key({**ASKED, **change})


def test_the_order_of_the_settings_does_not_change_the_address():
    reordered = {**ASKED, "settings": {"max_tokens": 8, "temperature": 0.0}}
    assert store.key(ASKED) == store.key(reordered)


def test_the_address_stays_the_same_for_ever():
    """An archive that was published is only replayed if a question keeps its address."""
    text = (
        '{"image_sha256":"' + "ab" * 32 + '","model":"m","model_version":"","prompt":"Which?","provider":"openai",'
        '"repeat":0,"settings":{"max_tokens":8,"temperature":0.0}}'
    )
    assert store.key(ASKED) == hashlib.sha256(text.encode()).hexdigest()


def test_any_flipped_byte_is_noticed_moved_aside_and_told(tmp_path):
    responses = store.Store(tmp_path)
    key = responses.put(ASKED, ANSWER, how=HOW)["key"]
    whole = responses.path(key).read_bytes()
    chance = random.Random(1)
    for position in chance.sample(range(len(whole)), 40):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << chance.randrange(8)
        responses.path(key).write_bytes(damaged)
        with pytest.warns(UserWarning, match="its checksum does not match.*asked again"):
            assert responses.get(key) is None
        assert not responses.path(key).exists()
    assert len(list(tmp_path.glob("??/*.damaged-*"))) == 40
    assert responses.put(ASKED, ANSWER, how=HOW) == responses.get(key)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'"text"', b"\xff\xfe"])
def test_a_file_that_holds_no_record_is_moved_aside(tmp_path, content):
    responses = store.Store(tmp_path)
    path = responses.path(store.key(ASKED))
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="checksum"):
        assert responses.get(store.key(ASKED)) is None


def test_a_record_under_the_address_of_another_question_is_not_its_answer(tmp_path):
    responses = store.Store(tmp_path)
    key = responses.put(ASKED, ANSWER, how=HOW)["key"]
    other = store.key({**ASKED, "repeat": 1})
    responses.path(other).parent.mkdir(exist_ok=True)
    os.replace(responses.path(key), responses.path(other))
    with pytest.warns(UserWarning, match="checksum"):
        assert responses.get(other) is None


def test_the_first_answer_stays(tmp_path):
    responses = store.Store(tmp_path)
    first = responses.put(ASKED, ANSWER, how=HOW)
    second = responses.put(ASKED, {**ANSWER, "text": "other"}, how=HOW)
    assert second == first == responses.get(first["key"])


def _put_many(folder, number):
    responses = store.Store(folder)
    for repeat in range(40):
        responses.put({**ASKED, "repeat": repeat}, {**ANSWER, "text": f"process {number}"}, how=HOW)


def test_processes_that_answer_the_same_questions_leave_one_whole_answer_each(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_put_many, args=(tmp_path, number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    responses = store.Store(tmp_path)
    stored = [responses.get(store.key({**ASKED, "repeat": repeat})) for repeat in range(40)]
    assert all(record["answer"]["text"].startswith("process ") for record in stored)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 40


def test_what_a_killed_process_left_unfinished_is_no_answer_and_goes_in_time(tmp_path):
    folder = tmp_path / "ab"
    folder.mkdir()
    old, new = folder / ".old.1.1.partial", folder / ".new.2.2.partial"
    for path in (old, new):
        path.write_text("{")
    past = time.time() - 2 * tables.ABANDONED_S
    os.utime(old, (past, past))
    store.Store(tmp_path)
    assert not old.exists() and new.exists()
