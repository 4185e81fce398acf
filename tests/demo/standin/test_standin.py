"""The stand-in looks at what it is sent, comes when it is needed, and goes whatever happens."""

import base64
import dataclasses
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
import pandas as pd
import pytest
from ferdemo.standin import doubt, launch, readers, server, sight, wire
from PIL import Image

from ferlib import paths
from ferlib.errors import InputError
from ferlib.lmfm import models, prompts

MODELS = [
    {"name": "demo-openai-skewed", "provider": "openai", "base_url": "standin"},
    {"name": "demo-gemini-balanced", "provider": "gemini", "base_url": "standin"},
]
SETTINGS = {"temperature": 0.0, "max_tokens": 64}
PEOPLE = paths.DEMO / "people" / "images"


def noise(seed):
    generator = np.random.default_rng(seed)
    pixels = np.clip(generator.integers(0, 255, 3) + generator.integers(-40, 40, (40, 40, 3)), 0, 255).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def gone(pid):
    """Whether a process ends within a few seconds; whoever started it may not have taken notice yet."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:  # since just now: or there are no such files here, and it may live
            pass
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(scope="module")
def shown():
    """Faces of all expressions, as they are shipped, and one picture that shows none."""
    files = sorted(PEOPLE.glob("demo-?F05-*.webp"))
    return [("image/webp", file.read_bytes()) for file in files[::2]] + [("image/png", noise(0))]


def test_it_says_what_its_network_says_when_it_is_asked_directly(shown):
    """By the providers' own clients, from a process of its own; against PaliGemma's wrapper in this one.

    Where the network is in doubt, the manner of the stand-in speaks; the doubt is that of the written tokens.
    """
    pinned = models.read(launch.pin(MODELS))
    texts = [prompts.load(name).text() for name in ("forced-choice", "description")]
    sure, in_doubt = set(), set()
    with launch.StandIn(fail=["500"]) as local:
        assert local.process is None
        for model in pinned:
            reader = readers.READERS[model["name"]]
            folder = f"data/demo/models/{reader.network}"
            client = models.client(local.connect(model), timeout_s=60)
            own = models.read([{"name": "n", "provider": "paligemma", "model": folder}])[0]
            network, doubting = models.client(own, timeout_s=60), doubt.Doubting(own, timeout_s=60)
            if local.fail:  # the failure asked for comes first, once
                with pytest.raises(Exception, match="HTTP 500"):
                    client.ask(shown[0][1], shown[0][0], "Which?", SETTINGS)
                local.fail = []
            for media_type, data in shown:
                for text in texts:
                    thought = json.loads(doubting.ask(data, media_type, text, SETTINGS).text)
                    answer = client.ask(data, media_type, text, SETTINGS)
                    assert answer.model_version == model["version"]
                    if abs(thought["probability"] - reader.threshold) < 1e-3:
                        continue  # sums in another order
                    if thought["probability"] >= reader.threshold:
                        assert answer.text == thought["words"] == network.ask(data, media_type, text, SETTINGS).text
                        sure.add(answer.text)
                    elif reader.declines:
                        assert answer.text in (readers.DECLINED, readers.VAGUE)
                        in_doubt.add(answer.text)
                    else:
                        assert " or " in answer.text and answer.text.split(" or ")[1] in thought["second"]
                        in_doubt.add(answer.text)
            client.close()
            network.close()
            doubting.close()
        pid = local.process.pid
    assert gone(pid)
    assert len(sure) > 4 and in_doubt  # what is said depends on the image


def test_the_balanced_and_the_skewed_network_are_asked_by_the_models_name():
    """On the angry faces of dark skin the two disagree, and nothing but the name of the model says which is asked."""
    think, said = sight.networks("data/demo/models"), {}
    faces = pd.read_csv(paths.DEMO / "people" / "manifest.csv").query("emotion == 'anger' and skin_tone >= 7")
    faces = faces[faces["strength"] > 0.6]
    for name in ("demo-gemini-balanced", "demo-gemini-skewed"):
        text, reader = prompts.load("forced-choice").text(), readers.READERS[name]
        pictures = (paths.absolute(path).read_bytes() for path in faces["path"][:12])
        said[name] = [think(None, reader, readers.Asked(text, image=picture)).words for picture in pictures]
    assert said["demo-gemini-balanced"].count("disgust") < said["demo-gemini-skewed"].count("disgust")


def test_a_draw_repeats_with_its_seed_and_only_with_it(shown):
    think, reader = sight.networks("data/demo/models"), readers.READERS["demo-gemini-balanced"]
    about = {"prompt": prompts.load("forced-choice").text(), "temperature": 5.0, "image": shown[0][1]}
    drawn = [think(None, reader, readers.Asked(seed=seed, **about)).words for seed in [*range(6), 0]]
    assert drawn[0] == drawn[-1] and len(set(drawn)) > 1


def test_the_version_changes_with_the_weights_and_with_the_manner():
    versions = {model["name"]: model["version"] for model in launch.pin(MODELS)}
    for name, network in (("demo-openai-skewed", "skewed"), ("demo-gemini-balanced", "balanced")):
        file = paths.DEMO / "models" / f"demo-paligemma-{network}" / "model.safetensors"
        assert versions[name].startswith(f"{name}@{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}.")
    reader = readers.READERS["demo-openai-skewed"]
    others = [dataclasses.replace(reader, declines=False), dataclasses.replace(reader, threshold=0.9)]
    assert len({other.version("0" * 64) for other in [reader, *others]}) == 3


def test_the_record_names_the_networks_that_were_asked():
    asked = [
        *MODELS,
        {"name": "gpt", "provider": "openai"},
        {**MODELS[0], "name": "again", "model": "demo-gemini-skewed"},
    ]
    names = [folder.name for folder in launch.sources(asked) if folder.is_dir()]
    assert names == ["demo-paligemma-skewed", "demo-paligemma-balanced"]


def test_it_does_not_start_when_nobody_asks_it():
    other = models.read([{"name": "m", "provider": "openai", "base_url": "http://127.0.0.1:1/v1"}])[0]
    with launch.StandIn() as local:
        assert local.connect(other) == other and local.process is None


def test_other_models_are_not_pinned():
    other = {"name": "gpt", "provider": "openai"}
    assert launch.pin([other], weights="nowhere") == [other]


def test_a_model_that_it_does_not_have_is_told():
    with pytest.raises(InputError, match="'gpt-4o'.*Allowed: demo-openai-balanced, "):
        launch.pin([{"name": "gpt-4o", "provider": "openai", "base_url": "standin"}])


def test_missing_weights_are_told(tmp_path):
    with pytest.raises(InputError, match=r"demo-paligemma-skewed/model.safetensors: no such file"):
        launch.pin(MODELS, weights=str(tmp_path))


def test_a_server_that_cannot_start_says_why():
    with launch.StandIn(fail=["explode"]) as local:
        with pytest.raises(RuntimeError, match="invalid choice: 'explode'"):
            local.connect(MODELS[0])
        assert local.process is None


START = """
import sys
from ferdemo.standin import launch
with launch.StandIn(lifetime_s=float(sys.argv[1])) as local:
    local.connect({"name": "demo-openai-skewed", "provider": "openai", "base_url": "standin"})
    print(local.process.pid)
    sys.stdout.flush()
    sys.stdin.read()
"""


def test_it_ends_when_the_notebook_is_killed_or_its_time_is_over():
    """Both at once, to save the time of a second start."""
    killed, patient = (
        subprocess.Popen(
            [sys.executable, "-c", START, lifetime],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for lifetime in ("600", "0.1")
    )
    pids = [int(process.stdout.readline()) for process in (killed, patient)]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert gone(pids[0]) and gone(pids[1])
    patient.communicate()
    assert patient.returncode == 0


@pytest.fixture
def looking():
    """A server in this process that is always sure of a sad face."""
    thought = readers.Thought("The person looks sad.", 1.0, "The person looks calm.")
    made = server.make_server(lambda image, reader, asked: thought)
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
    made = server.make_server(lambda *_: None)
    assert made.server_address[0] == "127.0.0.1"
    made.server_close()


def test_an_answer_is_cut_at_the_limit_and_only_there():
    reply = readers.Reply("answered", "The person looks sad.")
    assert wire.cut(reply, 5) == (reply, 5) and wire.cut(reply, None) == (reply, 5)
    assert wire.cut(reply, 3) == (readers.Reply("truncated", "The person looks"), 3)
    refused = readers.Reply("refused", "No, no.")
    assert wire.cut(refused, 1) == (refused, 4)
