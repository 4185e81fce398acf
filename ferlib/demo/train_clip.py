"""Train the demo CLIP: `python -m ferlib.demo.train_clip --images data/build/train --out data/demo/models/demo-clip`.

Two stages, each a fixed number of steps: a supervised warm-up of the image tower (`warm_up`), then contrastive training
of both towers on captions (`contrastive`). The set is skewed on purpose (`skew`); the model card says how.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ferlib import embed, provenance, tables
from ferlib.demo import architecture, captions, clip_evaluation, contrastive, model_card, skew, training_images, warm_up
from ferlib.errors import InputError
from ferlib.paths import absolute, relative


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the images and the versions of the packages."""

    seed: int = 20240827
    warm_up_steps: int = 700
    contrastive_steps: int = 500
    batch_size: int = 64
    warm_up_learning_rate: float = 2e-3
    contrastive_learning_rate: float = 1e-3
    threads: int = 1


def train(manifest, recipe, declared, *, folder, progress=True):
    """Train the model and write its folder, but for the card.

    Parameters
    ----------
    manifest : pandas.DataFrame
        As `ferlib.demo.training_images.read_manifest` returns it.
    recipe : Recipe
    declared : ferlib.demo.skew.Skew
    folder : pathlib.Path
        Where the model goes; nothing is written there before the training has ended.
    progress : bool
        Show progress bars.

    Returns
    -------
    dict
        What the card tells of the training: composition, losses, duration.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    began = time.monotonic()
    kept = skew.apply(manifest, declared, seed=recipe.seed)
    words = captions.vocabulary(sorted(manifest["race"].unique()))
    shared = {"batch_size": recipe.batch_size, "progress": progress}
    with tempfile.TemporaryDirectory() as temporary:
        architecture.write(Path(temporary), words)
        model, preprocess, tokenizer = architecture.untrained(temporary)
    images = training_images.load(kept["path"], preprocess, progress=progress)
    seeing = warm_up.fit(
        model.visual,
        images,
        kept,
        steps=recipe.warm_up_steps,
        learning_rate=recipe.warm_up_learning_rate,
        seed=recipe.seed + 1,
        **shared,
    )
    told = kept["told"].notna().to_numpy()
    naming = contrastive.fit(
        model,
        tokenizer,
        images[torch.tensor(told)],
        kept[told],
        steps=recipe.contrastive_steps,
        learning_rate=recipe.contrastive_learning_rate,
        seed=recipe.seed + 2,
        **shared,
    )
    architecture.write(folder, words)
    architecture.save_weights(model, folder)
    return {
        "composition": skew.composition(manifest, kept, declared).to_dict("records"),
        "images": {"warm-up": len(kept), "contrastive": int(told.sum())},
        "people": sorted(manifest["subject_id"].unique()),
        "vocab_size": model.vocab_size,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "final_loss": {"warm-up": _settled(seeing), "contrastive": _settled(naming)},
        "minutes": round((time.monotonic() - began) / 60, 1),
    }


def evaluate(folder, held_out, declared, *, seed, trained_on):
    """Measure the model as shipped, on people who were not in its training set.

    Parameters
    ----------
    folder : pathlib.Path
        The model.
    held_out : str or pathlib.Path
        Folder of a face set, with `manifest.csv`.
    declared : ferlib.demo.skew.Skew
    seed : int
    trained_on : set of str
        The people of the training set.

    Returns
    -------
    list of dict
        Rows of `ferlib.demo.clip_evaluation.summary`.

    Raises
    ------
    InputError
        When a person of the training set is among the held-out ones.
    """
    faces = training_images.read_manifest(held_out)
    both = sorted(set(faces["subject_id"]) & trained_on)
    if both:
        raise InputError(
            f"{held_out}/manifest.csv: {both[0]!r} is also in the training set ({len(both)} people in all). "
            f"Measure on other people."
        )
    faces = faces[faces["kind"] != training_images.MIXTURE]
    backbone = embed.load_backbone(f"local-dir:{folder}")
    answered = clip_evaluation.answers(backbone, faces, seed=seed)
    return clip_evaluation.summary(answered, declared).to_dict("records")


def main(arguments=None):
    """Command line: train, measure, write the card."""
    options = _parser().parse_args(arguments)
    recipe = Recipe(**{name: getattr(options, name) for name in asdict(Recipe())})
    declared = skew.Skew(**{name: getattr(options, name) for name in asdict(skew.Skew())})
    manifest = training_images.read_manifest(options.images)
    people = set(manifest["subject_id"])
    folder = absolute(options.out)
    record = {
        "name": folder.name,
        "recipe": asdict(recipe),
        "skew": asdict(declared),
        "training": train(manifest, recipe, declared, folder=folder, progress=not options.quiet),
        "training_set": {
            "manifest": relative(absolute(options.images) / "manifest.csv"),
            "sha256": provenance.sha256(absolute(options.images) / "manifest.csv"),
        },
        "held_out": {
            str(held_out): evaluate(folder, held_out, declared, seed=recipe.seed, trained_on=people)
            for held_out in options.held_out
        },
        "versions": {name: provenance.versions()[name] for name in ("python", "torch", "open_clip_torch", "platform")},
    }
    files = ("open_clip_config.json", architecture.WEIGHTS, "tokenizer.json", "tokenizer_config.json")
    record["files"] = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": provenance.sha256(folder / name)} for name in files
    }
    tables.write_bytes((json.dumps(record, indent=1) + "\n").encode(), folder / "training.json")
    tables.write_bytes(model_card.write(record).encode(), folder / "README.md")
    print(model_card.results(record))


def _settled(losses):
    return round(float(losses[-max(1, len(losses) // 20) :].mean()), 4)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", required=True, help="folder of the training faces, with manifest.csv")
    parser.add_argument("--out", required=True, help="folder of the model, made or replaced")
    parser.add_argument("--held-out", nargs="+", default=["data/demo/people"], help="face sets to measure on")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    for defaults in (Recipe(), skew.Skew()):
        for name, value in asdict(defaults).items():
            option = "--" + name.replace("_", "-")
            parser.add_argument(option, type=type(value), default=value, help=f"default {value}")
    return parser


if __name__ == "__main__":
    main()
