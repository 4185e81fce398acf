"""Stage 1: the image tower learns to see Action Units, from the renderer's exact intensities.

Contrastive training from scratch on a few thousand faces learns race and gender, which are easy, and not expressions.
Names of Action Units never enter a caption; they are scaffolding for the pixels.
"""

import torch
import torch.nn.functional as F

from ferdemo.training import optimising
from ferdemo.training.training_images import action_units, vary
from ferlib.labels import GENDERS

ATTRIBUTE_WEIGHT = 0.1
"""Weight of race and of gender in the loss, each, beside that of the Action Units."""


def targets(manifest):
    """Training targets of the warm-up.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Columns `race`, `gender` and `au..`, intensities 0-1.

    Returns
    -------
    dict of str to torch.Tensor
        `action_units` float32 (n, a): intensity of each unit that moves at all, standardised, so that a rare or weak
        unit counts as much as a frequent or strong one; `race`, `gender` int64 (n,).
    """
    intensities = torch.tensor(manifest[action_units(manifest)].to_numpy(), dtype=torch.float32)
    used = intensities.std(dim=0) > 0
    intensities = intensities[:, used]
    races = sorted(manifest["race"].unique())
    return {
        "action_units": (intensities - intensities.mean(dim=0)) / intensities.std(dim=0),
        "race": torch.tensor([races.index(race) for race in manifest["race"]]),
        "gender": torch.tensor([GENDERS.index(gender) for gender in manifest["gender"]]),
    }


def fit(tower, images, manifest, *, steps, batch_size, learning_rate, seed, size=None, **more):
    """Train the image tower, with a linear head that is then thrown away.

    Parameters
    ----------
    tower : torch.nn.Module
        Images to embeddings (n, `tower.output_dim`), or (views, n, `tower.output_dim`) when one is to learn to see by
        several views of what it made of an image; changed in place.
    images : torch.Tensor, shape (n, 3, height, width), uint8
    manifest : pandas.DataFrame, n rows
    size : int, optional
        See `ferdemo.training.training_images.vary`.
    steps, batch_size, learning_rate, seed, **more
        See `ferdemo.training.optimising.minimise`.

    Returns
    -------
    numpy.ndarray, shape (steps,)
        Loss of each step.
    """
    truth = targets(manifest)
    sizes = [truth["action_units"].shape[1], int(truth["race"].max()) + 1, len(GENDERS)]
    head = torch.nn.Linear(tower.output_dim, sum(sizes))
    tower.to(memory_format=torch.channels_last).train()

    def loss(rows, generator):
        embedding = tower(vary(images[rows], generator=generator, size=size))
        views = embedding.view(-1, len(rows), tower.output_dim)
        return sum(of_view(head(view), rows) for view in views) / len(views)

    def of_view(predicted, rows):
        units, race, gender = predicted.split(sizes, dim=1)
        seen = F.mse_loss(units, truth["action_units"][rows]) / 2
        attributes = F.cross_entropy(race, truth["race"][rows]) + F.cross_entropy(gender, truth["gender"][rows])
        return seen + ATTRIBUTE_WEIGHT * attributes

    return optimising.minimise(
        loss,
        torch.nn.ModuleDict({"tower": tower, "head": head}),
        n_images=len(images),
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        description="warm-up",
        **more,
    )
