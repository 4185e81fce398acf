"""Every documented response comes to the right status, bill, retry and stop: direct, and in a batch."""

import json
import time
import warnings
from pathlib import Path

import pytest
import replay_server
import yaml
from lmfm_helpers import faces, in_batches, plan_for

from ferlib.errors import InputError
from ferlib.lmfm import batch, ledger, meanings, models, prices, run, services, store, study, wire
from ferlib.lmfm.meanings import NoAnswer

SHAPES = yaml.safe_load(Path(__file__).with_name("shapes.yaml").read_text(encoding="utf-8"))
for shape in SHAPES:  # YAML takes yes and no for true and false
    shape["right"] = [{True: "yes", False: "no"}.get(value, value) for value in shape["right"]]
PROVIDERS = {"generate": "gemini", "messages": "anthropic", "chat": "openai"}
PATHS = {"generate": "", "messages": "", "chat": "/v1"}
PRICE = prices.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented for this test")
NAMES = [shape["id"] for shape in SHAPES]
QUESTIONS = 7


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return faces(tmp_path_factory.mktemp("faces"), QUESTIONS)


@pytest.fixture
def serve():
    made = []
    yield lambda shape_of: made.append(replay_server.Server(shape_of)) or made[-1]
    for server in made:
        server.close()


def model_for(server, shape, **more):
    way = replay_server.protocol(shape)
    url = "http://127.0.0.1:9" if shape.get("away") else server.url
    entry = {"name": "m", "provider": PROVIDERS[way], "service": shape["service"], "base_url": f"{url}{PATHS[way]}"}
    batches = {"batch_requests": 1000, "batch_bytes": 10**8, "batch_tokens": 10**8}
    return models.read([{**entry, **batches, "image_format": "png", **more}])[0]


def billed(folder):
    """What the ledger makes of it: `no`, `usage` or `unknown`, and the dollars settled."""
    book = ledger.of_folder(folder)
    settled = book.spent_usd() - sum(usd for _, usd in book.unknown().values())
    return ("unknown" if book.unknown() else "usage" if settled else "no"), settled


def test_there_are_enough_shapes_and_each_has_its_source():
    assert len(set(NAMES)) == len(SHAPES) >= 80
    assert {shape["service"] for shape in SHAPES} >= set(services.read()[1]) - {"local"}
    for shape in SHAPES:
        assert shape["source"].startswith("https://") and len(shape["right"]) == 4, shape["id"]


@pytest.mark.parametrize("name", NAMES)
def test_each_shape_comes_to_what_is_right(serve, manifest, tmp_path, quick, name):
    shape = SHAPES[NAMES.index(name)]
    status, bill, retried, stop = shape["right"]
    server = serve(lambda number, content: shape)
    model, responses = model_for(server, shape), store.Store(tmp_path / "r")
    plan = plan_for(manifest.iloc[:2] if shape.get("slow") else manifest, model)
    book = ledger.Ledger(responses.folder, max_usd=1e6, price=PRICE, name="m")
    timeout_s, stopped, answers = 0.3 if shape.get("slow") else 20, None, None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            answers = run.ask(plan, responses, ledger=book, progress=False, concurrency=1, tries=2, timeout_s=timeout_s)
        except InputError as error:
            stopped = str(error)
    assert set(answers["status"]) == {status} if answers is not None else status == "error"
    assert billed(responses.folder)[0] == bill
    tries = 2 if retried == "yes" else 1
    asked = {"now": 1, "alike": meanings.HANDFUL, "no": len(plan.questions)}[stop]
    if not shape.get("away"):
        assert len(server.requests) == asked * tries
    assert (stopped is not None) == (stop != "no")
    unknown = [str(warning.message) for warning in told if "add a row" in str(warning.message)]
    assert bool(unknown) == (name in ("chat-unknown-finish", "ge-new-finish"))
    if stopped:  # it names the cause in the provider's words, and no page and no key
        said, _ = wire.complaint(wire.as_json(replay_server.body(shape)), replay_server.body(shape))[1:3]
        assert (
            not said or said.split("sk-")[0][:40] in stopped or "api key" in stopped.casefold() or "key in" in stopped
        )
        assert "<html" not in stopped and "sk-abcd" not in stopped and shape.get("says", "") in stopped
    if bill == "usage":
        expected = PRICE.usd(1000, 10 + shape.get("thoughts", 0)) if "body" not in shape else PRICE.usd(260, 0)
        assert billed(responses.folder)[1] == pytest.approx(len(server.requests) * expected)


