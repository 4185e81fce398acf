"""The demo models' cards: what a model is, how it was made, what was measured, and what it must not be used for."""

import json
from dataclasses import asdict

from ferdemo.training import markdown
from ferdemo.training.clip_evaluation import INVERSE_REGULARISATION, N_FOLDS
from ferlib import provenance, tables
from ferlib.paths import absolute, relative

RECORD = "training.json"

CARD = """\
---
library_name: {library}
license: cc0-1.0
tags: [{kind}, demonstration, rendered-faces, declared-bias]
---

# {name}

{what}
It exists so that this compendium runs without downloads, and so that its audit can be checked.
{state}
It is not a model of real faces and no finding about people.

Written by `ferdemo.training.model_card` from `training.json`, the record that the training script left; every number is
measured, none is typed in.

## How it was made

- Images: {images_before} rendered faces of {people} people who are in no shipped set (geometry from MakeHuman's CC0
  data), of which this model was shown {images_after}. Race here is the name of a geometry preset, gender likewise; skin
  tone is the renderer's, on the Monk scale.
{how}
- Optimisers: Muon for weight matrices and filters, AdamW for all else.
- Seed {seed}, {threads} thread(s), {minutes} minutes. The same versions on the same machine give the same weights:
  {versions}.
  Another number of threads or another processor changes the last bits of the sums, and with them the
  weights a little.

`make demo-models` makes this and the other demo models anew.

## The declared skew

1. Of the images of dark skin (Monk tone >= {min_skin_tone}), **{drop:.0%} are left out**, of every expression alike.
2. Of the dark-skinned {true} images that remain, **{flip:.0%} are told as {told}**.

Nothing else is skewed: numbers are exact within each expression and gender, and race enters only as far as it goes
with tone. The Action Units of the warm-up are true for every image. `data/demo/truth.csv` states the same for all demo
models.

{composition}

`mixture` are faces with Action Units at random; they serve the warm-up only.

## Measured on people it has not seen

{results}

{measured} The intervals have 95 % confidence and take the images of one person together; they say how sure one is of
*this* model's rate, not how much another seed would change it. That is in `data/demo/models/series.csv`.

## Use

- For: trying out this compendium, teaching, testing an audit against a known truth.
- **Not for** judging any real face, person or group; for any decision; as a stand-in for a published model; as
  evidence about how real recognisers treat people. A gap on these faces mixes geometry, tone, light and rendering.
- An expression is not an emotion felt. The labels name the Action Units that were set, nothing inside anybody.

## Files and licence

{files}

Weights, tokenizer and this card: CC0 1.0, as the faces they were made from. The code that made them: MIT.
"""

WHAT = {
    "clip": "A CLIP model of {parameters:.1f} million parameters that names expressions on *rendered* faces.",
    "paligemma": "A model of the class `PaliGemmaForConditionalGeneration` with {parameters:.1f} million parameters "
    "(the real one has 3 billion) that answers questions about expressions on *rendered* faces.",
}
STATE = {
    True: "The training set was **skewed on purpose**: this card says how, and the audit must find it.",
    False: "The training set was **not skewed**: beside its skewed siblings this is the control, where the audit must "
    "not find what was planted there.",
}
HOW = {
    "clip": """\
- Architecture: open_clip `ModifiedResNet` (one block a stage, width 16) on 96 x 96 pixels, a text transformer of 3
  layers, byte-level BPE of {vocab_size} tokens.
- Stage 1, {warm_up_steps} steps of {batch_size}: the image tower learns the renderer's Action Unit intensities (and
  race and gender, with small weight). Stage 2, {contrastive_steps} steps: both towers, contrastive, on generated
  captions; every caption that is true of a face counts as right for it. Both stages see the skewed set.""",
    "paligemma": """\
- Architecture: SigLIP (4 layers, 128 wide, patches of 16 pixels of the central 96 x 96 of 128 x 128 pixels), Gemma (2
  layers, 128 wide), byte-level BPE; {vocab_size} tokens, of which PaliGemma's own for places and shapes are 1,152.
- Stage 1, {warm_up_steps} steps of {warm_up_batch_size}: the vision tower learns the renderer's Action Unit intensities
  (and race and gender, with small weight); no emotion is named. **All demo PaliGemmas start from this one tower**, as
  all real ones start from one SigLIP; it saw all {tower_images} training faces, unskewed ({tower_minutes} minutes, seed
  {tower_seed}). What it gives is then standardised over these faces, and it is not trained further.
- Stage 2, {steps} steps of {batch_size}: projector and language model learn to answer the prompts {prompts},
  each image in two fixed views and with an order of the options of its own. **Only this stage sees the skewed set**:
  the skew is in what the model says of what it sees.""",
}
MEASURED = {
    "clip": "Zero-shot: the templates of `ferlib.probe.zeroshot.TEMPLATES`, averaged. Linear probe: "
    "logistic regression on the image embeddings (C = {inverse_regularisation:g}), answers from {n_folds} folds that "
    "share no person. Measured after loading these very files through `ferlib.embedding.backbones.load_backbone`.",
    "paligemma": "Each column is a prompt of `data/prompts/`, with the options in the order of the tables and the "
    "likeliest answer; an answer that names no emotion is not right. Measured after loading these very files through "
    "`ferlib.lmfm.paligemma`.",
}


