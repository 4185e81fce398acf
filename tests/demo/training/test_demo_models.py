"""The shipped demo models are those that their cards describe, and show what was planted, no more and no less."""

import functools
import json
import socket

import numpy as np
import pandas as pd
import pytest
import torch
from ferdemo.training import (
    architecture,
    clip_evaluation,
    evaluation,
    model_card,
    paligemma_evaluation,
    paligemma_model,
    questions,
    skew,
    truth,
)
from ferdemo.training.training_images import read_manifest

from ferlib.embedding import backbones
from ferlib.labels import EMOTIONS
from ferlib.paths import DEMO
from ferlib.probe import zeroshot
from ferlib.provenance import sha256
from ferlib.stats import counts, disparities, outcomes

MODELS = DEMO / "models"
KINDS, STATES = ("clip", "paligemma"), ("balanced", "half", "skewed")
NAMES = [f"demo-{kind}-{state}" for kind in KINDS for state in STATES]
SHIPPED, FULL_STRENGTH = "data/demo/people", "data/build/holdout"
FIRST = {"clip": "zero-shot", "paligemma": "forced-choice"}
LARGEST = {"clip": 5e6, "paligemma": 4.2e6}

every_model = pytest.mark.parametrize("name", NAMES)
every_kind = pytest.mark.parametrize("kind", KINDS)


@functools.cache
def record(name):
    return json.loads((MODELS / name / model_card.RECORD).read_text(encoding="utf-8"))


@functools.cache
def faces():
    return read_manifest(SHIPPED)


def measured(name, faces, classifier, by="all", group="all"):
    rows = [
        row
        for row in record(name)["held_out"][faces]
        if (row["classifier"], row["by"], row["group"]) == (classifier, by, group)
    ]
    assert len(rows) == 1
    return rows[0]


@functools.cache
def angry(name):
    """What a shipped model, loaded from its folder, says of each angry face of the shipped set."""
    torch.set_num_threads(1)
    shown = faces()[faces()["emotion"] == "anger"].reset_index(drop=True)
    told = record(name)["skew"]["told"]
    if record(name)["kind"] == "paligemma":
        answered = paligemma_evaluation.answers(MODELS / name, shown, classifiers=(FIRST["paligemma"],))
        return answered.assign(p_told=paligemma_evaluation.shares(MODELS / name, shown)[told].to_numpy())
    backbone = backbones.load_backbone(f"local-dir:{MODELS / name}")
    embedding = backbones.embed_images(list(shown["path"]), backbone)
    classes = zeroshot.class_embeddings(backbone, list(zeroshot.TEMPLATES.values()))
    shares = zeroshot.probabilities(embedding, classes, logit_scale=backbone.logit_scale)
    return shown.assign(
        p_told=shares[:, EMOTIONS.index(told)], **{FIRST["clip"]: clip_evaluation.zero_shot(backbone, embedding)}
    )


def planted_rate(name, *, dark):
    answered, declared = angry(name), skew.Skew(**record(name)["skew"])
    told = answered[FIRST[record(name)["kind"]]] == declared.told
    return told[skew.is_dark(answered, declared) == dark].mean()


@every_model
def test_files_are_those_of_the_card(name):
    folder, about = MODELS / name, record(name)
    for file, properties in about["files"].items():
        assert sha256(folder / file) == properties["sha256"], file
        assert properties["sha256"] in (folder / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in folder.iterdir()} == {*about["files"], "README.md", model_card.RECORD}
    assert sum(properties["bytes"] for properties in about["files"].values()) <= LARGEST[about["kind"]]
    assert (folder / "README.md").read_text(encoding="utf-8") == model_card.write(about)


