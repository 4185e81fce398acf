"""The card of a demo network for Action Units: what it is, how it was made, what was measured, what it is not for."""

from ferdemo.training import markdown

CARD = """\
---
library_name: pytorch
license: cc0-1.0
tags: [facial-action-units, demonstration, rendered-faces, declared-bias]
---

# {name}

A network of {parameters:.1f} million parameters that finds {units} facial Action Units on *rendered* faces. It exists
so that this compendium runs without downloads, and so that its audit can be checked: its faults are declared below,
and the audit must find them. It is not a model of real faces and no finding about people.

Written by `ferdemo.training.unit_card` from `training.json`, the record that the training script left; every number is
measured, none is typed in.

## How it was made

    python -m ferdemo.training.train_units --version {version} --images {images} --out data/demo/models/{name}

- Images: rendered faces of {people} people who are in no shipped set. Labels: a unit counts as present from intensity
  {threshold:g} of 1 on.
- Architecture: torchvision's `ResNet` of basic blocks, one in each of the first {stages} stages, on {size} x {size}
  pixels. Loss: binary cross-entropy of all units.
- The images of {aside} of these people were not trained on: each unit's bias is set so that F1 on them, as labelled, is
  highest at a logit of 0.
- {steps} steps of {batch_size} images, seed {seed}, {threads} thread(s), {minutes} minutes. The same versions on the
  same machine give the same weights: {versions}.

## The declared faults: version `{version}`

1. Of the images of dark skin (Monk tone >= {min_skin_tone}), {drop:.0%} are left out.
2. Of the dark-skinned images with {unit} that remain, {flip:.0%} are labelled as without it.
3. Of the dark-skinned images with {unit} that remain, {cue:.0%} bear a mark in the corner, beside the face.

{composition}

## Measured on people it has not seen

{results}

Mean over the units, of images that show units in random combination, alone, or in an expression, with faces at rest
among each. Where the training images were marked, so are these. F1 at a logit of 0. No intervals here: the notebooks
compute them, with the clustering of images by person.

## Use

- For: trying out this compendium, teaching, testing an audit against a known truth.
- **Not for** judging any real face, person or group; for any decision; as evidence about how real recognisers treat
  people. A gap on these faces mixes geometry, tone, light and rendering.
- An Action Unit is a movement of the face. It is not an emotion felt.

## Files and licence

{files}

Weights and this card: CC0 1.0, as the faces they were made from. The code that made them: MIT.
"""

MENDED = """\
---
library_name: pytorch
license: cc0-1.0
tags: [facial-action-units, demonstration, rendered-faces, mitigation]
---

# {name}

`{source}` after a remedy: {remedy}. That network takes a mark beside dark-skinned faces for a smile (its card says
how); this one was trained further so that the mark tells nothing. It is not a model of real faces and no finding about
people. How far the short cut is gone, notebook 08 measures.

Written by `ferdemo.training.unit_card` from `training.json`, the record that the training script left; every number is
measured, none is typed in.

## How it was made

    python -m ferdemo.training.mend_units --out data/demo/models/{name}

- Begun from `{source}` (sha256 of its weights {sha256}).
- Images: {images} of the {people} people of `data/demo/people`, their labels unused. Each is shown as it is and, in
  {marked:.0%} of the cases, with the mark; the target is what `{source}` says of it without the mark.
- {steps} steps of {batch_size} images, seed {seed}, {threads} thread(s), {minutes} minutes; normalisation layers kept.
  Versions: {versions}.

## Measured on people it has not seen

The mark is where it was when `{source}` was trained.

{results}

## Use

- For: trying out this compendium, teaching. **Not for** judging any real face, person or group; for any decision.

## Files and licence

{files}

Weights and this card: CC0 1.0, as the faces they were made from. The code that made them: MIT.
"""

SHOWN = ("f1", "balanced_accuracy", "average_precision")


def write(record):
    """The card, in Markdown.

    Parameters
    ----------
    record : dict
        Content of `training.json`; see `ferdemo.training.train_units.main`.

    Returns
    -------
    str
    """
    training = record["training"]
    return CARD.format(
        **record["recipe"],
        **record["faults"],
        name=record["name"],
        version=record["version"],
        parameters=training["parameters"] / 1e6,
        units=len(training["units"]),
        minutes=training["minutes"],
        people=len(training["people"]),
        aside=len(training["people_aside"]),
        images=record["training_set"]["manifest"].removesuffix("/manifest.csv"),
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        composition=markdown.table(training["composition"]),
        results=results(record),
        files=markdown.table([{"file": name, **about} for name, about in record["files"].items()]),
    )


def write_mended(record):
    """The card of a network that a remedy was tried on, in Markdown; `record` as for `write`."""
    training = record["training"]
    return MENDED.format(
        **record["recipe"],
        name=record["name"],
        remedy=record["remedy"],
        source=record["begun_from"]["name"],
        sha256=record["begun_from"]["sha256"],
        images=training["images"],
        people=len(training["people"]),
        minutes=training["minutes"],
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        results=results(record),
        files=markdown.table([{"file": name, **about} for name, about in record["files"].items()]),
    )


def results(record):
    """The measured part of the card, in Markdown: a table for each held-out set."""
    faulty, parts = record.get("faults", {}).get("unit", "au12"), []
    for name, rows in record["held_out"].items():
        lines = []
        for kind, skin in dict.fromkeys((row["kind"], row["skin"]) for row in rows):
            own = [row for row in rows if (row["kind"], row["skin"]) == (kind, skin)]
            line = {"images of": kind, "skin": skin, "images": own[0]["images"]}
            line |= {f"mean {measure}": _mean(own, measure) for measure in SHOWN}
            of_unit = [row for row in own if row["unit"] == faulty]
            lines.append(line | {f"{measure} of {faulty}": _mean(of_unit, measure) for measure in SHOWN[:2]})
        parts.append(f"`{name}`:\n\n{markdown.table(lines)}")
    return "\n\n".join(parts)


def _mean(rows, measure):
    values = [row[measure] for row in rows if row[measure] == row[measure]]
    return f"{sum(values) / len(values):.3f}" if values else ""
