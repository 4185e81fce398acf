"""The eyes of the stand-in server: demo PaliGemmas that look at an image and answer the prompt that was sent."""

import json
import threading

import torch

from ferdemo.standin.doubt import Doubting
from ferdemo.standin.readers import Thought
from ferlib.lmfm import models
from ferlib.paths import absolute

LONGEST = 96
"""Most tokens of an answer; the longest that the networks were taught has 36."""


def networks(folder):
    """What the readers' networks think: a function for `ferdemo.standin.server.make_server`.

    They are loaded and asked as anybody's PaliGemma is, by `ferlib.lmfm.paligemma`, which answers questions that come
    at the same time together; with their words they say what they doubt.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds the networks' folders; each is loaded when it is first asked.

    Returns
    -------
    callable
        `think(image, reader, asked) -> ferdemo.standin.readers.Thought`; may be called by several threads at a time.
    """
    torch.set_num_threads(1)
    clients, loading = {}, threading.Lock()

    def client(name):
        with loading:
            if name not in clients:
                entry = {"name": name, "provider": "paligemma", "model": str(absolute(folder) / name)}
                clients[name] = Doubting(models.read([entry])[0], timeout_s=60)
            return clients[name]

    def think(_image, reader, asked):
        settings = {"temperature": asked.temperature, "max_tokens": LONGEST}
        if asked.temperature > 0:
            settings["seed"] = asked.seed_of_chance()
        answer = client(reader.network).ask(asked.image, "image/*", asked.prompt, settings)
        return Thought(**json.loads(answer.text))

    return think