@every_model
def test_shape_and_words_are_those_of_the_code(name):
    about, read = record(name), lambda file: json.loads((MODELS / name / file).read_text(encoding="utf-8"))
    if about["kind"] == "clip":
        assert read("open_clip_config.json") == architecture.config(about["training"]["vocab_size"])
    else:
        processor = paligemma_model.processor(questions.corpus())
        assert read("processor_config.json") == json.loads(processor.to_json_string())
        assert read("config.json")["vision_config"]["num_hidden_layers"] == paligemma_model.LAYERS
        assert read("tokenizer.json")["model"] == json.loads(processor.tokenizer.backend_tokenizer.to_str())["model"]


@every_model
def test_nobody_is_in_the_training_set_and_in_a_shipped_set(name):
    shipped = [pd.read_csv(file) for file in DEMO.glob("*/manifest.csv")]
    assert shipped
    assert not set(pd.concat(shipped)["subject_id"]) & set(record(name)["training"]["people"])


@every_model
def test_composition_is_the_declared_skew(name):
    about = record(name)
    declared = skew.Skew(**about["skew"])
    table = pd.DataFrame(about["training"]["composition"]).set_index(["skin", "emotion"])
    dark, other = table.loc["dark"], table.loc["other"]
    # Half an image for each gender is the most that rounding to whole images can add or take.
    assert ((dark["images_after"] - (1 - declared.drop) * dark["images_before"]).abs() <= 1).all()
    assert (other["images_after"] == other["images_before"]).all()
    told = table[f"told_{declared.told}"]
    assert abs(told["dark", declared.true] - declared.flip * dark["images_after"][declared.true]) <= 1
    assert told.sum() == told["dark", declared.true]


def test_the_truth_names_the_faults_of_readers_that_notebooks_teach():
    kept = pd.read_csv(truth.TRUTH, keep_default_na=False)
    table = kept.set_index("model").loc[["demo-clip-balanced-unseen", "svm-uneven"]]
    assert table["group"].tolist() == ["tied or buzz", ">= 7"]
    people = pd.read_csv(DEMO / "people" / "manifest.csv")
    hit = people[people["hair"].isin(["tied", "buzz"])]
    assert table["n_images"].tolist()[0] == len(hit) == 7 * table["n_changed"].tolist()[0] / 6
    # Dark people who are left to learn from: as many as the smaller side has when eight of each were drawn to be asked.
    sides = [
        people.query("skin_tone in @tones")["subject_id"].nunique() - 8 for tones in ([7, 8, 9, 10], [1, 2, 3, 4, 5])
    ]
    assert table["n_images"].tolist()[1] == 7 * min(sides)


@every_kind
def test_the_doses_are_none_half_and_full(kind):
    doses = [record(f"demo-{kind}-{state}")["skew"] for state in STATES]
    assert (doses[0]["drop"], doses[0]["flip"]) == (0, 0)
    for part in ("drop", "flip"):
        assert doses[1][part] == pytest.approx(doses[2][part] / 2)
    assert skew.Skew(**doses[2]) == skew.FULL[kind]


def test_the_truth_is_that_of_the_trainings_records():
    table = pd.read_csv(truth.TRUTH).set_index(["model", "mechanism"])
    taught = ("demo-aunet-", "demo-clip-balanced-unseen", "svm-")  # these have faults of their own
    skewed = {key for key in table.index if not key[0].startswith(taught)}
    assert skewed == {(name, mechanism) for name in NAMES for mechanism in ("left out", "mislabelled")}
    for name in NAMES:
        about = record(name)
        rows = pd.DataFrame(about["training"]["composition"]).query("skin == 'dark'").set_index("emotion")
        left_out, mislabelled = table.loc[name, "left out"], table.loc[name, "mislabelled"]
        assert (left_out["dose"], mislabelled["dose"]) == (about["skew"]["drop"], about["skew"]["flip"])
        assert left_out["n_changed"] == (rows["images_before"] - rows["images_after"]).sum()
        assert mislabelled["n_changed"] == rows.loc["anger", "told_disgust"]
        assert mislabelled["n_images"] == rows.loc["anger", "images_after"]
        assert (mislabelled["true"], mislabelled["predicted"]) == ("anger", "disgust")
        assert {left_out["group"], mislabelled["group"]} == {">= 7"}


