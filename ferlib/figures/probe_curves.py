"""Figures of the probe: what seeing the person before is worth, and how accuracy grows along a scale."""

import numpy as np
from matplotlib.figure import Figure

from ferlib.figures.style import COLOURS, MARKERS, WIDTH, percent_tick, span, styled

WAYS = {"random": "split by images: the person may have been seen", "disjoint": "split by people: never seen before"}


@styled
def leakage(table):
    """Accuracy by either way to split, with intervals, and their difference: a line for each dataset and model.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns of `ferlib.probe.leakage.COLUMNS`.
    """
    figure = Figure(figsize=(WIDTH, 1.5 + 0.55 * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    y = np.arange(len(table))
    for number, (way, label) in enumerate(WAYS.items()):
        value = table[f"accuracy_{way}"]
        error = np.abs(table[[f"{way}_low", f"{way}_high"]].to_numpy().T - value.to_numpy())
        style = {"color": COLOURS[number], "fmt": MARKERS[number], "markersize": 5, "elinewidth": 1.6}
        left.errorbar(value, y + 0.24 * number - 0.12, xerr=error, label=label, **style)
    error = np.abs(table[["ci_low", "ci_high"]].to_numpy().T - table["leakage"].to_numpy())
    right.errorbar(table["leakage"], y, xerr=error, color="#000000", fmt="D", markersize=5, elinewidth=1.6)
    right.axvline(0, color="#999999", linewidth=1)
    rows = table.itertuples()
    left.set_yticks(
        y, [f"{row.model}\n{row.dataset}: {row.n_images:,} images, {row.n_subjects} people" for row in rows]
    )
    left.set_ylim(len(table) - 0.5, -0.5)
    left.set_xlabel("right answers / images")
    right.set_xlabel("difference: what leaked")
    for panel in (left, right):
        panel.xaxis.set_major_formatter(percent_tick)
        panel.locator_params(axis="x", nbins=4)
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    figure.legend(loc="outside upper left", ncols=1, handletextpad=0.4)
    return figure


def describe_leakage(table):
    """Describe the lines of `leakage` in words."""
    told = "; ".join(
        f"{row.model} on {row.dataset} {100 * row.leakage:+.1f} points ({100 * row.ci_low:+.1f} to "
        f"{100 * row.ci_high:+.1f})"
        for row in table.itertuples()
    )
    return f"Accuracy of each probe, split by images and by people, with intervals, and the difference: {told}."


@styled
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
    figure = Figure(figsize=(WIDTH, 3.4 + 0.2 * len(lines)), layout="constrained")
    panels = figure.subplots(1, len(scales), sharey=True, squeeze=False)[0]
    for panel, scale in zip(panels, scales, strict=True):
        counts = sorted(table.loc[table["scale"] == scale, "count"].unique())
        for number, (model, dataset) in enumerate(lines):
            part = table[(table["scale"] == scale) & (table["model"] == model) & (table["dataset"] == dataset)]
            part = part.sort_values("count")
            label = f"{model}, {dataset}: {span(part['n_images'])} images, {span(part['n_subjects'])} people"
            colour = COLOURS[number % len(COLOURS)]
            # A little apart, so that intervals at the same count do not hide each other.
            x = part["count"] * 2 ** (0.08 * (number - (len(lines) - 1) / 2))
            error = np.abs(part[["ci_low", "ci_high"]].to_numpy().T - part["accuracy"].to_numpy())
            style = {"color": colour, "marker": MARKERS[number % len(MARKERS)], "markersize": 5, "elinewidth": 1.2}
            panel.errorbar(x, part["accuracy"], yerr=error, label=label, **style)
        panel.set_xscale("log", base=2)
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
        panel.set_xlabel(scale)
        panel.yaxis.set_major_formatter(percent_tick)
        panel.grid(axis="y", color="#E5E5E5", linewidth=0.8)
    panels[0].set_ylabel("right answers / images")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=1)
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
