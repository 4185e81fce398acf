"""What was paid for outlives a power cut, a full disk and other processes; and no other process pays for it again."""

import errno
import json
import os
import resource
import threading
import time
from types import SimpleNamespace

import pytest
from lmfm_helpers import claiming, entry, faces, plan_for

from ferlib.errors import InputError
from ferlib.lmfm import ledger, prices, run, store, study

QUESTION = {
    "provider": "openai", "model": "m", "model_version": "", "prompt": "Which?", "settings": {"temperature": 0.0},
    "repeat": 0, "image_sha256": "ab" * 32,
}  # fmt: skip
ANSWER = {"kind": "answered", "text": "sad", "finish": "stop", "model_version": "m-1", "usage": {}}
PRICE = prices.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented for this test")


def put(responses, **changed):
    return responses.put({**QUESTION, **changed}, {**ANSWER}, how={})


def stored(folder):
    return len(list(folder.glob("??/*.json")))


def test_an_answer_is_on_the_disk_before_it_has_its_name_and_its_name_before_it_counts(tmp_path, monkeypatch):
    events, fsync, link = [], os.fsync, os.link
    monkeypatch.setattr(os, "fsync", lambda handle: (events.append(os.fstat(handle).st_ino), fsync(handle))[1])
    monkeypatch.setattr(os, "link", lambda old, new: (events.append("named"), link(old, new))[1])
    responses = store.Store(tmp_path / "new" / "responses")
    path = responses.path(put(responses)["key"])
    named = events.index("named")
    assert events[named - 1] == path.stat().st_ino and events[named + 1 :] == [path.parent.stat().st_ino]
    # Each folder that was made is in its parent's list of names, too.
    assert {folder.stat().st_ino for folder in (tmp_path, tmp_path / "new", responses.folder)} <= set(events[:named])


def test_what_may_be_spent_is_on_the_disk_before_the_request_goes_out(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_size), fsync(handle))[1])
    book = ledger.Ledger(tmp_path, max_usd=100, price=PRICE, name="m")
    book.reserve(open(faces(tmp_path, 1)["path"][0], "rb").read(), "Which?", {"max_tokens": 8})
    assert synced == [(tmp_path / ledger.FILE).stat().st_size]


def test_half_a_line_of_a_power_cut_hides_no_later_one(tmp_path):
    data = open(faces(tmp_path, 1)["path"][0], "rb").read()
    first = ledger.Ledger(tmp_path, max_usd=100, price=PRICE, name="m")
    first.reserve(data, "Which?", {"max_tokens": 8})
    each = first.spent_usd()
    with open(tmp_path / ledger.FILE, "ab") as file:
        file.write(b'{"id": "0123", "mod')
    ledger.Ledger(tmp_path, max_usd=100, price=PRICE, name="m").reserve(data, "Which?", {"max_tokens": 8})
    assert first.spent_usd() == each and ledger.of_folder(tmp_path).spent_usd() == pytest.approx(2 * each)
    with pytest.raises(InputError, match="would be passed"):
        ledger.Ledger(tmp_path, max_usd=2.5 * each, price=PRICE, name="m").reserve(data, "Which?", {"max_tokens": 8})


