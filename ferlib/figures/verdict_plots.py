"""Figures of verdicts: differences with the intervals that decide, and marks beside a line that they may pass."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferlib.figures.forests import measure_names
from ferlib.figures.style import COLOURS, WIDTH, legend_columns, listed, marker, percent, percent_tick, styled


@styled
def contrasts(table, *, confidence=0.95):
    """Difference of two groups in each row as a dot with its interval; filled where the verdict is *different*.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `disparities.csv`, in the order in which they are to stand.
    confidence : float
        Confidence of the simultaneous intervals, for the label of the axis.
    """
    figure = Figure(figsize=(WIDTH, 1.0 + 0.3 * max(len(table), 2)), layout="constrained")
    panel = figure.subplots()
    panel.axvline(0, color="#000000", linewidth=0.9)
    labels = [
        f"{row.model}: {name}, {row.group_a} − {row.group_b} ({row.subjects_a}, {row.subjects_b} people)"
        for row, name in zip(table.itertuples(), measure_names(table), strict=True)
    ]
    for y, row in enumerate(table.itertuples()):
        panel.plot([row.sim_low, row.sim_high], [y, y], color=COLOURS[0], linewidth=1.6)
        filled = COLOURS[0] if row.verdict == "different" else "white"
        panel.plot(row.risk_difference, y, "o", color=COLOURS[0], markerfacecolor=filled, markersize=6)
    panel.set_yticks(range(len(labels)), labels, fontsize=9)
    panel.set_ylim(max(len(labels), 1) - 0.4, -0.6)
    panel.xaxis.set_major_formatter(percent_tick)
    panel.xaxis.set_major_locator(MaxNLocator(5))
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    simultaneous = f"{100 * confidence:.4g} % interval of the whole family"
    figure.supxlabel(f"difference of the two rates, with {simultaneous}; filled: different", fontsize=10)
    return figure


def describe_contrasts(table):
    """Describe the forest plot of `contrasts` in words."""
    if table.empty:
        return "Forest plot of differences of two groups, without a row."
    top = table.loc[[table["risk_difference"].abs().idxmax()]]
    (name,), (row,) = measure_names(top), top.itertuples()
    different = (table["verdict"] == "different").sum()
    return (
        f"Forest plot of {len(table)} differences of two groups with their intervals; {different} are different. "
        f"Largest: {row.model}, {name}, {row.group_a} minus {row.group_b}: {100 * row.risk_difference:+.0f} points."
    )


@styled
def marks(table, *, rows, panels, line, label):
    """A mark for each model in each row, a panel for each question, and a line to hold them against.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `model`, `value` (a share), and those that `rows` and `panels` name, in the order of drawing.
    rows, panels : str
    line : float
    label : str
        Of the axis.
    """
    names, models = list(dict.fromkeys(table[rows])), sorted(set(table["model"]))
    shown = list(dict.fromkeys(table[panels]))
    height, step = 1.3 + len(names) * (0.14 + 0.11 * len(models)), 0.8 / len(models)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    for panel, name in zip(axes, shown, strict=True):
        panel.axvline(line, color="#555555", linewidth=1, linestyle="--")
        for number, model in enumerate(models):
            part = table[(table[panels] == name) & (table["model"] == model)]
            y = np.array([names.index(row) for row in part[rows]]) + (number - (len(models) - 1) / 2) * step
            style = {"color": COLOURS[number % len(COLOURS)], "markersize": 5}
            panel.plot(part["value"], y, marker(number), label=model, **style)
        panel.set_title(name)
        panel.xaxis.set_major_formatter(percent_tick)
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    axes[0].set_xlim(0, None)
    figure.supxlabel(f"{label}; dashed: {line:g}", fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=legend_columns(models), columnspacing=1.4)
    return figure


def describe_marks(table, *, line, label):
    """Describe `marks` in words."""
    known = table.dropna(subset="value")
    low, high = known.loc[known["value"].idxmin()], known.loc[known["value"].idxmax()]
    beyond = f"{(known['value'] > line).sum()} of {len(known)} lie above {line:g}"
    ends = ", ".join(
        f"{end} {percent(row['value'])} ({row['model']})" for end, row in (("lowest", low), ("highest", high))
    )
    return f"Marks of {listed(known['model'])}: {label}. {beyond}; {ends}."
