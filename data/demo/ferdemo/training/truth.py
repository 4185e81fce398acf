"""What was planted in the demo models, and what came of it: `python -m ferdemo.training.truth`.

From the records that the training scripts left it writes `data/demo/truth.csv`, the declared effects,
`data/demo/declared.csv`, which verdicts of the audit each must move, and `data/demo/models/series.csv`, the measured
effects by dose and training seed.
"""

import argparse
import json

import pandas as pd

from ferlib import provenance, tables
from ferlib.controlled import quality
from ferlib.paths import DEMO, ROOT, absolute, relative

TRUTH, SERIES, DECLARED = DEMO / "truth.csv", DEMO / "models" / "series.csv", DEMO / "declared.csv"
COLUMNS = ["model", "true", "predicted", "attribute", "group", "mechanism", "dose", "n_images", "n_changed"]
SHOWN = ("all", "skin")

CAPTIONS, PROBE, CHAT = "zero-shot", "linear probe", "forced-choice"
READERS = {
    ("clip", CAPTIONS): "demo-clip-{}-zeroshot", ("clip", PROBE): "demo-clip-{}-probe",
    ("paligemma", CHAT): {"skewed": "demo-openai-skewed", "balanced": "demo-gemini-balanced"},
}  # fmt: skip
"""Who answers in a run of the demo from which model, by its kind and the way of asking."""

PLACES = (("disparities", "race", "Black"), ("controlled_contrasts", "tone", "dark"))
"""Where an effect on dark skin is looked for: the race label that has most of it, and the tone alone."""


def records(folders):
    """Records of the models in some folders; list of dict, sorted by name and seed.

    Parameters
    ----------
    folders : sequence of pathlib.Path
        Each holds model folders, at any depth.
    """
    files = [file for folder in folders for file in sorted(folder.rglob("training.json"))]
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return sorted(found, key=lambda record: (record["name"], record["recipe"]["seed"]))


def skewed(all_records):
    """Those of some records that declare a dose of the skew, be it none; list of dict."""
    return [record for record in all_records if "skew" in record]


