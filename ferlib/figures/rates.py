"""Figures of the audit that are bars, dots and intervals.

A function takes the table of exactly what it draws and returns a matplotlib Figure; `ferlib.figures.save` keeps both.
Colours are Okabe and Ito's, told apart by every kind of colour vision. They stand for models and reasons; groups of
people have a fixed order and never a colour of their own.
"""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferlib.figures.style import (
    COLOURS,
    HATCHES,
    WIDTH,
    legend_columns,
    listed,
    marker,
    named,
    percent,
    percent_tick,
    span,
    styled,
    ways,
)
from ferlib.labels import STATUSES

STATUS_COLOURS = dict(
    zip(STATUSES[1:], ("#D55E00", "#CC79A7", "#E69F00", "#0072B2", "#56B4E9", "#009E73", "#000000"), strict=True)
)


@styled
def composition(table):
    """Images of each emotion and race, as bars: a row of panels for each dataset, a panel for each race.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `dataset`, `race` (or another attribute of people), `emotion`, `images`, `people` (people of the
        dataset and race with any image).
    """
    datasets, labels = sorted(table["dataset"].unique()), sorted(set(table["emotion"]))
    attribute = table.columns[1]
    races = sorted(table[attribute].unique())
    figure = Figure(figsize=(WIDTH, 0.7 + 2.4 * len(datasets)), layout="constrained")
    panels = figure.subplots(len(datasets), len(races), sharex=True, sharey=True, squeeze=False)
    limit = 1.22 * max(table["images"].max(), 1)
    for (row, column), panel in np.ndenumerate(panels):
        part = table[(table["dataset"] == datasets[row]) & (table[attribute] == races[column])]
        part = part.set_index("emotion").reindex(labels)
        images = part["images"].fillna(0).astype(int)
        bars = panel.barh(labels, images, color=COLOURS[0], height=0.72)
        panel.bar_label(bars, padding=3, fontsize=9)
        people = int(part["people"].max()) if part["people"].notna().any() else 0
        panel.set_title(f"{races[column]} ({people} people)", fontsize=10)
        panel.set_xlim(0, limit)
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        panel.tick_params(axis="y", length=0)
        if column == 0:
            panel.set_ylabel(f"dataset: {datasets[row]}")
    panels[0, 0].invert_yaxis()
    figure.supxlabel("images with this label", fontsize=10)
    return figure


def describe_composition(table):
    """Describe the bars of `composition` in words."""
    attribute = table.columns[1]
    people = table.drop_duplicates(["dataset", attribute])["people"]
    return (
        f"Bars: images of each label and {attribute}, a panel for each {attribute}. {table['images'].sum():,} images "
        f"of {people.sum():,} people; {span(table['images'])} images a bar, {span(people)} people a panel."
    )


@styled
def accuracy(table, *, confidence=0.95):
    """Accuracy of each group as a dot with its interval, models side by side.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `accuracy_by_group.csv` of one dataset; one variant of each model reads best.
    confidence : float
        Confidence of the intervals, for the label of the axis.
    """
    labels = np.array(named(table))
    models = sorted(set(labels))
    rows, ticks, headings = _rows(table)
    step = 0.72 / max(len(models), 1)
    figure = Figure(figsize=(WIDTH, 1.7 + (0.3 + 0.035 * len(models)) * (len(ticks) + 2)), layout="constrained")
    panel = figure.subplots()
    for number, model in enumerate(models):
        part = table[labels == model]
        y = np.array([rows[key] for key in zip(part["by"], part["group"], strict=True)])
        y = y + (number - (len(models) - 1) / 2) * step
        error = np.abs(part[["ci_low", "ci_high"]].to_numpy().T - part["accuracy"].to_numpy())
        style = {"color": COLOURS[number % len(COLOURS)], "fmt": marker(number)}
        panel.errorbar(part["accuracy"], y, xerr=error, label=model, markersize=5, elinewidth=1.6, **style)
    for y in list(ticks)[::2]:
        panel.axhspan(y - 0.5, y + 0.5, color="#F3F3F3", linewidth=0)
    for name, y in headings:
        panel.annotate(
            name, (0, y), xycoords=("axes fraction", "data"), xytext=(-4, 0), textcoords="offset points",
            ha="right", va="center", fontsize=10, fontweight="bold",
        )  # fmt: skip
    panel.set_yticks(list(ticks), list(ticks.values()))
    panel.set_ylim(max(ticks) + 0.5, min(ticks) - 0.5)
    panel.set_xlim(max(0, np.floor(table["ci_low"].min() * 20 - 0.2) / 20), 1.005)
    panel.xaxis.set_major_formatter(percent_tick)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    panel.set_xlabel(f"right answers / images (no answer counts as not right), with {100 * confidence:.4g} % interval")
    figure.legend(loc="outside upper left", ncols=legend_columns(models), columnspacing=1.4, handletextpad=0.4)
    return figure


