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
        ("Happy to help! The answer is sad.", "sad"),
        ("I'll be happy to help! Sad", "sad"),
        ("I'm glad to look. Fear.", "fear"),
        ("There are a few wrinkles. She is happy to see somebody.", "happy"),
        ("<seed:think>sad or angry?</seed:think>happy", "happy"),
        ("<|channel|>analysis<|message|>Sad?<|end|><|start|>assistant<|channel|>final<|message|>happy", "happy"),
        ("<unused94>thought\nnot sad<unused95>happy", "happy"),
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
        "This is definitely not: happy",
        "Not necessarily; happy",
        "Emotions that are not shown:\n- anger",
        "Happy. Not.",
        "It is unlikely that this person is happy.",
        "The face is devoid of joy.",
        "The opposite of happy.",
        "I would rule out happiness.",
        "Ruling out anger.",
        "Excluding fear.",
        "anything other than happy",
        "Everything but happy.",
        "Less than happy.",
        "He fails to look happy.",
        "I doubt that she is happy.",
        "Few signs of happiness.",
        "It would be wrong to say happy.",
        "Impossible to say that she is happy.",
        "She isn`t happy",
        "She isn´t happy",
        "She isnʼt happy",
        "She wont look happy",
        "I cannot be sure, but my best guess is: happy",
        "Is she happy, I wonder",
        "I can't assist with that. Please feel free to ask me whether a drawing looks sad.",
        "I can't see an image here. Happy to help once you upload one!",
        "Please share the image and I will be happy to help.",
        "<seed:think>Looks angry.</seed:think>",
        "<|channel|>analysis<|message|>The face looks angry.",
        "<unused94>thought\nThe face looks angry<unused95>",
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
        "I can't identify people's emotions. Happy to help with something else!",
        "I'm sorry, but I can't help with identifying emotions. I'll be happy to help with other questions.",
        "I'm sorry, I can't assist with that. I will be happy to describe other aspects of the image.",
        "I apologize, but I am unable to provide that. We are happy to assist with other requests.",
        "Unfortunately, I can't label emotions of real people. Always happy to assist with anything else.",
        "I'm unable to classify this person's emotion. If you like, tell me and I'd happily help.",
        "Sorry, I can't analyze faces. As an AI, I remain neutral.",
        "I'm not able to infer emotions from a face. I try to stay neutral in such matters.",
    ],
)
def test_a_refusal_in_plain_words_is_a_refusal(text):
    assert parse.parse(text) == ("refused", None)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't rate emotions based on facial expressions.",
        "I cannot rate emotions of people. Happy to help with something else.",
        "I'm unable to score the emotions of people.",
        "I won't rate this person's emotions.",
        "I cannot give numbers for that.",
    ],
)
def test_to_decline_to_rate_is_a_refusal(text):
    assert parse.outcome("answered", text, form="ratings") == ("refused", None)


@pytest.mark.parametrize(
    ("anger", "happy", "status", "label"),
    [
        (": -10", ": 8", "unparsed", None),
        (": 10-20", ": 15", "unparsed", None),
        (": 10 to 20", ": 15", "unparsed", None),
        (": 1,5", ": 1", "unparsed", None),
        (": 1e1", ": 8", "ok", "anger"),
        (": .9", ": .8", "ok", "anger"),
        (" - 10", " - 8", "ok", "anger"),
        ("**: 10", "**: 80.", "ok", "happy"),
        (": 10%", ": 80 %", "ok", "happy"),
        (": 1/10", ": 8/10", "ok", "happy"),
    ],
)
def test_ratings_in_words_are_read_right_or_not_at_all(anger, happy, status, label):
    rest = "".join(f"\n{name}: 0" for name in EMOTIONS if name not in ("anger", "happy"))
    assert parse.outcome("answered", f"anger{anger}\nhappy{happy}{rest}", form="ratings") == (status, label)


def test_doubt_is_no_refusal():
    assert parse.parse("I cannot tell.") == ("unparsed", None)


@pytest.mark.parametrize("kind", ["refused", "blocked", "truncated"])
def test_what_the_provider_did_not_answer_has_no_label_whatever_it_says(kind):
    assert parse.outcome(kind, "happy") == (kind, None)


def test_what_the_provider_answered_is_read():
    assert parse.outcome("answered", "happy") == ("ok", "happy")