@pytest.mark.parametrize("name", [shape["id"] for shape in SHAPES if shape.get("batch", True)])
def test_in_a_batch_one_odd_answer_spoils_no_other(serve, manifest, tmp_path, quick, monkeypatch, name):
    """One question of seven is answered by the shape; the others are stored, and it comes to the same as alone."""
    shape = SHAPES[NAMES.index(name)]
    status, bill, retried, stop = shape["right"]
    usual = next(one for one in SHAPES if one["id"] == {"generate": "ge-stop", "messages": "an-end-turn"}.get(
        replay_server.protocol(shape), "chat-stop"
    ))  # fmt: skip
    server = serve(lambda number, content: shape if number == 3 else usual)
    model, responses = model_for(server, shape), store.Store(tmp_path / "r")
    book = ledger.Ledger(responses.folder, max_usd=1e6, price=PRICE, name="m", factor=0.5)
    came, keep, plan = {}, batch.Batches.store, plan_for(manifest, model)
    monkeypatch.setattr(
        batch.Batches, "store", lambda self, note, given: (came.update(given), keep(self, note, given))[1]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = in_batches(plan, responses, ledger=book, poll_s=0.01, progress=False)
    odd = came[plan.questions["response_id"][3]]
    found = ("yes" if odd.outcome.retry else "no", odd.outcome.stop) if isinstance(odd, NoAnswer) else ("no", "no")
    assert found == (retried, stop)
    assert list(study.unanswered(plan, responses).index) == ([3] if status == "error" else [])
    assert list(answers["status"].drop(3)) == ["ok"] * 6 and answers["status"][3] == status
    assert billed(responses.folder)[0] == ("unknown" if bill == "unknown" else "usage")
    assert len(server.requests) == QUESTIONS and not list((responses.folder / batch.FOLDER).iterdir())
    if status == "error" and bill == "unknown" and "away" not in shape:
        kept = list((responses.folder / "failed").glob("*.jsonl"))
        assert len(kept) == 1 or shape.get("http"), "its raw text is kept"


def test_the_table_is_total_over_the_client_libraries_own_lists():
    """Whatever a library documents as a reason to finish has a row."""
    import typing

    import anthropic.types
    from google.genai import types
    from openai.types.chat.chat_completion import Choice

    def model(service):
        provider = PROVIDERS[services.read()[1][service]["protocol"]]
        return models.read([{"name": "m", "provider": provider, "service": service}])[0]

    finish = {
        ("openai", "text"): typing.get_args(Choice.model_fields["finish_reason"].annotation),
        ("gemini", "text"): [reason.value for reason in types.FinishReason],
        ("gemini", "prompt_blocked"): [reason.value for reason in types.BlockedReason],
        ("anthropic", "text"): typing.get_args(anthropic.types.StopReason),
    }
    for (service, code), reasons in finish.items():
        assert len(reasons) >= 4
        for reason in reasons:
            assert meanings.decide(model(service), 200, [code], finish=reason).known, (service, reason)
    for http in [*range(300, 309), *range(400, 452), *range(500, 530)]:
        assert meanings.decide(model("openai"), http).known, http
    assert not meanings.decide(model("openai"), 200, ["text"], finish="brand_new").known


def test_a_row_of_the_table_that_says_nothing_known_is_told(tmp_path):
    text = meanings.TABLE.read_text(encoding="utf-8").replace(",answered,usage,", ",answered,maybe,", 1)
    (tmp_path / "outcomes.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="outcomes.csv: row 3: billed is 'maybe'. Allowed: no, usage, unknown"):
        meanings.table(tmp_path / "outcomes.csv")
    for row in meanings.table():
        assert row["source"].startswith("https://")


def test_inline_answers_without_keys_are_refused_and_never_paired_by_their_place(serve, manifest, tmp_path):
    usual = next(one for one in SHAPES if one["id"] == "ge-stop")
    server = serve(lambda number, content: usual)
    server.keyless = True
    answers = in_batches(
        plan_for(manifest, model_for(server, usual)), store.Store(tmp_path / "r"), poll_s=0.01, progress=False
    )
    assert (
        set(answers["status"]) == {"error"}
        and "7 answers of the batch came without a usable key" in answers["error"][0]
    )
    assert not list((tmp_path / "r").glob("??/*.json"))
    (kept,) = (tmp_path / "r" / "failed").iterdir()  # once, not for each question
    assert len(json.loads(json.loads(kept.read_text(encoding="utf-8"))["raw"])) == QUESTIONS


def test_an_error_in_plain_words_is_one_answers_error_in_a_batch(serve, manifest, tmp_path, monkeypatch):
    """Also where a client expects an object: it never raises past the line that holds it."""
    for name, provider in (("chat-stop", "openai"), ("an-end-turn", "anthropic"), ("ge-stop", "gemini")):
        shape = SHAPES[NAMES.index(name)]
        server = serve(lambda number, content, shape=shape: shape)
        client = models.client(model_for(server, shape), timeout_s=5)
        lines = [
            {"custom_id": "k0", "error": "boom", "result": {"type": "errored", "error": "boom"}, "key": "k0"},
            {"custom_id": "k1", "error": ["boom"], "result": {"type": "errored", "error": ["boom"]}, "metadata": "odd"},
            {"custom_id": "k2", "response": "boom", "result": "boom", "metadata": {"key": "k2"}},
            {
                "custom_id": [1],
                "response": {"status_code": "odd"},
                "result": {"type": "errored", "error": {"type": [1]}},
            },
            {"metadata": {"key": {}}, "error": {"code": "odd"}},
        ]
        text = "\n".join(map(json.dumps, lines))
        monkeypatch.setattr(client._wire, "response", lambda request, text=text: (200, {}, text))
        about = {"status": "completed", "output_file_id": "f", "processing_status": "ended", "done": True}
        about["response"] = {"responsesFile": "f"}
        monkeypatch.setattr(client._wire, "fetched", lambda request, has, about=about: about)
        given = client.fetch("b", keys=["k0", "k1", "k2"])
        assert all(isinstance(answer, NoAnswer) for answer in given.values()), provider
        assert "boom" in str(given["k0"]) and len(given) == 3
        client.close()


def test_a_server_error_while_polling_is_polled_again(serve, manifest, tmp_path):
    usual = next(one for one in SHAPES if one["id"] == "chat-stop")
    server = serve(lambda number, content: usual)
    server.faults = [503, 500, 502]
    answers = in_batches(
        plan_for(manifest, model_for(server, usual)), store.Store(tmp_path / "r"), poll_s=0.01, progress=False
    )
    assert set(answers["status"]) == {"ok"}


@pytest.mark.parametrize(("name", "faults"), [("chat-stop", [401]), ("chat-stop", [None, 403]), ("ge-stop", [401])])
def test_a_key_that_is_rejected_while_polling_loses_no_batch_that_was_paid_for(serve, manifest, tmp_path, name, faults):
    """Neither at the state of a batch nor at its results: with another key they are fetched, and bought once."""
    usual = SHAPES[NAMES.index(name)]
    server = serve(lambda number, content: usual)
    server.faults = list(faults)
    plan, responses = plan_for(manifest, model_for(server, usual)), store.Store(tmp_path / "r")
    with pytest.raises(InputError, match="rejects the key|may not use it"):
        in_batches(plan, responses, poll_s=0.01, progress=False)
    assert set(in_batches(plan, responses, poll_s=0.01, progress=False)["status"]) == {"ok"}
    assert len(server.requests) == QUESTIONS


def test_results_that_are_gone_are_told_and_their_questions_askable_again(serve, manifest, tmp_path, monkeypatch):
    usual = next(one for one in SHAPES if one["id"] == "chat-stop")
    server = serve(lambda number, content: usual)
    made = replay_server.Handler._openai_batch

    def deleted(self, content):
        name = made(self, content)
        del self.server.files[self.server.batches[name]["output_file_id"]]
        return name

    with monkeypatch.context() as patched:
        patched.setattr(replay_server.Handler, "_openai_batch", deleted)
        plan, responses = plan_for(manifest, model_for(server, usual)), store.Store(tmp_path / "r")
        with pytest.raises(
            InputError, match="cannot be reached .*No such File.* Run again"
        ):  # it is too young for that
            in_batches(plan, responses, poll_s=0.01, progress=False)
        assert len(list((responses.folder / batch.FOLDER).iterdir())) == 1
        patched.setattr(batch, "FIRST_S", 0.0)
        answers = in_batches(plan, responses, poll_s=0.01, progress=False)
        assert len(server.requests) == QUESTIONS
    assert set(answers["status"]) == {"error"} and "no longer has the results" in answers["error"][0]
    assert set(in_batches(plan, responses, poll_s=0.01, progress=False)["status"]) == {"ok"}


def test_a_batch_too_large_for_the_queue_is_handed_in_by_halves(serve, manifest, tmp_path, monkeypatch):
    usual = next(one for one in SHAPES if one["id"] == "chat-stop")
    server, made, sizes = serve(lambda number, content: usual), replay_server.Handler._openai_batch, []

    def queue(self, content):
        size = len(self.server.files[content["input_file_id"]].splitlines())
        sizes.append(size)
        if size > 2:
            name = f"batch_{len(self.server.batches)}"
            fault = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached for m in organization x."}
            self.server.batches[name] = {
                "id": name, "object": "batch", "status": "failed", "metadata": content["metadata"], "endpoint": "x",
                "errors": {"data": [fault]}, "input_file_id": "x", "completion_window": "24h", "created_at": 1,
            }  # fmt: skip
            return name
        return made(self, content)

    monkeypatch.setattr(replay_server.Handler, "_openai_batch", queue)
    answers = in_batches(
        plan_for(manifest, model_for(server, usual)), store.Store(tmp_path / "r"), poll_s=0.01, progress=False
    )
    assert set(answers["status"]) == {"ok"} and sizes[0] == 7
    assert sum(size for size in sizes if size <= 2) == 7 and len(sizes) <= 8
    assert len(server.requests) == 7


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [({"batch_requests": 3}, [3, 3, 1]), ({"batch_bytes": 3000}, [2, 2, 2, 1]), ({"batch_tokens": 900}, [3, 3, 1])],
)
def test_batches_are_of_sizes_that_fit(serve, manifest, tmp_path, limit, sizes):
    usual = next(one for one in SHAPES if one["id"] == "chat-stop")
    server = serve(lambda number, content: usual)
    model = model_for(server, usual, **limit)
    assert set(
        in_batches(plan_for(manifest, model), store.Store(tmp_path / "r"), poll_s=0.01, progress=False)["status"]
    ) == {"ok"}
    assert [len(text.splitlines()) for text in server.files.values() if "custom_id" in text][::2] == sizes


def test_what_a_block_was_for_and_whose_response_it_is_are_stored_as_they_came(serve, manifest, tmp_path, quick):
    wanted = {
        "ge-safety": {"id": "r1", "block": {"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT",
        "probability": "HIGH", "blocked": True}]}},
        "or-flagged": {"block": {"reasons": ["harassment"], "flagged_input": "...", "provider_name": "X",
        "model_slug": "m"}},
        "an-refusal": {"id": "msg_1", "block": {"type": "refusal", "category": "privacy"}},
        "chat-stop": {"id": "c1", "fingerprint": "fp_1"},
    }  # fmt: skip
    for name, details in wanted.items():
        shape = SHAPES[NAMES.index(name)]
        server, responses = serve(lambda number, content, shape=shape: shape), store.Store(tmp_path / name)
        answers = run.ask(plan_for(manifest[:1], model_for(server, shape)), responses, progress=False)
        assert responses.get(answers["response_id"][0])["answer"]["details"] == details


