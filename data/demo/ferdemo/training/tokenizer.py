"""A byte-level BPE of about 500 tokens: small enough for a tiny model, and able to spell any text.

open_clip's own vocabulary has 49,408 rows, which would make up most of the demo model.
"""

import tempfile
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from ferlib import tables

PAD, START, END = "<pad>", "<start_of_text>", "<end_of_text>"


def train(words, *, vocab_size=500):
    """Train the tokenizer.

    Parameters
    ----------
    words : sequence of str
        Text that should be spelt with few tokens.
    vocab_size : int
        Most tokens it may have, the 256 bytes and the three special ones included; fewer when the text is used up.

    Returns
    -------
    tokenizers.Tokenizer
        Wraps a text in `<start_of_text>` and `<end_of_text>`. The end has the highest id of all: open_clip reads the
        text's embedding at the position of the highest id (`text_pool_type="argmax"`).
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 2,
        special_tokens=[PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(words, trainer)
    tokenizer.add_special_tokens([START, END])
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, start), (END, end)]
    )
    return tokenizer


def save(tokenizer, folder):
    """Write the files from which open_clip's `local-dir:` schema loads the tokenizer.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
    folder : pathlib.Path

    Returns
    -------
    list of pathlib.Path
    """
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=START, eos_token=END, pad_token=PAD, padding_side="right"
    )
    with tempfile.TemporaryDirectory() as temporary:
        wrapped.save_pretrained(temporary)
        files = sorted(Path(temporary).iterdir())
        return [tables.write_bytes(file.read_bytes(), Path(folder) / file.name) for file in files]
