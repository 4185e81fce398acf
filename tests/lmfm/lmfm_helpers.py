"""A stand-in server in this process that sees the colour of an image, and images of known colour."""

import functools
import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
from ferdemo.standin import readers, server
from PIL import Image

from ferlib.labels import ADJECTIVES, EMOTIONS
from ferlib.lmfm import batch, models, prompts, run, services, study
from ferlib.lmfm.meanings import NoAnswer, Outcome

PATHS = {"openai": "/v1", "gemini": "", "gemini-legacy": ""}
SETTINGS = {"temperature": 0.0, "max_tokens": 32}


def classify(image, reader, asked):
    """Emotion number red / 20, with a probability of green / 255; the next emotion gets 0.3 of the rest."""
    red, green, _ = image.getpixel((0, 0))
    first, rest = red // 20 % 7, 1 - green / 255
    second = (first + 1) % 7
    probabilities = np.full(len(EMOTIONS), 0.14 * rest)
    probabilities[first], probabilities[second] = green / 255, 0.3 * rest
    said, other = (words(EMOTIONS[place], probabilities, reader, asked) for place in (first, second))
    return readers.Thought(said, green / 255, other)


def words(emotion, probabilities, reader, asked):
    """An emotion in the form that was asked for, in a sentence where the reader likes sentences."""
    fields = (asked.schema or {}).get("properties", {})
    if len(fields) > 1:
        return json.dumps({name: round(100 * probabilities[EMOTIONS.index(name)]) for name in fields})
    if fields:
        return json.dumps({"emotion": emotion})
    return emotion.capitalize() if reader.declines else f"The person looks {ADJECTIVES[emotion]}."


def options(asked):
    """The labels in the order in which a question offers them; empty when it offers none."""
    places = {label: re.search(rf"\b{label}\b", asked.prompt) for label in EMOTIONS}
    named = sorted((found.start(), label) for label, found in places.items() if found)
    return [label for _, label in named] if len(named) > 1 else []


class Recording(server._Handler):
    """Also keeps the headers and bodies of all requests."""

    def _answer(self, request):
        self.server.seen.append((dict(self.headers), request))
        return super()._answer(request)


def always(reply):
    """A `respond` that says the same whatever it sees."""
    return lambda reader, thought, asked: reply


def entry(stand_in, provider, **more):
    """A model that the stand-in answers through a provider's client."""
    name = "demo-openai" if provider == "openai" else "demo-gemini"
    url = f"http://127.0.0.1:{stand_in.server_port}{PATHS[provider]}"
    return models.read([{"name": name, "provider": provider, "base_url": url, **more}])[0]


def no_answer(message, *, retry=True, wait_s=None, status=None):
    """What a provider's client raises."""
    return NoAnswer(message, Outcome("error", "no", retry, "no"), wait_s=wait_s, status=status)


def named_key(provider):
    """Field of a model that lets the provider's key go to an address which is not the provider's own."""
    return {"key_variable": services.read()[0][provider]["key_variable"]}


def colour(emotion, green=255):
    """Colour that the stand-in takes for an emotion."""
    return EMOTIONS.index(emotion) * 20, green, 0


def faces(folder, count, *, dataset="demo", green=255):
    """A manifest of images, each of its own content; image i shows emotion i modulo 7."""
    rows = []
    for i in range(count):
        image = Image.new("RGB", (12, 12), colour(EMOTIONS[i % 7], green))
        image.putpixel((11, 11), (i % 256, i // 256, 7))
        path = folder / f"{i:04d}.png"
        image.save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append((dataset, f"face-{i:04d}", str(path), digest, EMOTIONS[i % 7]))
    return pd.DataFrame(rows, columns=["dataset", "image_id", "path", "sha256", "emotion"])


def plan_for(manifest, model, **more):
    """A plan with the shipped prompt and the usual settings."""
    return study.plan(manifest, model=model, prompt=prompts.load("forced-choice"), settings=SETTINGS, **more)


def in_batches(plan, responses, *, poll_s, **how):
    """Answers as of `ferlib.lmfm.run.ask`, by the provider's batches."""
    return run.ask(plan, responses, way=functools.partial(batch.Batches, poll_s=poll_s), **how)


CLAIMING = """
import sys, time
from ferlib.lmfm import store
claims = [store.Store(sys.argv[1]).claim(key) for key in sys.argv[2:]]
assert all(claim.__enter__() for claim in claims)
print("claimed", flush=True)
time.sleep(60)
"""


def claiming(folder, keys):
    """A process that has claimed some questions and does nothing with them."""
    process = subprocess.Popen([sys.executable, "-c", CLAIMING, str(folder), *keys], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "claimed\n"
    return process
