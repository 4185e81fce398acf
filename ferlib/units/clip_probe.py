"""CLIP's linear probe as one network from image to emotion, so that it can be asked where it looks."""

import copy

import numpy as np
import pandas as pd
import torch

from ferlib.embedding import backbones
from ferlib.images import open_rgb
from ferlib.labels import EMOTIONS
from ferlib.probe import linear
from ferlib.units import explanations, heatmaps, map_scores, mean_contrasts
from ferlib.units.faces import regions_of
from ferlib.units.side_by_side import each

COLUMNS = ("emotion", "unit", "subject_id", "image_id", "answer", "status", "value", "even", "untrained")
"""Of the table that `ask` returns."""


class ProbedCLIP(torch.nn.Module):
    """CLIP's image tower, its embedding brought to unit length, and a linear classifier on it.

    Parameters
    ----------
    clip : torch.nn.Module
        open_clip's model.
    coefficients : array_like, shape (classes, d)
    intercepts : array_like, shape (classes,)
    """

    def __init__(self, clip, coefficients, intercepts):
        super().__init__()
        self.clip = clip
        self.register_buffer("coefficients", torch.as_tensor(coefficients, dtype=torch.float32))
        self.register_buffer("intercepts", torch.as_tensor(intercepts, dtype=torch.float32))

    def forward(self, images):
        """Logits of the classes; images (n, 3, height, width) as open_clip's preprocessing leaves them."""
        vectors = torch.nn.functional.normalize(self.clip.encode_image(images).float(), dim=-1)
        return vectors @ self.coefficients.T + self.intercepts

    def untrained(self, *, seed):
        """The same with random weights in the image tower, as its modules draw them; the classifier stays."""
        other = copy.deepcopy(self.clip)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            for module in other.visual.modules():
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
        return ProbedCLIP(other, self.coefficients, self.intercepts).eval()


def questions(faces, emotions):
    """Which image each person is asked about: that which shows an emotion's unit most strongly, if possible alone.

    Parameters
    ----------
    faces : ferlib.units.faces.Faces
    emotions : dict of str to str
        Emotion, and its Action Unit.

    Returns
    -------
    pandas.DataFrame
        `row`, `image_id`, `subject_id`, `path`, `unit`, `emotion`, and `output`, the emotion's number in
        `ferlib.labels.EMOTIONS`.
    """
    alone = (faces.manifest["kind"] == "single").to_numpy()
    among = alone if alone.any() else np.ones(len(alone), bool)
    frames = []
    for emotion, unit in emotions.items():
        shows = (faces.present[unit] == 1).fillna(False).to_numpy(bool)
        order = [name for name in (unit, "image_id") if name in faces.manifest]
        strongest = faces.manifest[among & shows].sort_values(order).groupby("subject_id", sort=True).tail(1)
        strongest = strongest[["row", "image_id", "subject_id", "path"]].sort_values("subject_id")
        frames.append(strongest.assign(unit=unit, emotion=emotion, output=EMOTIONS.index(emotion)))
    return pd.concat(frames, ignore_index=True)


def prepared(paths, preprocess):
    """Images as CLIP's image tower takes them; tensor (n, 3, height, width)."""
    return torch.stack([preprocess(open_rgb(path)) for path in paths])


def fit(embeddings, manifest, *, penalty, seed):
    """Fit the probe of notebook 03 to all images, and put it on the image tower that made their embeddings.

    Parameters
    ----------
    embeddings : pathlib.Path
        File of notebook 02.
    manifest : pandas.DataFrame
        `image_id`, `subject_id`, `emotion` of the images to be learnt from.
    penalty : float
        scikit-learn's `C`.
    seed : int

    Returns
    -------
    probed : ProbedCLIP
    preprocess : callable
        What its tower's images go through.
    """
    vectors = backbones.load(embeddings, image_ids=manifest["image_id"].tolist()).astype(float)
    everyone, options = np.ones((1, len(manifest)), bool), {"penalties": [penalty], "n_inner": 0, "seed": seed}
    fits = linear.fit(vectors, manifest["emotion"], manifest["subject_id"], everyone, **options).fits
    place, tag = backbones.source_of(embeddings)
    backbone = backbones.load_backbone(place, pretrained=tag or None)
    return ProbedCLIP(backbone.model, fits.coefficients[0], fits.intercepts[0]).eval(), backbone.preprocess


def ask(probed, preprocess, faces, emotions, *, regions_from, seed):
    """Ask the probe for the emotions of single movements, and where it looks (integrated gradients).

    Parameters
    ----------
    probed, preprocess
        As `fit` returns them.
    faces, emotions
        As for `questions`.
    regions_from : dict
        Arguments of `ferlib.units.faces.regions_of`.
    seed : int
        Of the control's random weights.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS` and `measure`, a row for each image: the probe's `answer`, the share of its map for the emotion that
        lies in the unit's region (`value`), of an `even` map, and of the same tower's with random weights.
    """
    asked = questions(faces, emotions)
    batch = prepared(asked["path"], preprocess)
    towers = {"probe": probed, explanations.UNTRAINED: probed.untrained(seed=seed)}
    way = {"targets": asked["output"].to_list(), "method": "integrated-gradients"}
    maps = each(lambda name: heatmaps.explain(towers[name], batch, **way), towers)
    scores = map_scores.of_networks(maps, asked, regions_of(faces, size=batch.shape[-1], **regions_from))
    with torch.inference_mode():
        answers = [EMOTIONS[number] for number in probed(batch).argmax(dim=1)]
    own = scores[(scores["network"] == "probe") & (scores["measure"] == "mass")]
    return own.assign(answer=answers)[[*COLUMNS, "measure"]]


def agreement(answered):
    """How often the probe gives the emotion's name, and the mean of its maps' mass and of the controls, from `ask`."""
    agrees = answered["answer"] == answered["emotion"]
    return _named(answered).assign(agrees=agrees).groupby("unit")[["agrees", "value", "even", "untrained"]].mean()


def against_controls(answered, **rules):
    """Contrast the mass of the probe's maps with the random tower's, and with an even map: a family each.

    Parameters
    ----------
    answered, **rules
        As `ask` returns it, and of `ferlib.units.mean_contrasts.against`.
    """
    found = [
        mean_contrasts.against(_named(answered), control=control, names=("probe", control), **rules)
        for control in (explanations.UNTRAINED, "even")
    ]
    columns = ["unit", "group_b", "n_a", "difference", "low", "high", "p_adjusted", "verdict"]
    return pd.concat(found, ignore_index=True)[columns]


def _named(answered):
    return answered.assign(unit=answered["emotion"] + ", region of " + answered["unit"])
