"""Captions say what their fields name, and the positives of the contrastive loss follow from that."""

import numpy as np
import pytest
from ferdemo.training import captions

from ferlib.labels import ADJECTIVES, EMOTIONS, SYNONYMS
from ferlib.probe import zeroshot

RACES = ("Asian", "Black", "White")


def drawn(n=600, seed=1):
    generator = np.random.default_rng(seed)
    attributes = [generator.choice(values, n) for values in (EMOTIONS, RACES, tuple(captions.PEOPLE))]
    return captions.draw(*attributes, generator=generator), attributes


def test_caption_says_exactly_what_its_words_say():
    """Read each text back by its words alone, with no knowledge of the template."""
    emotion_of = {
        word: emotion
        for table in (captions.ADJECTIVES, captions.NOUNS)
        for emotion, synonyms in table.items()
        for word in synonyms
    }
    for caption in drawn()[0]:
        words = caption.text.split()
        phrases = {" ".join(words[i : i + n]) for i in range(len(words)) for n in (1, 2, 3)}
        emotions = {emotion for phrase, emotion in emotion_of.items() if phrase in phrases}
        genders = {gender for gender, noun in captions.PEOPLE.items() if noun in words}
        assert emotions == {caption.emotion} - {None}, caption
        assert genders == {caption.gender} - {None}, caption
        assert set(RACES) & set(words) == {caption.race} - {None}, caption


def test_compatible_equals_a_comparison_one_by_one():
    texts, (emotions, races, genders) = drawn(40)
    got = captions.compatible(texts, emotions, races, genders)
    for i, face in enumerate(zip(emotions, races, genders, strict=True)):
        for j, caption in enumerate(texts):
            said = (caption.emotion, caption.race, caption.gender)
            assert got[i, j] == all(s is None or s == f for s, f in zip(said, face, strict=True))
    assert got.diagonal().all(), "a face's own caption is always right for it"


@pytest.mark.parametrize("field", ["adjective", "noun", "race", "person"])
def test_each_field_is_used_as_often_as_the_weights_say(field):
    total = sum(weight for _, weight in captions.TEMPLATES)
    declared = {
        name: sum(weight for template, weight in captions.TEMPLATES if f"{{{name}}}" in template) / total
        for name in ("adjective", "noun", "race", "person")
    }
    adjectives = {word for synonyms in captions.ADJECTIVES.values() for word in synonyms}
    texts, _ = drawn(6000)
    says = {
        "adjective": lambda caption: bool(adjectives & set(caption.text.split())) and "expression" not in caption.text,
        "noun": lambda caption: "show" in caption.text,
        "race": lambda caption: caption.race is not None,
        "person": lambda caption: caption.gender is not None,
    }[field]
    assert np.mean([says(caption) for caption in texts]) == pytest.approx(declared[field], abs=0.025)


def test_the_article_is_no_sign_of_the_emotion():
    texts = [caption for caption in drawn(4000)[0] if caption.emotion == "anger" and "angry face" in caption.text]
    share = np.mean(["an angry" in caption.text for caption in texts])
    assert 0.35 < share < 0.65


def test_zero_shot_captions_use_words_that_were_trained():
    known = set(captions.vocabulary(RACES))
    for template in zeroshot.TEMPLATES.values():
        for adjective in ADJECTIVES.values():
            assert set(template.format(adjective).split()) <= known


def test_no_word_stands_for_two_emotions():
    words = [w for table in (captions.ADJECTIVES, captions.NOUNS) for synonyms in table.values() for w in synonyms]
    assert len(words) == len(set(words))
    label_of = {word: label for label, synonyms in SYNONYMS.items() for word in synonyms}
    for table in (captions.ADJECTIVES, captions.NOUNS):
        for emotion, synonyms in table.items():
            assert {label_of.get(word, emotion) for word in synonyms} == {emotion}
