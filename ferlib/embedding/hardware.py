"""What is computed on, and in how many bits: never chosen by what this machine has, unless that is asked for."""

import numpy as np
import torch

from ferlib.embedding import backbones
from ferlib.errors import InputError

LEAST_COSINE = 0.999
"""Agreement with float32 that bfloat16 must reach on every image of the sample."""

SAMPLE = 16
"""Images that the agreement is measured on."""


def device(wanted):
    """The device to compute on.

    Parameters
    ----------
    wanted : {"cpu", "cuda", "mps", "auto"}
        `auto` is a graphics processor by CUDA, else by Apple's Metal, else the CPU. Another device's embeddings differ
        in the last digits.

    Returns
    -------
    str

    Raises
    ------
    InputError
        When the device is unknown, or this machine has none.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, usable in there.items() if usable)
    if not there.get(wanted, False):
        usable = ", ".join(repr(name) for name, usable in there.items() if usable)
        raise InputError(f"device {wanted!r}: not usable on this machine. Give 'auto' or one of {usable}.")
    return wanted


def in_bfloat16(backbone, sample):
    """A backbone whose weights have half of the bits, held against the same one in float32.

    Parameters
    ----------
    backbone : ferlib.embedding.backbones.Backbone
        In float32.
    sample : torch.Tensor, shape (n, 3, height, width), float32
        Some of the images to come, preprocessed.

    Returns
    -------
    backbone : ferlib.embedding.backbones.Backbone
    cosine : float
        The smallest, over the sample, between its embeddings and those in float32.

    Raises
    ------
    InputError
        When the cosine is below `LEAST_COSINE`, or not a number.
    """
    half = backbone.in_bfloat16()
    cosine = float(np.sum(backbones.encode(sample, half) * backbones.encode(sample, backbone), axis=1).min())
    if not cosine >= LEAST_COSINE:
        raise InputError(
            f"precision 'bfloat16': {backbone.name} agrees with float32 to a cosine of {cosine:.5f} only, and "
            f"{LEAST_COSINE} is needed. Use 'float32'."
        )
    return half, cosine
