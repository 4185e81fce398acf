"""The stand-in looks at what it is sent, comes when it is needed, and goes whatever happens."""

import base64
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ferlib import embed, zeroshot
from ferlib.demo import readers, server, standin, wire
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import models

CONFIG = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"},
}
MODELS = [
    {"name": "demo-openai", "provider": "openai", "base_url": "standin"},
    {"name": "demo-gemini", "provider": "gemini", "base_url": "standin"},
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """An untrained CLIP in a folder."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(0)
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}", load_weights=False)
    model.visual.conv1.weight.data *= 100  # so that an untrained model, too, tells images apart,
    model.logit_scale.data.zero_()  # and is in doubt, which gives the most different answers
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def noise(seed):
    generator = np.random.default_rng(seed)
    pixels = np.clip(generator.integers(0, 255, 3) + generator.integers(-40, 40, (40, 40, 3)), 0, 255).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def gone(pid):
    """Whether a process has ended, within a few seconds."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_it_answers_what_the_model_sees_and_names_the_weights(weights):
    """Compared with zero-shot CLIP worked out here, by the providers' own clients, in a process of its own."""
    backbone = embed.load_backbone(weights)
    pinned = models.read(standin.pin(MODELS, weights=weights))
    said, plain = set(), readers.Asked("Which?")
    with standin.StandIn(weights=weights, fail=["500"]) as local:
        assert local.process is None
        for model in pinned:
            client = models.client(local.connect(model), timeout_s=20)
            if local.fail:  # the failure asked for comes first, once
                with pytest.raises(Exception, match="HTTP 500"):
                    client.ask(noise(0), "image/png", "Which?", {"temperature": 0.0, "max_tokens": 32})
                local.fail = []
            reader = readers.READERS[model["name"]]
            classes = zeroshot.class_embeddings(backbone, [reader.template])
            for seed in range(6):
                answer = client.ask(noise(seed), "image/png", "Which?", {"temperature": 0.0, "max_tokens": 32})
                seen = embed.embed_pil([Image.open(io.BytesIO(noise(seed)))], backbone)
                expected = readers.respond(
                    reader, zeroshot.probabilities(seen, classes, logit_scale=backbone.logit_scale)[0], plain
                )
                assert (answer.kind, answer.text) == (expected.outcome, expected.text)
                assert answer.model_version == model["version"]
                said.add(answer.text)
            client.close()
        pid = local.process.pid
    assert gone(pid)
    assert len(said) > 2  # what is said depends on the image


def test_the_version_changes_with_the_weights_and_with_the_reading(weights):
    file = f"{weights.removeprefix('local-dir:')}/open_clip_model.safetensors"
    digest = hashlib.sha256(open(file, "rb").read()).hexdigest()
    versions = {model["name"]: model["version"] for model in standin.pin(MODELS, weights=weights)}
    assert versions["demo-openai"].startswith(f"demo-openai@{digest[:12]}.")
    assert versions["demo-gemini"].startswith(f"demo-gemini@{digest[:12]}.")
    reader = readers.READERS["demo-openai"]
    others = [readers.Reader(reader.name, "a {}", reader.threshold), readers.Reader(reader.name, reader.template, 0.9)]
    assert len({other.version(digest) for other in [reader, *others]}) == 3


def test_it_does_not_start_when_nobody_asks_it(weights):
    other = models.read([{"name": "m", "provider": "openai", "base_url": "http://127.0.0.1:1/v1"}])[0]
    with standin.StandIn(weights=weights) as local:
        assert local.connect(other) == other and local.process is None


def test_other_models_are_not_pinned():
    other = {"name": "gpt", "provider": "openai"}
    assert standin.pin([other], weights="local-dir:nowhere") == [other]


def test_a_model_that_it_does_not_have_is_told():
    with pytest.raises(InputError, match="'gpt-4o'.*Allowed: demo-openai, demo-gemini"):
        standin.pin([{"name": "gpt-4o", "provider": "openai", "base_url": "standin"}])


def test_missing_weights_are_told(tmp_path):
    with pytest.raises(InputError, match=r"open_clip_model.safetensors: no such file"):
        standin.pin(MODELS, weights=f"local-dir:{tmp_path}")


def test_a_server_that_cannot_start_says_why(weights):
    with standin.StandIn(weights=weights, fail=["explode"]) as local:
        with pytest.raises(RuntimeError, match="invalid choice: 'explode'"):
            local.connect(MODELS[0])
        assert local.process is None


START = """
import sys
from ferlib.demo import standin
with standin.StandIn(weights=sys.argv[1], lifetime_s=float(sys.argv[2])) as local:
    print(local.connect({"name": "demo-openai", "provider": "openai", "base_url": "standin"}) and local.process.pid)
    sys.stdout.flush()
    sys.stdin.read()
"""


def test_it_ends_when_the_notebook_is_killed_or_its_time_is_over(weights):
    """Both at once, to save the time of a second start."""
    killed, patient = (
        subprocess.Popen(
            [sys.executable, "-c", START, weights, lifetime],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for lifetime in ("600", "0.1")
    )
    pids = [int(process.stdout.readline()) for process in (killed, patient)]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert gone(pids[0])
    for _ in range(200):  # the starter has not waited for it yet, so it stays as a zombie
        with open(f"/proc/{pids[1]}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                break
        time.sleep(0.02)
    else:
        raise AssertionError("the server outlived its lifetime")
    patient.communicate()
    assert patient.returncode == 0


@pytest.fixture
def looking():
    """A server in this process that is always sure of a sad face."""
    made = server.make_server(lambda image, reader: np.eye(7)[EMOTIONS.index("sad")])
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


def post(url, body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, method="POST"), timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


CHAT, GENERATE = "/v1/chat/completions", "/v1beta/models/demo-gemini:generateContent"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CHAT, b"{", 400),
        (CHAT, b"[]", 400),
        (CHAT, {}, 400),
        (CHAT, {"messages": [{"content": "words only"}]}, 400),
        (CHAT, {"messages": [{"content": [{"type": "text", "text": "no image"}]}]}, 400),
        (CHAT, {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]}, 400),
        (GENERATE, {"contents": [{"parts": [{"text": "no image"}]}]}, 400),
        (GENERATE, {"contents": [{"parts": [{"inlineData": {"data": "%%%"}}]}]}, 400),
        (GENERATE, {"contents": [{"parts": [{"inlineData": {"data": "AAAA"}}]}]}, 400),
        (GENERATE, {"contents": 3}, 400),
        ("/v1/elsewhere", {}, 404),
    ],
)
def test_a_request_that_is_wrong_is_answered_in_the_providers_own_form(looking, path, body, status):
    found, answer = post(looking + path, body)
    assert found == status
    assert answer["error"]["message"]
    assert ("status" in answer["error"]) == (path == GENERATE)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("alphabet", ["+/", "-_"])
def test_gemini_is_spoken_in_both_versions_and_both_alphabets(looking, version, alphabet):
    data = base64.b64encode(noise(1)).decode().translate(str.maketrans("+/", alphabet))
    body = {"contents": [{"parts": [{"text": "Which?"}, {"inlineData": {"mimeType": "image/png", "data": data}}]}]}
    status, answer = post(f"{looking}/{version}/models/demo-gemini:generateContent", body)
    assert status == 200
    assert answer["candidates"][0]["content"]["parts"] == [{"text": "The person looks sad."}]
    assert answer["usageMetadata"]["promptTokenCount"] == 2 + 258


def test_it_listens_to_this_machine_only(looking):
    made = server.make_server(lambda image, reader: None)
    assert made.server_address[0] == "127.0.0.1"
    made.server_close()


def test_an_answer_is_cut_at_the_limit_and_only_there():
    reply = readers.Reply("answered", "The person looks sad.")
    assert wire.cut(reply, 5) == (reply, 5) and wire.cut(reply, None) == (reply, 5)
    assert wire.cut(reply, 3) == (readers.Reply("truncated", "The person looks"), 3)
    refused = readers.Reply("refused", "No, no.")
    assert wire.cut(refused, 1) == (refused, 4)
