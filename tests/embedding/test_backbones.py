"""One door for all backbones: what comes out is open_clip's own embedding, in the order asked for."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from tiny_clip import CONFIG, save_images, save_model

from ferlib.embedding import backbones
from ferlib.errors import InputError
from ferlib.probe import zeroshot


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An untrained model of the real class, with open_clip's own tokenizer."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    text = {**CONFIG["model_cfg"]["text_cfg"], "vocab_size": 49408}
    save_model(folder, config={**CONFIG, "model_cfg": {**CONFIG["model_cfg"], "text_cfg": text}})
    return folder


@pytest.fixture(scope="module")
def backbone(folder):
    return backbones.load_backbone(f"local-dir:{folder}")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp("images"), 5)["path"].tolist()


def test_embeddings_are_open_clips_own_whatever_the_batch(folder, backbone, images):
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    with torch.inference_mode():
        expected = torch.stack(
            [model.eval().encode_image(preprocess(Image.open(path))[None])[0] for path in images]
        ).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    for batch_size in (1, 2, 64):
        found = backbones.embed_images(images, backbone, batch_size=batch_size)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_other_weights_have_another_hash(backbone, folder):
    other = backbones.load_backbone(f"local-dir:{folder}")
    assert other.weights_sha256 == backbone.weights_sha256
    with torch.no_grad():
        other.model.logit_scale.add_(1e-3)
    assert other.weights_sha256 != backbone.weights_sha256


def test_the_wrong_activation_is_an_error_and_not_a_warning(monkeypatch, tmp_path):
    monkeypatch.setattr(open_clip.factory, "download_pretrained", lambda *_, **__: str(tmp_path / "none.pt"))
    with pytest.raises(InputError, match="QuickGELU mismatch.*Use 'ViT-B-32-quickgelu'"):
        backbones.load_backbone("ViT-B-32", pretrained="openai")


@pytest.mark.parametrize(
    "name, tag, words",
    [
        ("local-dir:data/demo/nothing", None, ["data/demo/nothing", "open_clip_config.json"]),
        ("ViT-B-32-quickgelu", "nobody", ["'nobody'", "tags of ViT-B-32-quickgelu", "openai"]),
        ("ViT-Z", "openai", ["'ViT-Z'", "not known to open_clip"]),
    ],
)
def test_an_unknown_backbone_is_named_with_what_there_is(name, tag, words):
    with pytest.raises(InputError) as caught:
        backbones.load_backbone(name, pretrained=tag)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_zero_shot_probabilities_are_the_softmax_of_open_clips_logits(backbone, images):
    vectors = backbones.embed_images(images, backbone)
    classes = zeroshot.class_embeddings(backbone, ["a {} face"])
    captions = [f"a {word} face" for word in ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")]
    pixels = torch.stack([backbone.preprocess(Image.open(path)) for path in images])
    with torch.inference_mode():
        logits, _ = backbone.model.get_logits(pixels, backbone.tokenizer(captions))
    found = zeroshot.probabilities(vectors, classes, logit_scale=backbone.logit_scale)
    np.testing.assert_allclose(found, logits.softmax(dim=1).numpy(), atol=1e-5)


def test_an_ensemble_is_the_normalised_mean_of_its_templates(backbone):
    one, two = (zeroshot.class_embeddings(backbone, [template]) for template in ("a {} face", "{}"))
    both = zeroshot.class_embeddings(backbone, ["a {} face", "{}"])
    mean = (one + two) / 2
    np.testing.assert_allclose(both, mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-6)


def test_a_folder_without_whole_weights_is_an_error_and_not_a_random_model(folder, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in folder.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "open_clip_model.safetensors").unlink()
    with pytest.raises(InputError, match="broken.*could not be loaded"):
        backbones.load_backbone(f"local-dir:{broken}")
