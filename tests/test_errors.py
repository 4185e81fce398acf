"""Rows that break a rule are refused with their numbers, the values found and what to do."""

import pandas as pd
import pytest

from ferlib import labels
from ferlib.errors import InputError, refuse


def rows(*values):
    return pd.DataFrame({"word": values}, index=range(3, 3 + len(values)))


def test_no_rows_no_error():
    assert refuse(rows(), "file.csv", "a problem", "A remedy.", show="word") is None


@pytest.mark.parametrize(
    "values, show, message",
    [
        (["x"], None, "file.csv: a problem in row 5; 1 in all. A remedy."),
        (["b", "a", "b"], "word", "file.csv: a problem ('a', 'b') in row 5, 6, 7; 3 in all. A remedy."),
        (
            list("fedcba"),
            "word",
            "file.csv: a problem ('a', 'b', 'c', 'd', 'e') in row 5, 6, 7, 8, 9 ...; 6 in all. A remedy.",
        ),
        ([None, 1.5], "word", "file.csv: a problem (1.5, nan) in row 5, 6; 2 in all. A remedy."),
    ],
)
def test_the_message_counts_rows_as_the_file_does(values, show, message):
    with pytest.raises(InputError) as caught:
        refuse(rows(*values), "file.csv", "a problem", "A remedy.", show=show)
    assert str(caught.value) == message


@pytest.mark.parametrize("name, wrong", [("emotion", "angry"), ("emotion", None), ("gender", "F")])
def test_a_label_outside_those_allowed_is_named(name, wrong):
    good = labels.ALLOWED[name]
    labels.check(good, name, source="file.csv")
    with pytest.raises(InputError) as caught:
        labels.check([*good, wrong, good[0], wrong], name, source="file.csv")
    row = len(good) + 2
    expected = f"file.csv: unknown {name} {wrong!r} in row {row}, {row + 2}; 2 in all. Allowed: {', '.join(good)}."
    assert str(caught.value).startswith(expected)


def test_every_word_has_one_reading_and_every_label_is_among_its_words():
    words = [word for label in labels.EMOTIONS for word in labels.SYNONYMS[label]]
    assert len(words) == len(set(words)) and all(labels.ADJECTIVES[e] in labels.SYNONYMS[e] for e in labels.EMOTIONS)
