"""The recipes of data/providers/asking-models.md work, against a server of each shape; and what is sent is as set."""

import base64
import hashlib
import io
import os
import re

import pytest
import yaml
from lmfm_helpers import SETTINGS, faces, plan_for
from PIL import Image
from test_lmfm_shapes import NAMES, PATHS, SHAPES, serve  # noqa: F401

from ferlib import paths
from ferlib.errors import InputError
from ferlib.lmfm import attachments, models, prices, prompts, run, services, store, study, wire

TEXT = paths.ROOT.joinpath("data", "providers", "asking-models.md").read_text(encoding="utf-8")
RECIPES = [entry for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) for entry in yaml.safe_load(block)]
GOOD = {"chat": "chat-stop", "generate": "ge-stop", "messages": "an-end-turn"}


def asked(server, entry, tmp_path, manifest=None, **more):
    """Ask by a recipe, at the server's address; returns the answers and the bodies that were sent."""
    given = models.read([entry])[0]
    way = services.of(given)["protocol"]
    here = {"base_url": f"{server.url}{PATHS[way]}", "service": given["service"]}
    model = models.read([{**entry, **here, "key_variable": ""}])[0]
    manifest = faces(tmp_path, 2) if manifest is None else manifest
    plan = study.plan(
        manifest, model=model, prompt=prompts.load("forced-choice"), settings=SETTINGS,
        sent=attachments.Sent(tmp_path / "r"), **more,
    )  # fmt: skip
    answers = run.ask(plan, store.Store(tmp_path / "r"), progress=False)
    return answers, [body for _, body in server.requests], plan


@pytest.mark.parametrize(
    "entry", [e for e in RECIPES if e["provider"] in ("openai", "gemini", "anthropic")], ids=lambda e: e["name"]
)
def test_each_recipe_brings_answers_from_a_server_of_its_shape(serve, tmp_path, entry):  # noqa: F811
    way = services.of(models.read([entry])[0])["protocol"]
    server = serve(lambda number, content: SHAPES[NAMES.index(GOOD[way])])
    answers, bodies, _ = asked(server, entry, tmp_path)
    assert set(answers["status"]) == {"ok"} and len(bodies) == 2
    sent = bodies[0].get("generationConfig") or bodies[0]
    settings = entry.get("settings", {})
    assert ("temperature" in sent) == ("temperature" not in settings)
    for name, value in (settings.get("extra") or {}).items():
        assert sent[name] == value
    if entry["provider"] == "gemini":
        assert list(sent["thinkingConfig"].values()) == [0]
    if "reasoning_effort" in settings:
        assert sent["reasoning_effort"] == settings["reasoning_effort"]
    limit = {"openai": "max_completion_tokens", "azure": "max_completion_tokens", "gemini": "maxOutputTokens"}
    assert sent[limit.get(models.read([entry])[0]["service"], "max_tokens")] == SETTINGS["max_tokens"]


def test_the_recipes_cover_every_route_and_have_prices_or_need_none():
    read = models.read(RECIPES)
    assert {model["service"] for model in read} >= {
        "openai",
        "gemini",
        "anthropic",
        "azure",
        "openrouter",
        "vllm",
        "ollama",
    }
    assert {model["provider"] for model in read} >= {"paligemma", "transformers"}
    free = ("vllm", "ollama", "lmstudio", "llamacpp", "local")  # nobody sends a bill for them
    for model in read:
        if model["service"] == "azure":
            with pytest.raises(InputError, match="no price of model 'my-deployment'"):
                prices.price_of(model)
        else:
            assert (prices.price_of(model).usd(1, 1) > 0) == (model["service"] not in free)
    assert "blurs faces" in services.of(next(model for model in read if model["service"] == "azure"))["note"]
    desk = models.read([{"name": "v", "provider": "openai", "service": "vllm", "base_url": "http://desk:8000/v1"}])[0]
    assert prices.price_of(desk).usd(1, 1) == 0


def test_settings_are_part_of_the_address_and_old_addresses_stay(tmp_path):
    manifest = faces(tmp_path, 1)
    key = lambda **more: plan_for(manifest, models.read([{"name": "m", "provider": "openai", **more}])[0]).questions[  # noqa: E731
        "response_id"
    ][0]
    plain = key()
    others = [
        key(settings={"temperature": None}), key(settings={"reasoning_effort": "low"}), key(settings={"detail": "low"}),
        key(settings={"extra": {"top_k": 1}}), key(settings={"extra": {"top_k": 2}}), key(settings={"max_tokens": 99}),
    ]  # fmt: skip
    assert len({plain, *others}) == 7
    assert key(concurrency=3) == key(service="vllm") == key(settings={}) == plain


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temprature": 0}, "settings has 'temprature'. Allowed: temperature"), ({"extra": {"api_key": "x"}},
        "extra must be"),
        ("warm", "settings has 'no mapping'"),
    ],
)  # fmt: skip
def test_settings_that_are_none_are_told(settings, words):
    with pytest.raises(InputError, match=words):
        models.read([{"name": "m", "provider": "openai", "settings": settings}])


