"""Figures of Action Units and heatmaps: what is drawn is what the table says, and the words name the right extreme."""

import numpy as np
import pandas as pd
import pytest

from ferlib.figures import heatmap_panels, unit_scores


def detected():
    rows = [
        (kind, network, unit, 0.5 + 0.1 * number, 0.4, 0.95, 12, 8, 8)
        for kind in ("random combinations", "alone")
        for network in ("balanced", "skewed")
        for number, unit in enumerate(("au01", "au04", "au12"))
    ]
    columns = ["kind", "network", "unit", "value", "ci_low", "ci_high", "n_present", "n_subjects", "n_showing"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[4, "value"] = 0.41
    return table


def scored():
    table = detected().rename(columns={"value": "mean", "n_present": "n_images"}).query("kind == 'alone'")
    verdicts = ["different", "inconclusive", "different"] * 2
    return table.assign(
        even=0.2, untrained=[0.3, 0.3, 0.9] * 2, verdict=verdicts, question="outside", group=table["unit"]
    )


def test_every_value_of_the_table_is_a_dot():
    figure = unit_scores.detection(detected())
    assert len(figure.axes) == 2
    drawn = np.concatenate([line.get_xdata() for panel in figure.axes for line in panel.lines])
    np.testing.assert_allclose(np.sort(drawn.astype(float)), np.sort(detected()["value"]))
    assert "12 images show it, of 8 people" in figure.axes[0].get_title(loc="left")


def test_only_what_differs_surely_is_filled_and_controls_stand_beside():
    figure = unit_scores.shares(scored())
    panel = figure.axes[0]
    dots = {line.get_markerfacecolor(): line.get_xdata() for line in panel.lines if line.get_marker() == "o"}
    assert len(dots) == 2 and len(dots["white"]) == 1
    marks = [line.get_xdata() for line in panel.lines if line.get_marker() in ("s", "D")]
    np.testing.assert_allclose(marks, [[0.2] * 3, [0.3, 0.3, 0.9]])


def test_groups_keep_the_order_of_the_table():
    panel = unit_scores.groups(scored().iloc[::-1]).axes[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["au12", "au04", "au01"]


def test_the_words_name_means_extremes_and_what_passed():
    told = unit_scores.describe_detection(detected())
    assert "random combinations, skewed: 0.54" in told and "Lowest: au04, random combinations, skewed, 0.41" in told
    told = unit_scores.describe_shares(scored())
    assert told.endswith("Units surely above the untrained network: balanced 1, skewed 1.")
    assert "Highest: balanced, outside, au12, 70 %" in unit_scores.describe_groups(scored())


def blocks(maps, *, rows, columns, names):
    """A table with a row for each block of maps of shape (rows, columns, side, side)."""
    index = pd.MultiIndex.from_product([rows, columns, *map(range, maps.shape[2:])], names=[*names, "y", "x"])
    return pd.Series(maps.ravel(), index, name="value").reset_index()


def test_maps_become_a_table_and_the_table_a_picture():
    maps = np.random.default_rng(0).random((2, 3, 4, 4))
    maps[1, 2, 3, 0] = 7
    table = blocks(maps, rows=["dark", "light"], columns=["au01", "au04", "au12"], names=("group", "unit"))
    assert len(table) == maps.size
    row = table.query("group == 'light' and unit == 'au12' and y == 3 and x == 0")
    assert row["value"].item() == 7
    backdrop = dict.fromkeys(["dark", "light"], np.full((8, 8), 0.5))
    outline = np.zeros((8, 8))
    outline[2:4] = 1
    figure = heatmap_panels.means(table, backdrop, {"au01": outline})
    panels = figure.axes[:6]
    drawn = panels[5].images[1].get_array()
    np.testing.assert_allclose(drawn[~drawn.mask], maps[1, 2][~drawn.mask])
    assert drawn[3, 0] == 7 and drawn.mask.any() and drawn[drawn.mask].data.max() < maps.max()
    assert [panel.get_title() for panel in panels[:3]] == ["au01", "au04", "au12"]
    told = heatmap_panels.describe_means(table)
    assert "Brightest: au12, light, 7.0 times an even map, 88 % down and 12 % across" in told


def test_blocks_that_differ_surely_are_framed_and_counted():
    maps = np.random.default_rng(1).normal(size=(1, 1, 4, 4))
    table = blocks(maps, rows=["shortcut"], columns=["au12"], names=("network", "unit"))
    table["p_adjusted"] = 1.0
    table.loc[:1, "p_adjusted"] = 0.01
    figure = heatmap_panels.differences(table, {"shortcut": np.zeros((8, 8))}, {}, label="difference")
    frames = [patch for patch in figure.axes[0].patches]
    assert [patch.get_xy() for patch in frames] == [(0, 0), (2, 0)] and frames[0].get_width() == 2
    told = heatmap_panels.describe_differences(table, names=("dark", "light"))
    assert "dark minus light" in told and "Blocks that differ surely: shortcut, au12: 2" in told
    none = heatmap_panels.describe_differences(table.assign(p_adjusted=np.nan), names=("dark", "light"))
    assert none.endswith("surely: none.")


def test_examples_stand_under_their_section():
    table = pd.DataFrame(
        {"section": ["best"] * 2 + ["worst"], "title": ["au01, a\n90%", "au04, b\n80%", "au12, c\n1%"]}
    )
    maps = np.random.default_rng(2).normal(size=(3, 6, 6))
    maps[2] = -1
    outlines = np.zeros((3, 6, 6), bool)
    outlines[:, 1:3] = True
    figure = heatmap_panels.examples(table, np.zeros((3, 6, 6)), maps, outlines, columns=2)
    titles = [panel.get_title() for panel in figure.axes]
    assert [part.get_suptitle() for part in figure.subfigs] == ["best", "worst"]
    assert titles == ["au01, a\n90%", "au04, b\n80%", "au12, c\n1%", ""]
    assert heatmap_panels.describe_examples(table).endswith("best: au01, a 90%, au04, b 80%; worst: au12, c 1%.")
    assert figure.axes[0].images[1].get_array().min() == pytest.approx(0)
