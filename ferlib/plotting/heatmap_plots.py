"""Pictures of heatmaps: mean maps on the mean face, difference maps, and single examples.

The numbers behind a picture are a table with a row for each block of each map; the face under it is only a backdrop.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ferlib.figures import WIDTH, styled

SURE = 0.05
"""A block of a difference map is outlined where its corrected p is at most this."""


def as_table(maps, *, rows, columns, names=("row", "column")):
    """Maps as a table with a row for each block.

    Parameters
    ----------
    maps : numpy.ndarray, shape (rows, columns, side, side)
    rows, columns : sequence of str
        What the maps are of.
    names : tuple of str
        Columns for these.

    Returns
    -------
    pandas.DataFrame
        The two columns, `y` and `x` (block from the upper left, from 0) and `value`.
    """
    row, column, y, x = (place.ravel() for place in np.indices(maps.shape))
    named = {names[0]: np.array(list(rows), dtype=object)[row], names[1]: np.array(list(columns), dtype=object)[column]}
    return pd.DataFrame({**named, "y": y, "x": x, "value": np.asarray(maps, dtype=float).ravel()})


@styled
def means(table, faces, outlines, *, label="relevance; 1: as much as an even map has"):
    """Mean maps on the mean face: a row for each group, a column for each unit, all on one scale.

    Parameters
    ----------
    table : pandas.DataFrame
        As `as_table` returns it, columns `group`, `unit`, `y`, `x`, `value`.
    faces : dict of str to numpy.ndarray, shape (height, width), 0 to 1
        Mean face of each group.
    outlines : dict of str to numpy.ndarray, shape (height, width), 0 to 1
        Of each unit, the share of people whose region holds the pixel; the line is drawn at a half.
    label : str
        What the colours mean.
    """
    rows, columns = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["unit"]))
    highest = float(np.nanquantile(table["value"], 0.999)) if table["value"].notna().any() else 1.0
    style = {"cmap": "magma", "vmin": 0, "vmax": highest}
    return _grid(table, rows, columns, "group", faces, outlines, style, label)


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
    rows, columns = list(dict.fromkeys(table["network"])), list(dict.fromkeys(table["unit"]))
    furthest = float(np.nanquantile(table["value"].abs(), 0.999)) if table["value"].notna().any() else 1.0
    style = {"cmap": "PuOr_r", "vmin": -furthest, "vmax": furthest}
    return _grid(table, rows, columns, "network", faces, outlines, style, label)


def _grid(table, rows, columns, by, faces, outlines, style, label):
    figure = Figure(
        figsize=(WIDTH, 0.9 + (WIDTH - 1.2) / max(len(columns), 4) * 1.06 * len(rows)), layout="constrained"
    )
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    for (row, column), panel in np.ndenumerate(panels):
        part = table[(table[by] == rows[row]) & (table["unit"] == columns[column])]
        values = part.pivot(index="y", columns="x", values="value").to_numpy()
        height, width = faces[rows[row]].shape
        place = {"extent": (0, width, height, 0), "interpolation": "nearest"}
        panel.imshow(faces[rows[row]], cmap="gray", vmin=0, vmax=1, **place)
        drawn = panel.imshow(values, alpha=0.62, **place, **style)
        if columns[column] in outlines:
            panel.contour(outlines[columns[column]], levels=[0.5], colors="white", linewidths=0.9)
        if "p_adjusted" in part:
            sure = (part.pivot(index="y", columns="x", values="p_adjusted") <= SURE).to_numpy()
            for y, x in zip(*np.nonzero(sure), strict=True):
                scale = height / sure.shape[0], width / sure.shape[1]
                corner = (x * scale[1], y * scale[0])
                panel.add_patch(_box(corner, scale[1], scale[0]))
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set_frame_on(False)
        if row == 0:
            panel.set_title(columns[column], fontsize=10, loc="center")
        if column == 0:
            panel.set_ylabel(rows[row], fontsize=9.5)
    bar = figure.colorbar(drawn, ax=panels.ravel().tolist(), location="bottom", shrink=0.5, aspect=40)
    bar.set_label(label, fontsize=9.5)
    return figure


def _box(corner, width, height):
    return Rectangle(corner, width, height, fill=False, edgecolor="black", linewidth=0.8)


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
    figure = Figure(figsize=(WIDTH, 0.3 + (WIDTH / columns + 0.45) * len(sections)), layout="constrained")
    panels = figure.subplots(len(sections), columns, squeeze=False)
    for panel in panels.ravel():
        panel.set_axis_off()
    for row, section in enumerate(sections):
        own = np.flatnonzero((table["section"] == section).to_numpy())[:columns]
        for column, number in enumerate(own):
            panel, shown = panels[row, column], np.maximum(maps[number], 0)
            highest = np.quantile(shown, 0.995) or 1.0
            height, width = shown.shape
            place = {"extent": (0, width, height, 0)}
            panel.imshow(pictures[number], cmap="gray", vmin=0, vmax=1, **place)
            # Only strong relevance is coloured, so that the face stays visible.
            panel.imshow(
                shown, cmap="magma", alpha=np.clip(shown / highest, 0, 1) * 0.85, vmin=0, vmax=highest, **place
            )
            panel.contour(outlines[number], levels=[0.5], colors="#56B4E9", linewidths=1.0)
            panel.set_title(table["title"].iloc[number], fontsize=9, loc="center")
        panels[row, 0].annotate(
            section, (0, 1.3), xycoords="axes fraction", fontsize=10, fontweight="bold", annotation_clip=False
        )
    return figure
