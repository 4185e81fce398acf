"""The demo tokenizer spells anything, and ends every text with the highest id, where open_clip reads the embedding."""

import numpy as np
import pytest
from ferdemo.training import captions, tokenizer

RACES = ("Asian", "Black", "White")


@pytest.fixture(scope="module")
def trained():
    return tokenizer.train(captions.vocabulary(RACES))


@pytest.mark.parametrize("text", ["a photo of an angry face", "qué? 表情 ☺", "brows drawn together, lips pressed!"])
def test_round_trip(trained, text):
    assert trained.decode(trained.encode(text).ids).strip() == text


def test_end_of_text_has_the_highest_id_and_comes_last(trained):
    ids = trained.encode("a calm Black woman").ids
    assert trained.token_to_id(tokenizer.END) == trained.get_vocab_size() - 1 == ids[-1] == max(ids)
    assert ids[0] == trained.token_to_id(tokenizer.START)
    assert trained.token_to_id(tokenizer.PAD) == 0


def test_small_and_the_same_each_time(trained):
    assert 259 < trained.get_vocab_size() <= 500
    assert tokenizer.train(captions.vocabulary(RACES)).to_str() == trained.to_str()


def test_trained_words_are_single_tokens(trained):
    for word in ("angry", "disgusted", "surprised", "neutral", "photo", "woman"):
        assert len(trained.encode(word).ids) == 3, word


def test_loads_as_open_clip_loads_it(trained, tmp_path):
    import open_clip
    from ferdemo.training import architecture

    architecture.write(tmp_path, captions.vocabulary(RACES))
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(["a sad man", "sad " * 60]).numpy()
    assert tokens.shape == (2, architecture.CONTEXT_LENGTH)
    expected = trained.encode("a sad man").ids
    np.testing.assert_array_equal(tokens[0], expected + [0] * (architecture.CONTEXT_LENGTH - len(expected)))
    assert tokens[1, -1] == trained.token_to_id(tokenizer.END), "a text that is cut still ends with the end"
