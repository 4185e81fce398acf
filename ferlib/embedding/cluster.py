"""Shards computed by the workers of a Dask cluster."""

import os
import platform
import threading
from functools import lru_cache

from ferlib.embedding import backbones, hardware, recipes
from ferlib.errors import InputError

VARIABLE = "DASK_SCHEDULER_ADDRESS"
"""Environment variable that names the scheduler, for example `tcp://10.0.0.1:8786`."""

PATIENCE_S = 10
"""Seconds to wait for the scheduler, and for its first worker."""

_loading = threading.Lock()


def compute(groups, *, source, device, recipe, batch_size, readers):
    """Embed groups of images on the cluster that `DASK_SCHEDULER_ADDRESS` names.

    Workers need this package, in the versions of this process, and the images and weights in the same places.

    Parameters
    ----------
    groups : sequence of sequence of (str, str)
        Path and SHA-256 of each image; a group becomes a shard.
    source, device, batch_size, readers
        As for `ferlib.embedding.collection.collect`; each worker finds a `device` for itself when it is `auto`.
    recipe : dict
        What the embeddings must be made by.

    Yields
    ------
    group : sequence of (str, str)
    vectors : numpy.ndarray, shape (len(group), d), float32
        In the order in which the groups get done.

    Raises
    ------
    InputError
        When no scheduler or no worker answers, an image cannot be used, or a worker's backbone is another one.
    """
    with _client() as client:
        futures = {}
        for group in groups:
            future = client.submit(
                _embed, group, source=source, device=device, recipe=recipe, batch_size=batch_size, readers=readers,
                pure=False,
            )  # fmt: skip
            futures[future] = group
        for future in _distributed().as_completed(list(futures)):
            yield futures.pop(future), future.result()


def _distributed():
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            f"{VARIABLE} is set, but the package `distributed` is not installed. Install it by `python -m pip install "
            f"-c requirements.lock -e .[dask]`, or unset {VARIABLE} to compute on this machine alone."
        ) from error
    return distributed


def _client():
    address = os.environ[VARIABLE]
    remedy = f"or unset {VARIABLE} to compute on this machine alone."
    try:
        client = _distributed().Client(address, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{VARIABLE} is {address!r}: no scheduler answers there within {PATIENCE_S} s ({error}). Start one by "
            f"`dask scheduler`, and workers by `dask worker {address}`, {remedy}"
        ) from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError as error:
        client.close()
        raise InputError(
            f"{VARIABLE} is {address!r}: the scheduler has no workers. Start some by `dask worker {address}`, {remedy}"
        ) from error
    return client


def _embed(group, *, source, device, recipe, batch_size, readers):
    """What a worker does."""
    with _loading:  # two tasks of a worker must not load it twice
        backbone, own = _loaded(*source, device, recipe["dtype"])
    other = [name for name in recipe if own[name] != recipe[name]]
    if other:
        raise InputError(
            f"{platform.node()}: this worker's {other[0]} of {source[0]} is {own[other[0]]!r}, but the run's is "
            f"{recipe[other[0]]!r}. Give every worker the same weights and the packages of requirements.lock."
        )
    return next(backbones.embed_groups([group], backbone, batch_size=batch_size, readers=readers))


@lru_cache(maxsize=1)
def _loaded(name, pretrained, device, dtype):
    backbone = backbones.load_backbone(name, pretrained=pretrained or None, device=hardware.device(device))
    digest = backbone.weights_sha256
    backbone = backbone.in_bfloat16() if dtype == "bfloat16" else backbone
    return backbone, recipes.recipe(backbone, weights_sha256=digest)
