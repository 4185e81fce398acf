"""The demo PaliGemma's shape: the classes of the real one in `transformers`, a thousandth of its size."""

import json
import tempfile
from pathlib import Path

import safetensors.torch
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GemmaConfig,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
    SiglipImageProcessor,
    SiglipVisionConfig,
)

from ferdemo.training.training_images import MEAN, STD, scale
from ferlib import tables

WEIGHTS = "model.safetensors"
RESIZED, SEEN, PATCH = 128, 96, 16
"""Pixels: an image is resized, its centre is cut out, which holds the face, and seen in patches."""
WIDTH, LAYERS, HEADS = 128, 4, 4
"""Of the vision tower (SigLIP)."""
TEXT_LAYERS, TEXT_HEADS, TEXT_INNER = 2, 4, 384
"""Of the language model (Gemma), as wide as the tower."""
PAD, END, START, UNKNOWN = "<pad>", "<eos>", "<bos>", "<unk>"
N_PATCHES = (SEEN // PATCH) ** 2


def processor(texts):
    """Processor of images and text, with a byte-level BPE that spells each word of some texts with one token.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    transformers.PaliGemmaProcessor
        Its tokenizer also has the 1,152 tokens for places and shapes that PaliGemma's processor adds to any.
    """
    spelling = Tokenizer(models.BPE(unk_token=UNKNOWN))
    spelling.pre_tokenizer, spelling.decoder = pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=[PAD, END, START, UNKNOWN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    spelling.train_from_iterator(texts, trainer)
    words = PreTrainedTokenizerFast(
        tokenizer_object=spelling, bos_token=START, eos_token=END, pad_token=PAD, unk_token=UNKNOWN
    )
    pictures = SiglipImageProcessor(
        size={"height": RESIZED, "width": RESIZED},
        do_center_crop=True,
        crop_size={"height": SEEN, "width": SEEN},
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
        do_convert_rgb=True,
    )
    pictures.image_seq_length = N_PATCHES
    return PaliGemmaProcessor(image_processor=pictures, tokenizer=words)


def vision_config():
    """Shape of the vision tower, a `transformers.SiglipVisionConfig`."""
    return SiglipVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        image_size=SEEN,
        patch_size=PATCH,
        projection_dim=WIDTH,
        vision_use_head=False,
    )


def untrained(made):
    """The model, initialised at random from torch's global seed.

    Parameters
    ----------
    made : transformers.PaliGemmaProcessor
        From `processor`.

    Returns
    -------
    transformers.PaliGemmaForConditionalGeneration
    """
    ids = {f"{name}_token_id": made.tokenizer.convert_tokens_to_ids(token) for name, token in _SPECIAL.items()}
    language = GemmaConfig(
        vocab_size=len(made.tokenizer),
        hidden_size=WIDTH,
        intermediate_size=TEXT_INNER,
        num_hidden_layers=TEXT_LAYERS,
        num_attention_heads=TEXT_HEADS,
        num_key_value_heads=1,
        head_dim=WIDTH // TEXT_HEADS,
        max_position_embeddings=512,
        **ids,
    )
    config = PaliGemmaConfig(
        vision_config=vision_config().to_dict(),
        text_config=language.to_dict(),
        image_token_index=made.image_token_id,
        hidden_size=WIDTH,
        projection_dim=WIDTH,
    )
    for name, number in ids.items():
        setattr(config, name, number)
    return PaliGemmaForConditionalGeneration(config)


class Views(torch.nn.Module):
    """A vision tower with two views of its patches, for the warm-up.

    Side by side, each patch counts where it is, and the tower learns soon. On average, each patch must come to know
    what the whole face shows, which is what the language model reads most easily.

    Parameters
    ----------
    tower : torch.nn.Module
        SigLIP, without a pooling head.
    """

    EACH = 8

    def __init__(self, tower):
        super().__init__()
        self.tower = tower
        self.output_dim = N_PATCHES * self.EACH
        self.each = torch.nn.Linear(WIDTH, self.EACH)
        self.average = torch.nn.Linear(WIDTH, self.output_dim)

    def forward(self, images):
        """Images, float32 (n, 3, 96, 96), to embeddings (2, n, `output_dim`)."""
        patches = self.tower(images).last_hidden_state
        return torch.stack([self.each(patches).flatten(1), self.average(patches.mean(dim=1))])


@torch.inference_mode()
def standardise(tower, images, *, batch_size=64):
    """Rescale what a vision tower gives, so that nothing that differs between faces is small beside the rest.

    Afterwards each feature, averaged over the patches, has mean 0 and standard deviation 1 over the images. What was
    easy to see (a frown) and what was learnt beside it (the tone of a skin) then reach the language model alike.

    Parameters
    ----------
    tower : transformers.SiglipVisionModel
        Its last normalisation is changed in place; nothing else is.
    images : torch.Tensor, shape (n, 3, 128, 128), uint8
        The central square of each is looked at.
    batch_size : int
    """
    first, last = (RESIZED - SEEN) // 2, (RESIZED + SEEN) // 2
    seen = [
        tower(scale(some)[:, :, first:last, first:last].contiguous()).last_hidden_state.mean(dim=1)
        for some in images.split(batch_size)
    ]
    spread, mean = torch.std_mean(torch.cat(seen), dim=0)
    norm = tower.post_layernorm
    norm.weight.copy_(norm.weight / spread)
    norm.bias.copy_((norm.bias - mean) / spread)


def save(model, made, folder):
    """Write model, tokenizer and preprocessing into a folder, the parameters in half precision.

    Parameters
    ----------
    model : transformers.PaliGemmaForConditionalGeneration
    made : transformers.PaliGemmaProcessor
    folder : pathlib.Path

    Returns
    -------
    list of pathlib.Path
        As `from_pretrained` reads them; without weights that are another's copy.
    """
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        made.save_pretrained(temporary)
        content = {file.name: file.read_bytes() for file in sorted(Path(temporary).iterdir())}
    state = safetensors.torch.load(content[WEIGHTS])
    content[WEIGHTS] = safetensors.torch.save({k: v.half() for k, v in state.items()}, {"format": "pt"})
    for name, data in content.items():
        if name.endswith("config.json"):  # one line a field, in the order of the fields, whatever the version writes
            content[name] = (json.dumps(json.loads(data), indent=1, sort_keys=True) + "\n").encode()
        elif name == "tokenizer.json":  # as it comes, two fifths of it are blanks
            content[name] = json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":")).encode()
    return [tables.write_bytes(data, folder / name) for name, data in content.items()]


_SPECIAL = {"pad": PAD, "eos": END, "bos": START}