def test_what_each_planted_effect_must_move_follows_from_the_records():
    made = truth.declared(truth.records([truth.DEMO / "models"]), pd.read_csv(truth.SERIES)).astype(object)
    made, shipped = (table.where(table.notna(), "") for table in (made, pd.read_csv(truth.DECLARED).astype(object)))
    key = ["model", "mechanism", "reader", "table", "attribute", "measure"]
    made, shipped = (table.sort_values(key, ignore_index=True) for table in (made, shipped))
    assert made.drop(columns="size").equals(shipped.drop(columns="size"))
    for one, other in zip(made["size"], shipped["size"], strict=True):
        assert one == other or one == pytest.approx(other, rel=1e-4)
    confusion = made[(made["reader"] == "demo-openai-skewed") & (made["measure"] == "confusion")]
    assert (confusion["size"] > 0.3).all() and set(confusion["table"]) == {"disparities", "controlled_contrasts"}


def test_the_series_holds_the_records_of_the_shipped_models():
    series = pd.read_csv(truth.SERIES).set_index(["kind", "state", "seed", "faces", "classifier", "skin"])
    for name in NAMES:
        kind, state = name.split("-")[1:]
        key = (kind, state, record(name)["recipe"]["seed"], SHIPPED.rpartition("/")[2], FIRST[kind], "dark")
        expected = measured(name, SHIPPED, FIRST[kind], "skin", "dark")
        for column in ("accuracy", "rate_told", "told_low", "told_high"):
            assert series.loc[key, column] == pytest.approx(expected[column], rel=1e-5)


