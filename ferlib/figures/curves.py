"""Curves: rates along the levels of a factor, of a loss or of a scale, and what a change of one factor does."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ferlib.figures import style


def _counted(part):
    """How many independent units a part of a table has, in words: `12 people`, `4 looks`."""
    unit = part["unit"].iloc[0]
    return f"{style.span(part['units'])} {'people' if unit == 'subject_id' else unit + 's'}"


@style.styled
def levels(table, *, confidence=0.95):
    """Rates with intervals along the levels of factors: a column of panels for each factor, a row for each measure.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `panel` (heading of the column), `level`, `question` (what the rate is of), `model`, `variant`, `unit`
        (what the independent units are), `units` (how many), `n`, `rate`, `ci_low`, `ci_high`; panels, levels and
        questions are drawn in the order of the rows.
    """
    # A model may have another variant in another panel (a probe of other people there): it is one model all the same.
    parts = [part.assign(label=style.named(part)) for _, part in table.groupby("panel", sort=False)]
    table = pd.concat(parts).sort_index()
    models, panels, questions = (list(dict.fromkeys(table[name])) for name in ("label", "panel", "question"))
    models = sorted(models)
    widths = [table.loc[table["panel"] == panel, "level"].nunique() for panel in panels]
    figure = Figure(figsize=(style.WIDTH, 1.2 + 2.7 * len(questions)), layout="constrained")
    grid = figure.subplots(len(questions), len(panels), squeeze=False, sharey="row", width_ratios=widths)
    for (row, column), axis in np.ndenumerate(grid):
        part = table[(table["question"] == questions[row]) & (table["panel"] == panels[column])]
        names = list(dict.fromkeys(part["level"]))
        for number, model, own, x in style.by_place(part, "label", models, "level", names, room=0.7):
            style.dots(axis, own, "rate", x, number, upwards=True, label=model, elinewidth=1.4)
        axis.set_xticks(range(len(names)), names)
        axis.set_xlim(-0.5, len(names) - 0.5)
        style.shares_upwards(axis)
        axis.tick_params(axis="x", length=0)
        if row == 0:
            axis.set_title(panels[column], fontsize=10)
        if len(part):
            axis.set_xlabel(f"{_counted(part)}, n = {style.span(part['n'])} images each", fontsize=9)
        if column == 0:
            axis.set_ylabel(questions[row], fontsize=10)
    handles = {name: line for axis in grid.flat for line, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(
        [handles[model] for model in models], models, loc="outside upper left", ncols=style.legend_columns(models),
        columnspacing=1.4, handletextpad=0.4,
    )  # fmt: skip
    figure.supxlabel(f"lines: {100 * confidence:.4g} % intervals; the unit is the person, or the look", fontsize=9)
    return figure


def describe_levels(table):
    """Describe the curves of `levels` in words."""
    ranges = table.groupby(["question", "panel", "model"])["rate"].agg(lambda rate: rate.max() - rate.min())
    question, panel, model = ranges.idxmax()
    return (
        f"Dots with intervals. Rows of panels: {style.in_order(table['question'])}; columns: "
        f"{style.in_order(table['panel'])}; models: {style.listed(table['model'])}. Widest range within a panel: "
        f"{model}, {question}, {panel}, {style.percent(ranges.max())}."
    )


@style.styled
def changes(table, *, confidence=0.95):
    """What one factor changes: share of answers that change, and change of the accuracy, a line for each contrast.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `contrast` (its name, drawn in the order of the rows), `model`, `variant`, `unit`, `units`, `n_sets`,
        `changed`, `ci_low`, `ci_high` (of `changed`), `risk_difference`, `rd_low`, `rd_high` (of accuracy).
    """
    table = table.assign(label=style.named(table))
    models, contrasts = sorted(set(table["label"])), list(dict.fromkeys(table["contrast"]))
    figure = Figure(figsize=(style.WIDTH, 1.6 + (0.42 + 0.09 * len(models)) * len(contrasts)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for number, model, own, y in style.by_place(table, "label", models, "contrast", contrasts, room=0.74):
        style.dots(left, own, "changed", y, number, label=model, elinewidth=1.4)
        style.dots(right, own, "risk_difference", y, number, ends=("rd_low", "rd_high"), elinewidth=1.4)
    sizes = {name: table[table["contrast"] == name] for name in contrasts}
    ticks = [f"{name}\n{_counted(part)}, {style.span(part['n_sets'])} sets" for name, part in sizes.items()]
    left.set_yticks(range(len(contrasts)), ticks)
    left.set_ylim(len(contrasts) - 0.5, -0.5)
    left.set_xlim(0, max(0.05, 1.05 * table["ci_high"].max()))
    right.axvline(0, color="black", linewidth=0.8)
    for axis, label in ((left, "answers that change"), (right, "accuracy: first side minus second")):
        for y in range(0, len(contrasts), 2):
            axis.axhspan(y - 0.5, y + 0.5, color="#F3F3F3", linewidth=0)
        style.shares_across(axis)
        axis.set_xlabel(f"{label}\n(with {100 * confidence:.4g} % interval)", fontsize=9)
    style.legend(figure, left, columnspacing=1.4, handletextpad=0.4)
    return figure


def describe_changes(table):
    """Describe the dots of `changes` in words."""
    top = table.loc[table["changed"].idxmax()]
    return (
        f"Dots with intervals: share of answers that change when one factor changes, and difference of the accuracy, "
        f"for {style.in_order(table['contrast'])}; models: {style.listed(table['model'])}. Most changes: "
        f"{top['model']}, {top['contrast']}, {style.percent(top['changed'])}."
    )


@style.styled
def faces(pictures, titles):
    """Images side by side, each under its title.

    Parameters
    ----------
    pictures : sequence of PIL.Image.Image
    titles : sequence of str
    """
    figure = Figure(figsize=(style.WIDTH, style.WIDTH / max(len(pictures), 4) + 0.3), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axis, picture, title in zip(axes, pictures, titles, strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


@style.styled
def qualities(table, *, confidence=0.95):
    """Rates of groups as one quality of images gets poorer: a column of panels for each kind, a row for each reader.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `reader`, `quality`, `level` (0: as it is), `group`, `n_subjects`, `n_images`, `mean`, `ci_low`,
        `ci_high`; readers, qualities and groups are drawn in the order of the rows.
    """
    readers, kinds, groups = (list(dict.fromkeys(table[name])) for name in ("reader", "quality", "group"))
    figure = Figure(figsize=(style.WIDTH, 1.5 + 1.7 * len(readers)), layout="constrained")
    grid = figure.subplots(len(readers), len(kinds), squeeze=False, sharex=True, sharey=True)
    for (row, column), axis in np.ndenumerate(grid):
        part = table[(table["reader"] == readers[row]) & (table["quality"] == kinds[column])]
        for number, group in enumerate(groups):
            own = part[part["group"] == group].sort_values("level")
            x = own["level"] + 0.24 * (number / max(len(groups) - 1, 1) - 0.5)
            line = {"linestyle": ("-", "--", ":", "-.")[number % 4], "linewidth": 1.2, "label": group}
            style.dots(axis, own, "mean", x, number, upwards=True, markersize=4, elinewidth=1.4, **line)
        axis.set_xticks(sorted(set(table["level"])))
        style.shares_upwards(axis)
        if row == 0:
            axis.set_title(kinds[column], fontsize=10)
        if column == 0:
            axis.set_ylabel(readers[row], fontsize=9)
    style.legend(figure, grid[0, 0])
    counted = f"{style.span(table['n_subjects'])} people, n = {style.span(table['n_images'])} images a point"
    figure.supylabel("read as labelled", fontsize=9)
    figure.supxlabel(f"level of the loss; 0: as it is. {counted}, {100 * confidence:.4g} % intervals", fontsize=9)
    return figure


def describe_qualities(table):
    """Describe the lines of `qualities` in words."""
    rates = table.groupby(["reader", "quality", "level"])["mean"].agg(lambda rate: rate.max() - rate.min())
    reader, kind, level = rates.idxmax()
    return (
        f"Lines with intervals: share read as labelled as images get poorer, for {style.in_order(table['quality'])}; "
        f"a row each for {style.in_order(table['reader'])}; a line each for {style.in_order(table['group'])}. "
        f"Widest gap: {reader}, {kind}, level {level}, {style.percent(rates.max())}."
    )


@style.styled
def growth(table):
    """Accuracy along one or more scales, with intervals: a panel for each scale, a line for each model and dataset.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `scale` (what is counted, the label of the axis), `count`, `dataset`, `model`, `n_images`, `n_subjects`,
        `accuracy`, `ci_low`, `ci_high`.
    """
    scales = list(dict.fromkeys(table["scale"]))
    lines = sorted(set(zip(table["model"], table["dataset"], strict=True)))
    figure = Figure(figsize=(style.WIDTH, 3.4 + 0.2 * len(lines)), layout="constrained")
    panels = figure.subplots(1, len(scales), sharey=True, squeeze=False)[0]
    for panel, scale in zip(panels, scales, strict=True):
        counts = sorted(table.loc[table["scale"] == scale, "count"].unique())
        for number, (model, dataset) in enumerate(lines):
            part = table[(table["scale"] == scale) & (table["model"] == model) & (table["dataset"] == dataset)]
            part = part.sort_values("count")
            label = (
                f"{model}, {dataset}: {style.span(part['n_images'])} images, {style.span(part['n_subjects'])} people"
            )
            # A little apart, so that intervals at the same count do not hide each other.
            x = part["count"] * 2 ** (0.08 * (number - (len(lines) - 1) / 2))
            line = {"linestyle": "-", "elinewidth": 1.2, "label": label}
            style.dots(panel, part, "accuracy", x, number, upwards=True, **line)
        panel.set_xscale("log", base=2)
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
        panel.set_xlabel(scale)
        style.shares_upwards(panel)
    panels[0].set_ylabel("right answers / images")
    style.legend(figure, panels[0], ncols=1)
    return figure


def describe_growth(table):
    """Describe the lines of `growth` in words: where each begins and where it ends."""
    told = []
    for (scale, model, dataset), part in table.groupby(["scale", "model", "dataset"], sort=False):
        first, last = part.loc[part["count"].idxmin()], part.loc[part["count"].idxmax()]
        told.append(
            f"{model} on {dataset} from {first['accuracy']:.2f} with {first['count']} {scale} to "
            f"{last['accuracy']:.2f} with {last['count']}"
        )
    return f"Accuracy of each probe with more to learn from, with intervals: {'; '.join(told)}."
