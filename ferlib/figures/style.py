"""What the figures share: style, colours, and how numbers and names are written on them and in their descriptions."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ferlib.paths import ROOT

STYLE = dict(matplotlib.rc_params_from_file(ROOT / "data" / "report" / "figures.mplstyle", use_default_template=False))
WIDTH = 8.6
"""Inches; at 96 pixels an inch this is the width of the report's text, so that no letter is shown smaller than 9 pt."""

DPI = 150
styled = matplotlib.rc_context(STYLE)
"""Decorator: draw in this style whatever the reader's own settings are."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A8A8A")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")


def look(number):
    """Colour and marker of the model with this number, from 0; a colour that returns comes with another marker."""
    marker = MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]
    return {"color": COLOURS[number % len(COLOURS)], "marker": marker, "linestyle": "none"}


HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "--", "++")
"""Beside the colours of bars, so that none is told by its colour alone."""

TONES = ("light", "medium", "dark")


def in_tone_order(names):
    """Names of groups as given, but tones of skin from light to dark; a list."""
    return sorted(names, key=TONES.index) if set(names) <= set(TONES) else list(names)


def legend_columns(names):
    """How many columns of a legend with these names fit into the width of a figure, four at most.

    matplotlib fills the columns one after another, the first ones with one name more.
    """
    for columns in range(min(4, len(names)), 1, -1):
        parts = np.array_split(np.array([len(name) for name in names]), columns)
        # Inches at 10 pt: a mark and the space after it, and each letter.
        if sum(0.55 + 0.078 * part.max() for part in parts) <= WIDTH:
            return columns
    return 1


def legend(figure, panel, **options):
    """A legend above the figure, of all that is labelled in one of its panels."""
    handles, names = panel.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", **{"ncols": legend_columns(names)} | options)


def panels_of_rows(count, rows, *, height):
    """A figure of panels side by side, with shares across and the same rows from the top; and its panels."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(1, count, sharex=True, sharey=True, squeeze=False)[0]
    for panel in panels:
        shares_across(panel)
    panels[0].set_yticks(range(len(rows)), rows)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    return figure, panels


def heading(panel, name, y):
    """The name of a section of rows, beside the rows' own names."""
    panel.annotate(
        name, (0, y), xycoords=("axes fraction", "data"), xytext=(-4, 0), textcoords="offset points",
        ha="right", va="center", fontsize=10, fontweight="bold",
    )  # fmt: skip


def shares_across(panel):
    """Let a panel have shares on its horizontal axis, and names or nothing on the other."""
    panel.xaxis.set_major_formatter(percent_tick)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)


def shares_upwards(panel):
    """Let a panel have shares on its vertical axis."""
    panel.yaxis.set_major_formatter(percent_tick)
    panel.grid(axis="y", color="#E5E5E5", linewidth=0.8)


def beside(number, count, room):
    """How far from the middle of a row the model with this number stands, of so many that share the room."""
    return (number - (count - 1) / 2) * (room / count)


def by_place(table, by, names, rows, order, *, room):
    """Number, name, rows of the table and places of each model; a row's place is that of its name in the order."""
    for number, name in enumerate(names):
        part = table[table[by] == name]
        yield number, name, part, np.array([order.index(row) for row in part[rows]]) + beside(number, len(names), room)


def interval(part, value, ends=("ci_low", "ci_high")):
    """Distances of the ends of the intervals from the value, as errorbar wants them; shape (2, rows)."""
    return np.abs(part[list(ends)].to_numpy(float).T - part[value].to_numpy(float))


def dots(panel, part, value, places, number, *, ends=("ci_low", "ci_high"), upwards=False, **options):
    """Values of the model with this number as dots with their intervals at these places, across or upwards."""
    place, across = ("x", "y") if upwards else ("y", "x")
    drawn = {place: places, across: part[value], f"{across}err": interval(part, value, ends)}
    panel.errorbar(**drawn, **look(number) | {"markersize": 5} | options)


def named(table):
    """Name of each row's model, with the variant in brackets where a model has several, as a list of str."""
    several = table.groupby("model")["variant"].transform("nunique") > 1
    pairs = zip(table["model"], table["variant"], several, strict=True)
    return [f"{model} ({variant})" if many else model for model, variant, many in pairs]


def ways(names):
    """The ways to divide people, each with its heading: everybody, race, gender, other attributes, all crossed."""
    place, names = {"all": 0, "race": 1, "gender": 2, "group": 4}, set(names)
    crossed = "by race and gender" if names <= set(place) else "by all of these together"
    special = {"all": "everybody", "group": crossed}
    return {name: special.get(name, f"by {name}") for name in sorted(names, key=lambda one: (place.get(one, 3), one))}


def span(values):
    """Smallest and largest of some counts as text: `12`, or `9-12` when they differ (with an en dash)."""
    low, high = int(np.floor(min(values))), int(np.ceil(max(values)))
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def percent(share):
    """A share as text, to whole percent: `5 %`."""
    return f"{100 * share:.0f} %"


def percent_tick(share, _):
    """Formatter of an axis of shares; ticks between whole percents keep their decimals: `2.5 %`."""
    return f"{100 * share:.3g} %"


def listed(values):
    """Distinct values in alphabetical order, as text: `a, b`."""
    return ", ".join(sorted(values.unique()))


def in_order(values):
    """Distinct values in the order in which they first occur, as text: `b, a`."""
    return ", ".join(dict.fromkeys(values))
