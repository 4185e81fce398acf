"""Each provider's own client library, over HTTP: what it sends, and what each kind of response becomes."""

import base64
import io
import re
import subprocess
import sys
import threading
from unittest.mock import ANY

import openai
import pytest
from ferdemo.standin import readers, server
from lmfm_helpers import Recording, always, colour, entry, named_key
from PIL import Image

from ferlib.errors import InputError
from ferlib.lmfm import meanings, models, services, wire

PROVIDERS = ("openai", "gemini", "gemini-legacy")
SETTINGS = {"temperature": 0.25, "max_tokens": 32}


def picture(emotion, green=255, kind="PNG"):
    data = io.BytesIO()
    Image.new("RGB", (9, 9), colour(emotion, green)).save(data, kind)
    return data.getvalue()


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return request.param


@pytest.fixture
def client(stand_in, provider):
    made = models.client(entry(stand_in, provider), timeout_s=30)
    yield made
    made.close()


def ask(client, image=None, **settings):
    return client.ask(image or picture("fear"), "image/png", "Which?", {**SETTINGS, **settings})


def test_the_model_sees_the_image_itself(client):
    """The image, the prompt and the settings arrive; the answer follows the image."""
    for emotion, word in [("fear", "fear"), ("sad", "sad"), ("anger", "ang")]:
        answer = ask(client, picture(emotion))
        assert answer.kind == "answered" and word in answer.text.casefold()


def test_what_is_sent_is_what_was_given(client, stand_in):
    ask(client, picture("sad", kind="WEBP"))
    _, request = stand_in.seen[-1]
    assert request.image == picture("sad", kind="WEBP")
    assert request.prompt == "Which?"
    assert request.limit == SETTINGS["max_tokens"]


def test_the_temperature_is_sent(client, stand_in, monkeypatch):
    bodies = []
    body = Recording._body
    monkeypatch.setattr(Recording, "_body", lambda self: bodies.append(body(self)) or bodies[-1])
    ask(client)
    assert (bodies[0].get("generationConfig") or bodies[0])["temperature"] == 0.25


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (readers.Reply("answered", "Sad"), "answered", "Sad"),
        (readers.Reply("blocked"), "blocked", None),
        (readers.Reply("blocked-prompt"), "blocked", None),
        (readers.Reply("truncated", "The per"), "truncated", "The per"),
        (readers.Reply("truncated"), "truncated", None),
    ],
)
def test_each_outcome_is_told_apart(client, stand_in, reply, kind, text):
    stand_in.respond = always(reply)
    answer = ask(client)
    assert (answer.kind, answer.text) == (kind, text)
    assert answer.model_version in ("demo-openai", "demo-gemini")
    assert answer.usage["input_tokens"] == (257 if answer.model_version == "demo-openai" else 260)


def test_openai_declines_in_a_field_of_its_own(stand_in):
    client = models.client(entry(stand_in, "openai"), timeout_s=30)
    assert ask(client, picture("sad", 80)) == meanings.Answer(
        "refused", readers.DECLINED, "stop", "demo-openai", {"input_tokens": 257, "output_tokens": 19}, ANY
    )
    client.close()


def test_gemini_names_two_when_it_doubts(stand_in):
    client = models.client(entry(stand_in, "gemini"), timeout_s=30)
    # At a temperature above 0 it draws which of them comes first.
    assert ask(client, picture("sad", 80), temperature=0.0).text == "The person looks sad or surprised."
    client.close()


def test_an_answer_longer_than_the_limit_is_cut(stand_in):
    client = models.client(entry(stand_in, "gemini"), timeout_s=30)
    answer = ask(client, max_tokens=2)
    assert (answer.kind, answer.text, answer.finish) == ("truncated", "The person", "MAX_TOKENS")
    client.close()


@pytest.mark.parametrize(("failure", "wait_s", "words"), [("429", 1.0, "HTTP 429"), ("500", None, "HTTP 500")])
def test_an_error_of_the_server_may_be_retried(client, stand_in, failure, wait_s, words):
    stand_in.failures.append(failure)
    with pytest.raises(meanings.NoAnswer, match=words) as caught:
        ask(client)
    assert (caught.value.outcome.retry, caught.value.wait_s) == (True, wait_s)
    assert sum(stand_in.requests.values()) == 1  # the library itself has not retried


def test_a_dropped_connection_may_be_retried(client, stand_in):
    ask(client)  # so that a kept connection is the one to be dropped
    stand_in.failures.append("drop")
    with pytest.raises(meanings.NoAnswer, match="(?i)connection|disconnect") as caught:
        ask(client)
    assert caught.value.outcome.retry


def test_a_server_that_is_not_there_is_told(stand_in, provider):
    client = models.client(entry(stand_in, provider, base_url="http://127.0.0.1:9"), timeout_s=30)
    with pytest.raises(meanings.NoAnswer, match="(?i)connect") as caught:
        ask(client)
    assert caught.value.outcome.retry


def test_a_server_that_takes_too_long_is_told(stand_in, provider):
    see = stand_in.classify
    released = threading.Event()
    stand_in.classify = lambda *arguments: (released.wait(2), see(*arguments))[1]
    client = models.client(entry(stand_in, provider), timeout_s=0.2)
    with pytest.raises(meanings.NoAnswer, match="(?i)timed? ?out") as caught:
        ask(client)
    released.set()
    assert caught.value.outcome.retry