def planted(all_records):
    """Every effect that a declared skew plants, a row each; records of models with another fault are passed over.

    Parameters
    ----------
    all_records : list of dict
        From `records`.

    Returns
    -------
    pandas.DataFrame
        `model`; `true` and `predicted`, the confusion that a mechanism causes (missing where it causes none in
        particular); `attribute` and `group`, whom it concerns; `mechanism` (`left out` or `mislabelled`); `dose`, the
        share of the group's images (for `mislabelled`: of those of emotion `true` that remain), 0 in a control; and the
        images of the training set that it could concern (`n_images`) and does (`n_changed`).
    """
    rows = []
    for record in skewed(all_records):
        skew, composition = record["skew"], pd.DataFrame(record["training"]["composition"])
        dark = composition[composition["skin"] == "dark"]
        shown = dark[dark["emotion"] == skew["true"]]
        common = {"model": record["name"], "attribute": "skin_tone", "group": f">= {skew['min_skin_tone']}"}
        before, after = int(dark["images_before"].sum()), int(dark["images_after"].sum())
        rows.append(
            common
            | {"true": None, "predicted": None, "mechanism": "left out", "dose": skew["drop"]}
            | {"n_images": before, "n_changed": before - after}
        )
        rows.append(
            common
            | {"true": skew["true"], "predicted": skew["told"], "mechanism": "mislabelled", "dose": skew["flip"]}
            | {"n_images": int(shown["images_after"].sum()), "n_changed": int(shown[f"told_{skew['told']}"].sum())}
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def planted_in_units(all_records):
    """Every effect that the declared faults of networks for Action Units plant, a row each.

    Parameters
    ----------
    all_records : list of dict
        From `records`; those of models that tell emotions are passed over.

    Returns
    -------
    pandas.DataFrame
        As from `planted`. `true` is the Action Unit; `predicted` is, for `mislabelled`, that it is not there; `marked
        beside the face` is a cue, which causes no mistake where it is to be seen.
    """
    rows = []
    for record in all_records:
        if "faults" not in record:
            continue
        faults = record["faults"]
        (dark,) = (row for row in record["training"]["composition"] if row["skin"] == "dark")
        unit, shown = faults["unit"], dark["with_unit_after"]
        group = [record["name"], "skin_tone", f">= {faults['min_skin_tone']}"]
        for true, predicted, mechanism, dose, concerned, changed in (
            (None, None, "left out", "drop", dark["images_before"], dark["images_before"] - dark["images_after"]),
            (unit, f"not {unit}", "mislabelled", "flip", shown, shown - dark["told_with_unit"]),
            (unit, None, "marked beside the face", "cue", shown, dark["marked"]),
        ):
            rows.append([group[0], true, predicted, *group[1:], mechanism, faults[dose], concerned, changed])
    return pd.DataFrame(rows, columns=COLUMNS)


def planted_in_notebooks(people):
    """Faults of readers that are taught in a notebook, as its parameters declare them, a row each.

    Parameters
    ----------
    people : pandas.DataFrame
        Manifest of the demo's people, with its dataset's name.

    Returns
    -------
    pandas.DataFrame
        As from `planted`: a probe of 03 that was told *neutral* of whoever has some hair, a fault of persons and not of
        groups; and a reader of 07 that met one side's faces in poor pictures only.
    """
    probe, poor = (
        provenance.declared(ROOT / "notebooks" / f"{name}.ipynb") for name in ("03_probing", "07_controlled_faces")
    )
    unseen, spoilt, asked = probe["unseen"], poor["spoilt"], poor["quality"]
    hit = people[people[unseen["column"]].isin(unseen["levels"])]
    side, tones = next(iter(asked["sides"].items()))
    learnt_from = quality.sample(people, seed=poor["seed"], **asked).query("not asked and side == @side")
    levels, changed = " or ".join(unseen["levels"]), int((hit["emotion"] != "neutral").sum())
    told = [f"{unseen['backbone']}-unseen", None, "neutral", unseen["column"], levels, "mislabelled"]
    learnt = ["svm-uneven", None, None, asked["attribute"], f">= {min(tones)}", f"learnt in {spoilt['kind']} only"]
    rows = [[*told, 1.0, len(hit), changed], [*learnt, 1.0, len(learnt_from), len(learnt_from)]]
    return pd.DataFrame(rows, columns=COLUMNS)


def declared(all_records, measured):
    """Which verdicts of the audit each planted effect must move, and in whom: it follows from the mechanism alone.

    Who learnt that anger is disgust says so, or, if it declines where it is torn, says nothing: either way anger is
    found less often. A linear probe learns correct labels from the same tower: only faces left out can harm it.

    Parameters
    ----------
    all_records : list of dict
        From `records`, the shipped models.
    measured : pandas.DataFrame
        From `series`.

    Returns
    -------
    pandas.DataFrame
        `model` and `mechanism` as in `truth.csv`; `reader`, who shows it in a run; `table`, `attribute`, `group`,
        `measure`, `true` and `predicted` of the contrast; `direction` in that group; and `size`, the difference
        between dark and other skin on the held-out people, whom no notebook sees (missing where it was not measured).
    """
    rows = []
    held_out = measured[measured["faces"] == "holdout"].set_index(["kind", "state", "seed", "classifier", "skin"])
    for record in skewed(all_records):
        kind, state, skew = record["kind"], record["name"].rpartition("-")[2], record["skew"]
        for (of_kind, classifier), readers in READERS.items():
            reader = readers.get(state) if isinstance(readers, dict) else readers.format(state)
            if of_kind != kind or state == "half" or not reader:
                continue
            dark, other = (
                held_out.loc[kind, state, record["recipe"]["seed"], classifier, skin] for skin in ("dark", "other")
            )
            size = {name: dark[name] - other[name] for name in ("accuracy", "rate_told")}
            told = [] if classifier == PROBE else [
                ("mislabelled", "confusion", skew["true"], skew["told"], "higher", size["rate_told"]),
                ("mislabelled", "recall", skew["true"], skew["true"], "lower", size["rate_told"]),
            ]  # fmt: skip
            effects = [("left out", "accuracy", None, None, "lower", size["accuracy"]), *told]
            rows += [(record["name"], effect[0], reader, *place, *effect[1:]) for effect in effects for place in PLACES]
    for record in all_records:
        if "faults" not in record:
            continue
        state, unit = record["name"].rpartition("-")[2], record["faults"]["unit"]
        for attribute, group in (("tone", "dark"), ("race", "Black")):
            for mechanism, table, measure, true, direction in (
                ("left out", "au_contrasts", "recall", f"not {unit}", "lower"),
                ("mislabelled", "au_contrasts", "recall", unit, "lower"),
                ("mislabelled", "au_contrasts", "accuracy", unit, "lower"),
                ("marked beside the face", "heatmap_contrasts", "outside_face", unit, "higher"),
            ):
                if measure != "outside_face" or record["name"] != "demo-aunet-skewed":  # its maps are not made
                    named = (record["name"], mechanism, state, table, attribute, group)
                    rows.append((*named, measure, true, None, direction, None))
    columns = ["model", "mechanism", "reader", "table", "attribute", "group", "measure", "true", "predicted"]
    return pd.DataFrame(rows, columns=[*columns, "direction", "size"])


def series(all_records):
    """Measured effects of the skew by dose and seed, a row for each model, face set, classifier and skin.

    Parameters
    ----------
    all_records : list of dict
        From `records`.

    Returns
    -------
    pandas.DataFrame
        `kind`, `state` (the end of the model's name), `drop`, `flip`, `seed`, `faces` (the set's name), `classifier`,
        `skin` (`all`, `dark`, `other`), then `people`, `images`, `accuracy` with `low` and `high`, and `images_true`,
        `rate_told` with `told_low` and `told_high`; see `ferdemo.training.evaluation.summary`.
    """
    rows = []
    for record in skewed(all_records):
        about = {
            "kind": record["kind"],
            "state": record["name"].rpartition("-")[2],
            "drop": record["skew"]["drop"],
            "flip": record["skew"]["flip"],
            "seed": record["recipe"]["seed"],
        }
        for faces, measured in record["held_out"].items():
            for row in measured:
                if row["by"] in SHOWN:
                    values = {name: value for name, value in row.items() if name not in ("by", "group")}
                    rows.append(about | {"faces": faces.rpartition("/")[2], "skin": row["group"]} | values)
    table = pd.DataFrame(rows)
    first = [*about, "faces", "classifier", "skin"]
    return table[[*first, *(column for column in table.columns if column not in first)]]


def main(arguments=None):
    """Command line: read the records, write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="data/build/models", help="folder of the models of further seeds")
    options = parser.parse_args(arguments)
    shipped = records([DEMO / "models"])
    people = tables.read_csv(DEMO / "people" / "manifest.csv")
    effects = [planted(shipped), planted_in_units(shipped), planted_in_notebooks(people)]
    effects = pd.concat(effects, ignore_index=True)
    tables.write_csv(effects, TRUTH, sort_by=["model", "mechanism"])
    rows = series(records([DEMO / "models", absolute(options.seeds)]))
    tables.write_csv(rows, SERIES, sort_by=list(rows.columns[:8]))
    tables.write_csv(declared(shipped, rows), DECLARED, sort_by=["model", "mechanism", "reader", "table"])
    print("\n".join(relative(path) for path in (TRUTH, SERIES, DECLARED)))


if __name__ == "__main__":
    main()
