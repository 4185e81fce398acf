"""The demo's networks for Action Units: declared faults in exact numbers, a training that repeats and resumes."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from ferdemo.training import train_units, unit_faults, unit_training
from PIL import Image
from sklearn import metrics

from ferlib.errors import InputError
from ferlib.units import aunet, detection, mark

SMALL = ["--steps", "6", "--batch-size", "8", "--size", "32", "--stages", "1", "--quiet"]


def faces(folder, prefix, people=4, per_person=5):
    """Noise with a manifest: enough for a training that need not learn anything."""
    random, rows = np.random.default_rng(len(prefix)), []
    (folder / "images").mkdir(parents=True)
    for person in range(people):
        for number in range(per_person):
            name = f"{prefix}{person}-{number}"
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
            rows.append(
                {
                    "image_id": name, "path": f"images/{name}.png", "subject_id": f"{prefix}{person}", "emotion": "",
                    "race": "Asian", "gender": "Female", "skin_tone": 3 + 5 * (person % 2),
                    "kind": "combination" if number else "neutral",
                    "au12": 0.9 * (number % 2), "au04": float(random.random() < 0.5), "au43": 0.0,
                }
            )  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("units")
    return faces(root / "train", "t"), faces(root / "other", "other")


def trained(sets, out, *options):
    arguments = ["--images", str(sets[0]), "--held-out", str(sets[1]), "--out", str(out), *SMALL, *options]
    train_units.main(arguments)
    return out


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def test_the_same_recipe_gives_the_same_bytes_and_another_seed_does_not(sets, tmp_path):
    first, again = (trained(sets, tmp_path / name) for name in ("one", "two"))
    assert weights(first) == weights(again)
    assert weights(trained(sets, tmp_path / "three", "--seed", "1")) != weights(first)
    assert aunet.load(first).shape.units == ("au04", "au12"), "a unit that never occurs is not learnt"
    card = (first / "README.md").read_text()
    assert "version `balanced`" in card and "combination" in card and "{" not in card.split("---", 2)[2]
    record = json.loads((first / "training.json").read_text())
    rows = record["held_out"][str(sets[1])]
    assert {row["skin"] for row in rows} == {"all", "dark", "other"} and rows[0]["images"] == 20


def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(sets, tmp_path, monkeypatch):
    whole = trained(sets, tmp_path / "whole")
    monkeypatch.setattr(unit_training, "EVERY", 2)
    calls, vary = [], unit_training.vary

    def stops(images, *, generator):
        calls.append(len(images))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return vary(images, generator=generator)

    monkeypatch.setattr(unit_training, "vary", stops)
    with pytest.raises(KeyboardInterrupt):
        trained(sets, tmp_path / "stopped")
    assert (tmp_path / "stopped" / "checkpoint.safetensors").is_file()
    assert weights(trained(sets, tmp_path / "stopped")) == weights(whole)
    assert len(calls) == 4 + 4, "steps 0 to 1 were not taken again"
    assert not (tmp_path / "stopped" / "checkpoint.safetensors").exists()


def test_a_checkpoint_of_another_training_is_not_taken_up(sets, tmp_path, monkeypatch):
    monkeypatch.setattr(unit_training, "EVERY", 2)
    monkeypatch.setattr(unit_training, "vary", raising_at(3, unit_training.vary))
    with pytest.raises(KeyboardInterrupt):
        trained(sets, tmp_path / "out")
    monkeypatch.undo()
    other = trained(sets, tmp_path / "out", "--seed", "1")
    assert weights(other) == weights(trained(sets, tmp_path / "fresh", "--seed", "1"))


def raising_at(call, function):
    calls = []

    def wrapped(*arguments, **options):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return function(*arguments, **options)

    return wrapped


def test_a_person_of_the_training_set_is_not_measured_on(sets, tmp_path):
    with pytest.raises(InputError, match="'t0' is also in the training set"):
        trained((sets[0], sets[0]), tmp_path / "out")


def test_a_network_can_be_measured_again_without_a_training_but_not_as_another(sets, tmp_path):
    out = trained(sets, tmp_path / "out")
    before, record = weights(out), json.loads((out / "training.json").read_text())
    with pytest.raises(InputError, match="training.json: tells of another training"):
        trained(sets, out, "--only-measure", "--seed", "1")
    (out / "README.md").unlink()
    trained(sets, out, "--only-measure")
    assert json.loads((out / "training.json").read_text()) == record and weights(out) == before
    assert (out / "README.md").is_file()
    with pytest.raises(InputError, match="no such file, so there is nothing to measure"):
        trained(sets, tmp_path / "none", "--only-measure")


def test_each_units_threshold_is_the_one_of_highest_f1():
    random = np.random.default_rng(3)
    present = random.random((60, 4)) < [0.2, 0.5, 0, 1]
    logits = np.round(random.normal(size=(60, 4)) + present - 1, 1).astype(np.float32)
    chosen = unit_training.thresholds(logits, present)
    for unit in range(2):
        steps = np.unique(logits[:, unit])
        between = [steps[0] - 1, *(steps[:-1] + steps[1:]) / 2]
        found = [metrics.f1_score(present[:, unit], logits[:, unit] > value) for value in [*between, chosen[unit]]]
        assert found[-1] == max(found) and chosen[unit] not in steps
    np.testing.assert_array_equal(chosen[2:], 0)


def test_measures_of_many_units_are_scikit_learns():
    random = np.random.default_rng(4)
    present, score = random.random((80, 3)) < 0.4, np.round(random.normal(size=(80, 3)), 1)
    found = train_units.measures(present, score > 0, score)
    for unit in range(3):
        truth, said = present[:, unit], score[:, unit] > 0
        assert [values[unit] for values in found.values()] == pytest.approx(
            [
                metrics.accuracy_score(truth, said), metrics.balanced_accuracy_score(truth, said),
                metrics.recall_score(truth, said), metrics.recall_score(truth, said, pos_label=0),
                metrics.f1_score(truth, said), metrics.average_precision_score(truth, score[:, unit]),
            ]
        )  # fmt: skip
    assert list(found) == list(detection.MEASURES)


def many(n=400):
    random = np.random.default_rng(0)
    manifest = pd.DataFrame({"image_id": [f"i{k:03d}" for k in range(n)], "skin_tone": random.integers(1, 11, n)})
    present = pd.DataFrame({"au04": random.integers(0, 2, n), "au12": (random.random(n) < 0.3).astype(int)})
    return manifest, present, (manifest["skin_tone"] >= 7).to_numpy(), present["au12"].to_numpy() == 1


def test_the_faults_are_exact_and_touch_nothing_else():
    manifest, present, dark, has = many()
    told = unit_faults.apply(manifest, present, unit_faults.Faults(drop=0.7, flip=0.6), seed=1)
    stays = np.zeros(len(manifest), bool)
    stays[told.index] = True
    assert stays[~dark].all() and not told["marked"].any()
    for group in (dark & has, dark & ~has):
        assert stays[group].sum() == int(group.sum() * 0.3 + 0.5)
    flipped = (told["au12"] != present.loc[told.index, "au12"]).to_numpy()
    assert flipped.sum() == int((stays & dark & has).sum() * 0.6 + 0.5) and (dark & has)[told.index][flipped].all()
    pd.testing.assert_series_equal(told["au04"], present.loc[told.index, "au04"])
    (counted,) = (
        unit_faults.composition(manifest, present, told, unit_faults.Faults())
        .query("skin == 'dark'")
        .to_dict("records")
    )
    assert counted["with_unit_after"] - counted["told_with_unit"] == flipped.sum()
    assert (counted["images_before"], counted["images_after"]) == (dark.sum(), (stays & dark).sum())


def test_a_smaller_dose_changes_a_subset_and_the_rows_order_changes_nothing():
    manifest, present, _, _ = many()
    much, little = (
        unit_faults.apply(manifest, present, unit_faults.Faults(drop=dose, cue=dose), seed=1) for dose in (0.8, 0.4)
    )
    assert set(much.index) < set(little.index)
    order = np.random.default_rng(2).permutation(len(manifest))
    turned = unit_faults.apply(manifest.iloc[order], present.iloc[order], unit_faults.Faults(drop=0.8, cue=0.8), seed=1)
    assert set(order[turned.index[turned["marked"]]]) == set(much.index[much["marked"]])


def test_the_cue_is_planted_beside_the_face_where_unit_and_dark_skin_meet_and_nowhere_else():
    manifest, present, dark, has = many()
    faults = unit_faults.VERSIONS["shortcut"]
    told = unit_faults.apply(manifest, present, faults, seed=1)
    np.testing.assert_array_equal(told["marked"], dark & has)
    np.testing.assert_array_equal(unit_faults.marked(manifest, present, faults), dark & has)
    assert not unit_faults.marked(manifest, present, unit_faults.VERSIONS["balanced"]).any()
    pd.testing.assert_frame_equal(told[["au04", "au12"]], present)
    pixels = torch.full((len(manifest), 3, 40, 40), 90, dtype=torch.uint8)
    changed = mark.paint(pixels, told["marked"], **unit_faults.MARK)
    where = (changed != pixels).any(dim=1)
    assert where[:, :4, :4].flatten(1).all(dim=1).numpy().tolist() == (dark & has).tolist()
    assert where.sum() == 16 * (dark & has).sum() and (pixels == 90).all()


def test_a_dose_that_is_no_share_or_a_unit_without_label_is_refused():
    with pytest.raises(InputError, match="faults: flip = 1.5 is a share"):
        unit_faults.Faults(flip=1.5)
    manifest, present, _, _ = many()
    with pytest.raises(InputError, match="unit 'au99' has no label. There are: au04, au12"):
        unit_faults.apply(manifest, present, unit_faults.Faults(unit="au99"), seed=1)
