"""The embeddings of all images of a manifest: those there are, and the others computed."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ferlib.embedding import recipes
from ferlib.embedding.files import Shards
from ferlib.errors import InputError

# torch and open_clip are imported where an image is computed: when every embedding is there, they are not needed, and
# they take longer to import than the embeddings to read.

PRECISIONS = ("float32", "bfloat16")

SHARD_SIZE = 256
"""Images a shard: what a killed run loses at most."""


@dataclass(frozen=True)
class Collection:
    """Embeddings, and how they came about.

    Attributes
    ----------
    vectors : numpy.ndarray, shape (n, d), float32
        Unit length each, in the order of the manifest.
    recipe : dict
        See `ferlib.embedding.recipes.recipe`.
    device : str
        Where it was last computed: `cpu`, `cuda` or `mps`.
    cosine : float or None
        Least agreement of bfloat16 with float32 (`ferlib.embedding.hardware.in_bfloat16`); None in float32.
    computed, reused : int
        Images whose embedding was computed, or was there.
    seconds : float
        Wall time of the computation, without loading the backbone.
    damaged : list of pathlib.Path
        Shards that were found damaged and removed.
    """

    vectors: np.ndarray
    recipe: dict
    device: str
    cosine: float | None
    computed: int
    reused: int
    seconds: float
    damaged: list[Path]

    @property
    def summary(self):
        """How the embeddings came about, as a row of a table to show."""
        return {
            "computed": self.computed,
            "reused": self.reused,
            "dimensions": self.vectors.shape[1],
            "images/s": self.computed / self.seconds if self.computed else None,
            "device": self.device,
            "number format": self.recipe["dtype"],
            "least cosine to float32": self.cosine,
        }


def collect(
    manifest, *, source, folder, device="cpu", precision="float32", batch_size=64, shard_size=SHARD_SIZE, readers=0
):  # fmt: skip
    """Embeddings of the images of a manifest.

    What is missing is computed, by this process or, when `DASK_SCHEDULER_ADDRESS` is set, by the workers of that
    cluster, and kept shard by shard: a run that was killed goes on where it was.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Columns `path` and `sha256`. An image that occurs twice is computed once.
    source : sequence of str
        What `ferlib.embedding.backbones.load_backbone` is called with: name, and tag of the weights or an empty text.
    folder : pathlib.Path
        Where embeddings are kept; runs may share it.
    device : {"cpu", "cuda", "mps", "auto"}
        See `ferlib.embedding.hardware.device`.
    precision : {"float32", "bfloat16"}
        Number format of the weights; see `ferlib.embedding.hardware.in_bfloat16`. This and `device` are never chosen
        by what the machine has, unless `device` is `auto`, so that two machines compute the same.
    batch_size, shard_size : int
        Images a forward pass, and images a shard.
    readers : int
        Threads that read and prepare images; 0: one a processor core, at most 8.

    Returns
    -------
    Collection

    Raises
    ------
    InputError
        When a number is too small, the backbone or the device is not to be had, the precision is unknown or does not
        agree, an image is missing, changed or cannot be decoded, or no cluster answers.
    """
    for name, value, least in (("batch_size", batch_size, 1), ("shard_size", shard_size, 1), ("readers", readers, 0)):
        if value < least:
            raise InputError(f"{name} is {value!r}. Allowed: {least} or more.")
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r}: not known. Allowed: {', '.join(map(repr, PRECISIONS))}.")
    images = dict(zip(manifest["sha256"], manifest["path"], strict=True))
    known = recipes.Known(folder / "known")
    asked = {"source": list(source), "device": device, "precision": precision}
    learnt, backbone, found, damaged = known.get(asked), None, {}, []
    if learnt is not None:
        found, damaged = Shards(folder, learnt["recipe"]).read(images)
    if learnt is None or len(found) < len(images):
        before = learnt
        backbone, learnt = _load(images, source=source, device=device, precision=precision)
        known.put(asked, learnt, files=backbone.files)
        if before is None or before["recipe"] != learnt["recipe"]:
            found, more = Shards(folder, learnt["recipe"]).read(images)
            damaged += more
    reused, began = len(found), time.monotonic()
    missing = [(path, digest) for digest, path in images.items() if digest not in found]
    groups = [missing[begin : begin + shard_size] for begin in range(0, len(missing), shard_size)]
    if groups:
        with tqdm(total=len(images), initial=reused, desc=backbone.name, unit="image") as bar:
            options = {"batch_size": batch_size, "readers": readers, "bar": bar}
            compute = _on_cluster if os.environ.get("DASK_SCHEDULER_ADDRESS") else _here
            for group, vectors in compute(groups, backbone, learnt["recipe"], asked, **options):
                digests = [digest for _, digest in group]
                Shards(folder, learnt["recipe"]).write(digests, vectors)
                found |= zip(digests, vectors, strict=True)
    vectors = np.stack([found[digest] for digest in manifest["sha256"]])
    seconds = time.monotonic() - began if groups else 0.0
    learnt = {name: learnt[name] for name in ("recipe", "device", "cosine")}
    return Collection(vectors, **learnt, computed=len(missing), reused=reused, seconds=seconds, damaged=damaged)


def _load(images, *, source, device, precision):
    """Load a backbone; returns it in the number format asked for, and what is to be remembered of it."""
    from ferlib.embedding import backbones, hardware, pixels

    name, tag = source
    backbone = backbones.load_backbone(name, pretrained=tag or None, device=hardware.device(device))
    cosine = None
    weights_sha256 = backbone.weights_sha256
    if precision == "bfloat16":
        listed = [(path, digest) for digest, path in images.items()]
        spread = np.linspace(0, len(listed) - 1, min(len(listed), hardware.SAMPLE)).astype(int)
        sample = next(pixels.batches([[listed[index] for index in spread]], backbone.preprocess))
        backbone, cosine = hardware.in_bfloat16(backbone, sample)
    recipe = recipes.recipe(backbone, weights_sha256=weights_sha256)
    return backbone, {"recipe": recipe, "device": backbone.device, "cosine": cosine}


def _here(groups, backbone, recipe, asked, *, batch_size, readers, bar):
    from ferlib.embedding import backbones

    vectors = backbones.embed_groups(groups, backbone, batch_size=batch_size, readers=readers, progress=bar.update)
    yield from zip(groups, vectors, strict=True)


def _on_cluster(groups, backbone, recipe, asked, *, batch_size, readers, bar):
    from ferlib.embedding import cluster

    source, device = asked["source"], asked["device"]
    options = {"recipe": recipe, "batch_size": batch_size, "readers": readers}
    for group, vectors in cluster.compute(groups, source=source, device=device, **options):
        yield group, vectors
        bar.update(len(group))
