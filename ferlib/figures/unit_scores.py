"""Figures of Action Units: how well each is found, how much relevance lies in its region, and what it is beside.

Each function takes the table of exactly what it draws and returns a matplotlib Figure, as in `ferlib.figures.rates`.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ferlib.figures.style import (
    COLOURS,
    MARKERS,
    WIDTH,
    in_order,
    in_tone_order,
    legend_columns,
    percent,
    percent_tick,
    span,
    styled,
)


@styled
def detection(table, *, measure="F1", confidence=0.95):
    """A measure of every unit as dots with intervals: a panel for each kind of image, a colour for each network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `kind`, `unit`, `value`, `ci_low`, `ci_high`, `n_present` (images that show the unit),
        `n_showing` (people on these); kinds and networks are drawn in the order of the rows.
    measure : str
        Name of the measure, for the label of the axis.
    confidence : float
    """
    kinds, networks = list(dict.fromkeys(table["kind"])), list(dict.fromkeys(table["network"]))
    units = sorted(table["unit"].unique())
    figure = Figure(figsize=(WIDTH, 1.5 + (0.1 + 0.085 * len(networks)) * len(units)), layout="constrained")
    panels = figure.subplots(1, len(kinds), sharex=True, sharey=True, squeeze=False)[0]
    step = 0.72 / len(networks)
    for panel, kind in zip(panels, kinds, strict=True):
        here = table[table["kind"] == kind]
        for number, network in enumerate(networks):
            part = here[here["network"] == network]
            y = np.array([units.index(unit) for unit in part["unit"]]) + (number - (len(networks) - 1) / 2) * step
            _dots(panel, part, "value", y, number, network)
        counted = f"{span(here['n_present'])} images show it, of {span(here['n_showing'])} people"
        panel.set_title(f"{kind}\n{counted}", fontsize=9.5)
        _units_axis(panel, units)
    panels[0].set_xlim(-0.02, 1.02)
    panels[0].xaxis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    figure.supxlabel(f"{measure}, with {100 * confidence:.4g} % interval", fontsize=10)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=legend_columns(names))
    return figure


def describe_detection(table, *, measure="F1"):
    """Describe `detection` in words."""
    means = table.groupby(["kind", "network"], sort=False)["value"].mean()
    told = "; ".join(f"{kind}, {network}: {value:.2f}" for (kind, network), value in means.items())
    worst = table.loc[table["value"].idxmin()]
    return (
        f"Dots with intervals: {measure} of {table['unit'].nunique()} Action Units, a panel for each kind of image. "
        f"Means over the units: {told}. Lowest: {worst['unit']}, {worst['kind']}, {worst['network']}, "
        f"{worst['value']:.2f}."
    )


@styled
def shares(table, *, controls=("even", "untrained"), confidence=0.95, label="share of the relevance"):
    """Mean score of every unit with its interval, and its controls as marks: a panel for each network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `unit`, `mean`, `ci_low`, `ci_high`, `n_images`, `n_subjects`, `verdict` (a filled dot where
        it is "different"), and one for each control.
    controls : sequence of str
    confidence : float
    label : str
        What the score is.
    """
    networks, units = list(dict.fromkeys(table["network"])), sorted(table["unit"].unique())
    figure = Figure(figsize=(WIDTH, 1.6 + 0.24 * len(units)), layout="constrained")
    panels = figure.subplots(1, len(networks), sharex=True, sharey=True, squeeze=False)[0]
    for panel, network in zip(panels, networks, strict=True):
        part = table[table["network"] == network]
        y = np.array([units.index(unit) for unit in part["unit"]])
        error = np.abs(part[["ci_low", "ci_high"]].to_numpy(float).T - part["mean"].to_numpy())
        panel.errorbar(part["mean"], y, xerr=error, fmt="none", ecolor=COLOURS[0], elinewidth=1.6)
        for sure, face in ((True, COLOURS[0]), (False, "white")):
            own = (part["verdict"] == "different").to_numpy() == sure
            panel.plot(part["mean"][own], y[own], "o", color=COLOURS[0], markerfacecolor=face, markersize=5.5)
        for number, control in enumerate(controls, start=1):
            panel.plot(part[control], y, MARKERS[number], color=COLOURS[number], markersize=4.5, markerfacecolor="none")
        panel.set_title(f"{network}\n{span(part['n_images'])} maps, {span(part['n_subjects'])} people", fontsize=9.5)
        _units_axis(panel, units)
        panel.xaxis.set_major_formatter(percent_tick)
    panels[0].set_xlim(0, None)
    figure.supxlabel(f"{label}, with {100 * confidence:.4g} % interval", fontsize=10)
    handles = [
        Line2D([], [], color=COLOURS[0], marker="o", markersize=5.5, label="trained; filled: different from untrained"),
        *(
            Line2D([], [], linestyle="", color=COLOURS[k], marker=MARKERS[k], markerfacecolor="none", label=name)
            for k, name in enumerate(controls, start=1)
        ),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def describe_shares(table, *, controls=("even", "untrained")):
    """Describe `shares` in words."""
    sure = table[(table["verdict"] == "different") & (table["mean"] > table["untrained"])]
    counted = sure.groupby("network")["unit"].nunique().reindex(table["network"].unique(), fill_value=0)
    told = ", ".join(f"{network} {count}" for network, count in counted.items())
    return (
        f"Dots with intervals: mean share of relevance in the region of each of {table['unit'].nunique()} Action "
        f"Units, with the controls {' and '.join(controls)} as marks. Units surely above the untrained network: {told}."
    )


@styled
def groups(table, *, confidence=0.95, label="share of the relevance"):
    """Mean score of each group, with its interval: a panel for each question, a colour for each network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `question`, `network`, `group`, `mean`, `ci_low`, `ci_high`, `n_images`, `n_subjects`; questions, groups
        and networks are drawn in the order of the rows, tones from light to dark.
    confidence : float
    label : str
    """
    questions, networks = list(dict.fromkeys(table["question"])), list(dict.fromkeys(table["network"]))
    names = in_tone_order(dict.fromkeys(table["group"]))
    figure = Figure(figsize=(WIDTH, 1.4 + (0.12 + 0.16 * len(networks)) * len(names)), layout="constrained")
    panels = figure.subplots(1, len(questions), sharex=True, sharey=True, squeeze=False)[0]
    step = 0.66 / len(networks)
    for panel, question in zip(panels, questions, strict=True):
        here = table[table["question"] == question]
        for number, network in enumerate(networks):
            part = here[here["network"] == network]
            y = np.array([names.index(group) for group in part["group"]]) + (number - (len(networks) - 1) / 2) * step
            _dots(panel, part, "mean", y, number, network)
        panel.set_title(f"{question}\n{span(here['n_images'])} maps, {span(here['n_subjects'])} people", fontsize=9.5)
        _units_axis(panel, names)
        panel.xaxis.set_major_formatter(percent_tick)
    panels[0].set_xlim(0, None)
    figure.supxlabel(f"{label}, with {100 * confidence:.4g} % interval", fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=legend_columns(labels))
    return figure


def describe_groups(table):
    """Describe `groups` in words."""
    top = table.loc[table["mean"].idxmax()]
    return (
        f"Dots with intervals: mean score by group for {in_order(table['network'])}; panels: "
        f"{in_order(table['question'])}. Highest: {top['network']}, {top['question']}, {top['group']}, "
        f"{percent(top['mean'])}."
    )


def _dots(panel, part, value, y, number, label):
    error = np.abs(part[["ci_low", "ci_high"]].to_numpy(float).T - part[value].to_numpy(float))
    style = {"color": COLOURS[number % len(COLOURS)], "fmt": MARKERS[number % len(MARKERS)], "markersize": 4}
    panel.errorbar(part[value], y, xerr=error, elinewidth=1.2, label=label, **style)


def _units_axis(panel, names):
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
