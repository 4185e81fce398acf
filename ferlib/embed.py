"""Image to vector: open_clip backbones, real or demo, through one door."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from tqdm import tqdm

from ferlib.errors import InputError
from ferlib.paths import absolute, relative
from ferlib.tables import write_bytes

LOCAL = "local-dir:"


@dataclass(frozen=True)
class Backbone:
    """A CLIP model with the preprocessing and the tokenizer that belong to it."""

    name: str
    model: Any
    preprocess: Any
    tokenizer: Any

    @property
    def logit_scale(self):
        """Inverse temperature that turns cosine similarities into logits (exp of the trained parameter)."""
        return float(self.model.logit_scale.detach().exp())

    @property
    def weights_sha256(self):
        """SHA-256 of the parameters' values, name by name: the same weights give the same digest wherever they lie."""
        return _parameters_sha256(self.model)


def load_backbone(name, *, pretrained=None, device="cpu"):
    """Load a CLIP model by open_clip.

    Parameters
    ----------
    name : str
        An open_clip architecture, for example `ViT-B-32-quickgelu`, or `local-dir:PATH` for a folder with
        `open_clip_config.json`, weights and tokenizer. PATH is relative to the repository.
    pretrained : str, optional
        open_clip's tag of the weights, for example `openai`. Needed for a published architecture.
    device : str
        `cpu`, `cuda` or `mps`.

    Returns
    -------
    Backbone

    Raises
    ------
    InputError
        When the folder or the tag does not exist, or the activation of the architecture is not the one that the
        weights were trained with (open_clip only warns: the embeddings would be quietly wrong).
    """
    if name.startswith(LOCAL):
        folder = absolute(name.removeprefix(LOCAL))
        _check_folder(folder)
        name = f"{LOCAL}{folder}"
    elif (name, pretrained) not in open_clip.list_pretrained():
        tags = [tag for model, tag in open_clip.list_pretrained() if model == name]
        known = f"tags of {name}: {', '.join(tags)}" if tags else "see open_clip.list_pretrained()"
        raise InputError(f"backbone {name!r}, weights {pretrained!r}: not known to open_clip; {known}.")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*QuickGELU.*")
        try:
            model, preprocess = open_clip.create_model_from_pretrained(name, pretrained=pretrained, device=device)
        except UserWarning as mismatch:
            raise InputError(
                f"backbone {name!r}, weights {pretrained!r}: {mismatch}. Use {name + '-quickgelu'!r}."
            ) from mismatch
        except RuntimeError as failure:
            raise InputError(
                f"backbone {name!r}, weights {pretrained!r}: the weights could not be loaded ({failure}). Check "
                f"that the file is whole; a published model is fetched once and needs the network for that."
            ) from failure
    return Backbone(_short(name), model.eval(), preprocess, open_clip.get_tokenizer(name))


def embed_images(paths, backbone, *, batch_size=64):
    """Embed image files.

    Parameters
    ----------
    paths : sequence of str or pathlib.Path
        Relative to the repository, or absolute.
    backbone : Backbone
    batch_size : int
        Images a forward pass.

    Returns
    -------
    numpy.ndarray, shape (n, d), float32
        Unit length each, in the order of `paths`.
    """
    rows = []
    for begin in tqdm(range(0, len(paths), batch_size), desc=backbone.name, unit="batch"):
        images = []
        for path in paths[begin : begin + batch_size]:
            with Image.open(absolute(path)) as image:
                images.append(image.convert("RGB"))
        rows.append(embed_pil(images, backbone))
    return np.concatenate(rows)


def embed_pil(images, backbone):
    """Embed decoded images; returns (n, d) float32 of unit length."""
    device = next(backbone.model.parameters()).device
    pixels = torch.stack([backbone.preprocess(image) for image in images]).to(device)
    with torch.inference_mode():
        return backbone.model.encode_image(pixels, normalize=True).float().cpu().numpy()


def embed_texts(texts, backbone):
    """Embed captions; returns (n, d) float32 of unit length."""
    device = next(backbone.model.parameters()).device
    tokens = backbone.tokenizer(list(texts)).to(device)
    with torch.inference_mode():
        return backbone.model.encode_text(tokens, normalize=True).float().cpu().numpy()


def save(path, *, image_ids, vectors, backbone, source):
    """Write embeddings to one file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        Ends in `.npz`.
    image_ids : sequence of str, length n
    vectors : numpy.ndarray, shape (n, d), float32
    backbone : Backbone
    source : sequence of str
        What `load_backbone` was called with: the name, and the weights' tag or an empty text.
    """
    buffer = io.BytesIO()
    np.savez(
        buffer,
        image_id=np.asarray(image_ids, dtype=str),
        embedding=vectors.astype(np.float32),
        source=np.asarray(source, dtype=str),
        weights_sha256=np.asarray(backbone.weights_sha256),
    )
    return write_bytes(buffer.getvalue(), path)


def load(path, *, image_ids):
    """Read embeddings in the order of the images wanted.

    Parameters
    ----------
    path : pathlib.Path
    image_ids : sequence of str, length n

    Returns
    -------
    numpy.ndarray, shape (n, d), float32

    Raises
    ------
    InputError
        When an image has no embedding in the file.
    """
    with np.load(path, allow_pickle=False) as file:
        row = {image_id: index for index, image_id in enumerate(file["image_id"].tolist())}
        missing = [image_id for image_id in image_ids if image_id not in row]
        if missing:
            raise InputError(
                f"{relative(path)}: no embedding for image_id {missing[0]!r} ({len(missing)} in all). "
                f"Execute notebook 02_embedding again."
            )
        return file["embedding"][[row[image_id] for image_id in image_ids]]


def source_of(path):
    """What the backbone of a file of embeddings was loaded with: its name, and its weights' tag or an empty text."""
    with np.load(path, allow_pickle=False) as file:
        return tuple(file["source"].tolist())


def _check_folder(folder):
    if not (folder / "open_clip_config.json").is_file():
        raise InputError(
            f"{relative(folder)}: holds no open_clip_config.json, so it is not an open_clip model folder. "
            f"Give a folder saved for open_clip's local-dir schema, or a published name such as "
            f"'ViT-B-32-quickgelu' with its weights' tag."
        )


def _short(name):
    return Path(name.removeprefix(LOCAL)).name if name.startswith(LOCAL) else name


def _parameters_sha256(model):
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
