"""CLIP's probe as one network: the logits that the probe gives, maps of them, and a control whose tower is random."""

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tiny_clip import save_images, save_model

from ferlib.embedding import backbones
from ferlib.labels import EMOTIONS
from ferlib.units import heatmaps
from ferlib.units.clip_probe import ProbedCLIP, prepared, questions
from ferlib.units.faces import Faces


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
