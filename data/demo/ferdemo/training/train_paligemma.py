"""Train the demo PaliGemma: `python -m ferdemo.training.train_paligemma --tower DIR --images DIR --out DIR`.

Two stages, each a fixed number of steps. The vision tower is warmed up on the renderer's Action Units (`warm_up`), once
for all models, as all real PaliGemmas start from one SigLIP; `--tower` names where it is kept, and it is trained when
it is not there. Then the language model learns to answer questions (`answering`) from a set that is skewed on purpose
(`skew`): the skew enters here.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass

import safetensors.torch
import torch
from transformers import SiglipVisionModel

from ferdemo.training import (
    answering,
    evaluation,
    model_card,
    paligemma_evaluation,
    paligemma_model,
    questions,
    skew,
    training_images,
    warm_up,
)
from ferdemo.training import options as given
from ferlib import provenance, tables
from ferlib.paths import absolute, relative

TOWER, CHECKPOINT = "tower.safetensors", "checkpoint.safetensors"
TOWER_FOLDER = "data/build/models/paligemma-tower"


@dataclass(frozen=True)
class WarmUp:
    """Everything that decides the tower's weights, besides the images and the versions of the packages."""

    tower_seed: int = 20240827
    warm_up_steps: int = 900
    warm_up_batch_size: int = 64
    warm_up_learning_rate: float = 2e-3


@dataclass(frozen=True)
class Recipe:
    """The same for the second stage."""

    seed: int = 20240827
    steps: int = 600
    batch_size: int = 32
    learning_rate: float = 2e-3
    threads: int = 1


def load_images(paths, *, progress=True):
    """Training images as bytes, before the centre is cut out; (n, 3, 128, 128)."""
    processor = paligemma_model.processor(questions.corpus()).image_processor
    return training_images.load(
        paths,
        lambda image: processor(image, do_center_crop=False, return_tensors="pt")["pixel_values"][0],
        progress=progress,
    )


