"""A run asks what is missing, once, through all mishaps, and its table is the same however often it was interrupted."""

import hashlib
import io
import os
import threading
import time
from types import SimpleNamespace

import pandas as pd
import pytest
from ferdemo.standin import readers, server
from lmfm_helpers import SETTINGS, always, entry, faces, named_key, no_answer, plan_for
from lmfm_process import asking
from pandas.testing import assert_frame_equal
from PIL import Image

from ferlib import tables
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import models, pace, replay, run, store, study
from ferlib.lmfm.meanings import NoAnswer
from ferlib.lmfm.pace import Pace, patiently

PROVIDERS = ("openai", "gemini", "gemini-legacy")


def ask(plan, folder, **more):
    return run.ask(plan, store.Store(folder), progress=False, **more)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_image_gets_the_answer_to_itself(stand_in, tmp_path, provider):
    """With eight questions under way at a time, none gets another's answer."""
    manifest = faces(tmp_path, 56).sample(frac=1, random_state=3)
    answers = ask(plan_for(manifest, entry(stand_in, provider)), tmp_path / "r")
    assert list(answers.columns[: len(replay.COLUMNS)]) == list(replay.COLUMNS)
    assert list(answers["image_id"]) == sorted(manifest["image_id"])
    truth = manifest.set_index("image_id")["emotion"][answers["image_id"]]
    assert list(answers["predicted"]) == list(truth)
    assert set(answers["status"]) == {"ok"} and set(answers["variant"]) == {"forced-choice"}


def test_what_is_stored_is_not_asked_again(stand_in, tmp_path):
    plan = plan_for(faces(tmp_path, 21), entry(stand_in, "openai"))
    first = ask(plan, tmp_path / "r")
    assert stand_in.requests["demo-openai"] == 21
    assert len(study.unanswered(plan, store.Store(tmp_path / "r"))) == 0
    second = ask(plan, tmp_path / "r", connect=_unreachable)
    assert stand_in.requests["demo-openai"] == 21
    assert_frame_equal(first, second)


def _unreachable(model):
    raise AssertionError("a replay needs no connection")