@pytest.fixture
def small_files():
    """No file of this process may grow beyond so many bytes: as on a full disk, a write ends in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_and_leaves_neither_half_an_answer_nor_a_ruin(tmp_path, small_files):
    responses = store.Store(tmp_path)
    first = put(responses)
    small_files(100)
    with pytest.raises(InputError, match="the answer cannot be stored.*All answers before it are stored.*Make room"):
        put(responses, repeat=1)
    book = ledger.Ledger(tmp_path / "money", max_usd=100, price=PRICE, name="m" * 200)
    with pytest.raises(InputError, match="what is spent cannot be noted.*nothing more is asked"):
        book.reserve(open(faces(tmp_path, 1)["path"][0], "rb").read(), "Which?", {"max_tokens": 8})
    small_files(2**20)
    assert responses.get(first["key"]) == first and stored(tmp_path) == 1
    assert not [path for path in tmp_path.rglob("*") if "partial" in path.name]
    assert put(responses, repeat=1) == responses.get(put(responses, repeat=1)["key"])


def test_a_run_on_a_full_disk_ends_at_once_and_is_taken_up_when_there_is_room(stand_in, tmp_path, monkeypatch):
    plan, fsync, count = plan_for(faces(tmp_path, 40), entry(stand_in, "openai")), os.fsync, []

    def full(handle):
        count.append(1)
        if len(count) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="cannot be stored .No space left on device"):
            run.ask(plan, store.Store(tmp_path / "r"), concurrency=2, progress=False)
    kept, asked = stored(tmp_path / "r"), stand_in.requests["demo-openai"]
    assert 5 <= kept < asked <= kept + 4
    assert set(run.ask(plan, store.Store(tmp_path / "r"), progress=False)["status"]) == {"ok"}
    assert stand_in.requests["demo-openai"] == asked + 40 - kept


def test_nothing_is_asked_when_there_is_no_room_for_the_answer(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: SimpleNamespace(free=2**20))
    with pytest.raises(InputError, match="the disk has 1.0 MiB left.*Nothing more is asked. Make room"):
        run.ask(plan_for(faces(tmp_path, 3), entry(stand_in, "openai")), store.Store(tmp_path / "r"), progress=False)
    assert not stand_in.requests


def test_a_question_that_another_process_asks_is_waited_for_and_taken_over_when_it_dies(stand_in, tmp_path):
    plan = plan_for(faces(tmp_path, 4), entry(stand_in, "openai"))
    keys, responses = list(plan.questions["response_id"]), store.Store(tmp_path / "r")
    other = claiming(tmp_path / "r", keys[:2])
    with responses.claim(keys[0]) as ours, responses.claim(keys[2]) as theirs:
        assert (ours, theirs) == (False, True)
    after = claiming(tmp_path / "r", keys[2:3])  # ours ended with its block: another process may have it
    with responses.claim(keys[2]) as again:
        assert not again
    after.kill()
    after.wait()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(run.ask(plan, responses, progress=False)))
    thread.start()
    while stored(tmp_path / "r") < 2:
        time.sleep(0.01)
    time.sleep(0.3)
    assert stand_in.requests["demo-openai"] == 2  # the two that nobody has
    # The other process gets one of its answers, and dies before the other one.
    row = next(plan.questions.itertuples())
    responses.put(plan.question(row), {**ANSWER, "text": "from elsewhere"}, how={})
    other.kill()
    other.wait()
    other.stdout.close()
    thread.join(20)
    assert list(answers[0]["said"] == "from elsewhere") == [True, False, False, False]
    assert stand_in.requests["demo-openai"] == 3


def test_answers_of_two_models_lie_in_one_store_and_stay_their_own(stand_in, tmp_path):
    manifest = faces(tmp_path, 14)
    made = [plan_for(manifest, entry(stand_in, provider)) for provider in ("openai", "gemini")]
    first = [run.ask(plan, store.Store(tmp_path / "r"), progress=False) for plan in made]
    assert stored(tmp_path / "r") == 28
    for plan, frame in zip(made, first, strict=True):
        assert study.unanswered(plan, store.Store(tmp_path / "r")).empty
        for key in frame["response_id"]:
            record = json.loads(store.Store(tmp_path / "r").path(key).read_text())
            assert record["question"]["provider"] == plan.model["provider"]


def test_files_of_a_store_that_several_people_share_may_be_written_by_all_of_them(tmp_path):
    """A folder of a group: what one made, the next one appends to; a private umask keeps everything private."""
    data = open(faces(tmp_path, 1)["path"][0], "rb").read()
    for mask, mode in ((0o002, 0o664), (0o077, 0o600)):
        folder, before = tmp_path / f"{mask:o}", os.umask(mask)
        try:
            with store.Store(folder).claim("ab" * 32):
                put(store.Store(folder))
            ledger.Ledger(folder, max_usd=100, price=PRICE, name="m").reserve(data, "Which?", {"max_tokens": 8})
        finally:
            os.umask(before)
        made = {path.name: path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
        assert len(made) == 4 and set(made.values()) == {mode}, made


def test_a_disk_that_knows_neither_hard_links_nor_locks_keeps_the_first_answer_and_the_ledger(tmp_path, monkeypatch):
    import fcntl

    def unknown(*_):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    for module, name in ((os, "link"), (fcntl, "flock"), (fcntl, "lockf")):
        monkeypatch.setattr(module, name, unknown)
    responses = store.Store(tmp_path)
    with responses.claim("ab" * 32) as ours:
        assert ours
    first = put(responses)
    again = responses.put(QUESTION, {**ANSWER, "text": "happy"}, how={})
    assert again == first == responses.get(first["key"]) and first["answer"]["text"] == "sad"
    assert not list(tmp_path.rglob("*.partial"))
    book = ledger.Ledger(tmp_path, max_usd=100, price=PRICE, name="m")
    book.reserve(open(faces(tmp_path, 1)["path"][0], "rb").read(), "Which?", {"max_tokens": 8})
    assert ledger.of_folder(tmp_path).spent_usd() == book.spent_usd() > 0
