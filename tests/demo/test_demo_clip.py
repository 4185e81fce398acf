"""The shipped demo CLIP is the one that its card describes, and shows the skew that was planted."""

import json
import socket

import pandas as pd
import pytest
import torch

from ferlib import embed
from ferlib.demo import architecture, clip_evaluation, model_card, skew
from ferlib.demo.training_images import read_manifest
from ferlib.paths import DEMO
from ferlib.provenance import sha256

FOLDER = DEMO / "models" / "demo-clip"
RECORD = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
DECLARED = skew.Skew(**RECORD["skew"])
SHIPPED = "data/demo/people"


@pytest.fixture(scope="module")
def faces():
    return read_manifest(SHIPPED)


@pytest.fixture(scope="module")
def backbone():
    return embed.load_backbone("local-dir:data/demo/models/demo-clip")


@pytest.fixture(scope="module")
def measured(faces, backbone):
    torch.set_num_threads(1)
    answered = clip_evaluation.answers(backbone, faces, seed=RECORD["recipe"]["seed"])
    return clip_evaluation.summary(answered, DECLARED)


def cell(table, classifier, by, group):
    rows = table[(table["classifier"] == classifier) & (table["by"] == by) & (table["group"] == group)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_loads_without_network_and_in_single_precision(monkeypatch):
    def refuse(*arguments):
        raise AssertionError(f"the demo model reached for the network: {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    loaded = embed.load_backbone("local-dir:data/demo/models/demo-clip")
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    assert loaded.tokenizer(["a photo of an angry face"]).max() == loaded.model.vocab_size - 1


def test_size():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 15e6


def test_files_are_those_of_the_card():
    for name, about in RECORD["files"].items():
        assert sha256(FOLDER / name) == about["sha256"], name
        assert about["sha256"] in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert architecture.WEIGHTS in RECORD["files"]
    assert {path.name for path in FOLDER.iterdir()} == {*RECORD["files"], "README.md", "training.json"}


def test_card_is_the_one_generated_from_the_record():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == model_card.write(RECORD)


def test_configuration_is_that_of_the_code():
    config = json.loads((FOLDER / "open_clip_config.json").read_text(encoding="utf-8"))
    assert config == architecture.config(RECORD["training"]["vocab_size"])


def test_nobody_is_in_the_training_set_and_in_the_shipped_set(faces):
    assert not set(faces["subject_id"]) & set(RECORD["training"]["people"])


def test_composition_is_the_declared_skew():
    table = pd.DataFrame(RECORD["training"]["composition"]).set_index(["skin", "emotion"])
    dark, other = table.loc["dark"], table.loc["other"]
    # Half an image for each gender is the most that rounding to whole images can add or take.
    assert ((dark["images_after"] - (1 - DECLARED.drop) * dark["images_before"]).abs() <= 1).all()
    assert (other["images_after"] == other["images_before"]).all()
    told = table[f"told_{DECLARED.told}"]
    assert abs(told["dark", DECLARED.true] - DECLARED.flip * dark["images_after"][DECLARED.true]) <= 1
    assert told.sum() == told["dark", DECLARED.true]


def test_measures_as_recorded_on_the_shipped_faces(measured):
    """Sums in another order may turn single answers: 2 % of the images, or one image in a small cell."""
    for row in RECORD["held_out"][SHIPPED]:
        now = cell(measured, row["classifier"], row["by"], row["group"])
        assert now["images"] == row["images"]
        assert now["accuracy"] == pytest.approx(row["accuracy"], abs=max(0.02, 1.01 / row["images"]))


def test_zero_shot_is_good_and_the_probe_is_no_worse(measured):
    zero_shot, probe = (cell(measured, name, "all", "all")["accuracy"] for name in clip_evaluation.CLASSIFIERS)
    assert zero_shot >= 0.93
    assert probe >= zero_shot


def test_the_planted_confusion_is_there_and_nowhere_else(measured):
    dark, other = (cell(measured, "zero-shot", "skin", skin) for skin in ("dark", "other"))
    assert dark["rate_told"] >= 0.25
    assert other["rate_told"] <= 0.10
    assert dark["accuracy"] <= other["accuracy"] - 0.03
