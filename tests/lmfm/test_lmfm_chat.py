"""Open models of today, by tiny ones of their classes and random weights: PaliGemma 2, and Qwen2.5-VL."""

import pytest
import torch
from lmfm_helpers import faces
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as token_models
from transformers import (
    Gemma2Config,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    SiglipImageProcessor,
    SiglipVisionConfig,
)

from ferlib.labels import EMOTIONS
from ferlib.lmfm import models, prompts, run, store, study

SETTINGS = {"temperature": 0.0, "max_tokens": 6}
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def tokenizer(**more):
    text = Tokenizer(token_models.BPE(unk_token="<unk>"))
    text.pre_tokenizer, text.decoder = pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text.train_from_iterator([prompts.load("paligemma").text(), *EMOTIONS] * 5, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=text, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>", **more
    )


def save(model, processor, path):
    for weight in model.parameters():
        weight.data *= 6  # so that the answer depends on the image
    model.save_pretrained(path)
    processor.save_pretrained(path)
    return path


def paligemma_2(path):
    """Same classes as google/paligemma2-3b-mix-224: SigLIP and Gemma 2."""
    pictures = SiglipImageProcessor(size={"height": 28, "width": 28})
    pictures.image_seq_length = 4
    processor = PaliGemmaProcessor(image_processor=pictures, tokenizer=tokenizer())
    config = PaliGemmaConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=28,
            patch_size=14,
            projection_dim=16,
        ).to_dict(),
        text_config=Gemma2Config(
            vocab_size=len(processor.tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, head_dim=8, pad_token_id=0, eos_token_id=1, bos_token_id=2,
        ).to_dict(),
        image_token_index=processor.image_token_id, hidden_size=16, projection_dim=16,
    )  # fmt: skip
    for name, token in [("pad_token_id", 0), ("eos_token_id", 1), ("bos_token_id", 2)]:
        setattr(config, name, token)
    return save(PaliGemmaForConditionalGeneration(config), processor, path)


def qwen(path):
    """Same classes as Qwen/Qwen2.5-VL-3B-Instruct."""
    words = tokenizer(chat_template=TEMPLATE)
    words.image_token, words.video_token = "<|image_pad|>", "<|video_pad|>"
    size = {"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 4}
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=size, patch_size=14, merge_size=2), tokenizer=words,
        video_processor=Qwen2VLVideoProcessor(), chat_template=TEMPLATE,
    )  # fmt: skip
    ids = {
        name: words.convert_tokens_to_ids(f"<|{name}|>")
        for name in ("image_pad", "video_pad", "vision_start", "vision_end")
    }
    config = Qwen2_5_VLConfig(
        vision_config={
            "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "depth": 2, "out_hidden_size": 16,
            "patch_size": 14,
            "fullatt_block_indexes": [1], "window_size": 28,
        },
        text_config={
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 1, "vocab_size": len(words), "max_position_embeddings": 512, "pad_token_id": 0,
            "eos_token_id": 1, "bos_token_id": 2,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0},
        },
        image_token_id=ids["image_pad"], video_token_id=ids["video_pad"], vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
    )  # fmt: skip
    return save(Qwen2_5_VLForConditionalGeneration(config), processor, path)


@pytest.fixture(
    scope="module", params=[("paligemma", paligemma_2), ("transformers", qwen)], ids=["paligemma2", "qwen2.5-vl"]
)
def entry(request, tmp_path_factory):
    torch.manual_seed(1)
    provider, make = request.param
    path = make(tmp_path_factory.mktemp("model") / "tiny")
    return models.read([{"name": "tiny", "provider": provider, "model": str(path)}])[0]


def test_it_answers_by_what_it_sees_and_the_same_each_time(entry, tmp_path):
    plan = study.plan(faces(tmp_path, 7), model=entry, prompt=prompts.load("paligemma"), settings=SETTINGS)
    first = run.ask(plan, store.Store(tmp_path / "r"), progress=False)
    assert first["error"].isna().all() and first["said"].nunique() > 1
    assert first["model_version"].str.match(r"tiny@[0-9a-f]{12}").all() and (first["output_tokens"] <= 6).all()
    again = run.ask(plan, store.Store(tmp_path / "s"), progress=False, concurrency=1)
    assert list(first["said"]) == list(again["said"])


def test_settings_may_be_left_out(entry, tmp_path):
    bare = {**entry, "settings": {"temperature": None, "max_tokens": 3}}
    plan = study.plan(faces(tmp_path, 2), model=bare, prompt=prompts.load("paligemma"), settings=SETTINGS)
    answers = run.ask(plan, store.Store(tmp_path / "r"), progress=False)
    assert answers["error"].isna().all() and (answers["output_tokens"] <= 3).all()


def test_a_chat_model_gives_no_scores(tmp_path):
    model = models.read([{"name": "tiny", "provider": "transformers", "model": "x"}])[0]
    with pytest.raises(Exception, match="asks for the log-probability of each label, which model 'tiny'"):
        study.plan(faces(tmp_path, 1), model=model, prompt=prompts.load("paligemma-scores"), settings=SETTINGS)
