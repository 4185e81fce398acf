"""The notebooks keep the habits that make them readable, and hold no outputs in git."""

import ast
import json
import statistics

import pytest

from ferlib.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def cells(request):
    return json.loads(request.param.read_text())["cells"]


def source(cell):
    return "".join(cell["source"])


def code_of(cells):
    return [cell for cell in cells if cell["cell_type"] == "code"]


def tagged(cells):
    return [cell for cell in code_of(cells) if "parameters" in cell["metadata"].get("tags", [])]


def test_holds_no_outputs(cells):
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_of(cells))


def test_cell_ids_are_not_random(cells):
    assert [cell["id"] for cell in cells] == [f"cell-{number:02d}" for number in range(1, len(cells) + 1)]


def test_code_cells_are_small(cells):
    sizes = sorted(len(source(cell).splitlines()) for cell in code_of(cells))
    assert statistics.median(sizes) <= 6
    assert sizes[int(0.9 * (len(sizes) - 1))] <= 20
    assert sizes[-1] <= 30


def test_lines_of_code_fit_a_page(cells):
    wide = [line for cell in code_of(cells) for line in source(cell).splitlines() if len(line) > 120]
    assert not wide


def test_prose_and_code_alternate(cells):
    longest = run = 0
    for cell in cells:
        run = run + 1 if cell["cell_type"] == "code" else 0
        longest = max(longest, run)
    assert longest <= 3


def test_one_cell_of_parameters_with_literals_and_a_comment_each(cells):
    (cell,) = tagged(cells)
    for statement in ast.parse(source(cell)).body:
        assert isinstance(statement, ast.Assign) and len(statement.targets) == 1
        ast.literal_eval(statement.value)
        last_line = source(cell).splitlines()[statement.end_lineno - 1]
        assert "  # " in last_line, f"no comment: {last_line}"


def test_every_notebook_has_run_dir_and_seed(cells):
    names = {statement.targets[0].id for statement in ast.parse(source(tagged(cells)[0])).body}
    assert {"run_dir", "seed"} <= names


def test_opens_with_title_question_inputs_outputs_needs_time_and_cost(cells):
    opener = source(cells[0])
    assert cells[0]["cell_type"] == "markdown" and opener.startswith("# ")
    assert "?" in opener
    for word in ("Reads", "Writes", "You need", "Takes", "Costs"):
        assert f"**{word}**" in opener, f"the opening cell does not say {word!r}"


def test_closes_with_what_we_learnt_what_next_references_and_provenance(cells):
    closer = "\n".join(source(cell) for cell in cells[-3:] if cell["cell_type"] == "markdown")
    for words in ("## What we learnt", "What next", "## References"):
        assert words in closer
    assert cells[-1]["cell_type"] == "code" and "record.finish(" in source(cells[-1])


def test_asks_the_reader_to_predict(cells):
    assert any("**Predict.**" in source(cell) for cell in cells if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_prediction_gets_its_answer_a_few_cells_later(path):
    """A code cell says it, with its number: `Markdown(f"**Answer.** ...")`, before anything else is asked."""
    cells = json.loads(path.read_text())["cells"]
    asked = [number for number, cell in enumerate(cells) if "**Predict.**" in source(cell)]
    told = [number for number, cell in enumerate(cells) if "**Answer.**" in source(cell) and cell in code_of(cells)]
    until = [min(number + 12, later - 1) for number, later in zip(asked, [*asked[1:], len(cells)], strict=True)]
    pairs = zip(asked, until, strict=True)
    assert not [cells[a]["id"] for a, end in pairs if not any(a < answer <= end for answer in told)]


def test_code_is_clean_python(cells):
    for cell in code_of(cells):
        ast.parse(source(cell))


def test_every_notebook_is_in_the_order_of_the_makefile():
    make = (ROOT / "Makefile").read_text()
    for path in NOTEBOOKS:
        assert path.stem.startswith(("01", "09", "11")) or f"executed/{path.stem}.ipynb" in make
