"""The number format and the device are what was asked for; half the bits are taken only if the embeddings stay."""

import dataclasses
import re

import numpy as np
import pytest
import torch

from ferlib.embedding import backbones, collection, hardware, pixels
from ferlib.errors import InputError

pytestmark = pytest.mark.usefixtures("processor")


@pytest.fixture(scope="module")
def backbone(source):
    return backbones.load_backbone(source[0])


@pytest.fixture(scope="module")
def batch(manifest, backbone):
    return next(pixels.batches([[(path, None) for path in manifest["path"]]], backbone.preprocess))


def worse(backbone, share, in_bfloat16=backbones.Backbone.in_bfloat16):
    """A copy in bfloat16 whose weights are moved by noise of this share of their size."""
    half = in_bfloat16(backbone)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in half.model.visual.parameters():
            weights.mul_(1 + share * torch.randn(weights.shape, generator=random).to(weights.dtype))
    return half


def test_half_the_bits_agree_to_the_cosine_that_is_reported(backbone, batch):
    half, cosine = hardware.in_bfloat16(backbone, batch)
    assert half.dtype == "bfloat16" and backbone.dtype == "float32"
    vectors, reference = (backbones.encode(batch, one) for one in (half, backbone))
    cosines = [np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(vectors, reference, strict=True)]
    assert cosine == pytest.approx(min(cosines), abs=1e-6)
    assert 0.999 <= cosine < 0.9999999 and vectors.dtype == np.float32


def test_one_image_that_disagrees_is_an_error_that_says_by_how_much(backbone, batch, monkeypatch):
    monkeypatch.setattr(backbones.Backbone, "in_bfloat16", lambda self: worse(self, 0.2))
    with pytest.raises(
        InputError, match=r"tiny agrees with float32 to a cosine of 0\.9\d+ only.*Use 'float32'"
    ) as caught:
        hardware.in_bfloat16(backbone, batch)
    cosine = float(re.search(r"of (0\.\d+) only", str(caught.value))[1])
    vectors = backbones.encode(batch, worse(backbone, 0.2))
    least = np.sum(vectors * backbones.encode(batch, backbone), axis=1).min()
    assert cosine == pytest.approx(least, abs=1e-5) and least < 0.999


@pytest.mark.parametrize("above", [True, False])
def test_the_least_agreement_is_the_one_that_is_documented(backbone, batch, monkeypatch, above):
    _, cosine = hardware.in_bfloat16(backbone, batch)
    monkeypatch.setattr(hardware, "LEAST_COSINE", cosine - 1e-6 if above else cosine + 1e-6)
    if above:
        assert hardware.in_bfloat16(backbone, batch)[1] == cosine
    else:
        with pytest.raises(InputError, match="is needed"):
            hardware.in_bfloat16(backbone, batch)


def test_a_backbone_that_overflows_is_no_agreement(backbone, batch, monkeypatch):
    monkeypatch.setattr(backbones.Backbone, "in_bfloat16", lambda self: worse(self, float("inf")))
    with pytest.raises(InputError, match="cosine of nan"):
        hardware.in_bfloat16(backbone, batch)


def test_bfloat16_is_never_taken_unasked_whatever_the_processor_has(manifest, source, tmp_path):
    found = collection.collect(manifest, source=source, folder=tmp_path)
    assert (found.recipe["dtype"], found.device, found.cosine) == ("float32", "cpu", None)
    assert found.summary["number format"] == "float32"


def test_a_collection_in_bfloat16_is_kept_apart_and_says_how_close_it_is(manifest, source, tmp_path):
    made = {
        wanted: collection.collect(manifest, source=source, folder=tmp_path, precision=wanted)
        for wanted in ("float32", "bfloat16")
    }
    assert {wanted: one.recipe["dtype"] for wanted, one in made.items()} == {wanted: wanted for wanted in made}
    assert made["bfloat16"].computed == len(manifest)
    assert 0.999 <= np.sum(made["float32"].vectors * made["bfloat16"].vectors, axis=1).min() < 1
    assert 0.999 <= made["bfloat16"].summary["least cosine to float32"] < 1
    again = collection.collect(manifest, source=source, folder=tmp_path, precision="bfloat16")
    assert dataclasses.replace(again, vectors=None, computed=0, reused=0, seconds=0) == dataclasses.replace(
        made["bfloat16"], vectors=None, computed=0, reused=0, seconds=0
    )


def test_the_agreement_is_measured_over_the_whole_set_and_on_few_images(manifest, source, tmp_path, monkeypatch):
    asked = []
    original = hardware.in_bfloat16
    monkeypatch.setattr(hardware, "in_bfloat16", lambda one, sample: asked.append(sample) or original(one, sample))
    monkeypatch.setattr(hardware, "SAMPLE", 4)
    collection.collect(manifest, source=source, folder=tmp_path, precision="bfloat16")
    preprocess = backbones.load_backbone(source[0]).preprocess
    expected = [pixels.read(manifest["path"][index], preprocess=preprocess) for index in (0, 3, 6, 9)]
    assert torch.equal(asked[0], torch.stack(expected))


@pytest.mark.parametrize("cuda, mps, found", [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_fastest_device_is_found_when_that_is_asked_for_and_only_then(monkeypatch, cuda, mps, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert hardware.device("auto") == found
    assert hardware.device("cpu") == "cpu"


def test_a_graphics_processor_that_nobody_asked_for_is_not_used(manifest, source, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert collection.collect(manifest, source=source, folder=tmp_path).device == "cpu"


@pytest.mark.parametrize("wanted", ["cuda", "tpu"])
def test_a_device_that_is_not_there_is_an_error(manifest, source, tmp_path, monkeypatch, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=f"device '{wanted}'.*Give 'auto' or one of.*'cpu'"):
        collection.collect(manifest, source=source, folder=tmp_path, device=wanted)


@pytest.mark.parametrize("wanted", ["half", "auto"])
def test_an_unknown_precision_is_named_with_those_there_are(manifest, source, tmp_path, wanted):
    with pytest.raises(InputError, match=f"'{wanted}'.*'float32', 'bfloat16'"):
        collection.collect(manifest, source=source, folder=tmp_path, precision=wanted)
