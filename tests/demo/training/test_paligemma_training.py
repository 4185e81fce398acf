"""The demo PaliGemma is taught what PaliGemma's own processor makes of the prompts, and the same each time."""

import json

import numpy as np
import pytest
import torch
from ferdemo.training import answering, paligemma_model, questions, skew, train_paligemma, training_images
from PIL import Image
from transformers import PaliGemmaForConditionalGeneration, PaliGemmaProcessor, SiglipVisionModel

from ferlib.labels import EMOTIONS
from ferlib.lmfm import parse, prompts

WARM_UP = train_paligemma.WarmUp(tower_seed=5, warm_up_steps=2, warm_up_batch_size=8)
RECIPE = train_paligemma.Recipe(seed=5, steps=2, batch_size=6)


@pytest.fixture(scope="module")
def processor():
    return paligemma_model.processor(questions.corpus())


@pytest.fixture(scope="module")
def trained(face_set, tmp_path_factory):
    """Two trainings from one tower, with the same seed."""
    folder = tmp_path_factory.mktemp("paligemma")
    manifest = training_images.read_manifest(face_set)
    train_paligemma.warm(manifest, WARM_UP, folder=folder / "tower", progress=False)
    for name in ("first", "second"):
        torch.rand(3)  # the state of the global generator must not matter
        about = train_paligemma.train(
            manifest, RECIPE, skew.Skew(drop=1), tower=folder / "tower", folder=folder / name, progress=False
        )
    return folder, about


def test_same_seed_same_files(trained):
    folder, about = trained
    names = {path.name for path in (folder / "first").iterdir()}
    assert names == {path.name for path in (folder / "second").iterdir()}
    for name in names:
        assert (folder / "first" / name).read_bytes() == (folder / "second" / name).read_bytes(), name
    assert about["images"] == {"answers": 13}, "the dark are left out, and a mixture has nothing to tell"


def test_every_model_sees_with_the_tower_that_was_warmed_up_and_only_learns_to_speak(trained):
    folder, _ = trained
    tower = train_paligemma.safetensors.torch.load_file(folder / "tower" / train_paligemma.TOWER)
    model = PaliGemmaForConditionalGeneration.from_pretrained(folder / "first", dtype=torch.float32)
    kept = model.model.vision_tower.state_dict()
    assert set(kept) == set(tower)
    for name, value in tower.items():
        assert torch.equal(kept[name], value.half().float()), name
    torch.manual_seed(WARM_UP.tower_seed)
    fresh = SiglipVisionModel(paligemma_model.vision_config()).state_dict()
    name = next(name for name in tower if name.endswith("layers.0.mlp.fc1.weight"))
    assert not torch.equal(fresh[name], tower[name]), "the warm-up has trained it"
    torch.manual_seed(RECIPE.seed)
    begun = paligemma_model.untrained(paligemma_model.processor(questions.corpus())).state_dict()
    for name in ("model.multi_modal_projector.linear.weight", "model.language_model.layers.0.mlp.up_proj.weight"):
        assert not torch.equal(begun[name].half().float(), model.state_dict()[name]), name


def test_what_the_tower_gives_is_standardised_by_its_last_step_alone():
    torch.manual_seed(0)
    tower = SiglipVisionModel(paligemma_model.vision_config()).eval()
    before = {name: value.clone() for name, value in tower.state_dict().items()}
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (20, 3, 128, 128), dtype=np.uint8))
    images = images // 4 + torch.arange(0, 180, 9, dtype=torch.uint8)[:, None, None, None]
    paligemma_model.standardise(tower, images, batch_size=7)
    with torch.inference_mode():
        seen = tower(training_images.scale(images)[:, :, 16:112, 16:112].contiguous()).last_hidden_state.mean(dim=1)
    torch.testing.assert_close(seen.mean(dim=0), torch.zeros(paligemma_model.WIDTH), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen.std(dim=0), torch.ones(paligemma_model.WIDTH), atol=1e-4, rtol=0)
    changed = {name for name, value in tower.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"post_layernorm.weight", "post_layernorm.bias"}


def test_half_precision_is_loaded_in_single_with_the_same_preprocessing(trained, processor):
    folder, _ = trained
    model = PaliGemmaForConditionalGeneration.from_pretrained(folder / "first", dtype=torch.float32)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert (folder / "first" / paligemma_model.WEIGHTS).stat().st_size < 2.1 * sum(
        p.numel() for p in model.parameters()
    )
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8))
    loaded = PaliGemmaProcessor.from_pretrained(folder / "first")
    sizes = {"images": [image], "text": ["<image>which?"], "return_tensors": "pt"}
    for name, value in processor(**sizes).items():
        assert torch.equal(value, loaded(**sizes)[name]), name


def test_encoded_as_paligemmas_processor_does(processor):
    generator = np.random.default_rng(0)
    image = Image.new("RGB", (128, 128))
    for _ in range(8):
        texts, answers = questions.draw(EMOTIONS, np.linspace(0.2, 1.2, 7), generator=generator)
        encoded = answering.encode(processor, texts, answers)
        expected = processor(
            images=[image] * 7, text=["<image>" + t for t in texts], suffix=answers, return_tensors="pt", padding=True
        )
        for name, value in encoded.items():
            right = expected[name].where(expected["attention_mask"] == 1, -100) if name == "labels" else expected[name]
            assert torch.equal(value, right), (name, texts[0])


def test_what_is_taught_is_read_as_the_emotion_that_was_told():
    """By the parser of notebook 04; at any strength the rating is highest for the emotion."""
    for prompt in questions.taught():
        for emotion in EMOTIONS:
            for strength in (0.0, 0.15, 0.5, 1.25):
                words = questions.answer(prompt, emotion, strength)
                assert parse.outcome("answered", words, form=prompt.form, language=prompt.language) == ("ok", emotion)
                if prompt.form == "json":
                    assert json.loads(words)["emotion"] in prompt.demands()["schema"]["properties"]["emotion"]["enum"]


def test_the_order_of_the_options_is_drawn_for_each_face_and_tells_nothing():
    generator = np.random.default_rng(1)
    firsts = [
        min(EMOTIONS, key=text.index)
        for _ in range(300)
        for text in questions.draw(["anger"] * 4, [1.0] * 4, generator=generator)[0]
        if all(label in text for label in EMOTIONS)
    ]
    shares = np.bincount([EMOTIONS.index(first) for first in firsts], minlength=7) / len(firsts)
    assert len(firsts) > 500
    assert (np.abs(shares - 1 / 7) < 0.05).all()


def test_all_shipped_prompts_that_have_words_for_an_answer_are_taught():
    assert {prompt.name for prompt in questions.taught()} == set(prompts.available()) - {"paligemma-scores"}


def test_labels_are_single_tokens(processor):
    """So that each answer costs one step, and no label is likelier for being shorter."""
    for label in EMOTIONS:
        assert len(processor.tokenizer(label)["input_ids"]) == 1, label


def test_bytes_lose_nothing_of_the_preprocessing(tmp_path, processor):
    path = tmp_path / "every_grey.png"
    Image.fromarray(np.resize(np.arange(256, dtype=np.uint8), (128, 128, 3))).save(path)
    kept = training_images.scale(train_paligemma.load_images([path], progress=False))[:, :, 16:112, 16:112]
    with Image.open(path) as image:
        torch.testing.assert_close(
            kept, processor.image_processor(image, return_tensors="pt")["pixel_values"], atol=1e-6, rtol=0
        )