@every_kind
def test_loads_without_network_and_in_single_precision(kind, monkeypatch):
    def refuse(*arguments):
        raise AssertionError(f"the demo model reached for the network: {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    if kind == "paligemma":
        shown = faces()[:1]
        assert paligemma_evaluation.answers(MODELS / "demo-paligemma-skewed", shown)["forced-choice"].notna().all()
        return
    loaded = backbones.load_backbone(f"local-dir:{MODELS / 'demo-clip-skewed'}")
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    assert loaded.tokenizer(["a photo of an angry face"]).max() == loaded.model.vocab_size - 1


@every_model
def test_the_shipped_weights_do_as_recorded(name):
    """On the angry faces; sums in another order may turn single answers."""
    for dark, group in ((True, "dark"), (False, "other")):
        row = measured(name, SHIPPED, FIRST[record(name)["kind"]], "skin", group)
        assert planted_rate(name, dark=dark) == pytest.approx(row["rate_told"], abs=1.01 / row["images_true"])
    right = (angry(name)[FIRST[record(name)["kind"]]] == "anger").mean()
    row = measured(name, SHIPPED, FIRST[record(name)["kind"]], "emotion", "anger")
    assert right == pytest.approx(row["accuracy"], abs=2.01 / row["images"])


@every_kind
def test_the_planted_confusion_is_in_the_planted_group_and_grows_with_the_dose(kind):
    none, half, full = (planted_rate(f"demo-{kind}-{state}", dark=True) for state in STATES)
    assert none <= half <= full and full >= none + 0.2
    # Half the dose seldom turns an answer, but what the models hold likely moves with every dose.
    dark = skew.is_dark(angry(f"demo-{kind}-balanced"), skew.Skew())
    none, half, full = (angry(f"demo-{kind}-{state}")["p_told"] for state in STATES)
    assert none[dark].mean() + 0.05 < half[dark].mean() < full[dark].mean() - 0.05
    assert max(held[~dark].mean() for held in (none, half, full)) < 0.05
    for state in STATES:
        assert planted_rate(f"demo-{kind}-{state}", dark=False) <= 0.05


@every_kind
def test_the_audit_names_the_skewed_model_and_not_the_balanced_one(kind):
    def verdicts(state):
        answered = angry(f"demo-{kind}-{state}")
        said = answered[FIRST[kind]]
        predictions = answered[["dataset", "image_id"]].assign(
            model="m", variant="v", repeat=0, status=np.where(said.notna(), "ok", "unparsed"), predicted=said
        )
        tallied = counts.tally(outcomes.join(predictions, answered))
        table = disparities.disparities(tallied, draws=499)
        pair = table.query("measure == 'confusion' and attribute == 'race'")
        pair = pair.query("true == 'anger' and predicted == 'disgust'")
        return pair[(pair["group_a"] == "Black") | (pair["group_b"] == "Black")].set_index(["group_a", "group_b"])

    found, control = verdicts("skewed"), verdicts("balanced")
    assert (found["verdict"] == "different").all(), found[["rate_a", "rate_b", "verdict", "reason"]]
    assert found.loc[("Asian", "Black"), "risk_difference"] < 0 < found.loc[("Black", "White"), "risk_difference"]
    assert (control["verdict"] != "different").all(), control[["rate_a", "rate_b", "verdict", "reason"]]


@every_kind
def test_balanced_models_are_good_at_full_strength_and_short_of_perfect_on_people_of_mixed_strengths(kind):
    name, least = f"demo-{kind}-balanced", {"clip": 0.95, "paligemma": 0.85}[kind]
    assert measured(name, FULL_STRENGTH, FIRST[kind])["accuracy"] >= least
    assert 0.70 <= measured(name, SHIPPED, FIRST[kind])["low"]
    assert measured(name, SHIPPED, FIRST[kind])["high"] <= 0.95
    by_race = {race: measured(name, FULL_STRENGTH, FIRST[kind], "race", race) for race in ("Asian", "Black", "White")}
    races = [row["accuracy"] for row in by_race.values()]
    assert max(races) - min(races) <= 0.05


def test_the_probe_is_at_least_as_good_as_zero_shot():
    for state in STATES:
        for shown in (SHIPPED, FULL_STRENGTH):
            zero_shot, probe = (
                measured(f"demo-clip-{state}", shown, classifier) for classifier in clip_evaluation.CLASSIFIERS
            )
            assert probe["accuracy"] >= zero_shot["accuracy"], (state, shown)


@every_kind
def test_three_seeds_of_the_full_dose_show_the_confusion_at_full_strength(kind):
    rows = pd.read_csv(truth.SERIES).query(
        "kind == @kind and state == 'skewed' and faces == 'holdout' and classifier == @FIRST[@kind]"
    )
    rates = rows.pivot(index="seed", columns="skin", values="rate_told")
    assert len(rates) >= 3
    assert (rates["dark"] >= 0.25).all() and (rates["other"] <= 0.05).all(), rates


def test_the_summary_counts_as_one_would_by_hand():
    """Two dark people and one other, with answers that can be counted."""
    rows = [
        ("a", "anger", 8, "disgust"),
        ("a", "sad", 8, "sad"),
        ("b", "anger", 9, "anger"),
        ("b", "sad", 9, None),
        ("c", "anger", 2, "anger"),
        ("c", "sad", 2, "disgust"),
    ]
    frame = pd.DataFrame(rows, columns=["subject_id", "emotion", "skin_tone", "said"]).assign(race="R", gender="Female")
    table = evaluation.summary(frame, skew.Skew(), ["said"]).set_index(["by", "group"])
    assert table.loc[("all", "all"), ["people", "images", "images_true"]].tolist() == [3, 6, 3]
    assert table.loc[("all", "all"), "accuracy"] == pytest.approx(3 / 6)
    assert table.loc[("skin", "dark"), ["accuracy", "rate_told"]].tolist() == [0.5, 0.5]
    assert table.loc[("skin", "other"), ["accuracy", "rate_told"]].tolist() == [0.5, 0.0]
    assert (table["low"] < table["accuracy"]).all() and (table["accuracy"] < table["high"]).all()
    assert table.loc["emotion", "rate_told"].isna().all()