def test_a_passing_limit_is_waited_for_and_a_daily_one_is_not(serve, manifest, tmp_path, quick):
    passing, good = (SHAPES[NAMES.index(name)] for name in ("ge-minute-quota", "ge-stop"))
    server = serve(lambda number, content: passing if number < 2 else good)
    answers = run.ask(
        plan_for(manifest, model_for(server, good)), store.Store(tmp_path / "r"), progress=False, concurrency=1
    )
    assert set(answers["status"]) == {"ok"} and len(server.requests) == 9
    daily = SHAPES[NAMES.index("ge-day-quota")]
    server = serve(lambda number, content: daily)
    began = time.monotonic()
    with pytest.raises(InputError, match="the account cannot pay.*exceeded your current quota"):
        run.ask(
            plan_for(manifest, model_for(server, daily)), store.Store(tmp_path / "s"), progress=False, concurrency=1
        )
    assert len(server.requests) == 1 and time.monotonic() - began < 10


def test_the_raw_text_of_what_may_have_been_paid_is_kept(serve, manifest, tmp_path, quick):
    shape = SHAPES[NAMES.index("chat-cut-in-half")]
    server, responses = serve(lambda number, content: shape), store.Store(tmp_path / "r")
    run.ask(plan_for(manifest[:1], model_for(server, shape)), responses, progress=False, tries=2)
    (file,) = (responses.folder / "failed").iterdir()
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["raw"] for line in lines] == [shape["text"]] * 2 and "unreadable answer" in lines[0]["error"]


