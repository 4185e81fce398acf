"""Verdicts are drawn as the table has them: what is different is filled, and every interval is the one that decides."""

import pandas as pd
import pytest

from ferlib.figures import verdict_plots


@pytest.fixture
def contrasts():
    rows = [("m", "recall", "anger", "", "A", "B", 24, 20, 0.4, 0.1, 0.6, "different")]
    rows += [("m", "confusion", "fear", "sad", "A", "B", 24, 20, -0.1, -0.4, 0.2, "inconclusive")]
    columns = ["model", "measure", "true", "predicted", "group_a", "group_b", "subjects_a", "subjects_b"]
    return pd.DataFrame(rows, columns=[*columns, "risk_difference", "sim_low", "sim_high", "verdict"])


def test_each_difference_stands_on_its_interval_and_is_filled_when_different(contrasts):
    panel = verdict_plots.contrasts(contrasts).axes[0]
    lines, dots = panel.lines[1::2], panel.lines[2::2]
    assert [list(line.get_xdata()) for line in lines] == [[0.1, 0.6], [-0.4, 0.2]]
    assert [list(dot.get_xdata()) for dot in dots] == [[0.4], [-0.1]]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert labels == ["m: recall of anger, A − B (24, 20 people)", "m: fear → sad, A − B (24, 20 people)"]


def test_the_words_name_how_many_are_different_and_the_largest(contrasts):
    said = verdict_plots.describe_contrasts(contrasts)
    assert "2 differences" in said and "1 are different" in said and "recall of anger, A minus B: +40 points" in said
    assert verdict_plots.describe_contrasts(contrasts.head(0))


def test_marks_stand_beside_the_line_in_the_panel_of_their_question():
    rows = [("m", "race", "each", 0.02), ("n", "race", "each", 0.1), ("m", "gender", "any", 0.3)]
    table = pd.DataFrame(rows, columns=["model", "attribute", "how", "value"])
    words = {"line": 0.05, "label": "false alarms"}
    figure = verdict_plots.marks(table, rows="attribute", panels="how", **words)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["each", "any"]
    each = {line.get_label(): list(line.get_xdata()) for line in figure.axes[0].lines[1:]}
    assert each == {"m": [0.02], "n": [0.1]} and list(figure.axes[0].lines[0].get_xdata()) == [0.05, 0.05]
    said = verdict_plots.describe_marks(table, **words)
    assert "2 of 3 lie above 0.05" in said and "highest 30 % (m)" in said
