"""Words of seven languages stand for one label each, in any case that these languages know."""

import pytest

from ferlib.labels import EMOTIONS
from ferlib.lmfm import parse, prompts, vocabulary


@pytest.mark.parametrize("language", vocabulary.languages())
def test_every_word_has_one_reading_in_small_and_capital_letters(language):
    words = vocabulary.label_of(language)  # raises where a word has two
    assert set(words.values()) == set(EMOTIONS)
    for label, name in vocabulary.names(language).items():
        for text in (name, name.upper(), name.capitalize(), f"«{name.title()}».", f"{name}!"):
            assert parse.parse(text, language=language) == ("ok", label), text


@pytest.mark.parametrize(
    ("language", "text", "label"),
    [
        ("de", "Die Person wirkt WÜTEND.", "anger"),
        ("de", "ein wütender Mann", "anger"),
        ("de", "Aergerlich", "anger"),
        ("fr", "DEGOUT", "disgust"),  # capitals are often written without accents
        ("fr", "Elle est écœurée", "disgust"),
        ("fr", "ÉTONNÉE", "surprise"),
        ("es", "Las personas parecen enojadas", "anger"),
        ("it", "È triste.", "sad"),
        ("pt", "Enojada", "disgust"),  # in Spanish, the same word is anger
        ("tr", "KIZGIN", "anger"),  # I is the capital of ı
        ("tr", "İĞRENME", "disgust"),  # and İ that of i
        ("tr", "ŞAŞKIN", "surprise"),
        ("en", "DİSGUST", "disgust"),  # an English word, set in capitals by Turkish rules
        ("de", "happy", "happy"),  # models fall back into English
    ],
)
def test_case_and_inflection_follow_the_language(language, text, label):
    assert parse.parse(text, language=language) == ("ok", label)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Nicht traurig."),
        ("de", "Wut oder Trauer"),
        ("fr", "Elle n'est pas triste"),
        ("es", "No está triste"),
        ("it", "Non è triste"),
        ("pt", "Não está triste"),
        ("tr", "Mutlu değil"),
        ("en", "Wut"),  # a word of a language that was not asked in
    ],
)
def test_negations_and_doubles_are_unparsed_in_every_language(language, text):
    assert parse.parse(text, language=language) == ("unparsed", None)


def test_a_prompt_in_another_language_offers_that_languages_words():
    text = prompts.load("forced-choice-de").text(("sad", *(name for name in EMOTIONS if name != "sad")))
    assert "Trauer, Wut, Ekel, Angst, Freude, neutral, Überraschung" in text


@pytest.mark.parametrize("word", ["angrier", "Saddest", "REVOLTED", "terror", "elated", "amazement", "impassive"])
def test_english_inflections_are_read(word):
    assert parse.parse(f"The face shows {word}.")[0] == "ok"
