"""CLIP's probe as one network: the logits that the probe gives, maps of them, and a control whose tower is random."""

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tiny_clip import save_images, save_model

from ferlib.embedding import backbones
from ferlib.labels import EMOTIONS
from ferlib.units import heatmaps
from ferlib.units.clip_probe import ProbedCLIP, against_controls, agreement, ask, prepared, questions
from ferlib.units.faces import Faces, regions_of


def test_it_answers_as_the_probe_does_on_the_embeddings(tmp_path):
    backbone = backbones.load_backbone(save_model(tmp_path / "model"))
    pictures = [Image.open(path).convert("RGB") for path in save_images(tmp_path / "images", 4)["path"]]
    random = np.random.default_rng(0)
    coefficients, intercepts = random.normal(size=(3, 16)), random.normal(size=3)
    model = ProbedCLIP(backbone.model, coefficients, intercepts).eval()
    images = prepared(save_images(tmp_path / "images", 4)["path"], backbone.preprocess)
    with torch.inference_mode():
        logits = model(images).numpy()
    np.testing.assert_allclose(logits, backbones.embed_pil(pictures, backbone) @ coefficients.T + intercepts, atol=1e-5)
    maps = heatmaps.explain(model, images, 1, method="integrated-gradients")
    with torch.inference_mode():
        above = logits[:, 1] - model(torch.zeros_like(images))[:, 1].numpy()
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), above, atol=0.05 * np.abs(above).max() + 0.02)


def test_the_untrained_control_differs_in_the_tower_alone(tmp_path):
    backbone = backbones.load_backbone(save_model(tmp_path / "model"))
    model = ProbedCLIP(backbone.model, np.ones((3, 16)), np.zeros(3)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    control, again = model.untrained(seed=4), model.untrained(seed=4)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in control.state_dict().items())
    assert torch.equal(control.coefficients, model.coefficients) and not control.training
    assert not torch.equal(control.clip.visual.conv1.weight, model.clip.visual.conv1.weight)
    assert torch.equal(control.clip.token_embedding.weight, model.clip.token_embedding.weight)


def test_each_person_is_asked_about_the_strongest_image_of_the_unit_alone():
    rows = [
        ("a-1", "a", "single", 0.4), ("a-2", "a", "single", 0.9), ("a-3", "a", "combination", 1.0),
        ("a-4", "a", "single", 0), ("b-1", "b", "combination", 1.0), ("b-2", "b", "single", 0.5),
    ]  # fmt: skip
    manifest = pd.DataFrame(rows, columns=["image_id", "subject_id", "kind", "au12"])
    manifest = manifest.assign(row=range(6), path="")
    present = pd.DataFrame({"au12": (manifest["au12"] > 0.3).astype("Int8")})
    asked = questions(Faces(manifest, present, []), {"happy": "au12"})
    assert asked["image_id"].to_list() == ["a-2", "b-2"] and set(asked["output"]) == {EMOTIONS.index("happy")}
    together = questions(Faces(manifest.assign(kind="photograph"), present, []), {"happy": "au12"})
    assert together["image_id"].to_list() == ["a-3", "b-1"]


def test_the_probe_of_the_embeddings_is_asked_and_its_maps_stand_beside_the_controls(tmp_path):
    images = save_images(tmp_path / "images", 6)
    backbone = backbones.load_backbone(save_model(tmp_path / "model"))
    random = np.random.default_rng(1)
    model = ProbedCLIP(backbone.model, random.normal(size=(7, 16)), np.zeros(7)).eval()
    manifest = pd.DataFrame({"image_id": [f"i{k}" for k in range(6)], "subject_id": list("abcdef")})
    manifest = manifest.assign(path=list(images["path"]), kind="single", row=range(6), au12=1.0)
    shown = Faces(manifest, pd.DataFrame({"au12": pd.array([1] * 6, dtype="Int8")}), [tmp_path / "manifest.csv"])
    boxes = manifest[["image_id"]].assign(unit="au12", left=0, top=0, right=5, bottom=5)
    boxes.to_csv(tmp_path / "boxes.csv", index=False)
    found = ask(
        model, backbone.preprocess, shown, {"happy": "au12"}, regions_from={"boxes": tmp_path / "boxes.csv"}, seed=2
    )
    with torch.inference_mode():
        said = model(prepared(manifest["path"], backbone.preprocess)).argmax(dim=1)
    assert found["answer"].to_list() == [EMOTIONS[number] for number in said]
    maps = heatmaps.explain(
        model, prepared(manifest["path"], backbone.preprocess), EMOTIONS.index("happy"), method="integrated-gradients"
    )
    region = regions_of(shown, size=maps.shape[-1], boxes=tmp_path / "boxes.csv").masks
    positive = np.maximum(maps, 0)
    expected = (positive * region).sum(axis=(1, 2)) / positive.sum(axis=(1, 2))
    np.testing.assert_allclose(found["value"], expected, rtol=1e-4)
    assert not np.allclose(found["value"], found["untrained"]) and set(found["measure"]) == {"mass"}
    told = agreement(found.assign(answer=["happy"] * 3 + ["sad"] * 3))
    assert told["agrees"].to_dict() == {"happy, region of au12": 0.5}
    contrasts = against_controls(found, delta=0.05, min_people=2, draws=100, seed=1)
    assert contrasts["group_b"].to_list() == ["untrained", "even"]
    np.testing.assert_allclose(contrasts["difference"][1], (found["value"] - found["even"]).mean())
