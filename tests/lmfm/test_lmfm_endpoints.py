"""Keys and faces go where they may, and nowhere else."""

import email.utils
import time

import pytest

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import consent, endpoints, models


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://127.8.8.8", "http://[::1]:80/", "http://localhost:1", "http://LOCALHOST"]
)
def test_this_machine_is_known(url):
    assert endpoints.is_loopback(url)


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
    assert not endpoints.is_loopback(url)


def _model(**more):
    return models.read([{"name": "m", "provider": "openai", **more}])[0]


def test_no_key_is_read_for_this_machine(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert endpoints.key(_model(base_url="http://127.0.0.1:1/v1")) == endpoints.PLACEHOLDER


def test_a_key_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret\n")
    monkeypatch.setenv("MY_KEY", "other")
    assert endpoints.key(_model()) == "secret"
    assert endpoints.key(_model(key_variable="MY_KEY")) == "other"


def test_a_missing_key_is_told_by_its_variable(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY, which is not set"):
        endpoints.key(_model())


def test_faces_of_a_dataset_stay_here_unless_its_name_is_given():
    with pytest.raises(InputError) as caught:
        consent.check(["demo", "radiate", "cfd"], model=_model(), may_send=["cfd"])
    for words in (
        "'m' at api.openai.com",
        "'radiate' stay on this machine",
        "may_send = ['cfd', 'radiate']",
        "doi.org",
    ):
        assert words in str(caught.value)
    assert "'demo'" not in str(caught.value) and "chicagofaces" not in str(caught.value)


def test_the_refusal_repeats_the_terms_with_their_source():
    with pytest.raises(
        InputError, match=r"'cfd': non-commercial.*no cloud-based services.*source: https://www.chicago"
    ):
        consent.check(["cfd"], model=_model())
    with pytest.raises(InputError, match=r"'mine': not known here \(no row in data/terms/datasets.csv\)"):
        consent.check(["mine"], model=_model())


def test_every_dataset_of_the_study_has_terms_and_a_source():
    frame = tables.read_csv(consent.TERMS, columns=("dataset", "terms", "source"))
    assert {"radiate", "tarr", "cfd", "cfd-mr", "cfd-india"} <= set(frame["dataset"])
    assert frame["source"].str.contains("https://").all() and frame["terms"].str.len().min() > 20


@pytest.mark.parametrize(
    ("datasets", "model", "may_send"),
    [
        (["demo"], _model(), []),
        (["radiate"], _model(), ["radiate"]),
        (["radiate"], _model(base_url="http://127.0.0.1:8000/v1"), []),
    ],
)
def test_faces_may_be_sent_with_permission_if_free_or_within_this_machine(datasets, model, may_send):
    consent.check(datasets, model=model, may_send=may_send)


def test_waiting_time_is_read_in_each_of_its_forms():
    assert endpoints.retry_after_s({}) is None
    assert endpoints.retry_after_s({"retry-after": "2"}) == 2
    assert endpoints.retry_after_s({"retry-after": "0.5"}) == 0.5
    assert endpoints.retry_after_s({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert endpoints.retry_after_s({"retry-after": "soon"}) is None
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert 27 < endpoints.retry_after_s({"retry-after": date}) <= 30


def test_models_are_checked_entry_by_entry():
    good = {"name": "m", "provider": "openai"}
    for entries, complaint in [
        ([good, good], "'m' occurs 2 times"),
        ([good, {"name": "n"}], "entry 2"),
        (["gpt"], "entry 1: it must be a mapping with at least name and provider, found a str"),
        ([{**good, "provider": "palm"}], "unknown provider 'palm'. Allowed: openai, gemini, gemini-legacy, paligemma"),
        ([{**good, "colour": "red"}], "unknown field 'colour'. Allowed: name"),
        ([{**good, "name": "meta/llama"}], "'meta/llama' becomes a file's name"),
        ([{**good, "version": 3}], "version is 3"),
    ]:
        with pytest.raises(InputError) as caught:
            models.read(entries)
        assert complaint in str(caught.value)
