"""CLIP's linear probe as one network from image to emotion, so that it can be asked where it looks."""

import copy

import numpy as np
import pandas as pd
import torch
from PIL import Image

from ferlib.labels import EMOTIONS
from ferlib.paths import absolute


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
    batch = []
    for path in paths:
        with Image.open(absolute(path)) as image:
            batch.append(preprocess(image.convert("RGB")))
    return torch.stack(batch)
