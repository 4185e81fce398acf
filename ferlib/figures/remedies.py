"""Figures of remedies: whom they help or harm, and what that costs over all."""

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from ferlib.figures import style

EFFECTS = {"better": style.COLOURS[0], "worse": style.COLOURS[1]}
OTHERWISE = "#8A8A8A"


@style.styled
def slopes(table, *, confidence=0.95):
    """A line for each group from its rate before to its rate after, panels side by side.

    Parameters
    ----------
    table : pandas.DataFrame
        One measure; columns `panel`, `group`, `rate_before`, `rate_after`, `change`, `sim_low`, `sim_high` and
        `effect`, as of `ferlib.mitigation.effects.changes`. The interval is that of the change, drawn at its end.
    """
    names = list(dict.fromkeys(table["panel"]))
    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    low, high = _limits(table)
    figure = Figure(figsize=(max(5, style.WIDTH * columns / 4), 0.6 + 2.7 * lines), layout="constrained")
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
    panels[0].yaxis.set_major_formatter(style.percent_tick)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    handles = [_line(colour) for colour in (*EFFECTS.values(), OTHERWISE)]
    figure.legend(handles, ["surely better", "surely worse", "neither shown"], loc="outside upper left", ncols=3)
    figure.supxlabel(f"bars: the change with its interval, {100 * confidence:.4g} % for all together", fontsize=10)
    return figure


def describe_slopes(table):
    """Describe the lines of `slopes` in words."""
    ends = {name: table[f"rate_{name}"].map(style.percent) for name in ("before", "after")}
    told = [
        f"{row.panel}: {row.group} from {row.before} to {row.after}, {row.effect}"
        for row in table.assign(**ends).itertuples()
    ]
    return f"Lines from the rate before to the rate after, a panel for each remedy. {'; '.join(told)}."


@style.styled
def cost_benefit(table):
    """Change of accuracy over all against that of the group that was read worst, a mark for each remedy and control.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `mitigation.csv` of one model.
    """
    figure = Figure(figsize=(style.WIDTH, 4.6), layout="constrained")
    panel = figure.subplots()
    panel.axhline(0, color="#C0C0C0", linewidth=1)
    panel.axvline(0, color="#C0C0C0", linewidth=1)
    for way, filled in (("remedy", True), ("control", False)):
        rows = table[table["way"] == way]
        for row, x, y in zip(rows.itertuples(), _gain(rows, "accuracy"), _gain(rows, "worst"), strict=True):
            colour = EFFECTS.get(row.worst_effect, OTHERWISE)
            if filled:
                panel.plot([x, x], [row.worst_low, row.worst_high], color=colour, linewidth=2, alpha=0.3)
            panel.plot(x, y, "o", color=colour, fillstyle="full" if filled else "none", markersize=6)
    rows = table[table["way"] == "remedy"].assign(y=lambda rows: _gain(rows, "worst")).sort_values("y")
    low, high = panel.get_ylim()
    heights, right = _apart(rows["y"].to_numpy(), 0.046 * (high - low)), _gain(table, "accuracy").max()
    left, width = _gain(table, "accuracy").min(), right - _gain(table, "accuracy").min()
    for row, x, y in zip(rows.itertuples(), _gain(rows, "accuracy"), heights, strict=True):
        colour = EFFECTS.get(row.worst_effect, "#555555")
        panel.plot([x, right + 0.06 * width], [row.y, y], color="#D5D5D5", linewidth=0.7, zorder=0)
        panel.annotate(row.remedy, (right + 0.07 * width, y), fontsize=9, va="center", color=colour)
    panel.set_xlim(left - 0.05 * width, right + 0.55 * width)
    panel.set_ylim(min(low, heights.min() - 0.01), max(high, heights.max() + 0.01))
    panel.set_xticks([tick for tick in panel.get_xticks() if left - 0.05 * width <= tick <= right + 0.02])
    panel.set_xlabel("change of the accuracy over all, in points", loc="left")
    panel.set_ylabel("the same of the group read worst, in points")
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(_points)
    return figure


def describe_cost_benefit(table):
    """Describe the marks of `cost_benefit` in words."""
    rows = table[table["way"] == "remedy"]
    told = [
        f"{row.remedy}: over all {100 * x:+.1f} points, worst group {100 * y:+.1f}, {row.worst_effect}"
        for row, x, y in zip(rows.itertuples(), _gain(rows, "accuracy"), _gain(rows, "worst"), strict=True)
    ]
    return f"Marks: what each remedy does to accuracy over all and to the group read worst. {'; '.join(told)}."


def _gain(table, what):
    return (table[f"{what}_after"] - table[f"{what}_before"]).to_numpy(float)


@style.styled
def added(table, *, confidence=0.95):
    """Change of a group's accuracy with people added, a line for each group that they were of.

    Parameters
    ----------
    table : pandas.DataFrame
        One group; columns `added`, `people`, `change`, `sim_low`, `sim_high`, `sd_repeats`.
    """
    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    panel = figure.subplots()
    panel.axhline(0, color="#C0C0C0", linewidth=1)
    for number, (name, rows) in enumerate(table.groupby("added")):
        line = {"linestyle": "-", "elinewidth": 1.4, "label": f"{name} people added"}
        places, ends = rows["people"] * 1.04**number, ("sim_low", "sim_high")
        style.dots(panel, rows, "change", places, number, ends=ends, upwards=True, **line)
    people = sorted(set(table["people"]))
    panel.set_xscale("log")
    panel.set_xticks(people, people)
    panel.minorticks_off()
    panel.yaxis.set_major_formatter(_points)
    panel.set_xlabel("people added")
    panel.set_ylabel(
        f"change of accuracy in {table['group'].iloc[0]} faces,\npoints, {100 * confidence:.4g} % interval"
    )
    style.legend(figure, panel, ncols=2)
    return figure


def describe_added(table):
    """Describe the lines of `added` in words."""
    told = [
        f"{name}: " + ", ".join(f"{row.people} people {100 * row.change:+.1f} points" for row in rows.itertuples())
        for name, rows in table.groupby("added")
    ]
    return f"Change of the accuracy in {table['group'].iloc[0]} faces with people added. {'; '.join(told)}."


def _points(change, _):
    return f"{100 * change:+.3g}" if abs(change) > 1e-9 else "0"


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
