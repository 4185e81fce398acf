"""No number that a run computes is typed into the prose of a notebook.

How to comply, when this test names a number in a Markdown cell:

- *The run computes it* (a rate, a count, how many of how many, a p): say it from a code cell, out of the table that the
  reader sees there, for example `display(Markdown(f"{n_found} of {len(table)} contrasts are *different*."))`. What the
  number means may stay in Markdown, as long as it is true whatever the number is.
- *A parameter decides it* (`alpha`, `min_people`): name the parameter, or say it from a code cell.
- *It is neither* (a definition, a scale, a name, an answer to choose from, a number that a cited source prints): put
  the passage into `allowed_numbers.yaml` with the reason.

Counted are numbers in digits but 0, 1 and years, in words from ten on, and rates in words (*one face in five*, *a third
of*, *two points*); not in code, in links, in *References*, in the line *Takes*, and not the numbers of notebooks.
"""

import json

import pytest
import yaml
from typed_numbers import NUMBER, prose, typed

from ferlib.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ALLOWED = yaml.safe_load((ROOT / "tests" / "notebooks" / "allowed_numbers.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_number_that_a_run_computes_is_typed(path):
    found = typed(path, allowed=ALLOWED.get(path.stem, ()))
    told = "\n".join(f"{cell}: {number!r} in ...{near}..." for cell, number, near in found)
    assert not found, f"see the docstring of this file:\n{told}"


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed_is_still_said_and_has_a_reason(name):
    text = prose(ROOT / "notebooks" / f"{name}.ipynb")
    for passage, reason in ALLOWED[name].items():
        assert passage in text, f"{passage!r} has gone from {name}: remove it from allowed_numbers.yaml"
        assert NUMBER.search(passage) and reason, passage


@pytest.mark.parametrize(
    "said",
    ["it finds .98 of them", "in 18 % of the cases", "17 of them", "2,407 images", "one face in five", "two of three",
     "a dozen people", "a third of the faces", "eleven points", "Twelve people", "1.6 times as often", "below 3."],
)  # fmt: skip
def test_a_number_is_found_however_it_is_said(said):
    assert NUMBER.search(said)


@pytest.mark.parametrize(
    "said", ["between 0 and 1", "au12 comes with au06", "two networks", "the seven emotions", "in 2024", "notebook 06"]
)
def test_language_is_no_number(said, tmp_path):
    path = tmp_path / "01_x.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "id": "a", "source": [said]}]}))
    assert typed(path) == []
