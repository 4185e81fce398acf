"""What the demo PaliGemma says of people it was not trained on, asked as notebook 04 asks the real one."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pandas as pd
import torch

from ferlib.lmfm import models, parse, prompts

CLASSIFIERS = ("forced-choice", "paligemma", "structured", "description")
"""Prompts that are put to each face, with the options in the order of the tables."""
MAX_TOKENS = 64


def answers(folder, faces, *, classifiers=CLASSIFIERS):
    """Ask about every face.

    Parameters
    ----------
    folder : pathlib.Path
        The model.
    faces : pandas.DataFrame
        Column `path`.
    classifiers : sequence of str
        Names of prompts.

    Returns
    -------
    pandas.DataFrame
        The faces with a column for each prompt: the emotion that the answer names, missing where it names none.
    """
    given = _ask(folder, faces, [prompts.load(name) for name in classifiers])
    return faces.assign(
        **{
            prompt.name: [parse.outcome(a.kind, a.text, form=prompt.form, language=prompt.language)[1] for a in some]
            for prompt, some in given
        }
    )


def shares(folder, faces):
    """How likely the model holds each emotion as the answer, by the prompt `paligemma-scores`.

    Parameters
    ----------
    folder, faces
        As for `answers`.

    Returns
    -------
    pandas.DataFrame
        A row for each face, a column for each emotion; each row adds up to 1.
    """
    ((_, given),) = _ask(folder, faces, [prompts.load("paligemma-scores")])
    return pd.DataFrame([parse.shares(json.loads(answer.text), form="scores") for answer in given], index=faces.index)


def _ask(folder, faces, asked):
    """Each prompt with the answers about all faces, in their order."""
    torch.set_num_threads(1)
    entry = models.read([{"name": folder.name, "provider": "paligemma", "model": str(folder)}])[0]
    client = models.client(entry, timeout_s=60)
    images = [path.read_bytes() for path in faces["path"]]
    with ThreadPoolExecutor(32) as pool:
        for prompt in asked:
            settings = {"temperature": 0.0, "max_tokens": MAX_TOKENS, **prompt.demands()}
            ask = partial(client.ask, media_type="image/webp", text=prompt.text(), settings=settings)
            yield prompt, list(pool.map(ask, images))
    client.close()
