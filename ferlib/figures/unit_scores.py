"""Figures of Action Units: how well each is found, how much relevance lies in its region, and what it is beside."""

import numpy as np
from matplotlib.lines import Line2D

from ferlib.figures import style

CONTROLS = ("even", "untrained")


@style.styled
def detection(table, *, confidence=0.95):
    """F1 of every unit as dots with intervals: a panel for each kind of image, a colour for each network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `kind`, `unit`, `value`, `ci_low`, `ci_high`, `n_present` (images that show the unit),
        `n_showing` (people on these); kinds and networks are drawn in the order of the rows.
    """
    kinds, networks = list(dict.fromkeys(table["kind"])), list(dict.fromkeys(table["network"]))
    units = sorted(table["unit"].unique())
    height = 1.5 + (0.1 + 0.085 * len(networks)) * len(units)
    figure, panels = style.panels_of_rows(len(kinds), units, height=height)
    for panel, kind in zip(panels, kinds, strict=True):
        here = table[table["kind"] == kind]
        for number, network, part, y in style.by_place(here, "network", networks, "unit", units, room=0.72):
            style.dots(panel, part, "value", y, number, label=network, markersize=4, elinewidth=1.2)
        counted = f"{style.span(here['n_present'])} images show it, of {style.span(here['n_showing'])} people"
        panel.set_title(f"{kind}\n{counted}", fontsize=9.5)
    panels[0].set_xlim(-0.02, 1.02)
    panels[0].xaxis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    figure.supxlabel(f"F1, with {100 * confidence:.4g} % interval", fontsize=10)
    style.legend(figure, panels[0])
    return figure


def describe_detection(table):
    """Describe `detection` in words."""
    means = table.groupby(["kind", "network"], sort=False)["value"].mean()
    told = "; ".join(f"{kind}, {network}: {value:.2f}" for (kind, network), value in means.items())
    worst = table.loc[table["value"].idxmin()]
    return (
        f"Dots with intervals: F1 of {table['unit'].nunique()} Action Units, a panel for each kind of image. "
        f"Means over the units: {told}. Lowest: {worst['unit']}, {worst['kind']}, {worst['network']}, "
        f"{worst['value']:.2f}."
    )


@style.styled
def shares(table, *, confidence=0.95, label="share of the relevance"):
    """Mean score of every unit with its interval, and its controls as marks: a panel for each network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `unit`, `mean`, `ci_low`, `ci_high`, `n_images`, `n_subjects`, `verdict` (a filled dot where
        it is "different"), and one for each of `CONTROLS`.
    label : str
        What the score is.
    """
    networks, units = list(dict.fromkeys(table["network"])), sorted(table["unit"].unique())
    figure, panels = style.panels_of_rows(len(networks), units, height=1.6 + 0.24 * len(units))
    trained = {"color": style.COLOURS[0], "marker": "o", "markersize": 5.5}
    against = {name: style.look(number) | {"markerfacecolor": "none"} for number, name in enumerate(CONTROLS, start=1)}
    for panel, network in zip(panels, networks, strict=True):
        part = table[table["network"] == network]
        y = np.array([units.index(unit) for unit in part["unit"]])
        error = style.interval(part, "mean")
        panel.errorbar(part["mean"], y, xerr=error, fmt="none", ecolor=style.COLOURS[0], elinewidth=1.6)
        for sure, face in ((True, style.COLOURS[0]), (False, "white")):
            own = (part["verdict"] == "different").to_numpy() == sure
            panel.plot(part["mean"][own], y[own], linestyle="none", markerfacecolor=face, **trained)
        for name, marks in against.items():
            panel.plot(part[name], y, markersize=4.5, **marks)
        counted = f"{style.span(part['n_images'])} maps, {style.span(part['n_subjects'])} people"
        panel.set_title(f"{network}\n{counted}", fontsize=9.5)
    panels[0].set_xlim(0, None)
    figure.supxlabel(f"{label}, with {100 * confidence:.4g} % interval", fontsize=10)
    handles = [Line2D([], [], label="trained; filled: different from untrained", **trained)]
    handles += [Line2D([], [], label=name, **marks) for name, marks in against.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def describe_shares(table):
    """Describe `shares` in words."""
    sure = table[(table["verdict"] == "different") & (table["mean"] > table["untrained"])]
    counted = sure.groupby("network")["unit"].nunique().reindex(table["network"].unique(), fill_value=0)
    told = ", ".join(f"{network} {count}" for network, count in counted.items())
    return (
        f"Dots with intervals: mean share of relevance in the region of each of {table['unit'].nunique()} Action "
        f"Units, with the controls {' and '.join(CONTROLS)} as marks. Units surely above the untrained network: {told}."
    )


@style.styled
def groups(table, *, confidence=0.95, label="share of the relevance"):
    """Mean score of each group, with its interval: a panel for each question, a colour for each network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `question`, `network`, `group`, `mean`, `ci_low`, `ci_high`, `n_images`, `n_subjects`; questions, groups
        and networks are drawn in the order of the rows, tones from light to dark.
    label : str
    """
    questions, networks = list(dict.fromkeys(table["question"])), list(dict.fromkeys(table["network"]))
    names = style.in_tone_order(dict.fromkeys(table["group"]))
    height = 1.4 + (0.12 + 0.16 * len(networks)) * len(names)
    figure, panels = style.panels_of_rows(len(questions), names, height=height)
    for panel, question in zip(panels, questions, strict=True):
        here = table[table["question"] == question]
        for number, network, part, y in style.by_place(here, "network", networks, "group", names, room=0.66):
            style.dots(panel, part, "mean", y, number, label=network, markersize=4, elinewidth=1.2)
        counted = f"{style.span(here['n_images'])} maps, {style.span(here['n_subjects'])} people"
        panel.set_title(f"{question}\n{counted}", fontsize=9.5)
    panels[0].set_xlim(0, None)
    figure.supxlabel(f"{label}, with {100 * confidence:.4g} % interval", fontsize=10)
    style.legend(figure, panels[0])
    return figure


def describe_groups(table):
    """Describe `groups` in words."""
    top = table.loc[table["mean"].idxmax()]
    return (
        f"Dots with intervals: mean score by group for {style.in_order(table['network'])}; panels: "
        f"{style.in_order(table['question'])}. Highest: {top['network']}, {top['question']}, {top['group']}, "
        f"{style.percent(top['mean'])}."
    )
