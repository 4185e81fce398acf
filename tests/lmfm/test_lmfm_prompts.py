"""Prompts are files, and a faulty one is told by name, field and remedy."""

import pytest

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import prompts

GOOD = "name: mine\nversion: 2\npurpose: a trial\ntext: Which of {labels}?\n"


def test_the_shipped_prompt_names_the_seven_labels_once_each():
    prompt = prompts.load("forced-choice")
    assert ", ".join(EMOTIONS) in prompt.text()
    assert "{" not in prompt.text() and "\n" not in prompt.text()
    assert "not published" in prompt.purpose


def test_a_prompt_is_added_by_adding_a_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD)
    prompt = prompts.load("mine", folder=tmp_path)
    assert prompt == prompts.Prompt("mine", 2, "a trial", "Which of {labels}?")
    assert prompt.text() == "Which of anger, disgust, fear, happy, neutral, sad, surprise?"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (GOOD.replace("version: 2\n", ""), "has the fields name, purpose, text"),
        (GOOD + "colour: red\n", "has the fields name, version, purpose, text, colour"),
        (GOOD.replace("name: mine", "name: yours"), "its field name is 'yours'. It must be 'mine'"),
        (GOOD.replace("version: 2", "version: two"), "its field version is 'two'"),
        (GOOD.replace("version: 2", "version: true"), "its field version is True"),
        (GOOD.replace("{labels}", "these"), "its text holds {labels} 0 times"),
        (GOOD.replace("{labels}", "{labels} {labels}"), "its text holds {labels} 2 times"),
        (GOOD.replace("a trial", "''"), "its field purpose is ''"),
        ("- one\n- two\n", "holds no fields"),
        ("name: [", "is not YAML"),
    ],
)
def test_a_faulty_file_is_told(tmp_path, content, complaint):
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(InputError) as caught:
        prompts.load("mine", folder=tmp_path)
    assert "mine.yaml" in str(caught.value) and complaint in str(caught.value)


def test_an_unknown_name_is_told_with_the_names_there_are(tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD)
    with pytest.raises(InputError, match=r"prompt 'theirs'.*Available: mine"):
        prompts.load("theirs", folder=tmp_path)


def test_a_name_cannot_lead_out_of_the_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "mine.yaml").write_text(GOOD)
    with pytest.raises(InputError):
        prompts.load("../mine", folder=tmp_path / "in")
