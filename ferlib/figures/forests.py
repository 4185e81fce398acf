"""Forest plots: differences and ratios beside a line, with their intervals or with what chance alone would show."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from ferlib.figures import style


def measure_names(table):
    """Name of each row's measure for a reader: `recall of anger`, `anger → disgust`, as a list of str."""
    return [
        {"recall": f"recall of {row.true}", "confusion": f"{row.true} → {row.predicted}"}.get(
            row.measure, row.measure.replace("_", " ")
        )
        for row in table.itertuples()
    ]


@style.styled
def gaps(table):
    """Gap between the highest and the lowest group as a mark, on a bar that reaches as far as chance does.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `gaps.csv` of one dataset, without confusions; one variant of each model reads best. The bar ends at
        `gap_95`, the tick on it is `gap_expected`, the mark is `gap`.
    """
    labels, measures = np.array(style.named(table)), np.array(measure_names(table))
    models, known = sorted(set(labels)), table["gap"].notna()
    shown = sorted(set(measures[known]), key=lambda name: (name.startswith("recall"), name))
    divided = style.ways(table["attribute"])
    figure, panels = style.panels_of_rows(len(divided), shown, height=1.3 + len(shown) * (0.14 + 0.13 * len(models)))
    for panel, (attribute, title) in zip(panels, divided.items(), strict=True):
        panel.set_title(title)
        for number, model in enumerate(models):
            part = table[(labels == model) & (table["attribute"] == attribute) & known]
            y = np.array([shown.index(name) for name in measure_names(part)]) + style.beside(number, len(models), 0.8)
            panel.barh(y, part["gap_95"], height=0.7 * 0.8 / len(models), color="#D9D9D9")
            panel.plot(part["gap_expected"], y, "|", color="#555555", markersize=5)
            panel.plot(part["gap"], y, label=model, markersize=5, **style.look(number))
    panels[0].set_xlim(0, None)
    figure.supxlabel(
        "highest minus lowest group; bar: 95 in 100 gaps by chance are shorter, tick: their mean", fontsize=10
    )
    style.legend(figure, panels[0], columnspacing=1.4)
    return figure


def describe_gaps(table):
    """Describe the marks and bars of `gaps` in words."""
    known = table[table["gap"].notna()].reset_index(drop=True)
    beyond = known[known["gap"] > known["gap_95"]]
    told = f"{len(beyond)} of {len(known)} gaps pass what 95 in 100 gaps by chance stay below"
    if len(beyond):
        top = beyond.loc[[(beyond["gap"] - beyond["gap_95"]).idxmax()]]
        (name,), (row,) = measure_names(top), top.itertuples()
        told += (
            f"; furthest: {row.model}, {name} by {row.attribute}, {style.percent(row.gap)} between {row.lowest} and "
            f"{row.highest}, by chance at most {style.percent(row.gap_95)}"
        )
    divided = ", ".join(style.ways(table["attribute"]).values())
    marks = f"Marks: gap between the highest and the lowest group of each measure {divided}, on bars of gaps by chance"
    return f"{marks}; models: {style.listed(table['model'])}; dataset {style.listed(table['dataset'])}. {told}."


