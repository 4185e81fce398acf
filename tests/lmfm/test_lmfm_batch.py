"""Batches give the same answers under the same addresses as direct questions, and none is bought twice."""

import pytest
from lmfm_helpers import SETTINGS, always, entry, faces, named_key, plan_for
from pandas.testing import assert_frame_equal

from ferlib.demo import dials, readers
from ferlib.errors import InputError
from ferlib.lmfm import batch, budget, cost, endpoints, estimate, plans, prompts, run, store, transport

PROVIDERS = ("openai", "gemini")


def ask(plan, folder, **more):
    return batch.ask(plan, store.Store(folder), poll_s=0.01, progress=False, **more)


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return request.param


def test_a_batch_gives_what_direct_questions_give(stand_in, tmp_path, provider):
    stand_in.chance.dials = dials.Dials(refused=0.2, blocked=0.2, truncated=0.1)
    made = plans.plan(
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
            write, count = batch._Run._write, []
            patched.setattr(
                batch._Run,
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


def test_an_endpoint_that_is_not_there_ends_the_run(stand_in, tmp_path, provider):
    model = entry(stand_in, provider, base_url="http://127.0.0.1:9")
    with pytest.raises(InputError, match="its batch cannot be reached.*Run again to go on"):
        ask(plan_for(faces(tmp_path, 2), model), tmp_path / "r")


def test_the_retired_client_has_no_batches(stand_in, tmp_path):
    with pytest.raises(InputError, match="'gemini-legacy' has no batches"):
        ask(plan_for(faces(tmp_path, 2), entry(stand_in, "gemini-legacy")), tmp_path / "r")


def test_the_key_reaches_no_file_and_no_message(stand_in, tmp_path, provider, monkeypatch):
    key = "planted-key-0123456789"
    monkeypatch.setattr(endpoints, "is_loopback", lambda url: False)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("GEMINI_API_KEY", key)
    stand_in.respond = always(readers.Reply("answered", f"happy, says {key}"))
    model = entry(stand_in, provider, **named_key(provider))
    answers = ask(plan_for(faces(tmp_path, 4), model), tmp_path / "r")
    assert set(answers["status"]) == {"ok"} and key not in answers.to_csv()
    assert not any(key.encode() in path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file())


def test_the_transport_is_a_parameter_and_changes_nothing_but_the_price(stand_in, tmp_path, provider, monkeypatch):
    price = cost.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented for this test")
    prices = {(provider, f"demo-{provider}"): price}
    made, how = plan_for(faces(tmp_path, 6), entry(stand_in, provider)), {"max_usd": 1000, "prices": prices}
    monkeypatch.setattr(batch.time, "sleep", lambda seconds: None)
    spent, answers = {}, {}
    for way in ("direct", "batch"):
        responses = store.Store(tmp_path / way)
        answers[way] = transport.ask(made, responses, transport=way, progress=False, **how)
        spent[way] = budget.of(made.model, responses.folder, **how).spent_usd()
        table = estimate.table({"all": [made]}, store.Store(tmp_path / "none"), prices=prices, transport=way)
        assert spent[way] == pytest.approx(table["usd"][0], rel=0.2)
    assert_frame_equal(answers["direct"], answers["batch"])
    assert spent["batch"] == pytest.approx(0.5 * spent["direct"])
    with pytest.raises(InputError, match="transport is 'pigeon'. Allowed: direct, batch"):
        transport.ask(made, store.Store(tmp_path / "r"), transport="pigeon", max_usd=1)


def test_a_batch_is_not_handed_in_when_it_could_pass_the_limit(stand_in, tmp_path, provider):
    prices = {(provider, f"demo-{provider}"): cost.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented")}
    made = plan_for(faces(tmp_path, 6), entry(stand_in, provider))
    with pytest.raises(InputError, match="max_usd = 1 would be passed"):
        transport.ask(made, store.Store(tmp_path / "r"), transport="batch", max_usd=1, prices=prices, progress=False)
    assert not stand_in.requests
