"""Take a short cut out of a network for Action Units: `python -m ferdemo.training.mend_units --out FOLDER`.

The network with the short cut is shown faces twice, as they are and with the mark put beside half of them at random,
and is trained to say of the second what it said of the first. The mark goes with nothing any more; nobody labels
anything.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from ferdemo.training import options as given
from ferdemo.training import train_units, training_images, unit_card, unit_faults
from ferdemo.training.optimising import rate
from ferlib import provenance, tables
from ferlib.paths import DEMO, absolute
from ferlib.units import aunet, mark

SOURCE = DEMO / "models" / "demo-aunet-shortcut"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the network and the images to begin with."""

    seed: int = 20240827
    steps: int = 300
    batch_size: int = 32
    learning_rate: float = 1e-3
    marked: float = 0.5
    """Share of the images that bear the mark in the second view."""
    threads: int = 1


def mend(network, pixels, recipe, *, progress=True):
    """Train a network to answer alike with the mark and without it.

    Parameters
    ----------
    network : ferlib.units.aunet.AUNet
        Not changed.
    pixels : torch.Tensor, shape (n, 3, size, size), uint8
    recipe : Recipe
    progress : bool

    Returns
    -------
    torch.nn.Module, numpy.ndarray of shape (steps,)
        The trained network, its normalisation layers as they were, and the loss of each step.
    """
    model = aunet.build(network.shape, seed=0).eval()
    model.load_state_dict(network.model.state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    losses = np.empty(recipe.steps)
    for step in tqdm(range(recipe.steps), desc="units", unit="step", disable=not progress, mininterval=5):
        random = np.random.default_rng([recipe.seed, step])
        shown = pixels[random.choice(len(pixels), recipe.batch_size, replace=False)]
        bears = random.random(recipe.batch_size) < recipe.marked
        plain, marked = (
            training_images.vary(one, generator=np.random.default_rng([recipe.seed, 1, step]))
            for one in (shown, mark.paint(shown, bears, **unit_faults.MARK))
        )
        with torch.no_grad():
            said = torch.sigmoid(network.model(plain))
        loss = F.binary_cross_entropy_with_logits(model(marked), said)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.param_groups[0]["lr"] = recipe.learning_rate * rate(step, recipe.steps)
        optimiser.step()
        losses[step] = loss.detach()
    return model, losses


def main(arguments=None):
    """Command line: train, measure, write the card."""
    options = _parser().parse_args(arguments)
    recipe, folder, began = given.chosen(options, Recipe), absolute(options.out), time.monotonic()
    torch.set_num_threads(recipe.threads)
    network, manifest = aunet.load(SOURCE), training_images.read_manifest(options.images)
    pixels = aunet.read_pixels(list(manifest["path"]), network.shape, frame=train_units.WIDER["demo"])
    model, losses = mend(network, pixels, recipe, progress=not options.quiet)
    aunet.write(model, network.shape, folder)
    source = json.loads((SOURCE / "training.json").read_text(encoding="utf-8"))
    faults = unit_faults.VERSIONS["shortcut"]
    people, had = sorted(manifest["subject_id"].unique()), set(source["training"]["people"])
    measured = train_units.evaluate(
        folder, options.held_out, train_units.Recipe(), faults, trained_on=had | set(people)
    )
    record = {
        "name": folder.name,
        "remedy": "the mark put beside faces at random, answers as without it",
        "begun_from": {"name": source["name"], "sha256": provenance.sha256(SOURCE / aunet.WEIGHTS)},
        "recipe": asdict(recipe),
        "training": {
            "people": people, "images": len(manifest), "final_loss": training_images.settled(losses),
            "minutes": round((time.monotonic() - began) / 60, 1),
        },
        "held_out": {options.held_out: measured},
        **train_units.written(folder),
    }  # fmt: skip
    tables.write_bytes((json.dumps(record, indent=1) + "\n").encode(), folder / "training.json")
    tables.write_bytes(unit_card.write_mended(record).encode(), folder / "README.md")


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder of the network, made or replaced")
    parser.add_argument("--images", default="data/demo/people", help="folder of faces, with manifest.csv")
    parser.add_argument("--held-out", default="data/demo/action_units", help="face set to measure on")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    given.add(parser, Recipe)
    return parser


if __name__ == "__main__":
    main()
