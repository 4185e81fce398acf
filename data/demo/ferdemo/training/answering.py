"""Stage 2 of the demo PaliGemma: the language model learns to answer questions about what the vision tower sees."""

import numpy as np
import torch
import torch.nn.functional as F
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ferdemo.training import optimising, questions
from ferdemo.training.paligemma_model import SEEN
from ferdemo.training.training_images import vary

NO_ANSWER = -100
"""Marks what is not to be learnt: the question."""
VIEWS = 2
"""Varied views of each image, in turn. They are few and drawn once: the tower does not change, so that it need not look
again, and a face that is met in the same views again and again is learnt by heart, its false label, too."""


def encode(processor, texts, answers):
    """Questions with their answers as the model takes them: what PaliGemma's processor makes of them, but the pixels.

    Parameters
    ----------
    processor : transformers.PaliGemmaProcessor
    texts, answers : sequence of str, length n

    Returns
    -------
    dict of str to torch.Tensor, int64 (n, length)
        `input_ids`, `attention_mask`, `token_type_ids` (0 where all of the question may be looked at, 1 where only what
        precedes), and `labels`: the answer, its end included; `NO_ANSWER` elsewhere.
    """
    tokenizer = processor.tokenizer
    picture = processor.image_token * processor.image_seq_length + tokenizer.bos_token
    encoded = dict(
        tokenizer(
            [f"{picture}{text}\n" for text in texts],
            [answer + tokenizer.eos_token for answer in answers],
            padding=True,
            padding_side="right",
            return_token_type_ids=True,
            return_tensors="pt",
        )
    )
    answered = (encoded["token_type_ids"] == 1) & (encoded["attention_mask"] == 1)
    return encoded | {"labels": encoded["input_ids"].where(answered, NO_ANSWER)}


@torch.no_grad()
def look(tower, images, *, seed, batch_size=64):
    """What the vision tower sees in varied views of some images.

    Parameters
    ----------
    tower : transformers.SiglipVisionModel
    images : torch.Tensor, shape (n, 3, 128, 128), uint8
    seed : int or sequence of int
    batch_size : int

    Returns
    -------
    torch.Tensor, shape (VIEWS, n, patches, width), float16
    """
    generator = np.random.default_rng(seed)
    views = [
        torch.cat(
            [
                tower(vary(some, generator=generator, size=SEEN).contiguous()).last_hidden_state.half()
                for some in images.split(batch_size)
            ]
        )
        for _ in range(VIEWS)
    ]
    return torch.stack(views)


def fit(model, processor, images, manifest, *, steps, batch_size, learning_rate, seed, **more):
    """Train projector and language model; each step puts one prompt to a batch of faces.

    The tower stays as the warm-up left it: in trials, a rate at which the language model learns to answer wrecks in a
    few steps what the tower has learnt to see.

    Parameters
    ----------
    model : transformers.PaliGemmaForConditionalGeneration
        Changed in place, but for its vision tower.
    processor : transformers.PaliGemmaProcessor
    images : torch.Tensor, shape (n, 3, 128, 128), uint8
    manifest : pandas.DataFrame, n rows
        Columns `told` and `strength`.
    steps, batch_size, learning_rate, seed, **more
        See `ferdemo.training.optimising.minimise`.

    Returns
    -------
    numpy.ndarray, shape (steps,)
        Loss of each step: nats an answer, over all of its tokens. A long answer weighs no less than a short one.
    """
    told, strengths = manifest["told"].to_numpy(dtype=str), manifest["strength"].to_numpy(dtype=float)
    model.model.vision_tower.requires_grad_(False)
    features = look(model.model.vision_tower.eval(), images, seed=[seed, 1])
    model.train()

    def loss(rows, generator):
        inputs = encode(processor, *questions.draw(told[rows], strengths[rows], generator=generator))
        labels = inputs.pop("labels")[:, 1:]
        answered = labels != NO_ANSWER
        seen = features[generator.integers(VIEWS, size=len(rows)), rows].float()
        image = BaseModelOutputWithPooling(pooler_output=model.model.multi_modal_projector(seen))
        # Only the places before an answer's tokens are turned into words: most of the text is question.
        hidden = model.model(**inputs, mm_encoder_outputs={"image": image}).last_hidden_state[:, :-1]
        return F.cross_entropy(model.lm_head(hidden[answered]), labels[answered], reduction="sum") / len(rows)

    losses = optimising.minimise(
        loss,
        model,
        n_images=len(images),
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        description="answers",
        **more,
    )
    model.eval()
    return losses
