"""Notebook 05: its tables agree with a count by pandas; one's own network, table and boxes take the place of ours."""

import ast
import json

import numpy as np
import pandas as pd
import pytest
import torch
from ferdemo.training import unit_faults

from ferlib import paths
from ferlib.pipeline import execution
from ferlib.units import aunet, detection, detection_contrasts, faces, mark, mean_contrasts, means

NOTEBOOK = "05_action_units"
KINDS = ["random combinations", "one unit alone", "expressions"]


@pytest.fixture(scope="module")
def run(smoke):
    return smoke[0]


def table(run, name):
    return pd.read_csv(run.tables / f"{name}.csv", keep_default_na=False, na_values=[""])


def test_the_accuracies_are_those_of_the_network_on_the_images(run):
    found = table(run, "au_detection").query("network == 'balanced' and kind == 'random combinations' and by == 'tone'")
    manifest = pd.read_csv(paths.DEMO / "action_units" / "manifest.csv")
    first = sorted(set(manifest["subject_id"]))
    kept = [who for who in first if int(who[-2:]) <= 2]
    own = manifest[manifest["subject_id"].isin(kept) & manifest["kind"].isin(["combination", "neutral"])]
    network = aunet.load("data/demo/models/demo-aunet-balanced")
    torch.set_num_threads(1)
    said = network.logits(aunet.read_pixels(own["path"], network.shape))[:, network.shape.units.index("au12")] > 0
    tone = pd.cut(own["skin_tone"], [0, 3, 6, 10], labels=["light", "medium", "dark"])
    expected = pd.Series(said == (own["au12"] >= 0.3).to_numpy(), index=own.index).groupby(tone, observed=True).mean()
    ours = found.query("unit == 'au12' and measure == 'accuracy'").set_index("group")["value"]
    np.testing.assert_allclose(ours[list(expected.index)], expected, atol=0.02)


def test_every_table_has_its_columns_and_every_network_and_kind(run):
    measured, contrasts = table(run, "au_detection"), table(run, "au_contrasts")
    assert list(measured) == ["network", "kind", *detection.TABLE] and set(measured["kind"]) == set(KINDS)
    assert list(contrasts) == ["network", "kind", *detection_contrasts.COLUMNS] and set(contrasts["kind"]) == set(
        KINDS[:2]
    )
    assert list(table(run, "heatmap_scores")) == ["network", "method", *means.TABLE]
    looks = table(run, "heatmap_contrasts")
    assert list(looks) == ["network", "method", "control", *mean_contrasts.COLUMNS]
    assert set(looks["control"]) == {"even", "other unit", "untrained", "groups"}
    assert set(measured["network"]) == set(contrasts["network"]) == {"balanced", "skewed", "shortcut"}
    assert set(looks["network"]) == {"balanced", "shortcut", "untrained"}


def test_mean_scores_are_the_means_of_the_maps(run):
    maps, scores = table(run, "heatmap_maps"), table(run, "heatmap_scores")
    expected = maps.groupby(["network", "unit"])["mass"].mean()
    found = scores.query("by == 'all' and measure == 'mass'").set_index(["network", "unit"])["mean"]
    pd.testing.assert_series_equal(found.sort_index(), expected.sort_index(), check_names=False, rtol=1e-4)
    wide = maps.pivot(index=["image_id", "unit"], columns="network", values="mass")
    against = table(run, "heatmap_contrasts").query("control == 'untrained' and measure == 'mass'")
    for row in against.itertuples():
        both = wide[[row.network, "untrained"]].dropna().groupby("unit").mean().loc[row.unit]
        assert [row.mean_a, row.mean_b] == pytest.approx(both.to_list(), rel=1e-4)


def test_the_figures_have_their_numbers_and_words(run):
    names = ("detection", "mass", "outside_face", "maps", "differences", "examples")
    for name in names:
        picture = run.figures / f"units_{name}.png"
        assert picture.is_file() and len(pd.read_csv(picture.with_suffix(".csv"))) > 0
        assert len(picture.with_suffix(".txt").read_text()) > 60


