"""Answers become labels without guessing."""

import pytest

from ferlib.labels import EMOTIONS, SYNONYMS
from ferlib.lmfm import parse


@pytest.mark.parametrize("label", EMOTIONS)
def test_every_label_and_synonym_is_read_in_any_case(label):
    for word in SYNONYMS[label]:
        for text in (word, word.upper(), f" **{word.capitalize()}**.\n", f"The person looks {word}."):
            assert parse.parse(text) == ("ok", label), text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Answer: happy", "happy"),
        ("Emotion - SURPRISED!", "surprise"),
        ("“Disgust”", "disgust"),
        ('{"emotion": "fear"}', "fear"),
        ("She is unhappy", "sad"),  # not "happy"
        ("Sad. Her sadness shows in the brows.", "sad"),
        ("She seems surprisingly calm", "neutral"),  # "surprisingly" is no label
        ("The mouth is not open. Angry.", "anger"),  # the negation belongs to another sentence
        ("I'm happy to help! This is fear.", "fear"),  # the speaker's own happiness
        ("I am afraid it is blurred; neutral", "neutral"),
        ("I'm seeing an angry face", "anger"),
        ("ＡＮＧＲＹ", "anger"),  # full-width letters
        ("happy_face", "happy"),
        ("A mad, furious, enraged person", "anger"),
    ],
)
def test_one_label_is_read(text, label):
    assert parse.parse(text) == ("ok", label)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "42",
        "Contempt",
        "Sadly, this is hard to tell",
        "The made-up madness of madrigals",
        "Sad or neutral",
        "anger/disgust",
        "Happy, not sad.",
        "Not angry.",
        "not angry",
        "She isn't happy",
        "She isn’t happy",
        "She isnt happy",
        "I'm not happy with this image",
        "There is no sadness here",
        "Without fear",
        "Neither happy nor sad",
        "non-neutral",
        "Anything but happy",
        "Far from calm",
        "A lack of joy",
        "Angry is not the word",
        "Is the person angry? No.",
        "Happy?",
        "I can't help you there, but she looks happy.",
        "Unsurprised",
        "Choose one of: anger, disgust, fear, happy, neutral, sad, surprise",
    ],
)
def test_no_label_two_labels_and_negations_are_unparsed(text):
    assert parse.parse(text) == ("unparsed", None)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with identifying emotions.",
        "I’m unable to analyze images of people.",
        "I won't discuss this person.",
    ],
)
def test_a_refusal_in_plain_words_is_a_refusal(text):
    assert parse.parse(text) == ("refused", None)


def test_doubt_is_no_refusal():
    assert parse.parse("I cannot tell.") == ("unparsed", None)


@pytest.mark.parametrize("kind", ["refused", "blocked", "truncated"])
def test_what_the_provider_did_not_answer_has_no_label_whatever_it_says(kind):
    assert parse.outcome(kind, "happy") == (kind, None)


def test_what_the_provider_answered_is_read():
    assert parse.outcome("answered", "happy") == ("ok", "happy")
