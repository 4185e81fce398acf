"""Keys and faces go where they may, and nowhere else."""

import email.utils
import time

import pandas as pd
import pytest

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import models, pace, permissions, services, wire


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://127.8.8.8", "http://[::1]:80/", "http://localhost:1", "http://LOCALHOST"]
)
def test_this_machine_is_known(url):
    assert services.is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://10.0.0.1",
        "http://127.0.0.1@example.org/",
        "http://example.org/127.0.0.1",
        "http://example.org#localhost",
        "",
        "standin",
    ],
)
def test_any_other_address_is_not_this_machine(url):
    assert not services.is_loopback(url)


def _model(**more):
    return models.read([{"name": "m", "provider": "openai", **more}])[0]


def test_no_key_is_read_for_this_machine(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert permissions.key(_model(base_url="http://127.0.0.1:1/v1")) == permissions.PLACEHOLDER


def test_a_key_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret\n")
    monkeypatch.setenv("MY_KEY", "other")
    assert permissions.key(_model()) == "secret"
    assert permissions.key(_model(key_variable="MY_KEY")) == "other"


def test_a_missing_key_is_told_by_its_variable(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY, which is not set"):
        permissions.key(_model())


OURS = ["demo", "demo-crossed", "demo-light-pose", "demo-action-units"]


def images(*datasets):
    """An image of each dataset: of ours where they lie, of others elsewhere."""
    homes = [permissions.DEMO if name in OURS else permissions.ROOT / "data" / "raw" for name in datasets]
    return pd.DataFrame({"dataset": datasets, "path": [str(home / "a.png") for home in homes]})


def test_faces_of_a_dataset_stay_here_unless_its_name_is_given():
    with pytest.raises(InputError) as caught:
        permissions.check(images("demo", "radiate", "cfd"), model=_model(), may_send=["cfd"])
    for words in (
        "'m' at api.openai.com",
        "'radiate' stay on this machine",
        "may_send = ['cfd', 'radiate']",
        "doi.org",
    ):
        assert words in str(caught.value)
    assert "'demo'" not in str(caught.value) and "chicagofaces" not in str(caught.value)


def refusal(*datasets):
    with pytest.raises(InputError) as caught:
        permissions.check(images(*datasets), model=_model())
    return str(caught.value)


def test_the_refusal_names_dataset_clause_source_and_day():
    said = refusal("cfd", "tarr", "mine")
    assert (
        "'cfd': in our words: non-commercial" in said and "no cloud-based services. Source: https://www.chicago" in said
    )
    assert "'tarr': it says “You may not exercise any of the rights" in said
    assert "monetary compensation.” (https://creativecommons.org/licenses/by-nc-sa/3.0/legalcode, section 4)" in said
    assert said.count(", noted here on 2026-") == 2
    assert "'mine': not known here (no row in data/terms/datasets.csv), so taken to forbid it" in said
    assert "nan" not in said and "may_send = ['cfd', 'mine', 'tarr']" in said


def test_every_dataset_of_the_study_has_terms_a_source_and_a_day_and_no_quotation_without_its_document():
    frame = tables.read_csv(permissions.TERMS, columns=permissions.COLUMNS, dtype=str, keep_default_na=False)
    assert {"radiate", "tarr", "cfd", "cfd-mr", "cfd-india"} <= set(frame["dataset"])
    assert frame["source"].str.contains("https://").all() and frame["terms"].str.len().min() > 20
    assert ((frame["quotation"] != "") == frame["quoted_from"].str.startswith("https://")).all()
    assert all(time.strptime(day, "%Y-%m-%d") for day in frame["checked"])


@pytest.mark.parametrize(
    ("datasets", "model", "may_send"),
    [
        (["demo"], _model(), []),
        (["radiate"], _model(), ["radiate"]),
        (["radiate"], _model(base_url="http://127.0.0.1:8000/v1"), []),
    ],
)
def test_faces_may_be_sent_with_permission_if_free_or_within_this_machine(datasets, model, may_send):
    permissions.check(images(*datasets), model=model, may_send=may_send)


def test_a_model_that_asks_for_a_closed_dataset_is_refused_under_each_of_our_own_sets_too():
    permissions.check(images(*OURS), model=_model())
    with pytest.raises(InputError, match="'demo-mine' stay on this machine"):
        permissions.check(images("demo", "demo-mine"), model=_model())


@pytest.mark.parametrize("path", sorted(permissions.DEMO.glob("*/manifest.csv")), ids=lambda path: path.parent.name)
def test_every_image_shipped_here_may_be_sent(path):
    files = pd.read_csv(path)["path"]
    assert all((permissions.ROOT / name).is_file() for name in files)
    permissions.check(pd.DataFrame({"dataset": path.parent.name, "path": files}), model=_model())


@pytest.mark.parametrize("place", ["{elsewhere}/demo/a.png", "data/demo/../raw/a.png", "data/demonstration/a.png"])
def test_faces_of_somebody_who_calls_a_dataset_demo_stay_here(place, tmp_path):
    own = pd.DataFrame({"dataset": ["demo"], "path": [place.format(elsewhere=tmp_path)]})
    table = pd.concat([images("demo"), own])
    with pytest.raises(InputError, match="'demo' stay on this machine"):
        permissions.check(table, model=_model())
    permissions.check(table, model=_model(), may_send=["demo"])


def test_a_link_among_the_shipped_images_leads_no_other_image_out(tmp_path, monkeypatch):
    monkeypatch.setattr(permissions, "DEMO", tmp_path / "demo")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "a.png").symlink_to(tmp_path / "mine.png")
    with pytest.raises(InputError, match="'demo' stay on this machine"):
        permissions.check(images("demo"), model=_model())


ELSEWHERE = "https://openrouter.ai/api/v1"


def test_a_providers_key_is_not_sent_to_an_address_that_is_not_its_own(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("MY_KEY", "other")
    for url in (ELSEWHERE, "http://api.openai.com/v1", "https://api.openai.com.example.org/v1", "http://10.0.0.7:8000"):
        with pytest.raises(InputError, match="is not the provider's own address.*field key_variable") as caught:
            permissions.key(_model(base_url=url))
        assert "secret" not in str(caught.value)
    assert permissions.key(_model(base_url=ELSEWHERE, key_variable="MY_KEY")) == "other"
    assert permissions.key(_model(base_url=ELSEWHERE, key_variable="")) == permissions.PLACEHOLDER
    assert permissions.key(_model(base_url="https://api.openai.com/v2")) == "secret"
    assert permissions.key(_model(base_url="http://localhost:4000", key_variable="MY_KEY")) == "other"


@pytest.mark.parametrize("value", ["sk-first\nsk-second", "sk two", "sk-é", "sk-…"])
def test_a_key_that_was_badly_copied_is_told_and_not_shown(monkeypatch, value):
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(InputError, match="the key in OPENAI_API_KEY holds a space, a line break") as caught:
        permissions.key(_model())
    assert value not in str(caught.value) and "sk" not in str(caught.value).split()


@pytest.mark.parametrize(
    "entry",
    [
        {"base_url": "https://someone:sk-secret@example.org/v1"},
        {"base_url": "https://example.org/v1?key=sk-secret"},
        {"base_url": "https://example.org/v1#sk-secret"},
        {"key_variable": "sk-secret"},
        {"api_key": "sk-secret"},
    ],
)
def test_a_key_in_a_parameter_is_refused_and_not_repeated(entry):
    with pytest.raises(InputError, match="environment") as caught:
        _model(**entry)
    assert "sk-secret" not in str(caught.value)


def test_each_model_has_its_own_limits_and_the_notebooks_where_it_has_none():
    fast, plain = models.read(
        [
            {"name": "fast", "provider": "openai", "concurrency": 32, "requests_per_minute": 500, "tries": 9},
            {"name": "plain", "provider": "gemini", "timeout_s": 5},
        ],
        concurrency=4, timeout_s=30.0,
    )  # fmt: skip
    assert [fast[name] for name in models.LIMITS] == [32, 500, 30.0, 9]
    assert [plain[name] for name in models.LIMITS] == [4, 0, 5, 6]


def test_models_of_one_provider_at_one_address_share_the_lowest_limits_and_one_pace():
    entries = [
        {"name": "a", "provider": "gemini", "concurrency": 9, "requests_per_minute": 60},
        {"name": "b", "provider": "gemini-legacy", "concurrency": 3},
        {"name": "c", "provider": "openai", "concurrency": 9},
        {"name": "d", "provider": "openai", "base_url": "http://127.0.0.1:1/v1", "concurrency": 9},
    ]
    a, b, c, d = models.read(entries)
    assert [(m["concurrency"], m["requests_per_minute"]) for m in (a, b, c, d)] == [(3, 60), (3, 60), (9, 0), (9, 0)]
    paces = [pace.of(m) for m in (a, b, c, d)]
    assert paces[0] is paces[1] and len(set(map(id, paces))) == 3
    assert paces[0].most == 3 and pace.of({**a, "concurrency": 3, "requests_per_minute": 60}) is paces[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0}, {"concurrency": 2.5}, {"concurrency": True}, {"concurrency": "8"},
        {"requests_per_minute": -1}, {"requests_per_minute": float("nan")}, {"timeout_s": 0},
        {"timeout_s": float("inf")}, {"tries": 0},
    ],
)  # fmt: skip
def test_a_limit_that_is_none_is_told_by_model_and_name(wrong):
    (name,) = wrong
    with pytest.raises(InputError, match=f"model 'm': {name} is .* It must be a (whole )?number, (more than )?\\d"):
        _model(**wrong)
    with pytest.raises(InputError, match=f"model 'm': {name} is"):
        models.read([{"name": "m", "provider": "openai"}], **wrong)
    with pytest.raises(TypeError, match="unknown limit patience; there are concurrency"):
        models.limited(_model(), patience=1)


