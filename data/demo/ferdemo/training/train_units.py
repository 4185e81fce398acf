"""Train a demo network for Action Units: `python -m ferdemo.training.train_units --images FOLDER ...`."""

import argparse
import json
import time
from dataclasses import asdict, dataclass

import numpy as np
import torch

from ferdemo.training import evaluation, training_images, unit_card, unit_faults, unit_training
from ferdemo.training import options as given
from ferlib import provenance, tables
from ferlib.errors import InputError
from ferlib.paths import absolute, relative
from ferlib.stats.arrays import ratio
from ferlib.units import aunet, detection, mark, unit_tables

WIDER = {"demo": (0.13, 0.26, 0.87, 1.0), "demo-crossed": (0.13, 0.26, 0.87, 1.0)}
"""Data sets whose faces are shown in a wider view than those of the training, and the part that is taken of it."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the images, the faults and the versions of the packages."""

    seed: int = 20240827
    steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 1.5e-3
    threshold: float = 0.3
    """Intensity, 0-1, from which on a unit counts as present."""
    size: int = 96
    stages: int = 3
    threads: int = 1


def train(manifest, recipe, faults, *, folder, progress=True):
    """Train a network and write its folder, but for the card; resumed where it stopped.

    Parameters
    ----------
    manifest : pandas.DataFrame
        As `ferdemo.training.training_images.read_manifest` returns it.
    recipe : Recipe
    faults : ferdemo.training.unit_faults.Faults
    folder : pathlib.Path
    progress : bool

    Returns
    -------
    dict
        What the card tells of the training.
    """
    torch.set_num_threads(recipe.threads)
    began = time.monotonic()
    present = presence(manifest, recipe.threshold)
    told = unit_faults.apply(manifest, present, faults, seed=recipe.seed)
    aside = set_aside(manifest)[told.index]
    shape = aunet.Shape(units=tuple(present), size=recipe.size, stages=recipe.stages)
    model = aunet.build(shape, seed=recipe.seed)
    pixels = aunet.read_pixels(list(manifest["path"].iloc[told.index]), shape)
    pixels = mark.paint(pixels, told["marked"], **unit_faults.MARK)
    labels = told[list(present)].to_numpy(np.float32)
    losses = unit_training.fit(
        model,
        pixels[~aside],
        torch.tensor(labels[~aside]),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        checkpoint=folder / "checkpoint.safetensors",
        identity=json.dumps([asdict(recipe), asdict(faults), provenance.sha256_of([*manifest["path"]])]),
        progress=progress,
    )
    logits = aunet.AUNet(folder.name, shape, model.eval()).logits(pixels[aside])
    with torch.no_grad():
        model.fc.bias -= torch.from_numpy(unit_training.thresholds(logits, labels[aside] == 1).astype(np.float32))
    aunet.write(model, shape, folder)
    return {
        "composition": unit_faults.composition(manifest, present, told, faults).to_dict("records"),
        "people": sorted(manifest["subject_id"].unique()),
        "people_aside": sorted(manifest["subject_id"][set_aside(manifest)].unique()),
        "units": list(shape.units),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "final_loss": training_images.settled(losses),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }


def trained(folder, recipe, faults):
    """What the record of a network that is there tells of its training.

    Raises
    ------
    InputError
        When there is none, or it was another training.
    """
    file = folder / "training.json"
    if not file.is_file():
        raise InputError(
            f"{relative(file)}: no such file, so there is nothing to measure. Train without --only-measure."
        )
    record = json.loads(file.read_text(encoding="utf-8"))
    if (record["recipe"], record["faults"]) != (asdict(recipe), asdict(faults)):
        raise InputError(f"{relative(file)}: tells of another training. Give the options that it was made with.")
    return record["training"]


def set_aside(manifest):
    """Which images are of every eighth person: not trained on, but to choose each unit's threshold."""
    people = sorted(manifest["subject_id"].unique())
    return manifest["subject_id"].isin(people[::8]).to_numpy()


def presence(manifest, threshold):
    """Which units are present, of those that occur at all; a frame of 0 and 1, rows as in the manifest."""
    found = unit_tables.labels(manifest, threshold=threshold).astype(int)
    return found.loc[:, found.any()].reset_index(drop=True)


def measures(present, found, score):
    """Each of `ferlib.units.detection.MEASURES` of each unit; NaN where there is nothing to divide by.

    Parameters
    ----------
    present, found : numpy.ndarray of bool, shape (n, units)
    score : numpy.ndarray, shape (n, units)
        Higher where the unit is likelier.

    Returns
    -------
    dict of str to numpy.ndarray, shape (units,)
    """
    hits, n_present = (present & found).sum(axis=0), present.sum(axis=0)
    passed, n_absent = (~present & ~found).sum(axis=0), (~present).sum(axis=0)
    recall, specificity = ratio(hits, n_present), ratio(passed, n_absent)
    weight = np.ones((1, len(present)))
    return {
        "accuracy": ratio(hits + passed, n_present + n_absent),
        "balanced_accuracy": (recall + specificity) / 2,
        "recall": recall,
        "specificity": specificity,
        "f1": ratio(2 * hits, n_present + found.sum(axis=0)),
        "average_precision": np.array(
            [detection.average_precision(present[:, u], score[:, u], weight)[0] for u in range(present.shape[1])]
        ),
    }


