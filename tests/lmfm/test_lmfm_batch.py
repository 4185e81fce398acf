"""Batches give the same answers under the same addresses as direct questions, and none is bought twice."""

import dataclasses

import pytest
from ferdemo.standin import dials, readers
from lmfm_helpers import SETTINGS, always, claiming, entry, faces, in_batches, named_key, plan_for
from pandas.testing import assert_frame_equal

from ferlib.errors import InputError
from ferlib.lmfm import batch, ledger, models, prices, prompts, run, services, store, study, transport
from ferlib.pipeline import estimate

PROVIDERS = ("openai", "gemini")


def ask(plan, folder, *, size=None, **more):
    plan = dataclasses.replace(plan, model=plan.model | ({"batch_requests": size} if size else {}))
    return in_batches(plan, store.Store(folder), poll_s=0.01, progress=False, **more)


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return request.param


def test_a_batch_gives_what_direct_questions_give(stand_in, tmp_path, provider):
    stand_in.chance.dials = dials.Dials(refused=0.2, blocked=0.2, truncated=0.1)
    made = study.plan(
        faces(tmp_path, 30), model=entry(stand_in, provider), prompt=prompts.load("structured"), settings=SETTINGS,
        option_order="shuffled",
    )  # fmt: skip
    direct = run.ask(made, store.Store(tmp_path / "a"), progress=False)
    stand_in.requests.clear()
    batched = ask(made, tmp_path / "b", size=12)
    assert_frame_equal(direct, batched)
    assert {"ok", "refused", "blocked", "truncated"} <= set(batched["status"])
    assert sum(stand_in.requests.values()) == 30
    record = store.Store(tmp_path / "b").get(batched["response_id"][0])
    assert record["asked"]["batch"] and not list((tmp_path / "b" / batch.FOLDER).iterdir())
    ask(made, tmp_path / "b", connect=None)  # a replay
    assert sum(stand_in.requests.values()) == 30


def test_what_fails_within_a_batch_is_an_error_and_asked_again(stand_in, tmp_path, provider):
    made = plan_for(faces(tmp_path, 40), entry(stand_in, provider))
    # A chance of its own, so that only questions in the batch fail, and not the request that hands it in.
    stand_in.batches.chance = dials.Chance(dials.Dials(failing=0.2, too_many=0.1))
    first = ask(made, tmp_path / "r")
    failed = first["status"] == "error"
    assert 2 < failed.sum() < 30 and first["error"][failed].str.contains("HTTP (?:500|429): ").all()
    assert len(list((tmp_path / "r").glob("??/*.json"))) == 40 - failed.sum()
    stand_in.batches.chance = dials.Chance(dials.Dials())
    assert set(ask(made, tmp_path / "r")["status"]) == {"ok"}
    assert stand_in.requests[made.model["name"]] == 40


@pytest.mark.parametrize("moment", ["before it was noted", "while it ran"])
def test_a_batch_of_a_killed_run_is_found_again(stand_in, tmp_path, provider, moment, monkeypatch):
    """Also when the process was killed between handing it in and noting that."""
    made = plan_for(faces(tmp_path, 10), entry(stand_in, provider))

    class Killed(BaseException):
        pass

    def kill(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        if moment == "while it ran":
            patched.setattr(batch.time, "sleep", kill)
        else:
            write, count = batch.Batches._write, []
            patched.setattr(
                batch.Batches,
                "_write",
                lambda self, path, note: kill() if note["batch"] else (count.append(1), write(self, path, note)),
            )
        with pytest.raises(Killed):
            ask(made, tmp_path / "r")
    assert stand_in.requests[made.model["name"]] == 10
    answers = ask(made, tmp_path / "r")
    assert set(answers["status"]) == {"ok"} and stand_in.requests[made.model["name"]] == 10


def test_a_batch_of_another_plan_is_left_alone(stand_in, tmp_path, provider):
    few, all_of_them = (plan_for(faces(tmp_path, number), entry(stand_in, provider)) for number in (4, 10))
    ask(few, tmp_path / "r")
    assert set(ask(all_of_them, tmp_path / "r")["status"]) == {"ok"}
    assert stand_in.requests[few.model["name"]] == 10


def test_a_batch_of_more_questions_than_are_asked_now_is_fetched_whole(stand_in, tmp_path, provider, monkeypatch):
    """What was handed in is paid for, whatever is asked about today."""
    manifest, model = faces(tmp_path, 10), entry(stand_in, provider)

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(batch.time, "sleep", kill)
        with pytest.raises(Killed):
            ask(plan_for(manifest, model), tmp_path / "r")
    assert set(ask(plan_for(manifest[:4], model), tmp_path / "r")["status"]) == {"ok"}
    assert len(list((tmp_path / "r").glob("??/*.json"))) == 10
    whole = ask(plan_for(manifest, model), tmp_path / "r")
    assert set(whole["status"]) == {"ok"} and stand_in.requests[model["name"]] == 10
    record = store.Store(tmp_path / "r").get(whole["response_id"][9])
    assert record["asked"]["option_order"] == whole["option_order"][9]


def test_several_batches_are_under_way_at_a_time_and_not_more(stand_in, tmp_path, provider, monkeypatch):
    """One after another they would take a day each."""
    under_way, submit, keep = [0], batch.Batches.submit, batch.Batches.store
    monkeypatch.setattr(batch.Batches, "submit", lambda *a: (under_way.append(under_way[-1] + 1), submit(*a))[1])
    monkeypatch.setattr(batch.Batches, "store", lambda *a: (under_way.append(under_way[-1] - 1), keep(*a))[1])
    answers = ask(plan_for(faces(tmp_path, 14), entry(stand_in, provider)), tmp_path / "r", size=2, concurrency=3)
    assert set(answers["status"]) == {"ok"} and max(under_way) == 3 and under_way[-1] == 0


def test_what_another_process_asks_is_not_handed_in_as_well(stand_in, tmp_path, provider):
    plan = plan_for(faces(tmp_path, 3), entry(stand_in, provider))
    other = claiming(tmp_path / "r", list(plan.questions["response_id"][1:2]))
    with pytest.raises(InputError, match="another process is asking the same questions right now"):
        ask(plan, tmp_path / "r")
    other.kill()
    other.wait()
    other.stdout.close()
    assert not stand_in.requests and set(ask(plan, tmp_path / "r")["status"]) == {"ok"}


def test_a_batch_that_fails_as_a_whole_says_why(stand_in, tmp_path, monkeypatch):
    """As when more tokens are under way than an account may have."""
    get = stand_in.batches.get

    def failed(path):
        job = get(path)
        reason = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "param": None}
        late = {"status": "failed", "output_file_id": None, "error_file_id": None}
        return {**job, **late, "errors": {"object": "list", "data": [reason]}} if job.get("id") else job

    monkeypatch.setattr(stand_in.batches, "get", failed)
    with pytest.raises(InputError, match="the batch is failed: Enqueued token limit reached.*Run again to go on"):
        ask(plan_for(faces(tmp_path, 2), entry(stand_in, "openai")), tmp_path / "r")
    assert not list((tmp_path / "r" / batch.FOLDER).iterdir())


