"""Train the demo CLIP: `python -m ferdemo.training.train_clip --out data/demo/models/demo-clip-skewed`.

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

from ferdemo.training import (
    architecture,
    captions,
    clip_evaluation,
    contrastive,
    evaluation,
    model_card,
    skew,
    training_images,
    warm_up,
)
from ferdemo.training import options as given
from ferlib.embedding import backbones
from ferlib.paths import absolute


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the images and the versions of the packages."""

    seed: int = 20240827
    warm_up_steps: int = 200
    contrastive_steps: int = 160
    batch_size: int = 64
    warm_up_learning_rate: float = 2e-3
    contrastive_learning_rate: float = 1e-3
    threads: int = 1


def train(manifest, recipe, declared, *, folder, progress=True):
    """Train the model and write its folder, but for the card.

    Parameters
    ----------
    manifest : pandas.DataFrame
        As `ferdemo.training.training_images.read_manifest` returns it.
    recipe : Recipe
    declared : ferdemo.training.skew.Skew
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
        "final_loss": {"warm-up": training_images.settled(seeing), "contrastive": training_images.settled(naming)},
        "minutes": round((time.monotonic() - began) / 60, 1),
    }


def measure(folder, held_out):
    """Measure a model as shipped, on people who were not in its training set.

    Parameters
    ----------
    folder : pathlib.Path
        The model, with its record.
    held_out : sequence of str
        Folders of face sets, each with `manifest.csv`.

    Returns
    -------
    dict of str to list of dict
        Rows of `ferdemo.training.evaluation.summary`, by face set.
    """
    record = json.loads((folder / model_card.RECORD).read_text(encoding="utf-8"))
    declared, people = skew.Skew(**record["skew"]), set(record["training"]["people"])
    backbone = backbones.load_backbone(f"local-dir:{folder}")
    found = {}
    for name in held_out:
        faces = evaluation.held_out(name, trained_on=people)
        answered = clip_evaluation.answers(backbone, faces, seed=record["recipe"]["seed"])
        found[name] = evaluation.records(evaluation.summary(answered, declared, clip_evaluation.CLASSIFIERS))
    return found


def main(arguments=None):
    """Command line: train, measure, write the card."""
    options = _parser().parse_args(arguments)
    recipe, declared = given.chosen(options, Recipe), given.chosen(options, skew.Skew)
    folder = absolute(options.out)
    if not options.only_measure:
        manifest = training_images.read_manifest(options.images)
        model_card.record(
            folder,
            kind="clip",
            recipe=asdict(recipe),
            declared=declared,
            training=train(manifest, recipe, declared, folder=folder, progress=not options.quiet),
            images=options.images,
            packages=("python", "torch", "open_clip_torch", "platform"),
        )
    print(model_card.results(model_card.measured(folder, measure(folder, options.held_out))))


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="data/build/train", help="folder of the training faces, with manifest.csv")
    parser.add_argument("--out", required=True, help="folder of the model, made or replaced")
    parser.add_argument("--held-out", nargs="+", default=["data/demo/people"], help="face sets to measure on")
    parser.add_argument("--only-measure", action="store_true", help="measure the model that is there, train nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    given.add(parser, Recipe, skew.Skew)
    return parser


if __name__ == "__main__":
    main()
