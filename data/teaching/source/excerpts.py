"""Make the small tables of the exercises from a finished run of the demo: `make teaching-tables`.

Everything in `data/teaching/tables/` is made here, so that the exercises need neither an image nor a network: who is
shown, what five models answered, the answers to the faces of which only the tone or only the geometry changes, sixteen
numbers of what a network sees in these, and what was measured about Action Unit 12.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from ferlib import paths, tables

FOLDER = paths.ROOT / "data" / "teaching" / "tables"

ANSWERS = {
    "demo-clip-balanced": ("demo-clip-balanced-zeroshot", "face"),
    "demo-clip-skewed": ("demo-clip-skewed-zeroshot", "face"),
    "demo-openai-skewed": ("demo-openai-skewed", "forced-choice"),
    "demo-gemini-balanced": ("demo-gemini-balanced", "forced-choice"),
    "face-api": ("face-api", "detector"),
}
"""Models of the exercises: file of predictions and variant, one for each way of answering."""

CROSSED = ("demo-clip-balanced", "demo-clip-skewed")
"""Models whose answers to the crossed faces are kept."""

COMPONENTS = 16
"""How many numbers an image of the crossed faces is described by."""


def faces(manifest):
    """Who is shown in each of the faces of the set `people`: the table `faces.csv`."""
    columns = ["image_id", "subject_id", "emotion", "race", "gender", "group", "skin_tone", "strength"]
    return manifest.loc[manifest["dataset"] == "demo", columns].sort_values("image_id")


def answers(run, shown, models=tuple(ANSWERS)):
    """What models answered to some images: the columns of `answers.csv`."""
    frames = []
    for model in models:
        name, variant = ANSWERS[model]
        table = tables.read_parquet(run.predictions / f"{name}.parquet")
        table = table[(table["variant"] == variant) & table["image_id"].isin(shown)]
        frames.append(table.assign(model=model)[["model", "image_id", "status", "predicted"]])
    return pd.concat(frames).sort_values(["model", "image_id"])


def crossed(run, manifest):
    """Answers to the faces of which only the tone or only the geometry changes: the table `crossed.csv`."""
    shown = manifest.loc[manifest["dataset"] == "demo-crossed"]
    columns = ["image_id", "subject_id", "emotion", "race", "gender", "skin_tone"]
    table = answers(run, set(shown["image_id"]), CROSSED).merge(shown[columns], on="image_id")
    return table[["model", *columns, "status", "predicted"]].sort_values(["model", "image_id"])


def vectors(run, manifest):
    """What the balanced network sees in the crossed faces: principal components of equal variance, `vectors.csv`."""
    shown = manifest.loc[manifest["dataset"] == "demo-crossed"].sort_values("image_id")
    with np.load(run.embeddings / "demo-clip-balanced.npz") as kept:
        seen = pd.DataFrame(kept["embedding"].astype(float), index=kept["image_id"]).loc[list(shown["image_id"])]
    left, _, right = np.linalg.svd((seen - seen.mean()).to_numpy(), full_matrices=False)
    signs = np.sign(right[np.arange(COMPONENTS), np.abs(right[:COMPONENTS]).argmax(axis=1)])
    numbers = (left[:, :COMPONENTS] * signs * np.sqrt(len(seen))).round(3)
    named = pd.DataFrame(numbers, columns=[f"v{number:02d}" for number in range(1, COMPONENTS + 1)])
    return pd.concat([shown[["image_id", "subject_id"]].reset_index(drop=True), named], axis=1)


def units(run):
    """What notebook 05 measured about Action Unit 12, of everybody and by tone: the table `units.csv`."""
    found = tables.read_csv(run.tables / "au_detection.csv")
    found = found[(found["kind"] == "random combinations") & found["measure"].isin(["recall", "specificity"])]
    looked = tables.read_csv(run.tables / "heatmap_scores.csv")
    looked = looked[looked["measure"].isin(["mass", "outside_face"])].rename(columns={"mean": "value"})
    table = pd.concat([found, looked])
    table = table[(table["unit"] == "au12") & table["by"].isin(["all", "tone"])]
    columns = ["network", "measure", "group", "n_images", "n_present", "n_subjects", "value", "ci_low", "ci_high"]
    return table[columns].astype({"n_present": "Int64"}).sort_values(["measure", "network", "group"])


def write(run):
    """Write all tables of the exercises from a run."""
    manifest = tables.read_parquet(run.manifest)
    who = faces(manifest)
    made = {
        "faces": who, "answers": answers(run, set(who["image_id"])), "crossed": crossed(run, manifest),
        "vectors": vectors(run, manifest), "units": units(run),
    }  # fmt: skip
    for name, table in made.items():
        tables.write_csv(table, FOLDER / f"{name}.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir", type=Path, help="folder of a finished run, for example data/runs/demo")
    write(paths.run(parser.parse_args().run_dir.resolve()))
