"""The prose is simple, present-day English: words that readers stumbled over do not come back."""

import re

import pytest
from typed_numbers import prose

from ferlib.paths import ROOT

STUMBLED_OVER = re.compile(
    r"\b(?:thrice|spoilt|whilst|lest|naught|by lot|such lot|one lot|a (?:section|row|file|panel) an? \w+)\b",
    re.IGNORECASE,
)
MADE = ("runs", "build")
"""Folders of `data` that hold what a run or a rendering has made, copies of our pages among it."""

PLACES = [
    *sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "notebooks" / "params").glob("*.yaml")),
    *sorted(path for kept in (ROOT / "data").iterdir() if kept.name not in MADE for path in kept.rglob("README.md")),
    *sorted((ROOT / "ferlib" / "figures").glob("*.py")),
    ROOT / "README.md",
]  # fmt: skip


def words_of(path):
    """What is read as language: of a notebook its Markdown, without code in it."""
    if path.suffix == ".ipynb":
        return re.sub(r"`[^`]*`", " ", prose(path))
    text = path.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"#.*", text)) if path.suffix == ".yaml" else text


@pytest.mark.parametrize("path", PLACES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_that_readers_stumbled_over_is_said(path):
    found = STUMBLED_OVER.findall(words_of(path))
    assert not found, f"say it in other words: {found}"
