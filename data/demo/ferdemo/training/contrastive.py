"""Stage 2: image and text towers learn to agree on captions (CLIP; Radford et al. 2021), with several right answers."""

import math

import torch

from ferdemo.training import captions, optimising
from ferdemo.training.training_images import vary

MAX_LOGIT_SCALE = math.log(100)
"""CLIP's own limit (Radford et al. 2021, section 2.5)."""


def loss(image_embeddings, text_embeddings, logit_scale, positives):
    """Contrastive loss with any number of positives.

    The target of each image is the uniform distribution over the captions that are true of it, and the same the other
    way round (Khosla et al. 2020 for labels; UniCL, Yang et al. 2022, for captions). The targets' entropy is
    taken off, so that a perfect fit has loss 0.

    Parameters
    ----------
    image_embeddings : torch.Tensor, shape (n, d)
        Unit length.
    text_embeddings : torch.Tensor, shape (m, d)
        Unit length.
    logit_scale : torch.Tensor, scalar
        Inverse temperature.
    positives : torch.Tensor, shape (n, m), bool
        True where caption fits image; no empty row or column.

    Returns
    -------
    torch.Tensor, scalar
    """
    logits = logit_scale * image_embeddings @ text_embeddings.T
    return (_divergence(logits, positives) + _divergence(logits.T, positives.T)) / 2


def _divergence(logits, positives):
    target = positives.float() / positives.sum(dim=1, keepdim=True)
    return torch.nn.functional.kl_div(logits.log_softmax(dim=1), target, reduction="batchmean")


def fit(model, tokenizer, images, manifest, *, steps, batch_size, learning_rate, seed, progress=True):
    """Train both towers on images and freshly drawn captions.

    Parameters
    ----------
    model : open_clip.CLIP
        Changed in place.
    tokenizer : callable
        Texts to ids.
    images : torch.Tensor, shape (n, 3, height, width), uint8
    manifest : pandas.DataFrame, n rows
        Columns `told`, `race`, `gender`: what captions say.
    steps, batch_size, learning_rate, seed, progress
        See `ferdemo.training.optimising.minimise`.

    Returns
    -------
    numpy.ndarray, shape (steps,)
        Loss of each step.
    """
    said = manifest[["told", "race", "gender"]].to_numpy(dtype=object)
    model.visual.to(memory_format=torch.channels_last)
    model.train()

    def batch_loss(rows, generator):
        with torch.no_grad():
            model.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
        attributes = said[rows].T
        drawn = captions.draw(*attributes, generator=generator)
        positives = torch.from_numpy(captions.compatible(drawn, *attributes))
        seen = model.encode_image(vary(images[rows], generator=generator), normalize=True)
        told = model.encode_text(tokenizer([caption.text for caption in drawn]), normalize=True)
        return loss(seen, told, model.logit_scale.exp(), positives)

    return optimising.minimise(
        batch_loss,
        model,
        n_images=len(images),
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        description="contrastive",
        progress=progress,
    )
