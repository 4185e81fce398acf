"""Figures of differences: gaps beside what chance alone would show, and ratios with their intervals.

Like `ferlib.figures.rates`: a function takes the table of exactly what it draws and returns a matplotlib Figure.
"""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from ferlib.figures.style import (
    COLOURS,
    WIDTH,
    legend_columns,
    listed,
    marker,
    named,
    percent,
    percent_tick,
    styled,
    ways,
)


def measure_names(table):
    """Name of each row's measure for a reader: `recall of anger`, `anger → disgust`, as a list of str."""
    return [
        {"recall": f"recall of {row.true}", "confusion": f"{row.true} → {row.predicted}"}.get(
            row.measure, row.measure.replace("_", " ")
        )
        for row in table.itertuples()
    ]


@styled
def gaps(table):
    """Gap between the highest and the lowest group as a mark, on a bar that reaches as far as chance does.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `gaps.csv` of one dataset, without confusions; one variant of each model reads best. The bar ends at
        `gap_95`, the tick on it is `gap_expected`, the mark is `gap`.
    """
    labels, measures = np.array(named(table)), np.array(measure_names(table))
    models = sorted(set(labels))
    shown = sorted(set(measures[table["gap"].notna()]), key=lambda name: (name.startswith("recall"), name))
    divided = ways(table["attribute"])
    step = 0.8 / max(len(models), 1)
    height = 1.3 + len(shown) * (0.14 + 0.13 * len(models))
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(1, len(divided), sharex=True, sharey=True, squeeze=False)[0]
    for panel, attribute in zip(panels, divided, strict=True):
        for number, model in enumerate(models):
            part = table[(labels == model) & (table["attribute"] == attribute) & table["gap"].notna()]
            y = np.array([shown.index(name) for name in measure_names(part)], dtype=float)
            y = y + (number - (len(models) - 1) / 2) * step
            panel.barh(y, part["gap_95"], height=0.7 * step, color="#D9D9D9")
            panel.plot(part["gap_expected"], y, "|", color="#555555", markersize=5)
            panel.plot(part["gap"], y, marker(number), color=COLOURS[number % len(COLOURS)], markersize=5, label=model)
        panel.set_title(divided[attribute])
        panel.xaxis.set_major_formatter(percent_tick)
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    panels[0].set_yticks(range(len(shown)), shown)
    panels[0].set_ylim(len(shown) - 0.4, -0.6)
    panels[0].set_xlim(0, None)
    figure.supxlabel(
        "highest minus lowest group; bar: 95 in 100 gaps by chance are shorter, tick: their mean", fontsize=10
    )
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=legend_columns(models), columnspacing=1.4)
    return figure


def describe_gaps(table):
    """Describe the marks and bars of `gaps` in words."""
    known = table[table["gap"].notna()].reset_index(drop=True)
    beyond = known[known["gap"] > known["gap_95"]]
    told = f"{len(beyond)} of {len(known)} gaps pass what 95 in 100 gaps by chance stay below"
    if len(beyond):
        top = beyond.loc[[(beyond["gap"] - beyond["gap_95"]).idxmax()]]
        (name,), (row,) = measure_names(top), top.itertuples()
        told += (
            f"; furthest: {row.model}, {name} by {row.attribute}, {percent(row.gap)} between {row.lowest} and "
            f"{row.highest}, by chance at most {percent(row.gap_95)}"
        )
    divided = ", ".join(ways(table["attribute"]).values())
    marks = f"Marks: gap between the highest and the lowest group of each measure {divided}, on bars of gaps by chance"
    return f"{marks}; models: {listed(table['model'])}; dataset {listed(table['dataset'])}. {told}."


@styled
def ratios(table):
    """Forest plot: each ratio as a dot with its interval, on a scale where twice and half are equally far from 1.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `label`, `value`, `low`, `high` (an end beyond the scale is an arrow)
        and `section`, the heading above the rows that share it, in the order in which they are to stand. A ratio
        of 0, or over 0, has no dot.
    """
    rows, ticks, headings, y = [], {}, [], -1.0
    for section in table["section"].drop_duplicates():
        headings.append((y + 1, section))
        y += 1
        for row in table[table["section"] == section].itertuples():
            y += 1
            ticks[y] = textwrap.fill(row.label, 64)
            rows.append((y, row))
    tallest = max((label.count("\n") for label in ticks.values()), default=0)
    figure = Figure(figsize=(WIDTH, 1.0 + (0.25 + 0.16 * tallest) * (y + 2)), layout="constrained")
    panel = figure.subplots()
    edges = _edges(table)
    for y, row in rows:
        panel.plot(np.clip([row.low, row.high], *edges), [y, y], color=COLOURS[0], linewidth=1.6)
        for end, beyond, arrow in ((edges[0], row.low < edges[0], "<"), (edges[1], row.high > edges[1], ">")):
            if beyond:
                panel.plot(end, y, arrow, color=COLOURS[0], markersize=6)
        if edges[0] <= row.value <= edges[1]:
            panel.plot(row.value, y, "o", color=COLOURS[0], markersize=5)
    panel.axvline(1, color="#000000", linewidth=0.9)
    for y, section in headings:
        panel.annotate(
            section, (0, y), xycoords=("axes fraction", "data"), xytext=(-4, 0), textcoords="offset points",
            ha="right", va="center", fontsize=10, fontweight="bold",
        )  # fmt: skip
    panel.set_xscale("log", base=2)
    panel.set_xlim(edges[0] / 1.1, edges[1] * 1.1)
    marks = [2.0**k for k in range(-4, 6) if edges[0] <= 2.0**k <= edges[1]]
    panel.xaxis.set_major_locator(FixedLocator(marks))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xticks(marks, [f"{mark:g}" for mark in marks])
    panel.set_yticks(list(ticks), list(ticks.values()))
    panel.set_ylim(max(ticks, default=0) + 0.7, -0.7)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    panel.set_xlabel("ratio of the two rates; 1: no difference")
    handle = Line2D([], [], color=COLOURS[0], marker="o", markersize=5, label="ratio with its interval")
    arrow = Line2D(
        [], [], color=COLOURS[0], marker=">", markersize=6, label="goes on; a ratio of 0 or without end has no dot"
    )
    figure.legend(handles=[handle, arrow], loc="outside upper left", ncols=2)
    return figure


def describe_ratios(table):
    """Describe the forest plot of `ratios` in words."""
    finite = table[table["value"].between(0, float("inf"), inclusive="neither")]
    low, high = finite.loc[finite["value"].idxmin()], finite.loc[finite["value"].idxmax()]
    holds = ((table["low"] <= 1) & (table["high"] >= 1)).sum()
    return (
        f"Forest plot of {len(table)} ratios; those above 0 and finite go from {low['value']:.2f} ({low['label']}) to "
        f"{high['value']:.2f} ({high['label']}); {holds} of the {table['low'].notna().sum()} intervals hold 1."
    )


def _edges(table):
    """Left and right end of the scale: all that is finite, within a sixteenth to thirty-two times."""
    values = table[["value", "low", "high"]].to_numpy(dtype=float).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    return max(1 / 16, min(0.5, values.min(initial=0.5))), min(32.0, max(4.0, values.max(initial=4.0)))
