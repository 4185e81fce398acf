"""A tiny PaliGemma of random weights, loaded as the real ones are: what it says is what the model itself gives."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from ferdemo.standin import doubt
from lmfm_helpers import faces
from PIL import Image
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as token_models
from transformers import (
    GemmaConfig,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
    SiglipImageProcessor,
    SiglipVisionConfig,
)

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import models, parse, prompts, run, store, study

SETTINGS = {"temperature": 0.0, "max_tokens": 6}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Same classes as google/paligemma-3b-mix-224, a few thousand parameters."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("model") / "tiny-paligemma"
    text = Tokenizer(token_models.BPE(unk_token="<unk>"))
    text.pre_tokenizer, text.decoder = pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<eos>", "<bos>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text.train_from_iterator([prompts.load("paligemma").text(), *EMOTIONS] * 5, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=text, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
    pictures = SiglipImageProcessor(size={"height": 28, "width": 28})
    pictures.image_seq_length = 4
    processor = PaliGemmaProcessor(image_processor=pictures, tokenizer=tokenizer)
    size = len(processor.tokenizer)
    config = PaliGemmaConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=28,
            patch_size=14, projection_dim=16,
        ).to_dict(),
        text_config=GemmaConfig(
            vocab_size=size, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, head_dim=8, pad_token_id=0, eos_token_id=1, bos_token_id=2,
        ).to_dict(),
        image_token_index=processor.image_token_id,
        hidden_size=16,
        projection_dim=16,
    )  # fmt: skip
    for name, token in [("pad_token_id", 0), ("eos_token_id", 1), ("bos_token_id", 2)]:
        setattr(config, name, token)
    model = PaliGemmaForConditionalGeneration(config)
    for weight in model.parameters():
        weight.data *= 6  # so that the answer depends on the image
    model.save_pretrained(path)
    processor.save_pretrained(path)
    return path


@pytest.fixture
def entry(folder):
    return models.read([{"name": "tiny", "provider": "paligemma", "model": str(folder)}])[0]


@pytest.fixture
def client(entry):
    made = models.client(entry, timeout_s=30)
    yield made
    made.close()


def picture(colour):
    data = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(data, "PNG")
    return data.getvalue()


def test_free_generation_is_the_models_own(client, folder):
    model = PaliGemmaForConditionalGeneration.from_pretrained(folder).eval()
    processor = PaliGemmaProcessor.from_pretrained(folder)
    said = set()
    for colour in ("red", "blue", "white", "black"):
        image = Image.new("RGB", (40, 40), colour)
        inputs = processor(images=[image], text=["<image>answer en which?"], return_tensors="pt")
        tokens = model.generate(**inputs, max_new_tokens=6, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        answer = client.ask(picture(colour), "image/png", "answer en which?", SETTINGS)
        assert answer.text == processor.decode(tokens, skip_special_tokens=True).strip()
        assert answer.usage["input_tokens"] == inputs["input_ids"].shape[1]
        assert (answer.kind, answer.usage["output_tokens"]) == ("truncated", 6) or answer.kind == "answered"
        assert answer.model_version.startswith("tiny-paligemma@")
        said.add(answer.text)
    assert len(said) > 1


def test_a_score_is_the_log_probability_of_the_label_token_by_token(client, folder):
    """Against one step of the model at a time, as generation does it."""
    model = PaliGemmaForConditionalGeneration.from_pretrained(folder).eval()
    processor = PaliGemmaProcessor.from_pretrained(folder)
    image, text = Image.new("RGB", (40, 40), "red"), "answer en which?"
    found = json.loads(client.ask(picture("red"), "image/png", text, SETTINGS | {"scored": ["anger", "sad"]}).text)
    for label in ("anger", "sad"):
        whole = processor(images=[image], text=["<image>" + text], suffix=[label], return_tensors="pt")
        target = whole["input_ids"][0][whole["token_type_ids"][0] == 1].tolist()
        inputs = processor(images=[image], text=["<image>" + text], return_tensors="pt")
        inputs.pop("labels", None)
        forced = model.generate(
            **inputs,
            max_new_tokens=len(target),
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
            prefix_allowed_tokens_fn=None,
            logits_processor=[_Force(target, inputs["input_ids"].shape[1])],
            output_logits=True,
        )
        log = sum(torch.log_softmax(forced.logits[i][0].float(), -1)[token].item() for i, token in enumerate(target))
        assert found[label] == pytest.approx(log, abs=1e-3)
        assert target[-1] == processor.tokenizer.eos_token_id


class _Force(torch.nn.Module):
    """Makes generation take given tokens, whatever their probability."""

    def __init__(self, target, start):
        super().__init__()
        self.target, self.start = target, start

    def __call__(self, ids, scores):
        forced = torch.full_like(scores, -torch.inf)
        forced[:, self.target[ids.shape[1] - self.start]] = 0
        return forced


@pytest.mark.parametrize("name", ["paligemma", "paligemma-scores"])
def test_a_run_in_batches_gives_what_single_questions_give(entry, tmp_path, name):
    manifest = faces(tmp_path, 12)
    made = study.plan(manifest, model=entry, prompt=prompts.load(name), settings=SETTINGS, option_order="shuffled")
    together = run.ask(made, store.Store(tmp_path / "a"), concurrency=12, progress=False)
    alone = run.ask(made, store.Store(tmp_path / "b"), concurrency=1, progress=False)
    assert list(together["said"]) == list(alone["said"])
    assert together["said"].nunique() > 1 or name == "paligemma"
    if name == "paligemma-scores":
        assert set(together["status"]) == {"ok"}
        assert together.filter(like="p_").sum(axis=1).to_list() == pytest.approx([1] * 12)
        values = parse.numbers(together["said"][0], form="scores")
        assert together["predicted"][0] == max(values, key=values.get)
        assert together[f"p_{together['predicted'][0]}"][0] == together.filter(like="p_").iloc[0].max()
    else:
        assert set(together["status"]) <= {"ok", "truncated", "unparsed"}


def test_questions_of_different_lengths_that_come_together_do_not_disturb_each_other(client):
    texts = [
        "answer en",
        "answer en which of these emotions does the face show?",
        "answer en which?",
        "answer en",
        "sad",
    ]
    with ThreadPoolExecutor(5) as pool:
        together = list(pool.map(lambda text: client.ask(picture("blue"), "image/png", text, SETTINGS), texts))
    assert together == [client.ask(picture("blue"), "image/png", text, SETTINGS) for text in texts]
    assert len({answer.usage["input_tokens"] for answer in together}) == 4


def test_a_draw_repeats_with_its_seed(client):
    warm = {"temperature": 2.0, "max_tokens": 6}
    said = [client.ask(picture("red"), "image/png", "answer en", warm | {"seed": seed}).text for seed in (1, 2, 3, 1)]
    assert said[0] == said[3] and len(set(said)) > 1


def test_a_model_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    missing = models.read([{"name": "m", "provider": "paligemma", "model": str(tmp_path / "gone")}])[0]
    with pytest.raises(InputError, match="model 'm'.*gone.*is no folder with a PaliGemma model"):
        models.client(missing, timeout_s=30)


def test_closed_datasets_may_be_shown_to_it_since_nothing_is_sent(entry, tmp_path):
    made = study.plan(
        faces(tmp_path, 1, dataset="cfd"), model=entry, prompt=prompts.load("paligemma"), settings=SETTINGS
    )
    assert run.ask(made, store.Store(tmp_path / "a"), progress=False)["status"][0] != "error"


def test_a_weighed_answer_names_the_place_of_doubt_and_what_else_could_stand_there(client, entry, folder):
    """Against the model's own logits, each token given what was written before it, in one pass."""
    model = PaliGemmaForConditionalGeneration.from_pretrained(folder).eval()
    processor = PaliGemmaProcessor.from_pretrained(folder)
    doubting, places = doubt.Doubting(entry, timeout_s=30), set()
    for colour in ("red", "blue", "white", "black"):
        image = Image.new("RGB", (40, 40), colour)
        inputs = processor(images=[image], text=["<image>answer en which?"], return_tensors="pt")
        tokens = model.generate(**inputs, max_new_tokens=6, do_sample=False)[0]
        read = inputs["input_ids"].shape[1]
        types = torch.cat([torch.zeros(read, dtype=int), torch.ones(len(tokens) - read, dtype=int)])
        whole = {"input_ids": tokens[None], "token_type_ids": types[None], "attention_mask": torch.ones(1, len(tokens))}
        with torch.inference_mode():
            logits = model(**whole, pixel_values=inputs["pixel_values"]).logits[0, read - 1 : -1]
        shares = logits.double().softmax(-1)
        place = int(shares.max(-1).values.argmin())
        other = tokens.clone()
        other[read + place] = shares[place].argsort(descending=True)[1]
        asked = (picture(colour), "image/png", "answer en which?")
        found = json.loads(doubting.ask(*asked, SETTINGS).text)
        assert found["words"] == client.ask(*asked, SETTINGS).text
        assert found["probability"] == pytest.approx(float(shares[place].max()), abs=1e-4)
        assert found["second"] == processor.decode(other[read:], skip_special_tokens=True).strip() != found["words"]
        places.add(place)
    doubting.close()
    assert len(places) > 1
