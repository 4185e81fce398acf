"""Both stages learn, and the same seed gives the same weights; on a few drawn blobs, in seconds."""

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from PIL import Image

from ferlib.demo import architecture, captions, contrastive, skew, train_clip, training, training_images, warm_up
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS

RECIPE = train_clip.Recipe(seed=5, warm_up_steps=2, contrastive_steps=2, batch_size=8)


@pytest.fixture(scope="module")
def face_set(tmp_path_factory):
    """28 people, a picture each: noise whose brightness is the skin and whose upper half is the expression."""
    folder = tmp_path_factory.mktemp("faces")
    generator = np.random.default_rng(0)
    rows = []
    for n in range(28):
        emotion, dark = EMOTIONS[n % 7], n >= 14
        pixels = generator.integers(0, 40, (64, 64, 3)) + (30 if dark else 150)
        pixels[:32] += 9 * (n % 7)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{n}.png")
        units = {"au04": float(emotion == "anger"), "au09": float(emotion == "disgust"), "au43": 0.0}
        rows.append(
            {
                "image_id": f"train-{n:02d}",
                "path": f"{n}.png",
                "subject_id": f"train-{n:02d}",
                "emotion": emotion,
                "race": "Black" if dark else "White",
                "gender": ("Female", "Male")[n % 2],
                "skin_tone": 8 if dark else 3,
                "kind": "mixture" if n == 13 else "expression",
                **units,
            }
        )
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


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
    steps = training.minimise(
        loss,
        model.parameters(),
        n_images=len(images),
        steps=2,
        batch_size=8,
        learning_rate=5e-3,
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
    Image.fromarray(np.resize(np.arange(256, dtype=np.uint8), (128, 128, 3))).save(path)
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


def test_warm_up_targets_leave_out_units_that_never_move(face_set):
    truth = warm_up.targets(training_images.read_manifest(face_set))
    assert truth["action_units"].shape == (28, 2)
    assert truth["action_units"].max() == 1


def test_batches_use_every_image_once_before_any_again():
    seen = []

    def loss(rows, generator):
        seen.extend(rows.tolist())
        return weight.square().sum()

    weight = torch.nn.Parameter(torch.ones(2))
    options = {"learning_rate": 0.1, "seed": 0, "description": "", "progress": False}
    losses = training.minimise(loss, [weight], n_images=10, steps=5, batch_size=4, **options)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10)) and seen[:10] != seen[10:]
    assert (np.diff(losses) < 0).all()


def test_a_person_of_the_training_set_cannot_be_measured_on(face_set, tmp_path):
    with pytest.raises(InputError, match="'train-00' is also in the training set"):
        train_clip.evaluate(tmp_path, face_set, skew.Skew(), seed=0, trained_on={"train-00"})


def test_a_manifest_without_action_units_is_refused(face_set, tmp_path):
    frame = pd.read_csv(face_set / "manifest.csv").drop(columns=["au04", "au09", "au43"])
    frame.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(InputError, match="Action Units"):
        training_images.read_manifest(tmp_path)
