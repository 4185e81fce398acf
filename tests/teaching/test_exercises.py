"""Exercises: those that are handed out fail until they are answered, the solutions pass, usual mistakes are named."""

import re

import checks
import pandas as pd
import pytest
import versions
from scipy.stats import binomtest
from teaching_helpers import MISUNDERSTANDINGS, TEACHING, at_the_desk, code_of, exercise, expected, read, run

from ferlib.errors import InputError

SOURCES = versions.sources()


@pytest.fixture(scope="module", params=SOURCES, ids=lambda path: path.stem)
def source(request):
    return request.param


def names_of(notebooks, role):
    return [exercise(cell)[0] for path in notebooks for cell in code_of(read(path)) if exercise(cell)[1] == role]


def test_the_versions_handed_out_are_those_of_the_sources(source, tmp_path):
    made = versions.write(versions.student, source, tmp_path)
    assert made.read_bytes() == (TEACHING / source.name).read_bytes(), "make teaching"


def test_every_check_fails_on_the_version_that_is_handed_out(source):
    names, passed = {}, []
    with at_the_desk():
        for cell in code_of(read(TEACHING / source.name)):
            try:
                run(cell.source, names)
            except Exception:
                continue
            passed.append(exercise(cell))
    assert not [name for name, role in passed if role == "check"]
    assert ("", "") in passed, "even the cells that give something fail"


def given(cell):
    """What a solution cell gives before the answer begins."""
    before, _, _ = cell.source.partition("### BEGIN SOLUTION")
    return before if before.endswith("\n") else ""


def test_solutions_pass_mistakes_get_their_hint_and_the_guide_says_what_comes_out(source):
    names = {}
    with at_the_desk():
        marked, cells = code_of(read(source)), code_of(versions.solution(read(source)))
        for number, cell in enumerate(cells):
            name, role = exercise(cell)
            if role == "solution":
                check = next(after for after in cells[number:] if exercise(after) == (name, "check"))
                for mistake in MISUNDERSTANDINGS[name]:
                    mistaken = {
                        key: value.copy() if isinstance(value, pd.DataFrame) else value for key, value in names.items()
                    }
                    run(given(marked[number]) + mistake["code"], mistaken)
                    with pytest.raises(checks.NotYet, match=re.escape(mistake["hint"])):
                        run(check.source, mistaken)
            run(cell.source, names)
    given_by_guide = expected(source.stem)
    assert given_by_guide
    for expression, value in given_by_guide:
        assert str(eval(expression, names)) == value, f"guide.md: {expression}"  # noqa: S307


def test_every_exercise_is_checked_and_has_its_mistakes():
    answered = names_of(SOURCES, "solution")
    assert len(answered) == len(set(answered)) >= 12
    assert answered == names_of(SOURCES, "check")
    assert sorted(answered) == sorted(MISUNDERSTANDINGS)


def test_nothing_of_an_answer_is_handed_out(source):
    handed, whole = read(TEACHING / source.name), read(source)
    text = "\n".join(cell.source for cell in handed.cells)
    assert not re.search("SOLUTION|HIDDEN", text)
    for cell in whole.cells:
        for region in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)\n *### END", cell.source, re.DOTALL):
            assert region not in text


def test_sources_hold_no_outputs_and_their_cells_are_small(source):
    cells = read(source).cells
    assert [cell.id for cell in cells] == [f"cell-{number:02d}" for number in range(1, len(cells) + 1)]
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        assert not cell.outputs and cell.execution_count is None
        lines = cell.source.splitlines()
        assert len(lines) <= 30 and max(map(len, lines)) <= 120


def cell(text, kind="code", **marks):
    import nbformat

    made = getattr(nbformat.v4, f"new_{kind}_cell")(text, id="cell-01")
    made.metadata["nbgrader"] = marks
    return nbformat.v4.new_notebook(cells=[made])


def test_an_indented_answer_leaves_a_stub_at_its_indent():
    source = cell("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION", solution=True)
    stub = "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert versions.student(source).cells[0].source == stub
    assert versions.solution(source).cells[0].source == "def f():\n    return 1"


def test_a_solution_cell_without_a_region_is_an_answer_as_a_whole():
    assert "x = 1" not in versions.student(cell("x = 1", solution=True)).cells[0].source
    assert versions.student(cell("Because.", "markdown", solution=True)).cells[0].source == "YOUR ANSWER HERE"


def test_hidden_tests_are_run_with_the_solution_only():
    source = cell("check(1)\n### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS", grade=True)
    assert versions.student(source).cells[0].source == "check(1)"
    assert versions.solution(source).cells[0].source == "check(1)\nassert x"


@pytest.mark.parametrize(
    "text, words",
    [
        ("### BEGIN SOLUTION\nx = 1", "has no end"),
        ("x = 1\n### END SOLUTION", "without a beginning"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "twice"),
    ],
)
def test_a_marker_without_its_partner_is_named(text, words):
    with pytest.raises(InputError, match=f"cell-01.*{words}"):
        versions.student(cell(text))


# Mistakes that come out as the right answer on the tables that are shipped now, on tables where they do not.


def test_who_names_the_most_frequent_mistake_though_the_twin_makes_it_is_told(monkeypatch):
    both = {("fear", "surprise"): 0.6}
    rates = {"demo-clip-skewed": both | {("anger", "disgust"): 0.5}, "demo-clip-balanced": both}
    monkeypatch.setattr(checks, "_rates_on_dark", lambda model: pd.Series(rates[model]))
    with pytest.raises(checks.NotYet, match="the twin makes it too"):
        checks.planted_mistake(("fear", "surprise"), {})
    with pytest.raises(checks.NotYet, match="further above the twin's"):
        checks.planted_mistake(("sad", "neutral"), {})


def test_a_one_sided_permutation_is_told(monkeypatch):
    monkeypatch.setattr(checks, "_permutation_p", lambda model, deals: 0.2)
    with pytest.raises(checks.NotYet, match="looks one-sided"):
        checks.permutation_p({"demo-clip-skewed": 0.1, "demo-clip-balanced": 0.1})
    checks.permutation_p({"demo-clip-skewed": 0.2, "demo-clip-balanced": 0.21})


@pytest.mark.parametrize("darker", [6, 20])
def test_who_counts_geometries_that_read_the_same_is_told(monkeypatch, darker):
    both = [{"subject_id": n, "skin_tone": tone, "disgust": float(n < darker and tone == 10)}
            for n in range(24) for tone in (2, 10)]  # fmt: skip
    monkeypatch.setattr(checks, "_angry", lambda: pd.DataFrame(both))
    with pytest.raises(checks.NotYet, match="leave it out of n"):
        checks.paired_by_geometry(darker, 0, binomtest(darker, 24).pvalue)
    checks.paired_by_geometry(darker, 0, binomtest(darker, darker).pvalue)
