"""Zero-shot CLIP: a face is given the label whose caption lies nearest; and how much depends on the caption's words."""

import numpy as np
import pandas as pd

from ferlib.embedding.backbones import embed_texts
from ferlib.labels import ADJECTIVES, EMOTIONS
from ferlib.predictions import from_probabilities
from ferlib.stats import counts
from ferlib.stats.accuracy import accuracy_by_group
from ferlib.stats.outcomes import CONFIGURATION

TEMPLATES = {
    "face": "a photo of a {} face",
    "person": "a photo of a person who looks {}",
    "short": "a {} face",
    "mood": "a photo of a {} person",
}
"""Caption templates by name; `{}` takes the adjective of the emotion."""

WORDING_COLUMNS = (
    "dataset", "model", "by", "group", "n_images", "n_subjects", "n_wordings", "accuracy_ensemble", "lowest",
    "accuracy_lowest", "highest", "accuracy_highest", "spread", "sd_wordings", "changing", "changing_low",
    "changing_high",
)  # fmt: skip


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


def wordings(answers, *, ensemble="ensemble", alpha=0.05):
    """Spread of each group's accuracy over the wordings: the table `zeroshot_wordings.csv`.

    No interval over people shows this: the same people, asked in other words, get other answers.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns it; `variant` names the wording.
    ensemble : str
        The variant that stands for all wordings together.
    alpha : float
        One minus the confidence of the interval.

    Returns
    -------
    pandas.DataFrame
        Columns `WORDING_COLUMNS`; a row for each dataset, model and group. `spread` is the accuracy of the group's best
        wording minus that of its worst, `sd_wordings` their standard deviation. `changing` is the share of images to
        which not all wordings give the same label, with its clustered interval. `spread` tends to be larger for a
        smaller group even where wording means the same for all; `changing` does not.
    """
    each = answers[answers["variant"] != ensemble]
    accuracy = accuracy_by_group(counts.tally(answers), alpha=alpha)
    key = ["dataset", "model", "by", "group"]
    whole = accuracy[accuracy["variant"] == ensemble].set_index(key)
    parts = accuracy[accuracy["variant"] != ensemble].groupby(key)
    best, worst = (
        accuracy.loc[found].set_index(key) for found in (parts["accuracy"].idxmax(), parts["accuracy"].idxmin())
    )
    table = whole[["n_images", "n_subjects"]].assign(
        n_wordings=parts.size(),
        accuracy_ensemble=whole["accuracy"],
        lowest=worst["variant"],
        accuracy_lowest=worst["accuracy"],
        highest=best["variant"],
        accuracy_highest=best["accuracy"],
        spread=best["accuracy"] - worst["accuracy"],
        sd_wordings=parts["accuracy"].std(),
    )
    changing = _changing(each, alpha).set_index(key)
    names = {"accuracy": "changing", "ci_low": "changing_low", "ci_high": "changing_high"}
    return table.join(changing[list(names)].rename(columns=names)).reset_index()[list(WORDING_COLUMNS)]


def _changing(answers, alpha):
    """Share of images with more than one label, by group, as a table of rates."""
    image = [*CONFIGURATION[:2], "image_id"]
    several = answers.groupby(image)["outcome"].transform("nunique") > 1
    marked = answers.assign(outcome=answers["true"].where(several, "error")).drop_duplicates(image)
    return accuracy_by_group(counts.tally(marked.assign(variant="changing")), alpha=alpha)
