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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße", "STRASSE"),
        ("φόβος", "ΦΌΒΟΣ"),  # the final sigma has no capital of its own
        ("ΦΟΒΟΣ", "φοβος"),
        ("KIZGIN", "kızgın"),
        ("İĞRENME", "iğrenme"),
        ("i̇ğrenme", "iğrenme"),  # what Python makes of a dotted capital in lower case
        ("DÉGOÛT", "degout"),
        ("de\u0301gou\u0302t", "dégoût"),  # marks as letters of their own
        ("œuvre", "OEUVRE"),
        ("ＡＮＧＲＹ", "angry"),
        ("ﬁ", "FI"),
    ],
)
def test_words_that_differ_in_case_alone_are_one_word(one, other):
    assert vocabulary.fold(one) == vocabulary.fold(other)


def test_words_that_differ_in_more_stay_apart():
    folded = [vocabulary.fold(word) for word in ("sad", "sade", "mutlu", "mutsuz", "glücklich", "unglücklich")]
    assert len(set(folded)) == len(folded)


def test_a_turkish_word_that_is_another_one_without_its_dots_is_no_label():
    """sinirli is angry, sınırlı is limited; SINIRLI may be either."""
    for text in ("sinirli", "Görüntü kalitesi sınırlı.", "SINIRLI"):
        assert parse.parse(text, language="tr") == ("unparsed", None)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I'm sorry, I can't determine emotions from facial expressions."),
        ("de", "Es tut mir leid, aber dabei kann ich nicht helfen."),
        ("de", "Tut mir leid, das kann ich nicht beurteilen."),
        ("es", "Lo siento, no puedo ayudar con eso."),
        ("fr", "Désolé, je ne peux pas vous aider."),
        ("it", "Mi dispiace, non posso aiutarti con questo."),
        ("pt", "Desculpe, não posso ajudar com isso."),
        ("tr", "Üzgünüm, bu konuda yardımcı olamam."),
        ("fr", "I'm sorry, but I can't assist with that."),  # models fall back into English
    ],
)
def test_a_refusal_in_plain_words_is_one_in_every_language(language, text):
    assert parse.parse(text, language=language) == ("refused", None)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Sorry."), ("en", "I cannot tell."), ("de", "Das kann ich nicht sagen."), ("es", "No se ve bien.")],
)
def test_doubt_and_apology_alone_are_no_refusal(language, text):
    assert parse.parse(text, language=language) == ("unparsed", None)


def test_a_prompt_in_another_language_offers_that_languages_words():
    text = prompts.load("forced-choice-de").text(("sad", *(name for name in EMOTIONS if name != "sad")))
    assert "Trauer, Wut, Ekel, Angst, Freude, neutral, Überraschung" in text


@pytest.mark.parametrize("word", ["angrier", "Saddest", "REVOLTED", "terror", "elated", "amazement", "impassive"])
def test_english_inflections_are_read(word):
    assert parse.parse(f"The face shows {word}.")[0] == "ok"
