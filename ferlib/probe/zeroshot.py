"""Zero-shot CLIP: a face is given the label whose caption lies nearest."""

import numpy as np
import pandas as pd

from ferlib.embedding.backbones import embed_texts
from ferlib.labels import ADJECTIVES, EMOTIONS
from ferlib.predictions import from_probabilities

TEMPLATES = {
    "face": "a photo of a {} face",
    "person": "a photo of a person who looks {}",
    "short": "a {} face",
    "mood": "a photo of a {} person",
}
"""Caption templates by name; `{}` takes the adjective of the emotion."""


def class_embeddings(backbone, templates):
    """One text embedding for each emotion, averaged over templates.

    The captions of a class are embedded, averaged and brought back to unit length (Radford et al. 2021, section 3.1.4).

    Parameters
    ----------
    backbone : ferlib.embedding.backbones.Backbone
    templates : sequence of str
        Captions with one `{}` for the adjective.

    Returns
    -------
    numpy.ndarray, shape (7, d), float32
        In the order of `ferlib.labels.EMOTIONS`.
    """
    captions = [template.format(ADJECTIVES[emotion]) for emotion in EMOTIONS for template in templates]
    texts = embed_texts(captions, backbone).reshape(len(EMOTIONS), len(templates), -1)
    mean = texts.mean(axis=1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def answers(image_embeddings, manifest, backbone, *, model, ways):
    """Answer every image by its nearest caption, in each of several ways to write the captions.

    Parameters
    ----------
    image_embeddings : numpy.ndarray, shape (n, d)
        Unit length.
    manifest : pandas.DataFrame, n rows
        The images, in the order of the embeddings.
    backbone : ferlib.embedding.backbones.Backbone
    model : str
        Name that the answers are given.
    ways : dict of str to list of str
        Templates by the name of the way; those of one way are averaged (`class_embeddings`).

    Returns
    -------
    pandas.DataFrame
        Columns as of `ferlib.predictions.from_probabilities`; `variant` is the name of the way.
    """
    frames = []
    for variant, templates in ways.items():
        classes = class_embeddings(backbone, templates)
        chances = probabilities(image_embeddings, classes, logit_scale=backbone.logit_scale)
        frames.append(from_probabilities(manifest, chances, model=model, variant=variant))
    return pd.concat(frames, ignore_index=True)


def probabilities(image_embeddings, classes, *, logit_scale):
    """Softmax of the scaled cosine similarities.

    Parameters
    ----------
    image_embeddings : numpy.ndarray, shape (n, d)
        Unit length.
    classes : numpy.ndarray, shape (7, d)
        Unit length.
    logit_scale : float
        The backbone's inverse temperature.

    Returns
    -------
    numpy.ndarray, shape (n, 7)
        Rows sum to 1.
    """
    logits = logit_scale * image_embeddings @ classes.T
    logits -= logits.max(axis=1, keepdims=True)
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)
