"""Do heatmaps lie where the Action Units act? Their scores beside the controls: a row for each image, unit and measure.

`ferlib.units.means` and `ferlib.units.mean_contrasts` summarise these rows.
"""

import numpy as np
import pandas as pd

from ferlib.units import mean_contrasts, relevance
from ferlib.units.explanations import UNTRAINED
from ferlib.units.regions import FACE

NO_REGION = "no region"
"""Status of a map whose image has no region for the unit; beside `ferlib.units.relevance.STATUSES`."""


def of_networks(maps, asked, regions):
    """Scores of several networks' maps, each beside those of the untrained networks.

    Parameters
    ----------
    maps : dict of str to numpy.ndarray
        As `ferlib.units.explanations.of_networks` returns it.
    asked, regions
        As for `scored`.

    Returns
    -------
    pandas.DataFrame
        `network`, the columns of `scored`, and `untrained`, the untrained network's score for the same image and unit.
    """
    found = {name: scored(one, asked, regions) for name, one in maps.items()}
    control = found[UNTRAINED]["value"]
    return pd.concat([rows.assign(network=name, untrained=control) for name, rows in found.items()], ignore_index=True)


def against_controls(scores, **rules):
    """Contrast the scores of each network with each control: a family for each network and control.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `of_networks` returns it.
    **rules
        Of `ferlib.units.mean_contrasts.against`.

    Returns
    -------
    pandas.DataFrame
        `network`, `control` ("even", "other unit" or "untrained") and `ferlib.units.mean_contrasts.COLUMNS`.
    """
    found = []
    for name, rows in scores.groupby("network", sort=False):
        for column in [control for control in ("even", "other_unit", UNTRAINED) if control != name]:
            usable = rows[rows["measure"] == "mass"] if column == "other_unit" else rows
            called = column.replace("_", " ")
            table = mean_contrasts.against(usable, control=column, names=(name, called), **rules)
            found.append(table.assign(network=name, control=called))
    return pd.concat(found, ignore_index=True)


def beside_controls(summed, against, scores):
    """Mean mass in each unit's region with its controls, as `ferlib.figures.unit_scores.shares` draws it.

    Parameters
    ----------
    summed : pandas.DataFrame
        `network` and the columns of `ferlib.units.means.by_group`.
    against, scores : pandas.DataFrame
        As `against_controls` and `of_networks` return them.

    Returns
    -------
    pandas.DataFrame
        The rows of `summed` for all people, with the mean of the controls `untrained` and `even` and, against the
        first, `verdict`, `difference` and `p_adjusted`.
    """
    rows = summed[(summed["by"] == "all") & (summed["measure"] == "mass")].drop(columns="reason")
    tested = against[(against["measure"] == "mass") & (against["control"] == UNTRAINED)]
    tested = tested.rename(columns={"mean_b": UNTRAINED})
    found = rows.merge(tested[["network", "unit", UNTRAINED, "verdict", "difference", "p_adjusted"]])
    even = scores[(scores["network"] == UNTRAINED) & (scores["measure"] == "mass")].groupby("unit")["even"].mean()
    return found.assign(even=found["unit"].map(even))


def a_row_each(scores):
    """The scores as a table with a row for each network and map: its `status`, and a column for each measure."""
    keys = ["network", "method", "image_id", "subject_id", "unit", "status"]
    return scores.pivot(index=keys, columns="measure", values="value").reset_index()


def outside_face(summed, *, unit, attribute):
    """Share of relevance outside the face, of `summed` as for `beside_controls`; drawn by `unit_scores.groups`."""
    own = summed[(summed["unit"] == unit) & (summed["by"] == attribute) & (summed["measure"] == "outside_face")]
    return own.drop(columns="reason").assign(question=f"share of relevance outside the face, {unit}")


