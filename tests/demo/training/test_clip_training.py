"""Both stages learn, and the same seed gives the same weights; on a few drawn blobs, in seconds."""

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from ferdemo.training import (
    architecture,
    captions,
    contrastive,
    evaluation,
    optimising,
    skew,
    train_clip,
    training_images,
    warm_up,
)
from PIL import Image

from ferlib.errors import InputError

RECIPE = train_clip.Recipe(seed=5, warm_up_steps=2, contrastive_steps=2, batch_size=8)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("untrained")
    architecture.write(folder, captions.vocabulary(["Black", "White"]))
    torch.manual_seed(0)
    return architecture.untrained(folder)


def test_same_seed_same_weights(face_set, tmp_path):
    manifest = training_images.read_manifest(face_set)
    for name in ("first", "second"):
        torch.rand(3)  # the state of the global generator must not matter
        record = train_clip.train(manifest, RECIPE, skew.Skew(drop=1), folder=tmp_path / name, progress=False)
    first, second = ((tmp_path / name / architecture.WEIGHTS).read_bytes() for name in ("first", "second"))
    assert first == second
    assert record["images"] == {"warm-up": 14, "contrastive": 13}


def test_half_precision_file_is_computed_with_in_single(face_set, tmp_path):
    manifest = training_images.read_manifest(face_set)
    train_clip.train(manifest, RECIPE, skew.Skew(), folder=tmp_path, progress=False)
    model = open_clip.create_model(f"local-dir:{tmp_path}")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert (tmp_path / architecture.WEIGHTS).stat().st_size < 2.1 * sum(p.numel() for p in model.parameters())


def test_one_contrastive_step_lowers_the_loss(face_set, untrained):
    model, preprocess, tokenizer = untrained
    manifest = training_images.read_manifest(face_set).query("kind == 'expression'")
    images = training_images.load(manifest["path"], preprocess, progress=False)
    attributes = manifest[["emotion", "race", "gender"]].to_numpy(dtype=object).T
    drawn = captions.draw(*attributes, generator=np.random.default_rng(0))
    positives = torch.from_numpy(captions.compatible(drawn, *attributes))
    tokens = tokenizer([caption.text for caption in drawn])

    def loss(rows, generator):
        seen = model.encode_image(training_images.scale(images), normalize=True)
        told = model.encode_text(tokens, normalize=True)
        return contrastive.loss(seen, told, model.logit_scale.exp(), positives)

    model.train()
    steps = optimising.minimise(
        loss,
        model,
        n_images=len(images),
        steps=2,
        batch_size=8,
        learning_rate=2e-3,
        seed=0,
        description="",
        progress=False,
    )
    assert steps[1] < steps[0]


def test_contrastive_loss_with_one_positive_each_is_that_of_open_clip():
    generator = torch.Generator().manual_seed(1)
    image, text = (torch.nn.functional.normalize(torch.randn(9, 16, generator=generator), dim=1) for _ in "it")
    expected = open_clip.ClipLoss()(image, text, torch.tensor(7.0))
    got = contrastive.loss(image, text, torch.tensor(7.0), torch.eye(9, dtype=torch.bool))
    torch.testing.assert_close(got, expected)


def test_contrastive_loss_is_zero_at_a_perfect_fit_with_several_positives():
    label = torch.tensor([0, 0, 1, 2, 1])
    embedding = torch.eye(3)[label]
    got = contrastive.loss(embedding, embedding, torch.tensor(60.0), label[:, None] == label)
    assert float(got) == pytest.approx(0, abs=1e-6)


def test_bytes_lose_nothing_of_the_preprocessing(untrained, tmp_path):
    _, preprocess, _ = untrained
    path = tmp_path / "every_grey.png"
    Image.fromarray(np.resize(np.arange(256, dtype=np.uint8), (96, 96, 3))).save(path)
    kept = training_images.scale(training_images.load([path], preprocess, progress=False))[0]
    with Image.open(path) as image:
        torch.testing.assert_close(kept, preprocess(image.convert("RGB")), atol=1e-6, rtol=0)