def test_the_mark_is_painted_as_the_network_met_it_in_its_training():
    book = json.loads((paths.ROOT / "notebooks" / f"{NOTEBOOK}.ipynb").read_text())
    (cell,) = (one for one in book["cells"] if "parameters" in one["metadata"].get("tags", []))
    given = next(one for one in ast.parse("".join(cell["source"])).body if one.targets[0].id == "planted")
    planted, faults = ast.literal_eval(given.value), unit_faults.VERSIONS["shortcut"]
    assert planted["mark"] == {**unit_faults.MARK, "colour": list(unit_faults.MARK["colour"])}
    bands = {"light": [1, 6], "dark": [7, 10]}
    shown = faces.read(paths.DEMO / "action_units" / "manifest.csv", threshold=0.3, bands=bands)
    where = {name: planted[name] for name in ("unit", "attribute", "group")}
    bears = mark.bearers(shown.manifest, shown.present, **where)
    assert bears.any() and (bears == unit_faults.marked(shown.manifest, shown.present, faults)).all()


@pytest.mark.bench
def test_ones_own_network_table_and_boxes_take_the_place_of_the_demos(tmp_path):
    """Photographs without masks or kinds, OpenFace's intensities, boxes, a network of other units and size."""
    manifest = pd.read_csv(paths.DEMO / "action_units" / "manifest.csv").query("kind == 'combination'")
    manifest = manifest[manifest["image_id"].str.contains("0[12]-mix-0[1-6]$")]
    columns = ["image_id", "path", "subject_id", "gender"]
    manifest[columns].to_csv(tmp_path / "photographs.csv", index=False)
    faces = pd.DataFrame({"filename": manifest["image_id"] + ".webp"})
    faces["AU04_r"], faces["AU12_r"] = 5 * manifest["au04"], 5 * manifest["au12"]
    faces.to_csv(tmp_path / "openface.csv", index=False)
    boxes = [
        (image, unit, 40, top, 180, top + 50)
        for image in manifest["image_id"]
        for unit, top in (("au04", 30), ("au12", 140))
    ]
    shape = ["image_id", "unit", "left", "top", "right", "bottom"]
    pd.DataFrame(boxes, columns=shape).to_csv(tmp_path / "boxes.csv", index=False)
    own = aunet.Shape(units=("au12", "au04"), size=64, stages=2)
    aunet.write(aunet.build(own, seed=3), own, tmp_path / "network")
    parameters = {
        "run_dir": str(tmp_path / "run"), "networks": {"mine": str(tmp_path / "network")}, "threshold": 1.5,
        "faces_from": str(tmp_path / "photographs.csv"), "units_table": str(tmp_path / "openface.csv"),
        "regions_from": {"boxes": str(tmp_path / "boxes.csv")}, "kinds": {"photographs": ["photograph"]},
        "expressions": {}, "attributes": ["gender"], "planted": {}, "clip": {}, "looked_at": ["au04", "au12"],
        "pictured": {"attribute": "gender", "units": ["au04", "au12"]}, "compared_people": 2, "draws": 100,
        "method": "grad-cam",
    }  # fmt: skip
    output = tmp_path / "executed" / f"{NOTEBOOK}.ipynb"
    execution.execute(paths.ROOT / "notebooks" / f"{NOTEBOOK}.ipynb", parameters, output)
    made = paths.run(tmp_path / "run")
    contrasts = table(made, "au_contrasts")
    assert set(contrasts["unit"]) == {"au04", "au12"} and set(contrasts["group_a"]) == {"Female"}
    assert set(table(made, "heatmap_scores")["measure"]) == {"mass", "rank", "pointing", "outside_face"}
    assert (table(made, "heatmap_maps")["status"] != "no region").all()
    assert (made.figures / "units_maps.png").is_file() and not (made.figures / "units_outside_face.png").exists()
    said = json.dumps([cell.get("outputs", []) for cell in json.loads(output.read_text())["cells"]])
    assert "photographs" in said
