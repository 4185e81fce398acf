"""Figures of the controlled faces: rates along the levels of a factor, and what a change of one factor does.

Each function takes the table of exactly what it draws and returns a matplotlib Figure, as in `ferlib.figures.rates`.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ferlib.figures.style import (
    COLOURS,
    WIDTH,
    in_order,
    legend_columns,
    listed,
    marker,
    named,
    percent,
    percent_tick,
    span,
    styled,
)


def _style(number):
    """Colour and marker of the so-manieth model; from the ninth on a colour returns with another marker."""
    return {"color": COLOURS[number % len(COLOURS)], "fmt": marker(number), "markersize": 5, "elinewidth": 1.4}


def _error(part, value):
    """Distances of the ends of the intervals from the value; shape (2, rows)."""
    return np.abs(part[["ci_low", "ci_high"]].to_numpy(float).T - part[value].to_numpy(float))


def _counted(part):
    """How many independent units a part of a table has, in words: `12 people`, `4 looks`."""
    unit = part["unit"].iloc[0]
    return f"{span(part['units'])} {'people' if unit == 'subject_id' else unit + 's'}"


@styled
def levels(table, *, confidence=0.95):
    """Rates with intervals along the levels of factors: a column of panels for each factor, a row for each measure.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `panel` (heading of the column), `level`, `question` (what the rate is of), `model`, `variant`, `unit`
        (what the independent units are), `units` (how many), `n`, `rate`, `ci_low`, `ci_high`; panels, levels and
        questions are drawn in the order of the rows.
    confidence : float
        Confidence of the intervals, for the label of the axis.
    """
    # A model may have another variant in another panel (a probe of other people there): it is one model all the same.
    parts = [part.assign(label=named(part)) for _, part in table.groupby("panel", sort=False)]
    table = pd.concat(parts).sort_index()
    models, panels, questions = (list(dict.fromkeys(table[name])) for name in ("label", "panel", "question"))
    models = sorted(models)
    widths = [table.loc[table["panel"] == panel, "level"].nunique() for panel in panels]
    figure = Figure(figsize=(WIDTH, 1.2 + 2.7 * len(questions)), layout="constrained")
    grid = figure.subplots(len(questions), len(panels), squeeze=False, sharey="row", width_ratios=widths)
    step = 0.7 / max(len(models), 1)
    for (row, column), axis in np.ndenumerate(grid):
        part = table[(table["question"] == questions[row]) & (table["panel"] == panels[column])]
        names = list(dict.fromkeys(part["level"]))
        for number, model in enumerate(models):
            own = part[part["label"] == model]
            x = np.array([names.index(level) for level in own["level"]]) + (number - (len(models) - 1) / 2) * step
            axis.errorbar(x, own["rate"], yerr=_error(own, "rate"), label=model, **_style(number))
        axis.set_xticks(range(len(names)), names)
        axis.set_xlim(-0.5, len(names) - 0.5)
        axis.yaxis.set_major_formatter(percent_tick)
        axis.grid(axis="y", color="#E5E5E5", linewidth=0.8)
        axis.tick_params(axis="x", length=0)
        if row == 0:
            axis.set_title(panels[column], fontsize=10)
        if len(part):
            axis.set_xlabel(f"{_counted(part)}, n = {span(part['n'])} images each", fontsize=9)
        if column == 0:
            axis.set_ylabel(questions[row], fontsize=10)
    handles = {name: line for axis in grid.flat for line, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(
        [handles[model] for model in models], models, loc="outside upper left", ncols=legend_columns(models),
        columnspacing=1.4, handletextpad=0.4,
    )  # fmt: skip
    figure.supxlabel(f"lines: {100 * confidence:.4g} % intervals; the unit is the person, or the look", fontsize=9)
    return figure


def describe_levels(table):
    """Describe the curves of `levels` in words."""
    ranges = table.groupby(["question", "panel", "model"])["rate"].agg(lambda rate: rate.max() - rate.min())
    question, panel, model = ranges.idxmax()
    return (
        f"Dots with intervals. Rows of panels: {', '.join(dict.fromkeys(table['question']))}; columns: "
        f"{', '.join(dict.fromkeys(table['panel']))}; models: {listed(table['model'])}. Widest range within a panel: "
        f"{model}, {question}, {panel}, {percent(ranges.max())}."
    )


@styled
def changes(table, *, confidence=0.95):
    """What one factor changes: share of answers that change, and change of the accuracy, a line for each contrast.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `contrast` (its name, drawn in the order of the rows), `model`, `variant`, `unit`, `units`, `n_sets`,
        `changed`, `ci_low`, `ci_high` (of `changed`), `risk_difference`, `rd_low`, `rd_high` (of accuracy).
    confidence : float
    """
    table = table.assign(label=named(table))
    models, contrasts = sorted(set(table["label"])), list(dict.fromkeys(table["contrast"]))
    figure = Figure(figsize=(WIDTH, 1.6 + (0.42 + 0.09 * len(models)) * len(contrasts)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    step = 0.74 / max(len(models), 1)
    for number, model in enumerate(models):
        own = table[table["label"] == model]
        y = np.array([contrasts.index(name) for name in own["contrast"]]) + (number - (len(models) - 1) / 2) * step
        left.errorbar(own["changed"], y, xerr=_error(own, "changed"), label=model, **_style(number))
        ends = own[["rd_low", "rd_high"]].set_axis(["ci_low", "ci_high"], axis=1).assign(value=own["risk_difference"])
        right.errorbar(own["risk_difference"], y, xerr=_error(ends, "value"), **_style(number))
    sizes = [table[table["contrast"] == name] for name in contrasts]
    ticks = [
        f"{name}\n{_counted(part)}, {span(part['n_sets'])} sets" for name, part in zip(contrasts, sizes, strict=True)
    ]
    left.set_yticks(range(len(contrasts)), ticks)
    left.set_ylim(len(contrasts) - 0.5, -0.5)
    left.set_xlim(0, max(0.05, 1.05 * table["ci_high"].max()))
    right.axvline(0, color="black", linewidth=0.8)
    for axis, label in ((left, "answers that change"), (right, "accuracy: first side minus second")):
        for y in range(0, len(contrasts), 2):
            axis.axhspan(y - 0.5, y + 0.5, color="#F3F3F3", linewidth=0)
        axis.xaxis.set_major_formatter(percent_tick)
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x", color="#E5E5E5", linewidth=0.8)
        axis.set_xlabel(f"{label}\n(with {100 * confidence:.4g} % interval)", fontsize=9)
    figure.legend(loc="outside upper left", ncols=legend_columns(models), columnspacing=1.4, handletextpad=0.4)
    return figure


def describe_changes(table):
    """Describe the dots of `changes` in words."""
    top = table.loc[table["changed"].idxmax()]
    return (
        f"Dots with intervals: share of answers that change when one factor changes, and difference of the accuracy, "
        f"for {', '.join(dict.fromkeys(table['contrast']))}; models: {listed(table['model'])}. Most changes: "
        f"{top['model']}, {top['contrast']}, {percent(top['changed'])}."
    )


@styled
def faces(pictures, titles):
    """Images side by side, each under its title.

    Parameters
    ----------
    pictures : sequence of PIL.Image.Image
    titles : sequence of str
    """
    figure = Figure(figsize=(WIDTH, WIDTH / max(len(pictures), 4) + 0.3), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axis, picture, title in zip(axes, pictures, titles, strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


@styled
def qualities(table, *, confidence=0.95):
    """Rates of groups as one quality of images gets poorer: a column of panels for each kind, a row for each reader.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `reader`, `quality`, `level` (0: as it is), `group`, `n_subjects`, `n_images`, `mean`, `ci_low`,
        `ci_high`; readers, qualities and groups are drawn in the order of the rows.
    confidence : float
    """
    readers, kinds, groups = (list(dict.fromkeys(table[name])) for name in ("reader", "quality", "group"))
    figure = Figure(figsize=(WIDTH, 1.5 + 1.7 * len(readers)), layout="constrained")
    grid = figure.subplots(len(readers), len(kinds), squeeze=False, sharex=True, sharey=True)
    for (row, column), axis in np.ndenumerate(grid):
        part = table[(table["reader"] == readers[row]) & (table["quality"] == kinds[column])]
        for number, group in enumerate(groups):
            own = part[part["group"] == group].sort_values("level")
            x = own["level"] + 0.24 * (number / max(len(groups) - 1, 1) - 0.5)
            line = {"linestyle": ("-", "--", ":", "-.")[number % 4], "linewidth": 1.2, "label": group}
            axis.errorbar(x, own["mean"], yerr=_error(own, "mean"), **_style(number) | {"markersize": 4} | line)
        axis.set_xticks(sorted(set(table["level"])))
        axis.yaxis.set_major_formatter(percent_tick)
        axis.grid(axis="y", color="#E5E5E5", linewidth=0.8)
        if row == 0:
            axis.set_title(kinds[column], fontsize=10)
        if column == 0:
            axis.set_ylabel(readers[row], fontsize=9)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=legend_columns(groups))
    counted = f"{span(table['n_subjects'])} people, n = {span(table['n_images'])} images a point"
    figure.supylabel("read as labelled", fontsize=9)
    figure.supxlabel(f"level of the loss; 0: as it is. {counted}, {100 * confidence:.4g} % intervals", fontsize=9)
    return figure


def describe_qualities(table):
    """Describe the lines of `qualities` in words."""
    rates = table.groupby(["reader", "quality", "level"])["mean"].agg(lambda rate: rate.max() - rate.min())
    reader, kind, level = rates.idxmax()
    return (
        f"Lines with intervals: share read as labelled as images get poorer, for {in_order(table['quality'])}; a row "
        f"each for {in_order(table['reader'])}; a line each for {in_order(table['group'])}. Widest gap: {reader}, "
        f"{kind}, level {level}, {percent(rates.max())}."
    )
