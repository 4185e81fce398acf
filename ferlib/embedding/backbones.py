"""Image to vector: open_clip backbones, real or demo, loaded by the same call."""

import copy
import hashlib
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from tqdm import tqdm

from ferlib.embedding import pixels
from ferlib.embedding.files import load as load  # so that a reader of vectors and backbones needs one import
from ferlib.embedding.files import source_of as source_of
from ferlib.errors import InputError
from ferlib.paths import absolute, relative

LOCAL = "local-dir:"


@dataclass(frozen=True)
class Backbone:
    """A CLIP model with the preprocessing and the tokenizer that belong to it.

    Attributes
    ----------
    name : str
        Short name, for people.
    source : str
        Name that open_clip knows it by; a local folder's is absolute.
    pretrained : str or None
        open_clip's tag of the weights.
    model, preprocess : Any
        open_clip's model, and its transform from a PIL image to a tensor.
    """

    name: str
    source: str
    pretrained: str | None
    model: Any
    preprocess: Any

    @cached_property
    def tokenizer(self):
        """open_clip's tokenizer; made when it is first needed, since an image needs none."""
        return open_clip.get_tokenizer(self.source)

    @property
    def logit_scale(self):
        """Inverse temperature that turns cosine similarities into logits (exp of the trained parameter)."""
        return float(self.model.logit_scale.detach().exp())

    @property
    def weights_sha256(self):
        """SHA-256 of the parameters' values, name by name: the same weights give the same digest wherever they lie."""
        digest = hashlib.sha256()
        for key, value in sorted(self.model.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def architecture(self):
        """open_clip's configuration of the model, as a dict."""
        return open_clip.get_model_config(self.source)

    @property
    def device(self):
        """Where the weights are: `cpu`, `cuda` or `mps`."""
        return next(self.model.parameters()).device.type

    @property
    def dtype(self):
        """Number format of the weights: `float32` or `bfloat16`."""
        return str(next(self.model.parameters()).dtype).removeprefix("torch.")

    @property
    def files(self):
        """Files that it was loaded from, as a list of paths."""
        if self.source.startswith(LOCAL):
            folder = Path(self.source.removeprefix(LOCAL))
            return sorted(path for path in folder.iterdir() if path.suffix in _MODEL_FILES)
        return [Path(open_clip.download_pretrained(open_clip.get_pretrained_cfg(self.source, self.pretrained)))]

    def in_bfloat16(self):
        """A copy whose weights are bfloat16."""
        model = copy.deepcopy(self.model).to(torch.bfloat16)
        return Backbone(self.name, self.source, self.pretrained, model, self.preprocess)


_MODEL_FILES = {".json", ".safetensors", ".bin", ".pt", ".pth"}


def load_backbone(name, *, pretrained=None, device="cpu"):
    """Load a CLIP model by open_clip.

    Parameters
    ----------
    name : str
        An open_clip architecture, for example `ViT-B-32-quickgelu`, or `local-dir:PATH` for a folder with
        `open_clip_config.json`, weights and tokenizer. PATH is relative to the repository.
    pretrained : str, optional
        open_clip's tag of the weights, for example `openai`. Needed for a published architecture.
    device : {"cpu", "cuda", "mps"}

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
    if device != "mps":  # convolutions take about a third less time in this order of memory
        model = model.to(memory_format=torch.channels_last)
    short = Path(name).name if name.startswith(LOCAL) else name
    return Backbone(short, name, pretrained, model.eval(), preprocess)


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
    group = [(path, None) for path in paths]
    with tqdm(total=len(group), desc=backbone.name, unit="image") as bar:
        return next(embed_groups([group], backbone, batch_size=batch_size, progress=bar.update))


def embed_groups(groups, backbone, *, batch_size=64, readers=0, progress=lambda images: None):
    """Embed groups of image files, one group after the other; images are read ahead, also of the groups to come.

    Parameters
    ----------
    groups : sequence of sequence of (str or pathlib.Path, str or None)
        Path of each image, and its SHA-256 where that is to be checked.
    backbone : Backbone
    batch_size : int
        Images a forward pass. A group that is larger takes several, and the last of these may be smaller.
    readers : int
        Threads that read and prepare images; 0: one a processor core, at most 8.
    progress : callable, optional
        Told the number of images of each forward pass.

    Yields
    ------
    numpy.ndarray, shape (len(group), d), float32
        Unit length each.

    Raises
    ------
    InputError
        See `ferlib.embedding.pixels.batches`.
    """
    plan = [[group[begin : begin + batch_size] for begin in range(0, len(group), batch_size)] for group in groups]
    ready = pixels.batches((batch for batches in plan for batch in batches), backbone.preprocess, readers=readers)
    for batches in plan:
        rows = []
        for batch in batches:
            rows.append(encode(next(ready), backbone))
            progress(len(batch))
        yield np.concatenate(rows)


def embed_pil(images, backbone):
    """Embed decoded images; returns (n, d) float32 of unit length."""
    return encode(torch.stack([backbone.preprocess(image) for image in images]), backbone)


def encode(batch, backbone):
    """Embed preprocessed images, shape (n, 3, height, width); returns (n, d) float32 of unit length."""
    weights = next(backbone.model.parameters())
    # On a graphics processor: all bits of a float32, and the same ones each time.
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    with torch.inference_mode(), exact:
        vectors = backbone.model.encode_image(batch.to(device=weights.device, dtype=weights.dtype))
        return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()


def embed_texts(texts, backbone):
    """Embed captions; returns (n, d) float32 of unit length."""
    device = next(backbone.model.parameters()).device
    tokens = backbone.tokenizer(list(texts)).to(device)
    with torch.inference_mode():
        return backbone.model.encode_text(tokens, normalize=True).float().cpu().numpy()


def _check_folder(folder):
    if not (folder / "open_clip_config.json").is_file():
        raise InputError(
            f"{relative(folder)}: holds no open_clip_config.json, so it is not an open_clip model folder. "
            f"Give a folder saved for open_clip's local-dir schema, or a published name such as "
            f"'ViT-B-32-quickgelu' with its weights' tag."
        )
