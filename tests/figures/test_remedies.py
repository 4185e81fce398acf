"""Figures of remedies: a label stands as near to its mark as the others let it, and nothing is left out."""

import numpy as np
import pandas as pd
import pytest

from ferlib.figures import remedies


@pytest.fixture
def changes():
    rows = [
        ("a", "all", 0.8, 0.8, "equivalent"), ("a", "dark", 0.6, 0.8, "better"), ("a", "lighter", 0.9, 0.81, "worse"),
        ("b", "all", 0.8, 0.79, "inconclusive"),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["panel", "group", "rate_before", "rate_after", "effect"])
    table["change"] = table["rate_after"] - table["rate_before"]
    return table.assign(sim_low=table["change"] - 0.05, sim_high=table["change"] + 0.05)


def test_slopes_have_a_line_and_a_colour_for_each_effect(changes):
    panels = remedies.slopes(changes).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["a", "b"]
    lines = {line.get_color() for line in panels[0].lines}
    assert lines == {*remedies.EFFECTS.values(), remedies.OTHERWISE}
    starts = sorted(line.get_ydata()[0] for line in panels[0].lines if line.get_xdata()[0] == 0)
    np.testing.assert_allclose(starts, [0.6, 0.8, 0.9])
    assert "everybody" in {text.get_text() for text in panels[0].texts}
    assert "a: dark from 60 % to 80 %, better" in remedies.describe_slopes(changes)


def test_labels_keep_their_order_and_a_distance():
    heights = np.array([0.1, 0.101, 0.5, 0.9])
    moved = remedies._apart(heights, 0.1)
    assert (np.diff(moved) >= 0.1 - 1e-12).all()
    np.testing.assert_allclose(moved[2:], heights[2:])
    np.testing.assert_allclose(moved[:2].mean(), heights[:2].mean())


def test_cost_and_benefit_marks_every_remedy_and_names_it():
    columns = {
        "accuracy_before": 0.8,
        "worst_before": 0.6,
        "worst_low": -0.1,
        "worst_high": 0.2,
        "worst_effect": "better",
    }
    table = pd.DataFrame({"remedy": ["a", "b", "a"], "way": ["remedy", "remedy", "control"], **columns})
    table = table.assign(accuracy_after=[0.82, 0.7, 0.8], worst_after=[0.7, 0.6, 0.6])
    panel = remedies.cost_benefit(table).axes[0]
    marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in panel.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(marks, [(0.02, 0.1), (-0.1, 0), (0, 0)], atol=1e-12)
    assert {text.get_text() for text in panel.texts} == {"a", "b"}
    assert "a: over all +2.0 points, worst group +10.0, better" in remedies.describe_cost_benefit(table)


def test_people_added_are_a_line_for_each_group():
    table = pd.DataFrame({"added": ["dark"] * 2 + ["lighter"] * 2, "people": [1, 4] * 2, "change": [0.01, 0.03, 0, 0]})
    table = table.assign(group="dark", sim_low=table["change"] - 0.02, sim_high=table["change"] + 0.04)
    figure = remedies.added(table)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dark people added", "lighter people added"]
    assert "dark: 1 people +1.0 points, 4 people +3.0 points" in remedies.describe_added(table)
