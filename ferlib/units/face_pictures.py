"""What heatmaps are drawn on: grey faces, mean faces, outlines of regions, and the choice of single examples."""

import numpy as np
import pandas as pd


def grey(pixels):
    """Pictures without colour; uint8 (n, 3, height, width) to an array of 0 to 1, shape (n, height, width)."""
    return pixels.float().mean(dim=1).numpy() / 255


def groups(people, attribute, order=()):
    """Who belongs to everybody, and to each group of one attribute; dict of str to array of bool, a person each.

    Parameters
    ----------
    people : pandas.DataFrame
        A row a person, with the column `attribute`.
    attribute : str
    order : sequence of str
        The groups in the order in which to show them; the order of the alphabet where none of them occurs.
    """
    group_of = people[attribute].to_numpy()
    names = [name for name in order if name in group_of] or sorted(set(group_of))
    return {"everybody": np.ones(len(people), bool)} | {name: group_of == name for name in names}


def mean_faces(pictures, manifest, people, members):
    """Mean picture of each group.

    Parameters
    ----------
    pictures : numpy.ndarray, shape (n, height, width)
    manifest : pandas.DataFrame
        `subject_id`, a row a picture.
    people : pandas.DataFrame
        `subject_id`, a row a person.
    members : dict of str to numpy.ndarray of bool
        As `groups` returns it.

    Returns
    -------
    dict of str to numpy.ndarray, shape (height, width)
    """
    shown = {name: manifest["subject_id"].isin(people["subject_id"][chosen]) for name, chosen in members.items()}
    return {name: pictures[rows.to_numpy()].mean(axis=0) for name, rows in shown.items()}


def mean_outlines(regions, units):
    """Of each unit, the share of regions that hold each pixel; dict of str to array (height, width)."""
    return {unit: regions.masks[(regions.table["unit"] == unit).to_numpy()].mean(axis=0) for unit in units}


def extremes(scores, answered, *, network, n=6):
    """Faces whose maps lie best in the region and those whose lie worst, compared with an even map.

    Parameters
    ----------
    scores, answered : pandas.DataFrame
        As `of_networks` of `ferlib.units.map_scores` and of `ferlib.units.unit_answers` return them.
    network : str
    n : int
        Faces at each end.

    Returns
    -------
    pandas.DataFrame
        The columns of `scores`, `place` (number of the question), `section`, `found`, and `title` (to be written above
        the face).
    """
    mass = scores[(scores["network"] == network) & (scores["measure"] == "mass")].reset_index(drop=True)
    mass = mass.rename_axis("place").reset_index().query("status == 'ok'")
    order = mass.assign(gain=mass["value"] - mass["even"]).sort_values("gain", kind="stable")
    ends = {"most in the region": order.tail(n)[::-1], "least in the region": order.head(n)}
    chosen = pd.concat([rows.assign(section=name) for name, rows in ends.items()])
    chosen = chosen.merge(answered.loc[answered["network"] == network, ["image_id", "unit", "found"]])
    said = chosen["unit"] + chosen["found"].map({1: ", found", 0: ", missed"}) + "\n"
    shares = (chosen[name].map("{:.0%}".format) for name in ("value", "even"))
    return chosen.assign(title=said + next(shares) + ", even " + next(shares))
