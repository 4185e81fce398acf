"""How many bits the weights need: half of them where the processor gains by it and the embeddings stay the same."""

from dataclasses import dataclass

import numpy as np

from ferlib.embedding import backbones, hardware
from ferlib.errors import InputError

PRECISIONS = ("auto", "float32", "bfloat16")
LEAST_COSINE = 0.999
"""Agreement with float32 that bfloat16 must reach on every image of the sample."""

SAMPLE = 16
"""Images that the agreement is measured on."""


@dataclass(frozen=True)
class Choice:
    """A backbone in the number format chosen, and why.

    Attributes
    ----------
    backbone : ferlib.embedding.backbones.Backbone
    cosine : float or None
        Smallest cosine, over the sample, between its embeddings in bfloat16 and in float32; None: not measured.
    reason : str
    """

    backbone: backbones.Backbone
    cosine: float | None
    reason: str


def choose(backbone, sample, *, wanted="auto"):
    """Choose the number format of a backbone's weights.

    Parameters
    ----------
    backbone : ferlib.embedding.backbones.Backbone
        In float32.
    sample : callable
        Returns some of the images to come, preprocessed: a tensor of shape (n, 3, height, width), float32. Called
        only when it is needed.
    wanted : {"auto", "float32", "bfloat16"}
        `auto`: bfloat16 on a CPU that has instructions for it. Either way bfloat16 must agree with float32.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        When `wanted` is none of these.
    """
    if wanted not in PRECISIONS:
        raise InputError(f"precision {wanted!r}: not known. Allowed: {', '.join(map(repr, PRECISIONS))}.")
    if wanted == "float32":
        return Choice(backbone, None, "asked for")
    if wanted == "auto" and backbone.device != "cpu":
        return Choice(backbone, None, f"fast enough on {backbone.device}")
    if wanted == "auto" and not hardware.has_bf16():
        return Choice(backbone, None, "this processor has no bfloat16 instructions")
    half, pixels = backbone.in_bfloat16(), sample()
    cosine = agreement(backbones.encode(pixels, half), backbones.encode(pixels, backbone))
    if not cosine >= LEAST_COSINE:  # also when it is not a number
        return Choice(backbone, cosine, f"bfloat16 agrees to {cosine:.5f} only; {LEAST_COSINE} is needed")
    return Choice(half, cosine, f"agrees with float32 to {cosine:.5f}")


def agreement(vectors, reference):
    """Smallest cosine between the rows of two sets of unit vectors, shape (n, d)."""
    return float(np.sum(vectors * reference, axis=1).min())
