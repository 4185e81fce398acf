"""Rendered faces as the demo models see them: preprocessed once, varied in every step."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm

from ferdemo.training.architecture import MEAN, STD
from ferlib import tables
from ferlib.errors import InputError
from ferlib.paths import absolute, relative

COLUMNS = ("image_id", "path", "subject_id", "emotion", "race", "gender", "skin_tone")
EXPRESSION, MIXTURE = "expression", "mixture"
"""Kinds of training faces. A mixture shows Action Units at random: it has no emotion, so no caption tells one."""


def read_manifest(folder):
    """Read the manifest of a rendered face set.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds `manifest.csv`; relative to the repository or absolute.

    Returns
    -------
    pandas.DataFrame
        Sorted by `image_id`, `path` absolute, with a column `kind` (`expression` where the manifest has none).

    Raises
    ------
    InputError
        When the manifest or a column is missing, or no column holds an Action Unit's intensity.
    """
    folder = absolute(folder)
    frame = tables.read_csv(folder / "manifest.csv", columns=COLUMNS).sort_values("image_id", ignore_index=True)
    if not action_units(frame):
        raise InputError(f"{relative(folder / 'manifest.csv')}: lacks the Action Units' intensities (au01, au02, ...).")
    beside = [folder / path for path in frame["path"]]
    return frame.assign(
        path=[near if near.is_file() else absolute(path) for near, path in zip(beside, frame["path"], strict=True)],
        kind=frame.get("kind", EXPRESSION),
    )


def action_units(manifest):
    """Names of the columns with Action Unit intensities, for example `au01`."""
    return [name for name in manifest.columns if name.startswith("au") and name[2:].isdigit()]


def load(paths, preprocess, *, progress=True):
    """Put images through the model's own preprocessing and keep them as bytes.

    The transform resizes in whole grey levels and then only scales, so nothing is lost by keeping bytes.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    preprocess : callable
        As `open_clip.create_model_and_transforms` returns it for evaluation.
    progress : bool
        Show a progress bar.

    Returns
    -------
    torch.Tensor, shape (n, 3, height, width), uint8
    """
    images = []
    for path in tqdm(paths, desc="images", unit="image", disable=not progress):
        with Image.open(path) as image:
            pixels = preprocess(image.convert("RGB"))
        images.append(((pixels * STD + MEAN) * 255).round().to(torch.uint8))
    return torch.stack(images)


def scale(images):
    """Bytes to what the model takes: float32, around 0; inverse of what `load` undid."""
    return (images.float() / 255 - MEAN) / STD


def vary(images, *, generator, size=None):
    """Change framing and light of each image at random, as photographs differ without the expression differing.

    Mirrored or not, turned by up to 6 degrees, scaled by up to 8 %, moved by up to 4 % of the width; contrast,
    brightness and colour cast changed a little.

    Parameters
    ----------
    images : torch.Tensor, shape (n, 3, height, width), uint8
    generator : numpy.random.Generator
    size : int, optional
        Pixels of the central square that is cut out after all this; the whole image where none is given.

    Returns
    -------
    torch.Tensor, shape (n, 3, height, width) or (n, 3, size, size), float32
        Scaled as the model takes them.
    """
    n = len(images)

    def uniform(low, high, *shape):
        return torch.from_numpy(generator.uniform(low, high, (n, *shape)).astype(np.float32))

    angle, zoom = uniform(-0.1, 0.1), 1 / uniform(0.92, 1.08)
    mirror = torch.from_numpy(generator.choice([-1.0, 1.0], n).astype(np.float32))
    cos, sin, shift = zoom * torch.cos(angle), zoom * torch.sin(angle), uniform(-0.08, 0.08, 2)
    rows = [torch.stack([cos * mirror, -sin, shift[:, 0]], 1), torch.stack([sin * mirror, cos, shift[:, 1]], 1)]
    seen = list(images.shape) if size is None else [n, 3, size, size]
    cut = torch.tensor([seen[3] / images.shape[3], seen[2] / images.shape[2], 1.0])
    grid = F.affine_grid(torch.stack(rows, 1) * cut, seen, align_corners=False)
    moved = F.grid_sample(scale(images), grid, padding_mode="border", align_corners=False)
    lit = moved * uniform(0.8, 1.2, 1, 1, 1) + uniform(-0.15, 0.15, 1, 1, 1) + uniform(-0.03, 0.03, 3, 1, 1)
    return lit.clamp(-1, 1).contiguous(memory_format=torch.channels_last)


def settled(losses):
    """Mean loss of the last twentieth of a training's steps, for the record."""
    return round(float(losses[-max(1, len(losses) // 20) :].mean()), 4)