def of_methods(by_method, asked, regions, **rules):
    """Contrast the mass of each method's maps with that of the untrained networks': one family.

    Parameters
    ----------
    by_method : dict of str to dict of str to numpy.ndarray
        As `ferlib.units.explanations.by_every_method` returns it.
    asked, regions, **rules
        As for `scored`, and of `ferlib.units.mean_contrasts.against`.

    Returns
    -------
    pandas.DataFrame
        `method`, `maps` (how many), `mass`, `untrained`, `low`, `high`, `p_adjusted`, `verdict`.
    """
    rows = pd.concat(of_networks(maps, asked, regions).assign(unit=method) for method, maps in by_method.items())
    rows = rows[(rows["network"] == "trained") & (rows["measure"] == "mass")]
    found = mean_contrasts.against(rows, control=UNTRAINED, names=("trained", UNTRAINED), **rules)
    columns = {"unit": "method", "n_a": "maps", "mean_a": "mass", "mean_b": UNTRAINED}
    return found.rename(columns=columns)[[*columns.values(), "low", "high", "p_adjusted", "verdict"]]


def scored(maps, asked, regions):
    """Scores of maps, and what they would be by chance.

    Parameters
    ----------
    maps : numpy.ndarray, shape (questions, size, size)
    asked : pandas.DataFrame
        As `questions` returns it.
    regions : ferlib.units.regions.Regions
        Of the maps' size.

    Returns
    -------
    pandas.DataFrame
        A row for each question and measure (`ferlib.units.relevance.SCORES`): the columns of `asked`, `measure`,
        `value`, `status`, and two controls:

        - `even`: the score of a map that is even over the face (over the picture, where no face is known): the
          region's share of its area. For `outside_face` it is the share of the picture that is not the face.
        - `other_unit`, for `mass` only: the mean mass, in the same region, of the same image's maps for other units.
          If a map says nothing about its unit, the two agree on average, whatever else it follows.
    """
    region, face = regions.which(asked, asked["unit"]), None
    known, faces = region >= 0, faces_of(asked, regions)
    if faces is not None:
        known, face = known & (faces >= 0), regions.masks
    table = pd.DataFrame({"status": NO_REGION}, index=range(len(asked)), columns=["status", *relevance.SCORES])
    table["area"], table["area_outside_face"] = np.nan, np.nan
    if known.any():
        which_face = None if face is None else faces[known]
        found = relevance.score(maps[known], regions.masks, which=region[known], face=face, which_face=which_face)
        table = found.set_index(np.flatnonzero(known)).reindex(range(len(asked))).fillna({"status": NO_REGION})
    within = (1 - table["area_outside_face"]).fillna(1)
    frames = []
    for measure in relevance.SCORES:
        even = table["area_outside_face"] if measure == "outside_face" else table["area"] / within
        other = _of_other_units(maps, asked, region, regions) if measure == "mass" else np.nan
        frame = asked.reset_index(drop=True).assign(measure=measure, value=table[measure].astype(float))
        frames.append(frame.assign(status=table["status"], even=even, other_unit=other))
    return pd.concat(frames, ignore_index=True)


def faces_of(asked, regions):
    """Number of the mask of each question's face; None where no face is known at all."""
    return regions.which(asked, FACE) if (regions.table["unit"] == FACE).any() else None


def _of_other_units(maps, asked, region, regions):
    """Mean mass, in each question's region, of the maps of the same image's other units; NaN where there is none."""
    shares = np.maximum(np.nan_to_num(maps, posinf=0), 0, dtype=float).reshape(len(maps), -1)
    total = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, total, out=np.full_like(shares, np.nan), where=total > 0)
    found = np.full(len(asked), np.nan)
    for rows in asked.groupby("image_id").indices.values():
        rows = rows[region[rows] >= 0]
        if len(rows) < 2:
            continue
        inside = regions.masks[region[rows]].reshape(len(rows), -1)
        masses = inside.astype(float) @ shares[rows].T
        np.fill_diagonal(masses, np.nan)
        some = ~np.isnan(masses).all(axis=1)
        found[rows[some]] = np.nanmean(masses[some], axis=1)
    return found