def test_an_endpoint_that_is_not_there_ends_the_run(stand_in, tmp_path, provider):
    model = entry(stand_in, provider, base_url="http://127.0.0.1:9")
    with pytest.raises(InputError, match="its batch cannot be reached.*Run again to go on"):
        ask(plan_for(faces(tmp_path, 2), model), tmp_path / "r")


def test_the_retired_client_has_no_batches(stand_in, tmp_path):
    with pytest.raises(InputError, match="'gemini-legacy' has no batches"):
        ask(plan_for(faces(tmp_path, 2), entry(stand_in, "gemini-legacy")), tmp_path / "r")


def test_the_key_reaches_no_file_and_no_message(stand_in, tmp_path, provider, monkeypatch):
    key = "planted-key-0123456789"
    monkeypatch.setattr(services, "is_loopback", lambda url: False)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("GEMINI_API_KEY", key)
    stand_in.respond = always(readers.Reply("answered", f"happy, says {key}"))
    model = entry(stand_in, provider, **named_key(provider))
    answers = ask(plan_for(faces(tmp_path, 4), model), tmp_path / "r", may_send=["demo"])
    assert set(answers["status"]) == {"ok"} and key not in answers.to_csv()
    assert not any(key.encode() in path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file())


def test_the_transport_is_a_parameter_and_changes_nothing_but_the_price(stand_in, tmp_path, provider, monkeypatch):
    price = prices.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented for this test")
    own = {(provider, f"demo-{provider}"): price}
    made, how = plan_for(faces(tmp_path, 6), entry(stand_in, provider)), {"max_usd": 1000, "prices": own}
    monkeypatch.setattr(batch.time, "sleep", lambda seconds: None)
    spent, answers = {}, {}
    for way in ("direct", "batch"):
        responses = store.Store(tmp_path / way)
        answers[way] = transport.ask(made, responses, transport=way, progress=False, **how)
        spent[way] = ledger.of_folder(responses.folder).spent_usd()
        table = estimate.table({"all": [made]}, store.Store(tmp_path / "none"), prices=own, transport=way)
        assert spent[way] == pytest.approx(table["usd"][0], rel=0.2)
    assert_frame_equal(answers["direct"], answers["batch"])
    assert spent["batch"] == pytest.approx(0.5 * spent["direct"])
    with pytest.raises(InputError, match="transport is 'pigeon'. Allowed: direct, batch"):
        transport.ask(made, store.Store(tmp_path / "r"), transport="pigeon", max_usd=1)


def test_a_model_may_have_a_transport_of_its_own():
    """Servers that imitate OpenAI's protocol seldom know batches."""
    plain, own = models.read(
        [{"name": "a", "provider": "openai"}, {"name": "b", "provider": "openai", "transport": "direct"}]
    )
    assert [transport.uses_batch(model, "batch") for model in (plain, own)] == [True, False]
    assert not transport.uses_batch(plain, "direct")
    assert transport.uses_batch({**own, "transport": "batch"}, "direct")
    with pytest.raises(InputError, match="transport is 'pigeon'. Allowed: direct, batch"):
        models.read([{"name": "a", "provider": "openai", "transport": "pigeon"}])


def test_a_batch_is_not_handed_in_when_it_could_pass_the_limit(stand_in, tmp_path, provider):
    own = {(provider, f"demo-{provider}"): prices.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented")}
    made = plan_for(faces(tmp_path, 6), entry(stand_in, provider))
    with pytest.raises(InputError, match="max_usd = 1 would be passed"):
        transport.ask(made, store.Store(tmp_path / "r"), transport="batch", max_usd=1, prices=own, progress=False)
    assert not stand_in.requests


def test_what_the_limit_allows_is_fetched_before_the_rest_is_refused(stand_in, tmp_path, provider):
    own = {(provider, f"demo-{provider}"): prices.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented")}
    made = plan_for(faces(tmp_path, 6), entry(stand_in, provider))
    book = ledger.of(made.model, tmp_path / "r", max_usd=1.5, own_prices=own, batched=True)
    with pytest.raises(InputError, match="max_usd = 1.5 would be passed"):
        ask(made, tmp_path / "r", size=2, ledger=book)
    kept = len(list((tmp_path / "r").glob("??/*.json")))
    assert 0 < kept < 6 and sum(stand_in.requests.values()) == kept
    assert book.spent_usd() <= 1.5