USUAL = ("chat-stop", "an-end-turn", "ge-stop")


def batched(serve, manifest, folder, name="chat-stop"):
    """A server that answers a batch well, and a function that asks it: `ask()` returns the answers."""
    usual = SHAPES[NAMES.index(name)]
    server, responses = serve(lambda number, content: usual), store.Store(folder)
    plan, book = plan_for(manifest, model_for(server, usual)), ledger.Ledger(folder, max_usd=1e6, price=PRICE, name="m")
    return server, lambda: in_batches(plan, responses, ledger=book, poll_s=0.001, progress=False)


def notes(folder):
    return list((folder / batch.FOLDER).iterdir())


@pytest.mark.parametrize("faults", [[404], [404, 404, 404], [None, 404], [410]])
@pytest.mark.parametrize("name", USUAL)
def test_a_batch_that_is_not_found_for_a_while_is_fetched_all_the_same(serve, manifest, tmp_path, name, faults):
    """As Anthropic's are at times: https://github.com/anthropics/anthropic-sdk-python/issues/1432."""
    server, ask = batched(serve, manifest, tmp_path / "r", name)
    server.faults = list(faults)
    assert set(ask()["status"]) == {"ok"} and len(server.requests) == QUESTIONS


def test_patience_is_for_faults_in_a_row(serve, manifest, tmp_path, monkeypatch):
    """Over a day there are more of them, while the batch is under way."""
    monkeypatch.setattr(batch, "PATIENCE", 2)
    server, ask = batched(serve, manifest, tmp_path / "r")
    server.faults, server.waits = [404, None] * 6, 6
    assert set(ask()["status"]) == {"ok"} and len(server.requests) == QUESTIONS and not server.waits


