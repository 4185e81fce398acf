"""From image files to batches of pixels, made ready by threads while the batch before is being computed."""

import hashlib
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import torch
from threadpoolctl import threadpool_limits

from ferlib.errors import InputError
from ferlib.images import open_rgb
from ferlib.paths import absolute, relative

MOST_READERS = 8
"""Threads beyond these are of no use to one forward pass."""

AHEAD = 2
"""Batches kept ready: this bounds the memory."""


def batches(groups, preprocess, *, readers=0):
    """Preprocessed images, batch by batch in the order given.

    Threads, not processes: decoding and resizing run outside Python's lock, and threads start at once, in a notebook
    and on every system.

    Parameters
    ----------
    groups : iterable of sequence of (str or pathlib.Path, str or None)
        Each batch: path of an image (relative to the repository, or absolute), and its SHA-256 where that is known.
    preprocess : callable
        PIL image to tensor.
    readers : int
        Threads that read and prepare images; 0: one a processor core, at most 8.

    Yields
    ------
    torch.Tensor, shape (len(group), 3, height, width), float32

    Raises
    ------
    InputError
        When an image is missing, is not the one of that SHA-256, or cannot be decoded; the message names it.
    """
    pool = ThreadPoolExecutor(
        readers or min(MOST_READERS, os.cpu_count() or 1), thread_name_prefix="pixels", initializer=_alone
    )
    waiting = deque()
    try:
        for group in groups:
            waiting.append([pool.submit(read, *image, preprocess=preprocess) for image in group])
            if len(waiting) > AHEAD:
                yield _ready(waiting.popleft())
        while waiting:
            yield _ready(waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def read(path, sha256=None, *, preprocess):
    """One preprocessed image; parameters and errors as for `batches`."""
    try:
        data = absolute(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"{relative(path)}: the image cannot be read ({error.strerror}). Put the file back, or execute notebook "
            f"01_data_prep again, which lists the images that are there."
        ) from error
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(
            f"{relative(path)}: the image is not the one that the manifest lists (its SHA-256 is another). "
            f"Execute notebook 01_data_prep again."
        )
    return preprocess(open_rgb(data, name=relative(path)))


def _ready(images):
    return torch.stack([image.result() for image in images])


def _alone():
    """Keep torch's small operations on an image within the thread; a team of threads for each would be in the way."""
    threadpool_limits(1, user_api="openmp")