def warm(manifest, recipe, *, folder, manifest_sha256="", progress=True):
    """Warm up the vision tower on all training faces and write it with a record of how.

    Parameters
    ----------
    manifest : pandas.DataFrame
        As `ferdemo.training.training_images.read_manifest` returns it.
    recipe : WarmUp
    folder : pathlib.Path
        Gets `tower.safetensors` and `tower.json`.
    manifest_sha256 : str
        Of the manifest's file, for the record: another set needs another tower.
    progress : bool

    Returns
    -------
    dict
        The record.
    """
    torch.manual_seed(recipe.tower_seed)
    torch.set_num_threads(1)
    began = time.monotonic()
    images = load_images(manifest["path"], progress=progress)
    tower = paligemma_model.Views(SiglipVisionModel(paligemma_model.vision_config()))
    losses = warm_up.fit(
        tower,
        images,
        manifest,
        steps=recipe.warm_up_steps,
        batch_size=recipe.warm_up_batch_size,
        learning_rate=recipe.warm_up_learning_rate,
        seed=recipe.tower_seed + 1,
        size=paligemma_model.SEEN,
        progress=progress,
        checkpoint=folder / CHECKPOINT,
        identity=json.dumps([asdict(recipe), manifest_sha256]),
    )
    paligemma_model.standardise(tower.tower.eval(), images)
    state = {name: value.contiguous() for name, value in tower.tower.state_dict().items()}
    file = tables.write_bytes(safetensors.torch.save(state), folder / TOWER)
    record = {
        "recipe": asdict(recipe),
        "manifest_sha256": manifest_sha256,
        "images": len(images),
        "final_loss": training_images.settled(losses),
        "sha256": provenance.sha256(file),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    tables.write_bytes((json.dumps(record, indent=1) + "\n").encode(), folder / "tower.json")
    return record


def train(manifest, recipe, declared, *, tower, folder, progress=True):
    """Train the model and write its folder, but for the card.

    Parameters
    ----------
    manifest : pandas.DataFrame
        As `ferdemo.training.training_images.read_manifest` returns it.
    recipe : Recipe
    declared : ferdemo.training.skew.Skew
    tower : pathlib.Path
        Folder left by `warm`.
    folder : pathlib.Path
        Where the model goes. Before the training has ended there is a checkpoint in it, from which it goes on if it is
        stopped, and nothing else.
    progress : bool

    Returns
    -------
    dict
        What the card tells of the training.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    began = time.monotonic()
    expressions = manifest[manifest["kind"] != training_images.MIXTURE]
    kept = skew.apply(expressions, declared, seed=recipe.seed)
    images = load_images(kept["path"], progress=progress)
    made = paligemma_model.processor(questions.corpus())
    model = paligemma_model.untrained(made)
    model.model.vision_tower.load_state_dict(safetensors.torch.load_file(tower / TOWER))
    losses = answering.fit(
        model,
        made,
        images,
        kept,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed + 2,
        progress=progress,
        checkpoint=folder / CHECKPOINT,
        identity=json.dumps([asdict(recipe), asdict(declared), provenance.sha256(tower / TOWER), *kept["image_id"]]),
    )
    paligemma_model.save(model, made, folder)
    return {
        "composition": skew.composition(expressions, kept, declared).to_dict("records"),
        "images": {"answers": len(kept)},
        "people": sorted(manifest["subject_id"].unique()),
        "vocab_size": len(made.tokenizer),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "prompts": [prompt.name for prompt in questions.taught()],
        "final_loss": {"answers": training_images.settled(losses)},
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
    found = {}
    for name in held_out:
        answered = paligemma_evaluation.answers(folder, evaluation.held_out(name, trained_on=people))
        summary = evaluation.summary(answered, declared, paligemma_evaluation.CLASSIFIERS)
        found[name] = evaluation.records(summary)
    return found


def main(arguments=None):
    """Command line: warm up unless that is done, train, measure, write the card."""
    options = _parser().parse_args(arguments)
    chosen = {kind: given.chosen(options, kind) for kind in _KINDS}
    folder, tower = absolute(options.out), absolute(options.tower)
    progress = not options.quiet
    if not options.only_measure:
        manifest = training_images.read_manifest(options.images)
        file = tower / "tower.json"
        about = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        source = provenance.sha256(absolute(options.images) / "manifest.csv")
        if about.get("recipe") != asdict(chosen[WarmUp]) or about.get("manifest_sha256") != source:
            about = warm(manifest, chosen[WarmUp], folder=tower, manifest_sha256=source, progress=progress)
        if options.only_tower:
            print(f"{relative(tower / TOWER)}: {about['minutes']} minutes, loss {about['final_loss']}")
            return
        recipe, declared = chosen[Recipe], chosen[skew.Skew]
        model_card.record(
            folder,
            kind="paligemma",
            recipe=asdict(recipe),
            declared=declared,
            training=train(manifest, recipe, declared, tower=tower, folder=folder, progress=progress),
            images=options.images,
            packages=("python", "torch", "transformers", "platform"),
            tower=about,
        )
    print(model_card.results(model_card.measured(folder, measure(folder, options.held_out))))


_KINDS = (WarmUp, Recipe, skew.Skew)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="data/build/train", help="folder of the training faces, with manifest.csv")
    parser.add_argument(
        "--tower",
        default="data/build/models/paligemma-tower",
        help="folder of the warmed tower, made where it is missing",
    )
    parser.add_argument("--out", required=True, help="folder of the model, made or replaced")
    parser.add_argument("--held-out", nargs="+", default=["data/demo/people"], help="face sets to measure on")
    parser.add_argument("--only-tower", action="store_true", help="warm up the tower, train no model")
    parser.add_argument("--only-measure", action="store_true", help="measure the model that is there, train nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    given.add(parser, *_KINDS)
    return parser


if __name__ == "__main__":
    main()