@pytest.mark.parametrize("body", [b"not JSON", b"{}", b"[]"])
def test_a_body_that_is_not_the_protocols_is_no_answer(client, monkeypatch, body):
    def send(handler, *_, **__):
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    monkeypatch.setattr(Recording, "_send", send)
    with pytest.raises(meanings.NoAnswer, match="unreadable answer") as caught:
        ask(client)
    assert caught.value.outcome.retry


def test_an_image_that_cannot_be_decoded_is_this_questions_error(client):
    with pytest.raises(meanings.NoAnswer, match="HTTP 400: the image cannot be decoded") as caught:
        ask(client, b"no image")
    assert not caught.value.outcome.retry


def test_a_model_that_is_not_there_ends_the_run(stand_in, provider):
    client = models.client(entry(stand_in, provider, model="gone-1"), timeout_s=30)
    with pytest.raises(meanings.NoAnswer) as caught:
        ask(client)
    assert caught.value.outcome.stop == "now"
    told = meanings.explained(entry(stand_in, provider, model="gone-1"), caught.value)
    assert "knows no model 'gone-1'" in told and "retired" in told


KEY = "planted-key-0123456789"


@pytest.fixture
def outside(monkeypatch):
    """An environment with keys, in which the stand-in's address passes for one on another machine."""
    monkeypatch.setattr(services, "is_loopback", lambda url: False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_API_KEY", "another")


def test_the_key_is_sent_where_it_is_needed_and_shown_nowhere(outside, stand_in, provider):
    """A server that echoes the key, in an answer and in an error, does not bring it into either."""
    client = models.client(entry(stand_in, provider, **named_key(provider)), timeout_s=30)
    stand_in.respond = always(readers.Reply("answered", f"{KEY} sad"))
    answer = ask(client)
    headers = stand_in.seen[-1][0]
    assert KEY in str(headers) and "another" not in str(headers)
    assert "[key] sad" in answer.text and KEY not in str(answer)

    def fail(*_):
        raise server.Problem(stand_in.status, f"bad request by {KEY}")

    stand_in.respond = fail
    for stand_in.status in (400, 401, 403, 404, 429, 500):
        with pytest.raises((meanings.NoAnswer, InputError)) as caught:
            ask(client)
        assert KEY not in f"{caught.value!r} {caught.value}"
        assert caught.value.__cause__ is None and caught.value.__context__ is None
    client.close()


@pytest.mark.parametrize("status", [400, 401])
def test_a_rejected_key_ends_the_run(outside, stand_in, provider, status):
    def fail(*_):
        raise server.Problem(status, "API key not valid")

    stand_in.respond = fail
    client = models.client(entry(stand_in, provider, **named_key(provider)), timeout_s=30)
    with pytest.raises(meanings.NoAnswer) as caught:
        ask(client)
    model = entry(stand_in, provider, **named_key(provider))
    assert re.search("rejects the key in (OPENAI|GEMINI)_API_KEY", meanings.explained(model, caught.value))
    client.close()


def test_a_filter_that_answers_with_an_http_error_is_a_block_and_no_error(stand_in):
    """Azure's form of a prompt turned down by OpenAI's filter."""

    def fail(*_):
        raise server.Problem(400, "filtered", code="content_filter")

    stand_in.respond = fail
    client = models.client(entry(stand_in, "openai"), timeout_s=30)
    assert ask(client).kind == "blocked"
    client.close()


def test_on_this_machine_neither_key_nor_proxy_nor_address_of_the_environment_counts(stand_in, provider, monkeypatch):
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    client = models.client(entry(stand_in, provider), timeout_s=30)
    assert ask(client).kind == "answered"
    assert KEY not in str(stand_in.seen[-1][0])
    client.close()


def test_the_retired_client_is_silent_about_its_retirement():
    model = {"name": "m", "provider": "gemini-legacy", "base_url": "http://127.0.0.1:9"}
    script = f"from ferlib.lmfm import models; models.client(models.read([{model}])[0], timeout_s=1).close()"
    done = subprocess.run(
        [sys.executable, "-W", "always::FutureWarning", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "support" not in done.stderr


def test_geminis_own_form_of_retry_after_is_read():
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}
    assert wire.complaint({"error": {"details": [{"@type": "x"}, info]}}, "")[2] == 7.5
    assert wire.complaint({"error": {"details": []}}, "")[2] is None
    assert wire.complaint("gone", "gone")[2] is None


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [
        (readers.Reply("answered", "Sad"), "completed", "Sad"),
        (readers.Reply("refused", "No."), "completed", ""),
        (readers.Reply("truncated", "The per"), "incomplete", "The per"),
        (readers.Reply("blocked"), "incomplete", ""),
    ],
)
def test_openais_newer_protocol_is_spoken_too(stand_in, reply, status, text):
    """By OpenAI's own client, for whoever asks with it."""
    stand_in.respond = always(reply)
    data = base64.b64encode(picture("sad")).decode()
    content = [
        {"type": "input_text", "text": "Which?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{data}"},
    ]
    with openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{stand_in.server_port}/v1") as client:
        response = client.responses.create(model="demo-openai", input=[{"role": "user", "content": content}])
    assert (response.status, response.output_text, response.usage.input_tokens) == (status, text, 257)
    assert response.model == "demo-openai" and stand_in.seen[-1][1].image == picture("sad")