def test_a_replay_needs_neither_images_nor_key_nor_permission(stand_in, tmp_path, monkeypatch):
    manifest = faces(tmp_path, 7, dataset="radiate")
    first = ask(plan_for(manifest, entry(stand_in, "openai")), tmp_path / "r")
    for path in manifest["path"]:
        os.remove(path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    far = {**entry(stand_in, "openai"), "base_url": "https://api.openai.com/v1"}
    assert_frame_equal(ask(plan_for(manifest, far), tmp_path / "r"), first)


def test_images_of_a_closed_dataset_do_not_leave_this_machine(stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    monkeypatch.setattr(models, "client", _unreachable)
    model = models.read([{"name": "gpt", "provider": "openai"}])[0]
    with pytest.raises(InputError, match=r"'gpt' at api.openai.com.*'radiate' stay on this machine"):
        ask(plan_for(faces(tmp_path, 2, dataset="radiate"), model), tmp_path / "r")


def test_repeats_are_questions_of_their_own(stand_in, tmp_path):
    plan = plan_for(faces(tmp_path, 3), entry(stand_in, "openai"), repeats=4)
    answers = ask(plan, tmp_path / "r")
    assert stand_in.requests["demo-openai"] == 12
    assert list(answers["repeat"]) == [0, 1, 2, 3] * 3
    assert answers["response_id"].is_unique


def test_the_same_image_twice_is_asked_once(stand_in, tmp_path):
    manifest = faces(tmp_path, 3)
    double = pd.concat([manifest, manifest.assign(image_id=manifest["image_id"] + "-copy")])
    answers = ask(plan_for(double, entry(stand_in, "openai")), tmp_path / "r")
    assert stand_in.requests["demo-openai"] == 3 and len(answers) == 6
    assert set(answers["status"]) == {"ok"}


REPLIES = {
    "ok": readers.Reply("answered", "I would say: happy."),
    "refused": readers.Reply("refused", "No."),
    "blocked": readers.Reply("blocked"),
    "truncated": readers.Reply("truncated", "The happ"),
    "unparsed": readers.Reply("answered", "happy or sad"),
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", REPLIES)
def test_each_status_reaches_the_table_and_is_stored_with_its_words(stand_in, tmp_path, provider, status):
    if (status, provider) in {("refused", "gemini"), ("refused", "gemini-legacy")}:
        reply = readers.Reply("answered", "I'm sorry, I can't help with that.")  # Gemini has no field for it
    else:
        reply = REPLIES[status]
    stand_in.respond = always(reply)
    answers = ask(plan_for(faces(tmp_path, 2), entry(stand_in, provider)), tmp_path / "r")
    assert list(answers["status"]) == [status] * 2
    assert list(answers["predicted"].dropna()) == (["happy"] * 2 if status == "ok" else [])
    record = store.Store(tmp_path / "r").get(answers["response_id"][0])
    assert record["answer"]["text"] == reply.text
    assert record["answer"]["model_version"] == answers["model_version"][0]
    assert record["question"]["settings"] == SETTINGS
    assert replay.complaint(answers) is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_errors_on_the_way_are_retried_and_leave_no_trace(stand_in, tmp_path, provider, quick):
    stand_in.failures.extend(["500", "drop", "429", "500", "drop"])
    began = time.monotonic()
    answers = ask(plan_for(faces(tmp_path, 14), entry(stand_in, provider)), tmp_path / "r", concurrency=4)
    assert set(answers["status"]) == {"ok"} and answers["error"].isna().all()
    assert stand_in.requests["failed"] == 5 and sum(stand_in.requests.values()) == 19
    assert time.monotonic() - began >= 1.0  # the 429 asked to wait a second


def test_after_the_last_try_it_is_an_error_told_counted_not_stored_and_asked_next_time(stand_in, tmp_path, quick):
    plan = plan_for(faces(tmp_path, 5), entry(stand_in, "openai"))
    stand_in.failures.extend(["500"] * 6)
    answers = ask(plan, tmp_path / "r", concurrency=1, tries=3)
    assert list(answers["status"]) == ["error", "error", "ok", "ok", "ok"]
    assert answers["response_id"].isna().sum() == answers["predicted"].isna().sum() == 2
    assert "demo-openai: 2 of 5 questions got no answer (2 x HTTP 500" in replay.complaint(answers)
    assert len(list((tmp_path / "r").glob("??/*.json"))) == 3
    assert set(ask(plan, tmp_path / "r")["status"]) == {"ok"}
    assert stand_in.requests["demo-openai"] == 5


def test_a_question_that_no_repetition_mends_is_not_repeated(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(run.attachments, "payload", lambda path, **_: (b"no image", "image/png"))
    answers = ask(plan_for(faces(tmp_path, 4), entry(stand_in, "openai")), tmp_path / "r")
    assert set(answers["error"]) == {"HTTP 400: the image cannot be decoded"} and len(stand_in.seen) == 4
    with pytest.raises(InputError, match="does not take the request .HTTP 400: the image cannot be decoded"):
        ask(plan_for(faces(tmp_path, 20), entry(stand_in, "openai")), tmp_path / "r", concurrency=1)
    assert len(stand_in.seen) == 9  # after a handful that are alike, no more


def test_single_images_that_cannot_be_decoded_do_not_end_a_run_that_gets_answers(stand_in, tmp_path, monkeypatch):
    see, seen = run.attachments.payload, []
    bad = (b"no image", "image/png")
    every_other = lambda *a, **b: bad if seen.append(1) or len(seen) % 2 else see(*a, **b)  # noqa: E731
    monkeypatch.setattr(run.attachments, "payload", every_other)
    answers = ask(plan_for(faces(tmp_path, 20), entry(stand_in, "openai")), tmp_path / "r", concurrency=1)
    assert answers["status"].value_counts().to_dict() == {"error": 10, "ok": 10}


def test_a_server_that_is_down_is_noticed_before_all_are_asked(stand_in, tmp_path, quick):
    stand_in.failures.extend(["500"] * 1000)
    answers = ask(plan_for(faces(tmp_path, 60), entry(stand_in, "openai")), tmp_path / "r", tries=2, concurrency=4)
    assert set(answers["status"]) == {"error"}
    assert stand_in.requests["failed"] <= 2 * (run.GIVE_UP_AFTER + 4)
    assert "not asked, since 16 questions in a row got no answer" in replay.complaint(answers)


def test_an_answer_between_failures_shows_that_the_server_is_not_down(stand_in, tmp_path, quick, monkeypatch):
    monkeypatch.setitem(server.FAILURES, "none", None)
    stand_in.failures.extend((["500"] * (run.GIVE_UP_AFTER - 1) + ["none"]) * 2)
    answers = ask(plan_for(faces(tmp_path, 40), entry(stand_in, "openai")), tmp_path / "r", tries=1, concurrency=1)
    assert answers["status"].value_counts().to_dict() == {"error": 2 * (run.GIVE_UP_AFTER - 1), "ok": 10}


def test_answers_that_are_all_cut_off_end_the_run_before_all_are_paid(stand_in, tmp_path):
    """As of a model that spends all its tokens on thoughts."""
    stand_in.respond = always(readers.Reply("truncated"))
    plan = plan_for(faces(tmp_path, 60), entry(stand_in, "gemini"))
    with pytest.raises(InputError, match="each of the first 16 answers was cut off at max_tokens = 32.*: raise"):
        ask(plan, tmp_path / "r", concurrency=2)
    kept = len(list((tmp_path / "r").glob("??/*.json")))
    assert 16 <= kept == stand_in.requests["demo-gemini"] < 24


def test_some_answers_that_are_cut_off_are_outcomes_like_others(stand_in, tmp_path):
    see, count = stand_in.respond, []
    cut = readers.Reply("truncated", "The")
    stand_in.respond = lambda *a: (count.append(1), see(*a) if len(count) == 9 else cut)[1]
    answers = ask(plan_for(faces(tmp_path, 40), entry(stand_in, "gemini")), tmp_path / "r", concurrency=1)
    assert answers["status"].value_counts().to_dict() == {"truncated": 39, "ok": 1}


def test_what_was_learnt_from_429_still_counts_for_the_next_prompt(stand_in, tmp_path, quick):
    model = {**entry(stand_in, "openai"), "concurrency": 8}
    stand_in.failures.append("429")
    manifest = faces(tmp_path, 2)
    ask(plan_for(manifest[:1], model), tmp_path / "r")
    shared = pace.of(model)
    assert 4 <= shared.limit < 8
    ask(plan_for(manifest[1:], model), tmp_path / "r")
    assert 4 < shared.limit < 8


def test_the_limits_of_the_model_are_those_of_its_run(stand_in, tmp_path, quick):
    stand_in.failures.extend(["500"] * 9)
    model = models.read([{**entry(stand_in, "openai"), "tries": 3, "concurrency": 1}])[0]
    answers = ask(plan_for(faces(tmp_path, 4), model), tmp_path / "r")
    assert list(answers["status"]) == ["error", "error", "error", "ok"]
    with pytest.raises(TypeError, match="unknown limit retries"):
        ask(plan_for(faces(tmp_path / "r", 5), model), tmp_path / "r", retries=2)


def test_unanswered_questions_are_listed_until_they_are_answered(stand_in, tmp_path, quick):
    """make executes the notebook again as long as the list is there."""
    plan, listed = plan_for(faces(tmp_path, 5), entry(stand_in, "openai")), tmp_path / "r" / "unanswered.csv"
    stand_in.failures.extend(["500"] * 2)
    answers = ask(plan, tmp_path / "r", concurrency=1, tries=2)
    replay.keep_unanswered(answers, listed)
    (row,) = tables.read_csv(listed, columns=("model", "error")).itertuples()
    assert (row.model, row.image_id, row.error) == ("demo-openai", "face-0000", "HTTP 500: the server had an error")
    assert "`make run` asks them again" in replay.complaint(answers)
    replay.keep_unanswered(ask(plan, tmp_path / "r"), listed)
    assert not listed.exists()


def test_a_provider_that_asks_to_wait_for_hours_is_not_waited_for(stand_in, tmp_path):
    class Busy:
        library = "none"
        asked = 0

        def ask(self, *_):
            self.asked += 1
            raise no_answer("HTTP 429: tomorrow", wait_s=86400, status=429)

    busy = Busy()
    with pytest.raises(NoAnswer, match="asks to wait 86400 s"):
        patiently(lambda: busy.ask(), tries=6, stop=threading.Event(), pace=Pace(1))
    assert busy.asked == 1


class Clock(threading.Event):
    """Waits for nothing and remembers how long it was asked to."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def wait(self, timeout):
        self.waits.append(timeout)


def test_waits_grow_and_differ():
    clock = Clock()

    def fail():
        raise no_answer("HTTP 500")

    for _ in range(20):
        with pytest.raises(NoAnswer):
            patiently(fail, tries=4, stop=clock, pace=Pace(1))
    firsts, seconds, thirds = clock.waits[0::3], clock.waits[1::3], clock.waits[2::3]
    for values, low in [(firsts, 1), (seconds, 2), (thirds, 4)]:
        assert low <= min(values) and max(values) <= 1.5 * low and len(set(values)) == 20


def test_own_waits_stop_growing_and_the_run_goes_on():
    clock = Clock()

    def fail():
        raise no_answer("HTTP 500")

    with pytest.raises(NoAnswer, match="^HTTP 500$"):
        patiently(fail, tries=12, stop=clock, pace=Pace(1))
    waits = clock.waits
    assert len(waits) == 11 and all(120 <= wait <= 180 for wait in waits[7:]) and waits[6] < 97


def test_the_provider_says_how_long_to_wait(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: sum(clock.waits)))  # else it takes 40 s

    def fail():
        raise no_answer("HTTP 429", wait_s=20, status=429)

    with pytest.raises(NoAnswer):
        patiently(fail, tries=3, stop=clock, pace=Pace(1))
    assert len(clock.waits) == 2 and min(clock.waits) >= 20


def test_no_more_questions_are_under_way_than_allowed(stand_in, tmp_path):
    lock, now, most, see = threading.Lock(), 0, 0, stand_in.respond

    def respond(*arguments):
        nonlocal now, most
        with lock:
            now, most = now + 1, max(most, now + 1)
        time.sleep(0.01)
        with lock:
            now -= 1
        return see(*arguments)

    stand_in.respond = respond
    ask(plan_for(faces(tmp_path, 40), entry(stand_in, "gemini")), tmp_path / "r", concurrency=3)
    assert most == 3


def test_a_fault_that_all_would_share_ends_the_run_and_keeps_what_there_is(stand_in, tmp_path):
    plan = plan_for(faces(tmp_path, 30), entry(stand_in, "openai"))
    see, seen = stand_in.classify, []

    def classify(*arguments):
        seen.append(1)
        if len(seen) > 10:
            stand_in.models.clear()
        return see(*arguments)

    stand_in.classify = classify
    reader = dict(stand_in.models)
    with pytest.raises(InputError, match="knows no model"):
        ask(plan, tmp_path / "r", concurrency=2)
    kept = len(list((tmp_path / "r").glob("??/*.json")))
    assert 8 <= kept < 30
    stand_in.models, stand_in.classify = reader, see
    stand_in.requests.clear()
    assert set(ask(plan, tmp_path / "r")["status"]) == {"ok"}
    assert stand_in.requests["demo-openai"] == 30 - kept


def test_a_damaged_answer_is_asked_again_and_the_table_is_the_same(stand_in, tmp_path):
    plan = plan_for(faces(tmp_path, 10), entry(stand_in, "openai"))
    first = ask(plan, tmp_path / "r")
    path = store.Store(tmp_path / "r").path(first["response_id"][4])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.warns(UserWarning, match=f"{path.name}.*checksum does not match"):
        second = ask(plan, tmp_path / "r")
    assert_frame_equal(first, second)
    assert stand_in.requests["demo-openai"] == 11


def test_an_image_that_changed_since_the_manifest_is_not_sent(stand_in, tmp_path):
    manifest = faces(tmp_path, 1)
    with open(manifest["path"][0], "ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match=r"0000.png: has changed since the manifest"):
        ask(plan_for(manifest, entry(stand_in, "openai")), tmp_path / "r")
    assert not stand_in.seen


def test_two_processes_on_one_store_end_with_one_table(stand_in, tmp_path):
    manifest, model = faces(tmp_path, 40), entry(stand_in, "openai")
    processes = [asking(manifest, model, tmp_path / "r", concurrency=4) for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    answers = ask(plan_for(manifest, model), tmp_path / "r", connect=_unreachable)
    assert list(answers["predicted"]) == [EMOTIONS[i % 7] for i in range(40)]
    assert len(list((tmp_path / "r").glob("??/*"))) == 40
    assert stand_in.requests["demo-openai"] == 40  # none was paid for twice


def test_a_key_in_the_environment_is_in_no_file_and_no_message(stand_in, tmp_path, monkeypatch, quick, capfd):
    """Also where the key is really sent, and the server throws it back."""
    key = "planted-key-0123456789"
    monkeypatch.setattr(run.services, "is_loopback", lambda url: False)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    stand_in.respond = always(readers.Reply("answered", f"happy, says {key}"))
    stand_in.failures.extend(["500"] * 2)
    model = entry(stand_in, "openai", **named_key("openai"))
    answers = ask(plan_for(faces(tmp_path, 6), model), tmp_path / "r", may_send=["demo"], concurrency=1, tries=2)
    assert stand_in.seen and all(key in str(headers) for headers, _ in stand_in.seen)
    assert set(answers["status"]) == {"ok", "error"}
    assert key not in answers.to_csv() + replay.complaint(answers) + "".join(capfd.readouterr())
    for path in (tmp_path / "r").rglob("*"):
        assert path.is_dir() or key.encode() not in path.read_bytes()


def test_a_run_shows_how_far_it_is(stand_in, tmp_path, capsys):
    stand_in.respond = always(readers.Reply("refused", "No."))
    plan = plan_for(faces(tmp_path, 5), entry(stand_in, "openai"))
    run.ask(plan, store.Store(tmp_path / "r"))
    shown = capsys.readouterr().err.split("\r")[-1]
    for words in ("demo-openai", "5/5", "answered=0", "refused=5", "errors=0"):
        assert words in shown


def test_bmp_files_are_sent_as_png_with_the_same_pixels(stand_in, tmp_path):
    """RADIATE's own format, which no provider takes."""
    manifest = faces(tmp_path, 1)
    path = tmp_path / "face.bmp"
    Image.open(manifest["path"][0]).save(path)
    manifest["path"], manifest["sha256"] = str(path), hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(ask(plan_for(manifest, entry(stand_in, "openai")), tmp_path / "r")["predicted"]) == ["anger"]
    sent = Image.open(io.BytesIO(stand_in.seen[0][1].image))
    assert sent.format == "PNG" and sent.tobytes() == Image.open(path).tobytes()