def describe_accuracy(table, *, confidence=0.95):
    """Describe the dots of `accuracy` in words."""
    groups = table[table["by"] == "group"]
    low, high = groups.loc[groups["accuracy"].idxmin()], groups.loc[groups["accuracy"].idxmax()]
    return (
        f"Dots with {100 * confidence:.4g} % intervals: accuracy for {', '.join(ways(table['by']).values())}; "
        f"models: {listed(table['model'])}; dataset {listed(table['dataset'])}. "
        f"Lowest of the finest groups: {low['model']} on {low['group']}, {percent(low['accuracy'])}; "
        f"highest: {high['model']} on {high['group']}, {percent(high['accuracy'])}."
    )


def _rows(table):
    """Vertical place of each group, the label at each place, and the headings of the sections with their places."""
    rows, ticks, headings, y = {}, {}, [], 0.0
    for by, heading in ways(table["by"]).items():
        section = table[table["by"] == by]
        if by != "all":
            headings.append((heading, y + 0.85))
            y += 0.7
        for group in sorted(section["group"].unique()):
            y += 1
            part = section[section["group"] == group]
            rows[by, group] = y
            name = heading if by == "all" else group
            ticks[y] = f"{name}\n{span(part['n_images'])} images, {span(part['n_subjects'])} people"
    return rows, ticks, headings


@styled
def no_answer(table):
    """Share of images that a model left without an answer, by group, divided by the reason: a panel for each model.

    Parameters
    ----------
    table : pandas.DataFrame
        One dataset; columns `model`, `variant`, `group`, `status`, `count`, `n_images`, `rate` (count / n_images).
    """
    labels = np.array(named(table))
    models, groups = sorted(set(labels)), sorted(table["group"].unique())
    statuses = [status for status in STATUSES if table.loc[table["status"] == status, "count"].sum() > 0]
    total = table.groupby(["model", "variant", "group"])["rate"].sum()
    columns = min(4, len(models))
    lines = -(-len(models) // columns)
    figure = Figure(figsize=(WIDTH, 0.7 + lines * (0.6 + 0.36 * len(groups))), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, model in zip(panels, models, strict=False):
        part = table[labels == model]
        wide = part.pivot(index="group", columns="status", values="rate").reindex(groups).fillna(0.0)
        left = np.zeros(len(groups))
        for status in statuses:
            style = {
                "color": STATUS_COLOURS[status],
                "hatch": HATCHES[STATUSES.index(status) - 1],
                "edgecolor": "white",
            }
            panel.barh(groups, wide[status], left=left, height=0.7, linewidth=0, label=status, **style)
            left += wide[status].to_numpy()
        counts = part.groupby("group")["count"].sum().reindex(groups)
        for y, (end, count) in enumerate(zip(left, counts, strict=True)):
            panel.annotate(f"{count:g}", (end, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=9)
        panel.set_title(textwrap.fill(model, 22), fontsize=9.5)
        panel.tick_params(axis="y", length=0)
    sizes = table.groupby("group")["n_images"].agg(list)
    panels[0].set_yticks(range(len(groups)), [f"{group} (n = {span(sizes[group])})" for group in groups])
    panels[0].set_xlim(0, max(1.25 * total.max(), 0.05))
    panels[0].xaxis.set_major_formatter(percent_tick)
    panels[0].xaxis.set_major_locator(MaxNLocator(3))
    panels[0].invert_yaxis()
    for panel in panels[len(models) :]:
        panel.set_axis_off()
    figure.supxlabel("images without an answer / images; the number is the count of images", fontsize=10)
    if statuses:
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper left", ncols=len(names))
    else:
        figure.suptitle("Every image got an answer", fontsize=10, x=0.01, ha="left")
    return figure


def describe_no_answer(table):
    """Describe the bars of `no_answer` in words."""
    total = table.groupby("model")["count"].sum()
    counted = ", ".join(f"{model} {count:g}" for model, count in total.items())
    return (
        f"Bars: images without an answer by group and reason, a panel for each model; dataset "
        f"{listed(table['dataset'])}. Images without an answer in all: {counted}."
    )