def test_a_model_that_takes_one_format_gets_it_and_the_bytes_sent_are_part_of_the_address(serve, tmp_path):  # noqa: F811
    entry = next(e for e in RECIPES if e["name"] == "studio")
    manifest = faces(tmp_path, 2)
    for row in manifest.itertuples():
        path = row.path.replace(".png", ".webp")
        Image.open(row.path).save(path, lossless=True)
        manifest.loc[row.Index, "path"] = path
        manifest.loc[row.Index, "sha256"] = hashlib.sha256(open(path, "rb").read()).hexdigest()
    server = serve(lambda number, content: SHAPES[NAMES.index("chat-stop")])
    answers, bodies, plan = asked(server, entry, tmp_path, manifest)
    url = bodies[0]["messages"][0]["content"][1]["image_url"]["url"]
    data = base64.b64decode(url.partition(",")[2])
    assert url.startswith("data:image/png;base64,") and Image.open(io.BytesIO(data)).format == "PNG"
    record = store.Store(tmp_path / "r").get(answers["response_id"][0])
    found = record["question"]["settings"]["image"]
    assert found["format"] == "png" and found["sha256"] in {
        hashlib.sha256(
            base64.b64decode(b["messages"][0]["content"][1]["image_url"]["url"].partition(",")[2])
        ).hexdigest()
        for b in bodies
    }
    for path in manifest["path"]:
        os.remove(path)
    replayed = study.plan(
        manifest, model=plan.model, prompt=plan.prompt, settings=SETTINGS, sent=attachments.Sent(tmp_path / "r")
    )
    assert list(replayed.questions["response_id"]) == list(answers["response_id"])  # no image is needed for that


@pytest.mark.parametrize("own", [True, False])
def test_what_the_environment_says_goes_to_its_own_provider_only(serve, tmp_path, monkeypatch, own):  # noqa: F811
    for name, value in {
        "OPENAI_ORG_ID": "org-planted", "OPENAI_PROJECT_ID": "proj_planted", "OPENAI_BASE_URL": "http://127.0.0.1:9",
        "ANTHROPIC_CUSTOM_HEADERS": "x-planted: yes", "ANTHROPIC_AUTH_TOKEN": "planted",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(services, "is_loopback", lambda url: False)
    server = serve(lambda number, content: SHAPES[NAMES.index("chat-stop")])
    service = "openai" if own else "openrouter"
    model = models.read(
        [{"name": "m", "provider": "openai", "service": service, "base_url": f"{server.url}/v1", "key_variable": ""}]
    )[0]
    how = {"may_send": ["demo"], "progress": False}
    run.ask(plan_for(faces(tmp_path, 1), model), store.Store(tmp_path / "r"), **how)
    headers = {name.casefold(): value for name, value in server.requests[0][0].items()}
    assert ("openai-organization" in headers, "openai-project" in headers) == (own, own)
    if not own:
        assert "planted" not in str(headers)
    claude = serve(lambda number, content: SHAPES[NAMES.index("an-end-turn")])
    entry = {"name": "c", "provider": "anthropic", "base_url": claude.url, "key_variable": "", "service": "anthropic"}
    monkeypatch.setattr(services, "is_loopback", lambda url: not own)
    run.ask(plan_for(faces(tmp_path / "r", 1), models.read([entry])[0]), store.Store(tmp_path / "s"), **how)
    assert ("x-planted" in str(claude.requests[0][0])) == own and "Bearer planted" not in str(claude.requests[0][0])


def test_messages_are_short_and_hold_neither_pages_nor_keys():
    page = "<!DOCTYPE html><html><head><title>503 Service\n Unavailable</title></head>" + "<p>x</p>" * 5000
    assert wire.shortened(page) == "an HTML page (503 Service Unavailable)"
    assert len(wire.shortened("word " * 1000)) <= wire.LONGEST_MESSAGE
    model = models.read([{"name": "m", "provider": "openai", "base_url": "http://127.0.0.1:1/v1"}])[0]
    text = wire.Wire(model).redact("Incorrect key sk-proj-abc***xyz of org-1234567, Bearer abcdefghij")
    assert "sk-" not in text and "org-1" not in text and "abcdefghij" not in text and text.count("[key]") == 3
