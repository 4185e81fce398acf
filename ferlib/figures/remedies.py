"""Figures of remedies: whom they help or harm, and what that costs over all."""

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from ferlib.figures.style import COLOURS, WIDTH, percent, percent_tick, styled

EFFECTS = {"better": COLOURS[0], "worse": COLOURS[1]}
OTHERWISE = "#8A8A8A"


@styled
def slopes(table, *, confidence=0.95):
    """A line for each group from its rate before to its rate after, panels side by side.

    Parameters
    ----------
    table : pandas.DataFrame
        One measure; columns `panel`, `group`, `rate_before`, `rate_after`, `change`, `sim_low`, `sim_high` and
        `effect`, as of `ferlib.mitigation.effects.changes`. The interval is that of the change, drawn at its end.
    confidence : float
    """
    names = list(dict.fromkeys(table["panel"]))
    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    low, high = _limits(table)
    figure = Figure(figsize=(max(5, WIDTH * columns / 4), 0.6 + 2.7 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        rows = table[table["panel"] == name].sort_values("rate_after")
        places = 1 + 0.09 * (np.arange(len(rows)) - (len(rows) - 1) / 2)
        for place, row in zip(places, rows.itertuples(), strict=True):
            colour = EFFECTS.get(row.effect, OTHERWISE)
            panel.plot([0, place], [row.rate_before, row.rate_after], color=colour, linewidth=1.6)
            ends = np.clip([row.rate_before + row.sim_low, row.rate_before + row.sim_high], 0, 1)
            panel.plot([place, place], ends, color=colour, linewidth=3, alpha=0.35, solid_capstyle="butt")
        heights = _apart(rows["rate_after"].to_numpy(), 0.065 * (high - low))
        for y, row in zip(heights, rows.itertuples(), strict=True):
            panel.annotate(
                "everybody" if row.group == "all" else row.group, (places.max() + 0.1, y), fontsize=9, va="center",
                color=EFFECTS.get(row.effect, "#555555"), annotation_clip=False,
            )  # fmt: skip
        panel.set_title(name, fontsize=10)
        panel.set_xlim(-0.08, 2.1)
    panels[0].set_xticks([0, 1], ["before", "after"])
    panels[0].set_ylim(low, high)
    panels[0].yaxis.set_major_formatter(percent_tick)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    handles = [_line(colour) for colour in (*EFFECTS.values(), OTHERWISE)]
    figure.legend(handles, ["surely better", "surely worse", "neither shown"], loc="outside upper left", ncols=3)
    figure.supxlabel(f"bars: the change with its interval, {100 * confidence:.4g} % for all together", fontsize=10)
    return figure


def describe_slopes(table):
    """Describe the lines of `slopes` in words."""
    told = [
        f"{row.panel}: {row.group} from {percent(row.rate_before)} to {percent(row.rate_after)}, {row.effect}"
        for row in table.itertuples()
    ]
    return f"Lines from the rate before to the rate after, a panel for each remedy. {'; '.join(told)}."


def _apart(values, least):
    """Ascending heights, moved as little as keeps neighbours at a distance."""
    steps = least * np.arange(len(values))
    return isotonic_regression(values - steps).x + steps


def _limits(table):
    low = min(table["rate_before"].min(), (table["rate_before"] + table["sim_low"]).min())
    high = max(table["rate_before"].max(), (table["rate_before"] + table["sim_high"]).max())
    return max(0, low - 0.04), min(1, high) + 0.04


def _line(colour):
    return Figure().subplots().plot([], color=colour, linewidth=2)[0]