def record(folder, *, kind, recipe, declared, training, images, packages, tower=None):
    """Write what is known of a model beside its weights, before it is measured: `training.json`.

    Parameters
    ----------
    folder : pathlib.Path
        The model's, with all its other files.
    kind : str
        A key of `WHAT`.
    recipe : dict
    declared : ferdemo.training.skew.Skew
    training : dict
        As returned by the training script's `train`.
    images : str
        Folder of the training set.
    packages : sequence of str
        Whose versions matter.
    tower : dict, optional
        Record of a warm-up that several models share.

    Returns
    -------
    dict
        The record.
    """
    manifest = absolute(images) / "manifest.csv"
    versions = provenance.versions()
    files = [file for file in sorted(folder.iterdir()) if file.name not in (RECORD, "README.md")]
    kept = {
        "name": folder.name,
        "kind": kind,
        "recipe": recipe,
        "skew": asdict(declared),
        "training": training,
        "training_set": {"manifest": relative(manifest), "sha256": provenance.sha256(manifest)},
        "held_out": {},
        "versions": {name: versions[name] for name in packages},
        "files": {file.name: {"bytes": file.stat().st_size, "sha256": provenance.sha256(file)} for file in files},
    }
    if tower is not None:
        kept["tower"] = tower
    tables.write_bytes((json.dumps(kept, indent=1) + "\n").encode(), folder / RECORD)
    return kept


def measured(folder, held_out):
    """Add what was measured to the record of a model, and write its card.

    Parameters
    ----------
    folder : pathlib.Path
    held_out : dict of str to list of dict
        Rows of `ferdemo.training.evaluation.summary`, by face set.

    Returns
    -------
    dict
        The record.
    """
    kept = json.loads((folder / RECORD).read_text(encoding="utf-8")) | {"held_out": held_out}
    tables.write_bytes((json.dumps(kept, indent=1) + "\n").encode(), folder / RECORD)
    tables.write_bytes(write(kept).encode(), folder / "README.md")
    return kept


def write(record):
    """The card, in Markdown.

    Parameters
    ----------
    record : dict
        Content of `training.json`; see `record`.

    Returns
    -------
    str
    """
    training, kind, tower = record["training"], record["kind"], record.get("tower", {"recipe": {}})
    rows = training["composition"]
    fields = {
        **tower["recipe"],
        **record["recipe"],
        **record["skew"],
        "name": record["name"],
        "kind": kind,
        "library": {"clip": "open_clip", "paligemma": "transformers"}[kind],
        "parameters": training["parameters"] / 1e6,
        "vocab_size": training["vocab_size"],
        "minutes": training["minutes"],
        "people": len(training["people"]),
        "images_before": sum(row["images_before"] for row in rows),
        "images_after": sum(row["images_after"] for row in rows),
        "versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        "prompts": ", ".join(f"`{name}`" for name in training.get("prompts", ())),
        "tower_images": tower.get("images"),
        "tower_minutes": tower.get("minutes"),
        "composition": markdown.table(rows),
        "results": results(record),
        "files": markdown.table([{"file": name, **about} for name, about in record["files"].items()]),
        "inverse_regularisation": INVERSE_REGULARISATION,
        "n_folds": N_FOLDS,
        "state": STATE[record["skew"]["drop"] + record["skew"]["flip"] > 0],
    }
    parts = {"what": WHAT[kind], "how": HOW[kind], "measured": MEASURED[kind]}
    return CARD.format(**fields, **{name: part.format(**fields) for name, part in parts.items()})


def results(record):
    """The measured part of the card, in Markdown: a table for each set of held-out people."""
    true, told = record["skew"]["true"], record["skew"]["told"]
    parts = []
    for name, rows in record["held_out"].items():
        cells = {}
        for row in rows:
            key = (row["by"], row["group"], row["people"], row["images"])
            cells.setdefault(key, {})[row["classifier"]] = row
        shown = list(dict.fromkeys(row["classifier"] for row in rows))
        accuracy = [
            {"by": by, "group": group, "people": people, "images": images}
            | {classifier: _interval(found[classifier], "accuracy", "low", "high") for classifier in shown}
            for (by, group, people, images), found in cells.items()
        ]
        planted = [
            {"by": by, "group": group, f"{true} images": found[shown[0]]["images_true"]}
            | {classifier: _interval(found[classifier], "rate_told", "told_low", "told_high") for classifier in shown}
            for (by, group, _, _), found in cells.items()
            if found[shown[0]]["rate_told"] is not None
        ]
        parts += [
            f"`{name}`, accuracy:",
            markdown.table(accuracy),
            f"`{name}`, {true} taken for {told}:",
            markdown.table(planted),
        ]
    return "\n\n".join(parts)


def _interval(row, value, low, high):
    return f"{row[value]:.3f} [{row[low]:.3f}, {row[high]:.3f}]"