def test_variation_keeps_the_picture_recognisable(untrained):
    ramp = torch.linspace(0, 255, 128).expand(6, 3, 128, 128).transpose(2, 3).round().to(torch.uint8)
    varied = training_images.vary(ramp, generator=np.random.default_rng(2))
    assert varied.shape == (6, 3, 128, 128) and varied.abs().max() <= 1
    straight = training_images.scale(ramp)
    for before, after in zip(straight, varied, strict=True):
        assert np.corrcoef(before.flatten(), after.flatten())[0, 1] > 0.9
    assert not torch.equal(varied[0], varied[1])


def test_the_cut_is_the_centre_of_what_would_be_seen_without_it():
    """Without a cut the variation of 128 pixels; with one, the same picture's central 96."""
    pixels = torch.from_numpy(np.random.default_rng(4).integers(0, 255, (5, 3, 8, 8), dtype=np.uint8))
    smooth = torch.nn.functional.interpolate(pixels.float(), 128, mode="bicubic").clamp(0, 255).to(torch.uint8)
    whole = training_images.vary(smooth, generator=np.random.default_rng(2))
    cut = training_images.vary(smooth, generator=np.random.default_rng(2), size=96)
    torch.testing.assert_close(cut, whole[:, :, 16:112, 16:112], atol=1e-4, rtol=0)


def test_warm_up_targets_leave_out_units_that_never_move_and_count_the_others_alike(face_set):
    truth = warm_up.targets(training_images.read_manifest(face_set))
    assert truth["action_units"].shape == (28, 2)
    torch.testing.assert_close(truth["action_units"].std(dim=0), torch.ones(2))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_matrices_are_updated_orthogonally_in_place_whatever_their_memory_layout(layout):
    """Against the orthogonal factor of the gradient, from its singular value decomposition."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8, 8))
    module.to(memory_format=layout)
    image = torch.randn(200, 4, 3, 3)
    module(image).square().sum().backward()
    before = {name: (weight.detach().clone(), weight.grad.clone()) for name, weight in module.named_parameters()}
    options = {"learning_rate": 1e-2, "seed": 0, "description": "", "progress": False}
    optimising.minimise(lambda *_: module(image).square().sum(), module, n_images=6, steps=1, batch_size=6, **options)
    for name in ("0.weight", "2.weight"):
        weight, gradient = (part.flatten(1) for part in before[name])
        step = weight - module.get_parameter(name).detach().flatten(1)
        left, _, right = torch.linalg.svd(gradient, full_matrices=False)
        assert torch.nn.functional.cosine_similarity(step.flatten(), (left @ right).flatten(), dim=0) > 0.9, name


def test_batches_use_every_image_once_before_any_again():
    seen = []

    def loss(rows, generator):
        seen.extend(rows.tolist())
        return weight.square().sum()

    module = torch.nn.Module()
    module.weight = weight = torch.nn.Parameter(torch.ones(2))
    options = {"learning_rate": 0.1, "seed": 0, "description": "", "progress": False}
    losses = optimising.minimise(loss, module, n_images=10, steps=5, batch_size=4, **options)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10)) and seen[:10] != seen[10:]
    assert (np.diff(losses) < 0).all()


def test_a_person_of_the_training_set_cannot_be_measured_on(face_set):
    with pytest.raises(InputError, match="'train-00' is also in the training set"):
        evaluation.held_out(face_set, trained_on={"train-00"})


def test_a_manifest_without_action_units_is_refused(face_set, tmp_path):
    frame = pd.read_csv(face_set / "manifest.csv").drop(columns=["au04", "au09", "au43"])
    frame.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(InputError, match="Action Units"):
        training_images.read_manifest(tmp_path)
