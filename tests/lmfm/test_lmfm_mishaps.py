"""Through everything that goes wrong on the way, each question ends with one outcome, and in good time.

The marked cases are the same at full size; `make bench` runs them and prints what they measured.
"""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from ferdemo.standin import dials
from lmfm_helpers import PATHS, SETTINGS, entry, faces, plan_for
from lmfm_process import asking
from pandas.testing import assert_frame_equal

from ferlib.lmfm import attachments, models, pace, run, store
from ferlib.lmfm.meanings import NoAnswer
from ferlib.lmfm.pace import Pace, patiently

MISHAPS = {
    "too_many": 0.10, "failing": 0.05, "dropped": 0.03, "malformed": 0.02, "refused": 0.03, "blocked": 0.02,
    "retry_after_s": 0.05,
}  # fmt: skip
GROUPS = ("Black Female", "Black Male", "White Female", "White Male")
FULL = pytest.mark.bench


class Server:
    """The stand-in in a process of its own."""

    def __init__(self, **turned):
        command = [sys.executable, str(Path(__file__).with_name("lmfm_server.py")), json.dumps(turned)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def model(self, provider="openai"):
        name = "demo-openai" if provider == "openai" else "demo-gemini"
        url = f"http://127.0.0.1:{self.port}{PATHS[provider]}"
        return models.read([{"name": name, "provider": provider, "base_url": url}])[0]

    def counted(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def answered(self):
        """Questions that got a whole answer."""
        counted = self.counted()
        return sum(counted.get(name, 0) for name in ("demo-openai", "demo-gemini")) - counted.get("malformed", 0)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def serve():
    made = []
    yield lambda **turned: made.append(Server(**turned)) or made[-1]
    for server in made:
        server.close()


def ask(plan, folder, **more):
    return run.ask(plan, store.Store(folder), progress=False, **more)


def expected(plan, manifest):
    """Status and label that each question must end with, worked out without the run."""
    fates = dials.Chance(dials.Dials(**MISHAPS))
    truth = manifest.set_index("image_id")["emotion"]
    for row in plan.questions.itertuples():
        data, _ = attachments.payload(row.path, sha256=row.sha256)
        fate = fates.reply(data, plan.text(row), None)
        yield (fate.outcome, None) if fate else ("ok", truth[row.image_id])


@pytest.mark.parametrize(
    ("provider", "pairs", "concurrency"),
    [("openai", 200, 8), ("gemini", 160, 8), pytest.param("openai", 2000, 16, marks=FULL)],
)
def test_every_question_ends_with_exactly_one_outcome_of_the_right_status(
    serve, tmp_path, quick, provider, pairs, concurrency
):
    server, manifest = serve(**MISHAPS), faces(tmp_path, pairs)
    plan = plan_for(manifest, server.model(provider))
    answers = ask(plan, tmp_path / "r", concurrency=concurrency, tries=12)
    outcomes = list(expected(plan, manifest))
    if provider == "gemini":  # it has no field for refusals: they come as words, and are read as such
        assert all(row.said for row in answers.itertuples() if row.status == "refused")
    assert list(answers["status"]) == [status for status, _ in outcomes]
    assert list(answers["predicted"].fillna("none")) == [label or "none" for _, label in outcomes]
    assert len(list((tmp_path / "r").glob("??/*.json"))) == pairs == answers["response_id"].nunique()
    assert server.answered() == pairs  # none asked again after it was answered
    counted = server.counted()
    assert min(counted.get(way, 0) for way in ("too_many", "failing", "dropped", "malformed")) > 0
    groups = pd.Series([GROUPS[i % 4] for i in range(pairs)], index=manifest["image_id"])
    found = answers.groupby([answers["image_id"].map(groups), "status"]).size()
    wanted = pd.Series([status for status, _ in outcomes], index=answers.index)
    assert_frame_equal(
        found.unstack(fill_value=0),
        pd.crosstab(answers["image_id"].map(groups), wanted).rename_axis(columns="status"),
        check_names=False,
    )
    print(f"\n{pairs} pairs: {counted}; by group:\n{found.unstack(fill_value=0)}")


RUN = """
import json, sys
import pandas as pd
from ferlib.lmfm import pace, prompts, run, store, study
pace.FIRST_WAIT_S = 0.01
manifest, model, settings, folder, concurrency = json.load(sys.stdin)
made = study.plan(pd.DataFrame(manifest), model=model, prompt=prompts.load("forced-choice"), settings=settings)
print("begins", flush=True)
run.ask(made, store.Store(folder), concurrency=concurrency, tries=12, progress=False)
"""


def start(manifest, model, folder, *, concurrency):
    """A run in a process of its own, which has imported everything and is about to ask."""
    task = json.dumps([manifest.to_dict("list"), model, SETTINGS, str(folder), concurrency])
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A script's background job, such as these tests may run in, is started with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    process.stdin.write(task)
    process.stdin.close()
    process.stdin = None
    assert process.stdout.readline() == "begins\n"
    return process


@pytest.mark.parametrize(("pairs", "kills", "concurrency"), [(60, 2, 4), pytest.param(2000, 20, 16, marks=FULL)])
def test_killed_at_random_moments_and_resumed_it_ends_as_an_undisturbed_run(serve, tmp_path, pairs, kills, concurrency):
    """Killed without warning: the table is the same, and hardly a question is asked twice."""
    calm, server, manifest = serve(**MISHAPS), serve(**MISHAPS, latency_s=0.05), faces(tmp_path, pairs)
    undisturbed = ask(plan_for(manifest, calm.model()), tmp_path / "other", concurrency=concurrency, tries=12)
    chance = random.Random(kills)
    moments = sorted(chance.uniform(0.05, 0.95) * pairs for _ in range(kills))
    for moment in moments:
        process = asking(manifest, server.model(), tmp_path / "r", concurrency=concurrency, tries=12)
        while server.answered() < moment and process.is_alive():
            time.sleep(0.002)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    left = pairs - len(list((tmp_path / "r").glob("??/*.json")))
    assert left > 0
    plan = plan_for(manifest, server.model())
    assert_frame_equal(ask(plan, tmp_path / "r", concurrency=concurrency, tries=12), undisturbed)
    more = server.answered() - pairs
    assert more <= kills * concurrency
    print(f"\n{kills} kills: the same table; {more} questions answered twice, {kills * concurrency} allowed")


def test_ctrl_c_stops_at_once_and_keeps_what_was_under_way(serve, tmp_path):
    server, manifest = serve(latency_s=0.3), faces(tmp_path, 60)
    process = start(manifest, server.model(), tmp_path / "r", concurrency=4)
    while server.answered() < 8:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, complaint = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert complaint.strip().endswith("KeyboardInterrupt")
    stored = len(list((tmp_path / "r").glob("??/*.json")))
    assert "demo-openai: stopping; waits for the answers under way (Ctrl-C again drops them)" in complaint
    assert f"stopped; {stored} answers came and are stored. Run again to ask the other {60 - stored}" in complaint
    assert stored == server.answered() <= 20  # all that was paid for, and nothing new was begun


@pytest.mark.parametrize(
    ("pairs", "latency_s", "allowed"), [(64, 0.25, 3.0), pytest.param(1000, 0.5, 1.15, marks=FULL)]
)
def test_waiting_is_done_side_by_side(serve, tmp_path, pairs, latency_s, allowed):
    server, manifest = serve(latency_s=latency_s), faces(tmp_path, pairs)
    ask(plan_for(manifest.iloc[:1], server.model()), tmp_path / "warm")
    began = time.monotonic()
    ask(plan_for(manifest, server.model()), tmp_path / "r", concurrency=16)
    took, ideal = time.monotonic() - began, latency_s * -(-pairs // 16)
    began = time.monotonic()
    few = 8 if pairs >= 1000 else 3
    ask(plan_for(manifest.iloc[:few], server.model()), tmp_path / "one", concurrency=1)
    alone = (time.monotonic() - began) / few * pairs
    print(f"\n{pairs} pairs: {took:.2f} s, ideal {ideal:.2f} s ({took / ideal:.3f}); one after another {alone:.0f} s")
    assert took <= allowed * ideal


@pytest.mark.parametrize("provider", PATHS)
def test_an_answer_that_trickles_is_given_up(serve, tmp_path, monkeypatch, provider):
    """Each byte comes in time, so that no client library notices."""
    monkeypatch.setattr(pace, "PATIENCE", 1.0)
    server = serve(slow=1.0, slow_s=30)
    models.client(server.model(provider), timeout_s=1).close()  # to import a library takes seconds, by itself
    began = time.monotonic()
    answers = ask(plan_for(faces(tmp_path, 1), server.model(provider)), tmp_path / "r", tries=1, timeout_s=0.5)
    assert answers["error"][0] == "timed out: no whole answer within 0.5 s"
    assert time.monotonic() - began < 4


def test_a_late_answer_is_kept_and_not_asked_again(stand_in, tmp_path, monkeypatch, quick):
    monkeypatch.setattr(pace, "PATIENCE", 0.02)  # 0.1 s as a whole, while the client itself waits for 5 s
    see, calls = stand_in.classify, []
    stand_in.classify = lambda *arguments: (calls.append(1), time.sleep(0.3), see(*arguments))[2]
    monkeypatch.setattr(pace, "FIRST_WAIT_S", 0.5)
    answers = ask(plan_for(faces(tmp_path, 1), entry(stand_in, "openai")), tmp_path / "r", tries=2, timeout_s=5)
    assert list(answers["status"]) == ["ok"] and len(calls) == 1


def test_the_fate_of_a_question_is_its_own_and_as_frequent_as_dialled():
    chance = dials.Chance(dials.Dials(refused=0.1, blocked=0.05))
    fates = [chance.reply(f"image {i}".encode(), "Which?", None) for i in range(4000)]
    again = [chance.reply(f"image {i}".encode(), "Which?", None) for i in range(4000)]
    assert fates == again
    shares = [
        sum(fate is not None and fate.outcome == name for fate in fates) / 4000 for name in ("refused", "blocked")
    ]
    assert shares == pytest.approx([0.1, 0.05], abs=0.02)
    other = [chance.reply(f"image {i}".encode(), "What?", None) for i in range(4000)]
    assert sum((a is None) != (b is None) for a, b in zip(fates, other, strict=True)) > 700


def test_429_halves_the_pace_once_a_round_and_answers_restore_it():
    pace, stop = Pace(16), threading.Event()
    with pace.turn(stop) as first, pace.turn(stop) as second:
        pace.too_many(0.0, began_s=first)
        pace.too_many(0.0, began_s=second)  # under way at the same time: it says nothing new
    assert pace.limit == 8
    time.sleep(0.002)
    with pace.turn(stop) as later:
        pace.too_many(0.0, began_s=later)
    assert pace.limit == 4
    for _ in range(5):
        pace.answered()
    assert 4.9 < pace.limit < 6
    for _ in range(1000):
        pace.answered()
    assert pace.limit == 16
    for _ in range(9):
        time.sleep(0.002)
        with pace.turn(stop) as turn:
            pace.too_many(0.0, began_s=turn)
    assert pace.limit == 1


def test_nobody_asks_before_the_time_that_the_provider_named():
    pace, stop = Pace(4), threading.Event()
    with pace.turn(stop) as turn:
        pace.too_many(0.3, began_s=turn)
    began = time.monotonic()
    with pace.turn(stop):
        assert time.monotonic() - began >= 0.29


def test_no_more_requests_begin_in_a_minute_than_allowed(stand_in, tmp_path):
    moments, see = [], stand_in.classify
    stand_in.classify = lambda *arguments: (moments.append(time.monotonic()), see(*arguments))[1]
    ask(plan_for(faces(tmp_path, 12), entry(stand_in, "openai")), tmp_path / "r", requests_per_minute=1200)
    assert moments[-1] - moments[0] >= 11 * 0.05 - 0.04


def test_a_stopped_run_does_not_wait_for_its_turn():
    pace, stop = Pace(1), threading.Event()
    with pace.turn(stop):
        stop.set()
        with pytest.raises(NoAnswer, match="the run was stopped"):
            patiently(lambda: None, tries=1, stop=stop, pace=pace)
