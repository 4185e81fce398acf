"""What the figures of Action Units and heatmaps show and say, in words: the alternative text.

Each function takes the table that its namesake in `unit_plots` or `heatmap_plots` draws, and returns text.
"""

from ferlib.plots import percent
from ferlib.plotting.heatmap_plots import SURE


def detection(table, *, measure="F1"):
    """Describe `ferlib.plotting.unit_plots.detection`."""
    means = table.groupby(["kind", "network"], sort=False)["value"].mean()
    told = "; ".join(f"{kind}, {network}: {value:.2f}" for (kind, network), value in means.items())
    worst = table.loc[table["value"].idxmin()]
    return (
        f"Dots with intervals: {measure} of {table['unit'].nunique()} Action Units, a panel for each kind of image. "
        f"Means over the units: {told}. Lowest: {worst['unit']}, {worst['kind']}, {worst['network']}, "
        f"{worst['value']:.2f}."
    )


def shares(table, *, controls=("even", "untrained")):
    """Describe `ferlib.plotting.unit_plots.shares`."""
    sure = table[(table["verdict"] == "different") & (table["mean"] > table["untrained"])]
    counted = sure.groupby("network")["unit"].nunique().reindex(table["network"].unique(), fill_value=0)
    told = ", ".join(f"{network} {count}" for network, count in counted.items())
    return (
        f"Dots with intervals: mean share of relevance in the region of each of {table['unit'].nunique()} Action "
        f"Units, with the controls {' and '.join(controls)} as marks. Units surely above the untrained network: {told}."
    )


def groups(table):
    """Describe `ferlib.plotting.unit_plots.groups`."""
    top = table.loc[table["mean"].idxmax()]
    return (
        f"Dots with intervals: mean score by group for {_listed(table['network'])}; panels: "
        f"{_listed(table['question'])}. Highest: {top['network']}, {top['question']}, {top['group']}, "
        f"{percent(top['mean'])}."
    )


def means(table):
    """Describe `ferlib.plotting.heatmap_plots.means`."""
    top, side = table.loc[table["value"].idxmax()], table["y"].max() + 1
    down, across = (100 * (top[name] + 0.5) / side for name in ("y", "x"))
    return (
        f"Mean heatmaps on the mean face, rows: {_listed(table['group'])}; columns: {_listed(table['unit'])}. "
        f"Brightest: {top['unit']}, {top['group']}, {top['value']:.1f} times an even map, {down:.0f} % down and "
        f"{across:.0f} % across."
    )


def differences(table, *, names):
    """Describe `ferlib.plotting.heatmap_plots.differences`; `names` are the two groups."""
    sure = table[table["p_adjusted"] <= SURE]
    counted = sure.groupby(["network", "unit"]).size()
    told = "; ".join(f"{network}, {unit}: {count}" for (network, unit), count in counted.items())
    return (
        f"Difference of mean heatmaps, {names[0]} minus {names[1]}, rows: {_listed(table['network'])}; columns: "
        f"{_listed(table['unit'])}. Blocks that differ surely: {told or 'none'}."
    )


def examples(table):
    """Describe `ferlib.plotting.heatmap_plots.examples`."""
    parts = [
        f"{section}: {', '.join(table.loc[table['section'] == section, 'title'].str.replace(chr(10), ' '))}"
        for section in dict.fromkeys(table["section"])
    ]
    return f"Faces with their heatmaps and the outline of the region. {'; '.join(parts)}."


def _listed(values):
    return ", ".join(dict.fromkeys(values))
