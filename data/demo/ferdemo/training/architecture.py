"""The demo CLIP's shape, and its model folder as open_clip's `local-dir:` schema reads it."""

import json

import open_clip
import safetensors.torch
import torch

from ferdemo.training import tokenizer as bpe
from ferlib import tables

WEIGHTS = "open_clip_model.safetensors"
MEAN, STD = 0.5, 0.5
CONTEXT_LENGTH = 24
"""Tokens a caption; the training captions need up to 12."""


def config(vocab_size):
    """Content of `open_clip_config.json`.

    The image tower is open_clip's ModifiedResNet, the residual network of the original CLIP, cut to one block a stage:
    in trials a convolutional tower learnt expressions from a few thousand faces in minutes, a vision transformer of the
    same size did not.

    Parameters
    ----------
    vocab_size : int
        Rows of the token embedding.

    Returns
    -------
    dict
    """
    return {
        "model_cfg": {
            "embed_dim": 128,
            "vision_cfg": {"image_size": 96, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32},
            "text_cfg": {
                "context_length": CONTEXT_LENGTH,
                "vocab_size": vocab_size,
                "hf_tokenizer_name": "in this folder",
                "tokenizer_kwargs": {},
                "width": 128,
                "heads": 4,
                "layers": 3,
            },
        },
        "preprocess_cfg": {
            "mean": [MEAN] * 3,
            "std": [STD] * 3,
            "interpolation": "bicubic",
            "resize_mode": "squash",
        },
    }


def write(folder, words):
    """Write configuration and tokenizer into a model folder.

    Parameters
    ----------
    folder : pathlib.Path
    words : sequence of str
        What the tokenizer is trained on.

    Returns
    -------
    list of pathlib.Path
    """
    trained = bpe.train(words)
    text = json.dumps(config(trained.get_vocab_size()), indent=1) + "\n"
    return [*bpe.save(trained, folder), tables.write_bytes(text.encode(), folder / "open_clip_config.json")]


def untrained(folder):
    """Make the model of a folder, initialised at random from torch's global seed.

    Parameters
    ----------
    folder : pathlib.Path
        As left by `write`.

    Returns
    -------
    model : open_clip.CLIP
    preprocess : callable
        PIL image to tensor (3, 96, 96): the very transform that open_clip builds when it loads the folder.
    tokenizer : callable
        Texts to ids, int64 (n, 24).
    """
    name = f"local-dir:{folder}"
    model, _, preprocess = open_clip.create_model_and_transforms(name, load_weights=False)
    return model, preprocess, open_clip.get_tokenizer(name)


def save_weights(model, folder):
    """Write the parameters in half precision; open_clip computes with them in single precision.

    Parameters
    ----------
    model : open_clip.CLIP
    folder : pathlib.Path

    Returns
    -------
    pathlib.Path
    """
    state = {
        key: (value.half() if torch.is_floating_point(value) else value).contiguous()
        for key, value in model.state_dict().items()
    }
    return tables.write_bytes(safetensors.torch.save(state, {"format": "pt"}), folder / WEIGHTS)