ODD = {
    "a page": lambda text: "<html><title>Sign in</title></html>\n",
    "an error": lambda text: '{"error": {"message": "upstream", "code": 502}}',
    "nothing": lambda text: "",
    "some lines": lambda text: "\n".join(text.split("\n")[:3]) + "\n",
    "half a line": lambda text: text[: len(text) - 40],
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", USUAL[:2])
def test_results_that_are_not_whole_are_fetched_again_and_never_taken_for_the_answers(
    serve, manifest, tmp_path, monkeypatch, name, odd
):
    monkeypatch.setattr(batch, "PATIENCE", 3)
    server, ask = batched(serve, manifest, tmp_path / "r", name)
    server.odd = ODD[odd]
    with pytest.raises(InputError, match="cannot be reached .*Run again to go on"):
        ask()
    assert len(notes(tmp_path / "r")) == 1 and not list((tmp_path / "r").glob("??/*.json"))
    raw = ODD[odd](server.files[[name for name in server.files if name != "file-0"][-1]])
    kept = tmp_path / "r" / "failed" / f"{batch.FOLDER}.jsonl"
    assert not raw or raw.split("\n")[0][:30] in json.loads(kept.read_text(encoding="utf-8"))["raw"].replace('\\"', '"')
    server.odd = None
    assert set(ask()["status"]) == {"ok"} and len(server.requests) == QUESTIONS and not notes(tmp_path / "r")


@pytest.mark.parametrize("name", USUAL[:2])
def test_in_a_batch_a_failure_takes_the_place_of_no_answer(serve, manifest, tmp_path, name):
    def twice(text):
        key = json.loads(text.split("\n")[0])["custom_id"]
        error = {"type": "error", "error": {"type": "api_error", "message": "x"}}
        late = {"custom_id": key, "response": {"status_code": 500, "body": error}}
        return text + json.dumps({**late, "result": {"type": "errored", "error": error}}) + "\n"

    server, ask = batched(serve, manifest, tmp_path / "r", name)
    server.odd = twice
    assert set(ask()["status"]) == {"ok"}


@pytest.mark.parametrize("change", [
    {"status": "COMPLETED"}, {"status": "ended"}, {"errors": []}, {"errors": [{"code": "x", "message": "y"}]},
    {"errors": "y"}, {"errors": {"data": [None]}}, {"request_counts": None},
])  # fmt: skip
def test_a_batch_that_is_over_is_known_by_any_word_for_it(serve, manifest, tmp_path, monkeypatch, change):
    made = replay_server.Handler._openai_batch

    def changed(self, content):
        name = made(self, content)
        self.server.batches[name] |= change
        return name

    monkeypatch.setattr(replay_server.Handler, "_openai_batch", changed)
    assert set(batched(serve, manifest, tmp_path / "r")[1]()["status"]) == {"ok"}


def test_a_word_for_the_state_of_a_batch_that_nobody_knows_is_told_and_not_waited_for_in_silence(
    serve, manifest, tmp_path, monkeypatch
):
    server, ask = batched(serve, manifest, tmp_path / "r")
    made = replay_server.Handler._openai_batch

    def new_word(self, content):
        name = made(self, content)
        self.server.batches[name]["status"] = "simmering"
        return name

    monkeypatch.setattr(replay_server.Handler, "_openai_batch", new_word)
    with pytest.raises(InputError, match="nobody knows what it means that the batch is 'simmering'"):
        ask()
    server.batches["batch_0"]["status"] = "completed"
    assert set(ask()["status"]) == {"ok"} and len(server.requests) == QUESTIONS


def test_a_batch_of_gemini_that_is_done_is_over_whatever_its_state_is_called(serve, manifest, tmp_path, monkeypatch):
    made = replay_server.Handler._gemini_batch

    def renamed(self, content):
        name = made(self, content)
        self.server.batches[name]["metadata"]["state"] = "BATCH_STATE_SIMMERED"
        return name

    monkeypatch.setattr(replay_server.Handler, "_gemini_batch", renamed)
    assert set(batched(serve, manifest, tmp_path / "r", "ge-stop")[1]()["status"]) == {"ok"}


@pytest.mark.parametrize(("name", "path"), [
    ("chat-stop", "/v1/files"), ("chat-stop", "/v1/batches"), ("an-end-turn", "/v1/messages/batches"),
    ("ge-stop", ":batchGenerateContent"),
])  # fmt: skip
@pytest.mark.parametrize("body", [{"error": {"message": "Unexpected endpoint"}}, {"errors": [{"message": "oh"}]}, {}])
def test_a_batch_that_is_answered_by_an_error_with_200_costs_nothing_and_is_told(
    serve, manifest, tmp_path, monkeypatch, name, path, body
):
    monkeypatch.setattr(batch, "PATIENCE", 2)
    server, ask = batched(serve, manifest, tmp_path / "r", name)
    server.instead[path] = body
    with pytest.raises(InputError, match="HTTP 200: (?:Unexpected endpoint|oh|{})"):
        ask()
    if body:
        assert billed(tmp_path / "r") == ("no", 0.0) and not notes(tmp_path / "r")
    else:  # nobody knows whether it was taken: it is looked for before it is handed in again
        assert billed(tmp_path / "r")[0] == "unknown" and len(notes(tmp_path / "r")) == 1
    server.instead.clear()
    assert set(ask()["status"]) == {"ok"}


def test_a_broken_compression_is_a_fault_on_the_way_for_every_client(serve, manifest, tmp_path, quick):
    shape = {
        "service": "gemini", "text": "broken", "headers": {"content-encoding": "gzip"}, "right": [0, "unknown"],
    }  # fmt: skip
    for provider in ("gemini", "gemini-legacy"):
        server = serve(lambda number, content: shape)
        model = model_for(server, shape) | {"provider": provider}
        answers = run.ask(plan_for(manifest[:1], model), store.Store(tmp_path / provider), progress=False, tries=2)
        assert set(answers["status"]) == {"error"} and len(server.requests) == 2, provider


def test_where_the_address_lacks_its_end_that_is_said(serve, manifest, tmp_path):
    shape = SHAPES[NAMES.index("endpoint-404")]
    model = model_for(serve(lambda number, content: shape), shape)
    with pytest.raises(InputError, match=f"nothing to ask at {model['base_url']} .*usually ends in /v1"):
        run.ask(plan_for(manifest[:1], model), store.Store(tmp_path / "r"), progress=False)
