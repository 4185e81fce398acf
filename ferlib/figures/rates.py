"""Rates as bars, and as dots with intervals."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferlib.figures import style
from ferlib.labels import STATUSES

SPLITS = {"random": "split by images: the person may have been seen", "disjoint": "split by people: never seen before"}
STATUS_COLOURS = dict(
    zip(STATUSES[1:], ("#D55E00", "#CC79A7", "#E69F00", "#0072B2", "#56B4E9", "#009E73", "#000000"), strict=True)
)


@style.styled
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
    figure = Figure(figsize=(style.WIDTH, 0.7 + 2.4 * len(datasets)), layout="constrained")
    panels = figure.subplots(len(datasets), len(races), sharex=True, sharey=True, squeeze=False)
    limit = 1.22 * max(table["images"].max(), 1)
    for (row, column), panel in np.ndenumerate(panels):
        part = table[(table["dataset"] == datasets[row]) & (table[attribute] == races[column])]
        part = part.set_index("emotion").reindex(labels)
        images = part["images"].fillna(0).astype(int)
        bars = panel.barh(labels, images, color=style.COLOURS[0], height=0.72)
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
        f"of {people.sum():,} people; {style.span(table['images'])} images a bar, {style.span(people)} people a panel."
    )


@style.styled
def accuracy(table, *, confidence=0.95):
    """Accuracy of each group as a dot with its interval, models side by side.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `accuracy_by_group.csv` of one dataset; one variant of each model reads best.
    """
    labels = np.array(style.named(table))
    models = sorted(set(labels))
    rows, ticks, headings = _rows(table)
    figure = Figure(figsize=(style.WIDTH, 1.7 + (0.3 + 0.035 * len(models)) * (len(ticks) + 2)), layout="constrained")
    panel = figure.subplots()
    for number, model in enumerate(models):
        part = table[labels == model]
        y = np.array([rows[key] for key in zip(part["by"], part["group"], strict=True)])
        y = y + style.beside(number, len(models), 0.72)
        style.dots(panel, part, "accuracy", y, number, label=model, elinewidth=1.6)
    for y in list(ticks)[::2]:
        panel.axhspan(y - 0.5, y + 0.5, color="#F3F3F3", linewidth=0)
    for name, y in headings:
        style.heading(panel, name, y)
    panel.set_yticks(list(ticks), list(ticks.values()))
    panel.set_ylim(max(ticks) + 0.5, min(ticks) - 0.5)
    panel.set_xlim(max(0, np.floor(table["ci_low"].min() * 20 - 0.2) / 20), 1.005)
    style.shares_across(panel)
    panel.set_xlabel(f"right answers / images (no answer counts as not right), with {100 * confidence:.4g} % interval")
    style.legend(figure, panel, columnspacing=1.4, handletextpad=0.4)
    return figure


def describe_accuracy(table, *, confidence=0.95):
    """Describe the dots of `accuracy` in words."""
    groups = table[table["by"] == "group"]
    low, high = groups.loc[groups["accuracy"].idxmin()], groups.loc[groups["accuracy"].idxmax()]
    return (
        f"Dots with {100 * confidence:.4g} % intervals: accuracy for {', '.join(style.ways(table['by']).values())}; "
        f"models: {style.listed(table['model'])}; dataset {style.listed(table['dataset'])}. "
        f"Lowest of the finest groups: {low['model']} on {low['group']}, {style.percent(low['accuracy'])}; "
        f"highest: {high['model']} on {high['group']}, {style.percent(high['accuracy'])}."
    )


def _rows(table):
    """Vertical place of each group, the label at each place, and the headings of the sections with their places."""
    rows, ticks, headings, y = {}, {}, [], 0.0
    for by, title in style.ways(table["by"]).items():
        section = table[table["by"] == by]
        if by != "all":
            headings.append((title, y + 0.85))
            y += 0.7
        for group in sorted(section["group"].unique()):
            y += 1
            part = section[section["group"] == group]
            rows[by, group] = y
            name = title if by == "all" else group
            ticks[y] = f"{name}\n{style.span(part['n_images'])} images, {style.span(part['n_subjects'])} people"
    return rows, ticks, headings


@style.styled
def no_answer(table):
    """Share of images that a model left without an answer, by group, divided by the reason: a panel for each model.

    Parameters
    ----------
    table : pandas.DataFrame
        One dataset; columns `model`, `variant`, `group`, `status`, `count`, `n_images`, `rate` (count / n_images).
    """
    labels = np.array(style.named(table))
    models, groups = sorted(set(labels)), sorted(table["group"].unique())
    statuses = [status for status in STATUSES if table.loc[table["status"] == status, "count"].sum() > 0]
    total = table.groupby(["model", "variant", "group"])["rate"].sum()
    columns = min(4, len(models))
    lines = -(-len(models) // columns)
    figure = Figure(figsize=(style.WIDTH, 0.7 + lines * (0.6 + 0.36 * len(groups))), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, model in zip(panels, models, strict=False):
        part = table[labels == model]
        wide = part.pivot(index="group", columns="status", values="rate").reindex(groups).fillna(0.0)
        left = np.zeros(len(groups))
        for status in statuses:
            hatch = style.HATCHES[STATUSES.index(status) - 1]
            fill = {"color": STATUS_COLOURS[status], "hatch": hatch, "edgecolor": "white", "linewidth": 0}
            panel.barh(groups, wide[status], left=left, height=0.7, label=status, **fill)
            left += wide[status].to_numpy()
        counts = part.groupby("group")["count"].sum().reindex(groups)
        for y, (end, count) in enumerate(zip(left, counts, strict=True)):
            panel.annotate(f"{count:g}", (end, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=9)
        panel.set_title(textwrap.fill(model, 22), fontsize=9.5)
        panel.tick_params(axis="y", length=0)
    sizes = table.groupby("group")["n_images"].agg(list)
    panels[0].set_yticks(range(len(groups)), [f"{group} (n = {style.span(sizes[group])})" for group in groups])
    panels[0].set_xlim(0, max(1.25 * total.max(), 0.05))
    panels[0].xaxis.set_major_formatter(style.percent_tick)
    panels[0].xaxis.set_major_locator(MaxNLocator(3))
    panels[0].invert_yaxis()
    for panel in panels[len(models) :]:
        panel.set_axis_off()
    figure.supxlabel("images without an answer / images; the number is the count of images", fontsize=10)
    if statuses:
        style.legend(figure, panels[0], ncols=len(statuses))
    else:
        figure.suptitle("Every image got an answer", fontsize=10, x=0.01, ha="left")
    return figure


def describe_no_answer(table):
    """Describe the bars of `no_answer` in words."""
    total = table.groupby("model")["count"].sum()
    counted = ", ".join(f"{model} {count:g}" for model, count in total.items())
    return (
        f"Bars: images without an answer by group and reason, a panel for each model; dataset "
        f"{style.listed(table['dataset'])}. Images without an answer in all: {counted}."
    )


@style.styled
def leakage(table):
    """Accuracy by either way to split, with intervals, and their difference: a line for each dataset and model.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns of `ferlib.probe.leakage.COLUMNS`.
    """
    figure = Figure(figsize=(style.WIDTH, 1.5 + 0.55 * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    y = np.arange(len(table))
    for number, (way, label) in enumerate(SPLITS.items()):
        ends, places = (f"{way}_low", f"{way}_high"), y + style.beside(number, 2, 0.48)
        style.dots(left, table, f"accuracy_{way}", places, number, ends=ends, label=label, elinewidth=1.6)
    style.dots(right, table, "leakage", y, 2, color="#000000", elinewidth=1.6)
    right.axvline(0, color="#999999", linewidth=1)
    rows = table.itertuples()
    left.set_yticks(
        y, [f"{row.model}\n{row.dataset}: {row.n_images:,} images, {row.n_subjects} people" for row in rows]
    )
    left.set_ylim(len(table) - 0.5, -0.5)
    left.set_xlabel("right answers / images")
    right.set_xlabel("difference: what leaked")
    for panel in (left, right):
        style.shares_across(panel)
        panel.locator_params(axis="x", nbins=4)
    style.legend(figure, left, ncols=1, handletextpad=0.4)
    return figure


def describe_leakage(table):
    """Describe the lines of `leakage` in words."""
    told = "; ".join(
        f"{row.model} on {row.dataset} {100 * row.leakage:+.1f} points ({100 * row.ci_low:+.1f} to "
        f"{100 * row.ci_high:+.1f})"
        for row in table.itertuples()
    )
    return f"Accuracy of each probe, split by images and by people, with intervals, and the difference: {told}."
