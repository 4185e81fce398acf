"""Pictures of heatmaps: mean maps on the mean face, difference maps, and single examples.

The numbers behind a picture are a table with a row for each block of each map; the face under it is only a backdrop.
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ferlib.figures.style import WIDTH, in_order, styled

OUTLINE = "#0072B2"
"""Colour of a region's edge."""

STEPS = 6
"""Colours of a scale; few, so that a value can be read off."""

SURE = 0.05
"""A block of a difference map is outlined where its corrected p is at most this."""


@styled
def means(table, faces, outlines):
    """Mean maps on the mean face: a row for each group, a column for each unit, all on one scale.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `group`, `unit`, `y`, `x`, `value`. What lies below the first step of the
        scale is left transparent.
    faces : dict of str to numpy.ndarray, shape (height, width), 0 to 1
        Mean face of each group.
    outlines : dict of str to numpy.ndarray, shape (height, width), 0 to 1
        Of each unit, the share of people whose region holds the pixel; the line is drawn at a half.
    """
    steps = _steps(table["value"])
    scale = BoundaryNorm(steps, STEPS), colormaps["YlOrRd"].resampled(STEPS)
    return _grid(table, "group", faces, outlines, scale, steps[1], "relevance; 1: as much as an even map has")


def describe_means(table):
    """Describe `means` in words."""
    top, side = table.loc[table["value"].idxmax()], table["y"].max() + 1
    down, across = (100 * (top[name] + 0.5) / side for name in ("y", "x"))
    return (
        f"Mean heatmaps on the mean face, rows: {in_order(table['group'])}; columns: {in_order(table['unit'])}. "
        f"Brightest: {top['unit']}, {top['group']}, {top['value']:.1f} times an even map, {down:.0f} % down and "
        f"{across:.0f} % across."
    )


@styled
def differences(table, faces, outlines, *, label):
    """Difference maps on the mean face, blocks that differ surely outlined: a row for each network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `unit`, `y`, `x`, `value` (the difference), `p_adjusted`.
    faces : dict of str to numpy.ndarray
        A backdrop for each network.
    outlines : dict of str to numpy.ndarray
    label : str
    """
    steps = _steps(table["value"].abs())[1:]
    both = np.concatenate([-steps[::-1], steps])
    scale = BoundaryNorm(both, len(both) - 1), colormaps["PuOr_r"].resampled(len(both) - 1)
    return _grid(table, "network", faces, outlines, scale, steps[0], label)


def describe_differences(table, *, names):
    """Describe `differences` in words; `names` are the two groups."""
    sure = table[table["p_adjusted"] <= SURE]
    counted = sure.groupby(["network", "unit"]).size()
    told = "; ".join(f"{network}, {unit}: {count}" for (network, unit), count in counted.items())
    return (
        f"Difference of mean heatmaps, {names[0]} minus {names[1]}, rows: {in_order(table['network'])}; columns: "
        f"{in_order(table['unit'])}. Blocks that differ surely: {told or 'none'}."
    )


def _steps(values):
    """Ends of the steps of a scale from 0 to nearly all values, at round numbers."""
    highest = float(np.nanquantile(values, 0.995)) if values.notna().any() else 1.0
    size = max(highest, 1e-9) / STEPS
    unit = 10.0 ** np.floor(np.log10(size))
    return np.arange(STEPS + 1) * next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= size * 0.999)


def _grid(table, by, faces, outlines, scale, least, label):
    rows, columns = list(dict.fromkeys(table[by])), list(dict.fromkeys(table["unit"]))
    norm, colours = scale
    width = (WIDTH - 0.6) / max(len(columns), 4)
    figure = Figure(figsize=(WIDTH, 1.2 + width * 1.08 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    for (row, column), panel in np.ndenumerate(panels):
        part = table[(table[by] == rows[row]) & (table["unit"] == columns[column])]
        values = part.pivot(index="y", columns="x", values="value").to_numpy(float)
        face = faces[rows[row]]
        height, width = face.shape
        place = {"extent": (0, width, height, 0), "interpolation": "nearest"}
        pale = np.clip(0.72 + 0.8 * (face - face.mean()), 0, 1)  # of one mean brightness, and light enough to draw on
        panel.imshow(pale, cmap="gray", vmin=0, vmax=1, **place)
        shown = np.ma.masked_where(~(np.abs(values) >= least), values)
        drawn = panel.imshow(shown, alpha=0.75, norm=norm, cmap=colours, **place)
        if columns[column] in outlines:
            panel.contour(outlines[columns[column]], levels=[0.5], colors=OUTLINE, linewidths=1.1)
        if "p_adjusted" in part:
            sure = (part.pivot(index="y", columns="x", values="p_adjusted") <= SURE).to_numpy()
            down, across = height / sure.shape[0], width / sure.shape[1]
            for y, x in zip(*np.nonzero(sure), strict=True):
                frame = Rectangle((x * across, y * down), across, down, fill=False, edgecolor="black", linewidth=0.9)
                panel.add_patch(frame)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set_frame_on(False)
        if row == 0:
            panel.set_title(columns[column], fontsize=10, loc="center")
        if column == 0:
            panel.set_ylabel(rows[row], fontsize=9.5)
    bar = figure.colorbar(drawn, ax=panels.ravel().tolist(), location="bottom", shrink=0.6, aspect=40, extend="both")
    bar.set_label(label, fontsize=9.5)
    return figure


@styled
def examples(table, pictures, maps, outlines, *, columns=6):
    """Single faces with their maps and the outline of the region, in the order of the table.

    Parameters
    ----------
    table : pandas.DataFrame
        `section` (heading of a row of faces), `title` (above each face).
    pictures : numpy.ndarray, shape (n, height, width), 0 to 1
    maps : numpy.ndarray, shape (n, height, width)
        Relevance; what lies below 0 is not drawn.
    outlines : numpy.ndarray of bool, shape (n, height, width)
    columns : int
        Faces in a row.
    """
    sections = list(dict.fromkeys(table["section"]))
    figure = Figure(figsize=(WIDTH, (WIDTH / columns + 0.75) * len(sections)), layout="constrained")
    parts = np.atleast_1d(figure.subfigures(len(sections), 1))
    for part, section in zip(parts, sections, strict=True):
        part.suptitle(section, x=0.01, ha="left", fontsize=10, fontweight="bold")
        own = np.flatnonzero((table["section"] == section).to_numpy())[:columns]
        panels = part.subplots(1, columns, squeeze=False)[0]
        for panel in panels:
            panel.set_axis_off()
        for panel, number in zip(panels, own, strict=False):
            shown = np.maximum(maps[number], 0)
            highest = np.quantile(shown, 0.995) or 1.0
            place = {"extent": (0, *shown.shape[::-1], 0)}
            panel.imshow(pictures[number], cmap="gray", vmin=0, vmax=1, **place)
            # Only strong relevance is coloured, so that the face stays visible.
            strength = np.clip(shown / highest, 0, 1)
            panel.imshow(shown, cmap="autumn_r", alpha=strength * 0.85, vmin=0, vmax=highest, **place)
            panel.contour(outlines[number], levels=[0.5], colors=OUTLINE, linewidths=1.1)
            panel.set_title(table["title"].iloc[number], fontsize=9, loc="center")
    return figure


def describe_examples(table):
    """Describe `examples` in words."""
    parts = [
        f"{section}: {', '.join(table.loc[table['section'] == section, 'title'].str.replace(chr(10), ' '))}"
        for section in dict.fromkeys(table["section"])
    ]
    return f"Faces with their heatmaps and the outline of the region. {'; '.join(parts)}."
