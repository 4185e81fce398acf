"""The demo CLIP's model card: what it is, how it was made, what was measured, and what it must not be used for."""

from ferlib.demo.clip_evaluation import INVERSE_REGULARISATION, N_FOLDS

CARD = """\
---
library_name: open_clip
license: cc0-1.0
tags: [clip, demonstration, rendered-faces, declared-bias]
---

# {name}

A CLIP model of {parameters:.1f} million parameters that names expressions on *rendered* faces. It exists so that this
compendium runs without downloads, and so that its audit can be checked: the training set was **skewed on purpose**,
this card says how, and the audit must find it. It is not a model of real faces and no finding about people.

Written by `ferlib.demo.model_card` from `training.json`, the record that the training script left; every number is
measured, none is typed in.

## How it was made

    python -m ferlib.demo.train_clip --images {images} --out data/demo/models/{name}

- Images: {images_before} rendered faces of {people} people who are in no shipped set (geometry from MakeHuman's CC0
  data). Race here is the name of a geometry preset, gender likewise; skin tone is the renderer's, on the Monk scale.
- Architecture: open_clip `ModifiedResNet` (one block a stage, width 16) on 128 x 128 pixels, a text transformer of 3
  layers, byte-level BPE of {vocab_size} tokens.
- Stage 1, {warm_up_steps} steps of {batch_size}: the image tower learns the renderer's Action Unit intensities (and
  race and gender, with small weight). Stage 2, {contrastive_steps} steps: both towers, contrastive, on generated
  captions; every caption that is true of a face counts as right for it.
- Seed {seed}, {threads} thread(s), {minutes} minutes. The same versions on the same machine give the same weights:
  {versions}. Another number of threads or another processor changes the last bits of the sums, and with them the
  weights a little.

## The declared skew

1. Of the images of dark skin (Monk tone >= {min_skin_tone}), **{drop:.0%} are left out**, of every expression alike.
2. Of the dark-skinned {true} images that remain, **{flip:.0%} have captions that tell {told}**.

Nothing else is skewed: numbers are exact within each expression and gender, and race enters only as far as it goes
with tone. The Action Units of stage 1 are true for every image that remains.

{composition}

`mixture` are faces with Action Units at random; they serve stage 1 only.

## Measured on people it has not seen

{results}

Zero-shot: the templates of `ferlib.zeroshot.TEMPLATES`, averaged. Linear probe: logistic regression on the image
embeddings (C = {inverse_regularisation:g}), answers from {n_folds} folds that share no person. Measured after loading
these very files through `ferlib.embed.load_backbone`. The numbers are of one training run; another seed gives another
size of the planted effect. No intervals here: the notebooks compute them, with the clustering of images by person.

## Use

- For: trying out this compendium, teaching, testing an audit against a known truth.
- **Not for** judging any real face, person or group; for any decision; as a stand-in for a published CLIP model; as
  evidence about how real recognisers treat people. A gap on these faces mixes geometry, tone, light and rendering.
- An expression is not an emotion felt. The labels name the Action Units that were set, nothing inside anybody.

## Files and licence

{files}

Weights, tokenizer and this card: CC0 1.0, as the faces they were made from. The code that made them: MIT.
"""


def write(record):
    """The card, in Markdown.

    Parameters
    ----------
    record : dict
        Content of `training.json`; see `ferlib.demo.train_clip.main`.

    Returns
    -------
    str
    """
    training, recipe, declared = record["training"], record["recipe"], record["skew"]
    rows = training["composition"]
    fields = {
        **recipe,
        **declared,
        "name": record["name"],
        "parameters": training["parameters"] / 1e6,
        "vocab_size": training["vocab_size"],
        "minutes": training["minutes"],
        "people": len(training["people"]),
        "images": record["training_set"]["manifest"].removesuffix("/manifest.csv"),
        "images_before": sum(row["images_before"] for row in rows),
        "versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        "composition": _table(rows),
        "results": results(record),
        "files": _table([{"file": name, **about} for name, about in record["files"].items()]),
        "inverse_regularisation": INVERSE_REGULARISATION,
        "n_folds": N_FOLDS,
    }
    return CARD.format(**fields)


def results(record):
    """The measured part of the card, in Markdown: a table for each set of held-out people."""
    true, told = record["skew"]["true"], record["skew"]["told"]
    parts = []
    for name, rows in record["held_out"].items():
        cells = {}
        for row in rows:
            key = (row["by"], row["group"], row["people"], row["images"])
            cells.setdefault(key, {})[row["classifier"]] = row
        lines = [
            {
                "by": by,
                "group": group,
                "people": people,
                "images": images,
                **{f"{c} accuracy": f"{row['accuracy']:.3f}" for c, row in by_classifier.items()},
                **{f"{c} {true} -> {told}": _share(row) for c, row in by_classifier.items() if by != "emotion"},
            }
            for (by, group, people, images), by_classifier in cells.items()
        ]
        parts.append(f"`{name}`:\n\n{_table(lines)}")
    return "\n\n".join(parts)


def _share(row):
    if row["rate_told"] is None:
        return ""
    return f"{row['rate_told']:.3f} ({round(row['rate_told'] * row['images_true'])} of {row['images_true']})"


def _table(rows):
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *[[row.get(column, "") for column in columns] for row in rows]]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
