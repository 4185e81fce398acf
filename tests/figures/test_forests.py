"""Gaps, ratios and verdicts are drawn as the table has them, also where there is no gap, no end and no dot."""

import numpy as np
import pandas as pd
import pytest

from ferlib.figures import forests


@pytest.fixture
def gaps():
    random = np.random.default_rng(0)
    rows = []
    for model in ("one", "two"):
        for attribute in ("race", "gender", "group"):
            for measure, true in (("accuracy", ""), ("no_answer", ""), ("recall", "fear"), ("recall", "sad")):
                expected, most, gap = np.sort(random.random(3))
                rows.append(("demo", model, "v", measure, true, attribute, "A", "B", gap, expected, most))
    columns = ["dataset", "model", "variant", "measure", "true", "attribute", "lowest", "highest"]
    table = pd.DataFrame(rows, columns=[*columns, "gap", "gap_expected", "gap_95"]).assign(predicted="")
    table.loc[table["true"] == "sad", ["gap", "gap_expected", "gap_95"]] = np.nan
    return table


@pytest.fixture
def ratios():
    rows = [("first", "a", 2.0, 0.9, 4.0), ("first", "b", np.inf, 1.5, np.inf), ("then", "c", 0.0, 0.0, 0.6)]
    return pd.DataFrame(rows, columns=["section", "label", "value", "low", "high"])


def test_each_gap_stands_on_the_bar_of_its_own_lot(gaps):
    figure = forests.gaps(gaps)
    for panel, attribute in zip(figure.axes, ("race", "gender", "group"), strict=True):
        part = gaps[(gaps["attribute"] == attribute) & gaps["gap"].notna()]
        drawn = {round(bar.get_y() + bar.get_height() / 2, 6): bar.get_width() for bar in panel.patches}
        assert sorted(drawn.values()) == sorted(part["gap_95"])
        for model, ticks, marks in zip(("one", "two"), panel.lines[::2], panel.lines[1::2], strict=True):
            mine = part[part["model"] == model]
            np.testing.assert_allclose(marks.get_xdata(), mine["gap"])
            np.testing.assert_allclose(ticks.get_xdata(), mine["gap_expected"])
            assert [drawn[round(y, 6)] for y in marks.get_ydata()] == mine["gap_95"].tolist()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "accuracy",
        "no answer",
        "recall of fear",
    ]


def test_the_gaps_are_described_with_the_one_furthest_beyond_chance(gaps):
    gaps.loc[5, ["gap", "gap_95"]] = [0.99, 0.01]
    words = forests.describe_gaps(gaps)
    assert "18 of 18 gaps pass" in words and "no answer by gender, 99 % between A and B, by chance at most 1 %" in words
    assert "furthest" not in forests.describe_gaps(gaps.assign(gap_95=1.0))


def test_ratios_are_drawn_with_their_intervals_and_what_has_no_end_is_an_arrow(ratios):
    figure = forests.ratios(ratios)
    (panel,) = figure.axes
    left, right = forests._edges(ratios)
    assert (left, right) == (0.5, 4.0)
    kinds = {}
    for line in panel.lines:
        kinds.setdefault(line.get_marker(), []).append(list(line.get_xdata()))
    assert kinds["o"] == [[2.0]] and kinds[">"] == [[4.0]] and kinds["<"] == [[0.5]]
    assert kinds["None"][:3] == [[0.9, 4.0], [1.5, 4.0], [0.5, 0.6]]
    order = [label.get_text() for label in panel.get_yticklabels()]
    assert order == ["a", "b", "c"] and [text.get_text() for text in panel.texts] == ["first", "then"]
    assert "1 of the 3 intervals hold 1" in forests.describe_ratios(ratios)


def test_measures_are_named_for_readers():
    rows = [("accuracy", "", ""), ("no_answer", "", ""), ("recall", "sad", "sad"), ("confusion", "anger", "disgust")]
    table = pd.DataFrame(rows, columns=["measure", "true", "predicted"])
    assert forests.measure_names(table) == ["accuracy", "no answer", "recall of sad", "anger → disgust"]


@pytest.fixture
def contrasts():
    rows = [("m", "recall", "anger", "", "A", "B", 24, 20, 0.4, 0.1, 0.6, "different")]
    rows += [("m", "confusion", "fear", "sad", "A", "B", 24, 20, -0.1, -0.4, 0.2, "inconclusive")]
    columns = ["model", "measure", "true", "predicted", "group_a", "group_b", "subjects_a", "subjects_b"]
    return pd.DataFrame(rows, columns=[*columns, "risk_difference", "sim_low", "sim_high", "verdict"])


def test_each_difference_stands_on_its_interval_and_is_filled_when_different(contrasts):
    panel = forests.contrasts(contrasts).axes[0]
    lines, dots = panel.lines[1::2], panel.lines[2::2]
    assert [list(line.get_xdata()) for line in lines] == [[0.1, 0.6], [-0.4, 0.2]]
    assert [list(dot.get_xdata()) for dot in dots] == [[0.4], [-0.1]]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert labels == ["m: recall of anger, A − B (24, 20 people)", "m: fear → sad, A − B (24, 20 people)"]


def test_the_words_name_how_many_are_different_and_the_largest(contrasts):
    said = forests.describe_contrasts(contrasts)
    assert "2 differences" in said and "1 are different" in said and "recall of anger, A minus B: +40 points" in said
    assert forests.describe_contrasts(contrasts.head(0))


def test_marks_stand_beside_the_line_in_the_panel_of_their_question():
    rows = [("m", "race", "each", 0.02), ("n", "race", "each", 0.1), ("m", "gender", "any", 0.3)]
    table = pd.DataFrame(rows, columns=["model", "attribute", "how", "value"])
    words = {"line": 0.05, "label": "false alarms"}
    figure = forests.marks(table, rows="attribute", panels="how", **words)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["each", "any"]
    each = {line.get_label(): list(line.get_xdata()) for line in figure.axes[0].lines[1:]}
    assert each == {"m": [0.02], "n": [0.1]} and list(figure.axes[0].lines[0].get_xdata()) == [0.05, 0.05]
    said = forests.describe_marks(table, **words)
    assert "2 of 3 lie above 0.05" in said and "highest 30 % (m)" in said