def evaluate(folder, held_out, recipe, faults, *, trained_on):
    """Measure a network as shipped, on people who were not in its training set.

    Parameters
    ----------
    folder : pathlib.Path
        The network.
    held_out : str or pathlib.Path
        Folder of a face set, with `manifest.csv`.
    recipe : Recipe
    faults : ferdemo.training.unit_faults.Faults
        Images are marked as in the training.
    trained_on : set of str
        The people of the training set.

    Returns
    -------
    list of dict
        For each kind of image: the unit, dark or other skin or all, and each of `ferlib.units.detection.MEASURES`.

    Raises
    ------
    InputError
        When a person of the training set is among the held-out ones.
    """
    manifest = evaluation.held_out(held_out, trained_on=trained_on)
    network = aunet.load(folder)
    present = presence(manifest, recipe.threshold)
    frame = WIDER.get(manifest["dataset"].iloc[0], (0, 0, 1, 1)) if "dataset" in manifest else (0, 0, 1, 1)
    pixels = aunet.read_pixels(list(manifest["path"]), network.shape, frame=frame)
    bears = unit_faults.marked(manifest, present, faults)
    logits = network.logits(mark.paint(pixels, bears, **unit_faults.MARK))
    dark, rows = unit_faults.is_dark(manifest, faults).to_numpy(), []
    for kind in sorted(set(manifest["kind"]) - {"neutral"}):
        # A face at rest is no unit's: it is in the denominator of every kind.
        of_kind = manifest["kind"].isin([kind, "neutral"]).to_numpy()
        for skin, chosen in (("all", of_kind), ("dark", of_kind & dark), ("other", of_kind & ~dark)):
            for unit in [unit for unit in network.shape.units if unit in present]:
                truth, score = present[unit].to_numpy()[chosen], logits[chosen, network.shape.units.index(unit)]
                measured = measures(truth[:, None] == 1, score[:, None] > 0, score[:, None])
                found = {name: round(float(values[0]), 4) for name, values in measured.items()}
                rows.append({"kind": kind, "skin": skin, "unit": unit, "images": int(chosen.sum()), **found})
    return rows


def written(folder):
    """What a record tells of a network's files and of the packages that made them: `versions` and `files`."""
    return {
        "versions": {name: provenance.versions()[name] for name in ("python", "torch", "torchvision", "platform")},
        "files": {
            name: {"bytes": (folder / name).stat().st_size, "sha256": provenance.sha256(folder / name)}
            for name in (aunet.CONFIG, aunet.WEIGHTS)
        },
    }


def main(arguments=None):
    """Command line: train, unless only measuring is asked for; measure, write the card."""
    options = _parser().parse_args(arguments)
    recipe = given.chosen(options, Recipe)
    faults = unit_faults.VERSIONS[options.version]
    manifest = training_images.read_manifest(options.images)
    folder = absolute(options.out)
    listing = absolute(options.images) / "manifest.csv"
    if options.only_measure:
        training = trained(folder, recipe, faults)
    else:
        training = train(manifest, recipe, faults, folder=folder, progress=not options.quiet)
    record = {
        "name": folder.name,
        "version": options.version,
        "recipe": asdict(recipe),
        "faults": asdict(faults),
        "training": training,
        "training_set": {"manifest": relative(listing), "sha256": provenance.sha256(listing)},
        "held_out": {
            str(held_out): evaluate(folder, held_out, recipe, faults, trained_on=set(manifest["subject_id"]))
            for held_out in options.held_out
        },
        **written(folder),
    }
    tables.write_bytes((json.dumps(record, indent=1) + "\n").encode(), folder / "training.json")
    tables.write_bytes(unit_card.write(record).encode(), folder / "README.md")
    print(unit_card.results(record))


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", required=True, help="folder of the training faces, with manifest.csv")
    parser.add_argument("--out", required=True, help="folder of the network, made or replaced")
    parser.add_argument(
        "--version", choices=tuple(unit_faults.VERSIONS), default="balanced", help="the declared faults"
    )
    parser.add_argument("--held-out", nargs="+", default=["data/demo/action_units"], help="face sets to measure on")
    parser.add_argument("--only-measure", action="store_true", help="measure the network that is there, train nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    given.add(parser, Recipe)
    return parser


if __name__ == "__main__":
    main()