@style.styled
def ratios(table):
    """Forest plot: each ratio as a dot with its interval, on a scale where twice and half are equally far from 1.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `label`, `value`, `low`, `high` (an end beyond the scale is an arrow)
        and `section`, the heading above the rows that share it, in the order in which they are to stand. A ratio
        of 0, or over 0, has no dot.
    """
    rows, ticks, headings, y = [], {}, [], -1.0
    for section in table["section"].drop_duplicates():
        headings.append((y + 1, section))
        y += 1
        for row in table[table["section"] == section].itertuples():
            y += 1
            ticks[y] = textwrap.fill(row.label, 64)
            rows.append((y, row))
    tallest = max((label.count("\n") for label in ticks.values()), default=0)
    figure = Figure(figsize=(style.WIDTH, 1.0 + (0.25 + 0.16 * tallest) * (y + 2)), layout="constrained")
    panel = figure.subplots()
    edges = _edges(table)
    for y, row in rows:
        panel.plot(np.clip([row.low, row.high], *edges), [y, y], color=style.COLOURS[0], linewidth=1.6)
        for end, beyond, arrow in ((edges[0], row.low < edges[0], "<"), (edges[1], row.high > edges[1], ">")):
            if beyond:
                panel.plot(end, y, arrow, color=style.COLOURS[0], markersize=6)
        if edges[0] <= row.value <= edges[1]:
            panel.plot(row.value, y, "o", color=style.COLOURS[0], markersize=5)
    panel.axvline(1, color="#000000", linewidth=0.9)
    for y, section in headings:
        style.heading(panel, section, y)
    panel.set_xscale("log", base=2)
    panel.set_xlim(edges[0] / 1.1, edges[1] * 1.1)
    marks = [2.0**k for k in range(-4, 6) if edges[0] <= 2.0**k <= edges[1]]
    panel.xaxis.set_major_locator(FixedLocator(marks))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xticks(marks, [f"{mark:g}" for mark in marks])
    panel.set_yticks(list(ticks), list(ticks.values()))
    panel.set_ylim(max(ticks, default=0) + 0.7, -0.7)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    panel.set_xlabel("ratio of the two rates; 1: no difference")
    goes_on = "goes on; a ratio of 0 or without end has no dot"
    handles = [
        Line2D([], [], color=style.COLOURS[0], marker=marker, markersize=size, label=label)
        for marker, size, label in (("o", 5, "ratio with its interval"), (">", 6, goes_on))
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def describe_ratios(table):
    """Describe the forest plot of `ratios` in words."""
    finite = table[table["value"].between(0, float("inf"), inclusive="neither")]
    low, high = finite.loc[finite["value"].idxmin()], finite.loc[finite["value"].idxmax()]
    holds = ((table["low"] <= 1) & (table["high"] >= 1)).sum()
    return (
        f"Forest plot of {len(table)} ratios; those above 0 and finite go from {low['value']:.2f} ({low['label']}) to "
        f"{high['value']:.2f} ({high['label']}); {holds} of the {table['low'].notna().sum()} intervals hold 1."
    )


def _edges(table):
    """Left and right end of the scale: all that is finite, within a sixteenth to thirty-two times."""
    values = table[["value", "low", "high"]].to_numpy(dtype=float).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    return max(1 / 16, min(0.5, values.min(initial=0.5))), min(32.0, max(4.0, values.max(initial=4.0)))


@style.styled
def contrasts(table, *, confidence=0.95):
    """Difference of two groups in each row as a dot with its interval; filled where the verdict is *different*.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `disparities.csv`, in the order in which they are to stand.
    """
    figure = Figure(figsize=(style.WIDTH, 1.0 + 0.3 * max(len(table), 2)), layout="constrained")
    panel = figure.subplots()
    panel.axvline(0, color="#000000", linewidth=0.9)
    labels = [
        f"{row.model}: {name}, {row.group_a} − {row.group_b} ({row.subjects_a}, {row.subjects_b} people)"
        for row, name in zip(table.itertuples(), measure_names(table), strict=True)
    ]
    for y, row in enumerate(table.itertuples()):
        panel.plot([row.sim_low, row.sim_high], [y, y], color=style.COLOURS[0], linewidth=1.6)
        filled = style.COLOURS[0] if row.verdict == "different" else "white"
        panel.plot(row.risk_difference, y, "o", color=style.COLOURS[0], markerfacecolor=filled, markersize=6)
    panel.set_yticks(range(len(labels)), labels, fontsize=9)
    panel.set_ylim(max(len(labels), 1) - 0.4, -0.6)
    style.shares_across(panel)
    panel.xaxis.set_major_locator(MaxNLocator(5))
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


@style.styled
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
    figure, axes = style.panels_of_rows(len(shown), names, height=1.3 + len(names) * (0.14 + 0.11 * len(models)))
    for panel, name in zip(axes, shown, strict=True):
        panel.set_title(name)
        panel.axvline(line, color="#555555", linewidth=1, linestyle="--")
        here = table[table[panels] == name]
        for number, model, part, y in style.by_place(here, "model", models, rows, names, room=0.8):
            panel.plot(part["value"], y, label=model, markersize=5, **style.look(number))
    axes[0].set_xlim(0, None)
    figure.supxlabel(f"{label}; dashed: {line:g}", fontsize=10)
    style.legend(figure, axes[0], columnspacing=1.4)
    return figure


def describe_marks(table, *, line, label):
    """Describe `marks` in words."""
    known = table.dropna(subset="value")
    low, high = known.loc[known["value"].idxmin()], known.loc[known["value"].idxmax()]
    beyond = f"{(known['value'] > line).sum()} of {len(known)} lie above {line:g}"
    ends = ", ".join(
        f"{end} {style.percent(row['value'])} ({row['model']})" for end, row in (("lowest", low), ("highest", high))
    )
    return f"Marks of {style.listed(known['model'])}: {label}. {beyond}; {ends}."
