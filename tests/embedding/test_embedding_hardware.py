"""Half the bits only where the processor gains by it and the embeddings stay the same; the device is found."""

import dataclasses

import numpy as np
import pytest
import torch

from ferlib.embedding import backbones, collection, hardware, pixels, precision
from ferlib.errors import InputError


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


def test_bfloat16_is_taken_where_the_processor_has_it_and_it_agrees(backbone, batch, monkeypatch):
    monkeypatch.setattr(hardware, "has_bf16", lambda: True)
    chosen = precision.choose(backbone, lambda: batch)
    assert chosen.backbone.dtype == "bfloat16" and backbone.dtype == "float32"
    vectors, reference = (backbones.encode(batch, one) for one in (chosen.backbone, backbone))
    cosines = [np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(vectors, reference, strict=True)]
    assert chosen.cosine == pytest.approx(min(cosines), abs=1e-6)
    assert 0.999 <= chosen.cosine < 0.9999999 and vectors.dtype == np.float32


def test_one_image_that_disagrees_is_enough_for_float32(backbone, batch, monkeypatch):
    monkeypatch.setattr(backbones.Backbone, "in_bfloat16", lambda self: worse(self, 0.2))
    chosen = precision.choose(backbone, lambda: batch, wanted="bfloat16")
    assert chosen.backbone is backbone and chosen.cosine < 0.999
    assert f"{chosen.cosine:.5f} only; 0.999 is needed" in chosen.reason


def test_a_backbone_that_overflows_is_no_agreement(backbone, batch, monkeypatch):
    monkeypatch.setattr(backbones.Backbone, "in_bfloat16", lambda self: worse(self, float("inf")))
    assert precision.choose(backbone, lambda: batch, wanted="bfloat16").backbone is backbone


def test_without_the_instructions_nothing_is_tried(backbone, monkeypatch):
    monkeypatch.setattr(hardware, "has_bf16", lambda: False)
    chosen = precision.choose(backbone, None)
    assert chosen.backbone is backbone and "no bfloat16 instructions" in chosen.reason


def test_a_collection_in_bfloat16_is_kept_apart_and_close(manifest, source, tmp_path):
    made = {
        wanted: collection.collect(manifest, source=source, folder=tmp_path, precision=wanted)
        for wanted in ("float32", "bfloat16")
    }
    assert {wanted: one.recipe["dtype"] for wanted, one in made.items()} == {wanted: wanted for wanted in made}
    assert made["bfloat16"].computed == len(manifest)
    assert 0.999 <= np.sum(made["float32"].vectors * made["bfloat16"].vectors, axis=1).min() < 1
    again = collection.collect(manifest, source=source, folder=tmp_path, precision="bfloat16")
    assert dataclasses.replace(again, vectors=None, computed=0, reused=0, seconds=0) == dataclasses.replace(
        made["bfloat16"], vectors=None, computed=0, reused=0, seconds=0
    )


@pytest.mark.parametrize(
    "listing, has",
    [
        ("flags\t\t: fpu avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu avx512f\n", False),
        ("Features\t: fp bf16\n", True),
    ],
)
def test_instructions_are_read_from_what_the_processor_lists(monkeypatch, tmp_path, listing, has):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{listing}")
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    monkeypatch.setattr(hardware, "Path", lambda _: tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware.platform, "system", lambda: "Linux")
    assert hardware.has_bf16() is has


@pytest.mark.parametrize("cuda, mps, found", [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_device_is_found(monkeypatch, cuda, mps, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert hardware.device("auto") == found


@pytest.mark.parametrize("wanted", ["cuda", "tpu"])
def test_a_device_that_is_not_there_is_an_error(monkeypatch, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=f"device '{wanted}'.*Give 'auto' or one of.*'cpu'"):
        hardware.device(wanted)


def test_an_unknown_precision_is_named_with_those_there_are(backbone):
    with pytest.raises(InputError, match="'half'.*'auto', 'float32', 'bfloat16'"):
        precision.choose(backbone, None, wanted="half")