def test_two_addresses_of_one_model_do_not_share_answers():
    """Unless told apart by `version`, the second would never be asked."""
    entries = [
        {"name": "a", "provider": "openai", "model": "llama", "base_url": "http://localhost:1/v1"},
        {"name": "b", "provider": "openai", "model": "llama", "base_url": "http://localhost:2/v1"},
    ]
    with pytest.raises(InputError, match="'a' and 'b' are model 'llama' at two addresses.*field version"):
        models.read(entries)
    assert len(models.read([entries[0], {**entries[1], "version": "q4"}])) == 2


def test_waiting_time_is_read_in_each_of_its_forms():
    assert wire.retry_after_s({}) is None
    assert wire.retry_after_s({"retry-after": "2"}) == 2
    assert wire.retry_after_s({"retry-after": "0.5"}) == 0.5
    assert wire.retry_after_s({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    for nonsense in ("soon", "a, b", "", "nan", "inf", "Sun, 99 Nov 2026 08:49:37 GMT"):
        assert wire.retry_after_s({"retry-after": nonsense}) is None, nonsense
    assert wire.retry_after_s({"retry-after": "-3"}) == 0
    assert wire.retry_after_s({"retry-after-ms": "soon", "retry-after": "9"}) == 9
    assert wire.retry_after_s({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0  # past
    assert 27 < wire.retry_after_s({"retry-after": time.asctime(time.gmtime(time.time() + 30))}) <= 30
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert 27 < wire.retry_after_s({"retry-after": date}) <= 30


def test_models_are_checked_entry_by_entry():
    good = {"name": "m", "provider": "openai"}
    for entries, complaint in [
        ([good, good], "models: names 'm' and 'm': would be the same file on some systems. Rename one."),
        ([good, {**good, "name": "M", "model": "n"}], "models: names 'm' and 'M': would be the same file"),
        ([good, {"name": "n"}], "entry 2"),
        (["gpt"], "entry 1: it must be a mapping with at least name and provider, found a str"),
        ([{**good, "provider": "palm"}], "unknown provider 'palm'. Allowed: openai, gemini, gemini-legacy, anthropic"),
        ([{**good, "colour": "red"}], "unknown field 'colour'. Allowed: name"),
        ([{**good, "name": "meta/llama"}], "'meta/llama' becomes a file's name"),
        ([{**good, "version": 3}], "version is 3"),
    ]:
        with pytest.raises(InputError) as caught:
            models.read(entries)
        assert complaint in str(caught.value)
