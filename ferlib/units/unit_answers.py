"""What networks answer about Action Units: a row for each image and unit."""

import pandas as pd

from ferlib.errors import InputError
from ferlib.units import unit_tables
from ferlib.units.side_by_side import each_half

COLUMNS = ("image_id", "subject_id", "unit", "present", "found", "score")
"""Of the table that `answers` returns."""


def of_networks(networks, pixels, faces):
    """What several networks answer, side by side.

    Parameters
    ----------
    networks : dict of str to ferlib.units.aunet.AUNet
    pixels : dict of str to torch.Tensor
        What each network is shown; rows as in the manifest.
    faces : ferlib.units.faces.Faces

    Returns
    -------
    pandas.DataFrame
        `network`, then as `answers` returns it.
    """

    def half(name, rows):
        return answers(networks[name], pixels[name][rows], faces.manifest[rows], faces.present[rows])

    found = each_half(half, networks)
    found = [rows.assign(network=name) for name, both in found.items() for rows in both]
    return pd.concat(found, ignore_index=True)[["network", *COLUMNS]]


def of_tables(tables, faces, *, threshold):
    """What programs answered whose tables are there, such as OpenFace or py-feat, as if they were networks.

    Parameters
    ----------
    tables : dict of str to str
        Name of the program to its table; see `ferlib.units.unit_tables.read`.
    faces : ferlib.units.faces.Faces
    threshold : float or None

    Returns
    -------
    pandas.DataFrame
        As `of_networks` returns it, of the units that the table and the labels share. An image that the table does not
        tell about, or in which it found no face, shows nothing that was found. `score` is `found`.
    """
    frames = []
    for name, table in tables.items():
        told = unit_tables.read(table, threshold=threshold, prefer="c")
        told = unit_tables.join(told, faces.manifest, source=table)
        told = told.set_index("image_id").reindex(faces.manifest["image_id"])
        for unit in (unit for unit in faces.present if unit in told):
            frame = faces.manifest[["image_id", "subject_id"]].reset_index(drop=True)
            found = told[unit].fillna(0).astype(int).to_numpy()
            truth = faces.present[unit].astype("Int8").array
            frames.append(frame.assign(network=name, unit=unit, present=truth, found=found, score=found.astype(float)))
    if not frames:
        raise InputError(f"{', '.join(tables)}: no Action Unit of these tables has a label. Give a table that has.")
    table = pd.concat(frames, ignore_index=True).dropna(subset="present")
    return table.astype({"present": int})[["network", *COLUMNS]].reset_index(drop=True)


def by_kind(answered, faces, kinds):
    """Say of each answer which kind of image it is about.

    Parameters
    ----------
    answered : pandas.DataFrame
        As `of_networks` returns it.
    faces : ferlib.units.faces.Faces
    kinds : dict of str to list of str
        Name, and the kinds of images (column `kind` of the manifest) that are judged together. Images of a kind that
        several names list are there several times.

    Returns
    -------
    pandas.DataFrame
        With the column `kind`, the name; network by network, each in the order of `kinds`.
    """
    kind_of = answered["image_id"].map(faces.manifest.set_index("image_id")["kind"])
    found = [answered[kind_of.isin(included)].assign(kind=name) for name, included in kinds.items()]
    return pd.concat(
        [rows[rows["network"] == network] for network in answered["network"].unique() for rows in found],
        ignore_index=True,
    )


def that_occur(answered):
    """The answers about units that at least one image shows."""
    return answered[answered.groupby("unit")["present"].transform("sum") > 0]


def without_mark(networks, pixels, faces, answered, *, unit, images):
    """What networks answer about one unit in the same faces with a mark and without it.

    Parameters
    ----------
    networks : dict of str to ferlib.units.aunet.AUNet
    pixels : torch.Tensor
        Without the mark; rows as in the manifest.
    faces : ferlib.units.faces.Faces
    answered : pandas.DataFrame
        As `of_networks` returns it, of the images with the mark.
    unit : str
    images : numpy.ndarray of bool
        Which bear the mark.

    Returns
    -------
    pandas.DataFrame
        A row for each network, with and without: `images`, `people`, `recall`, `mean logit`.
    """
    rows, ids = [], faces.manifest["image_id"][images]
    for name, network in networks.items():
        unmarked = answers(network, pixels[images], faces.manifest[images], faces.present[images])
        marked = answered[(answered["network"] == name) & answered["image_id"].isin(ids)]
        for seen, found in (("with the mark", marked), ("without it", unmarked)):
            own = found[found["unit"] == unit]
            count = {"images": len(own), "people": own["subject_id"].nunique()}
            told = {"recall": own["found"].mean(), "mean logit": own["score"].mean()}
            rows.append({"network": name, "the same faces": seen, **count, **told})
    return pd.DataFrame(rows)


def answers(network, pixels, manifest, present):
    """What a network answers about each image and unit.

    Parameters
    ----------
    network : ferlib.units.aunet.AUNet
    pixels : torch.Tensor, shape (n, 3, size, size), uint8
    manifest : pandas.DataFrame
        `image_id`, `subject_id`; a row for each of the pixels.
    present : pandas.DataFrame
        A column of 0, 1 or missing for each unit, as `ferlib.units.unit_tables.labels` returns it; rows as in
        the manifest.

    Returns
    -------
    pandas.DataFrame
        `image_id`, `subject_id`, `unit`, `present`, `found` (0 or 1: the logit is above 0), `score` (the logit); for
        the units that the network and the labels share, without the images that have no label.

    Raises
    ------
    InputError
        When they share no unit.
    """
    units = [unit for unit in network.shape.units if unit in present]
    if not units:
        raise InputError(
            f"network {network.name!r} knows {', '.join(network.shape.units)}, and none of them has a label. Give a "
            f"table of these Action Units."
        )
    logits, frames = network.logits(pixels), []
    for unit in units:
        score = logits[:, network.shape.units.index(unit)]
        truth = present[unit].astype("Int8").array
        frame = manifest[["image_id", "subject_id"]].reset_index(drop=True)
        frames.append(frame.assign(unit=unit, present=truth, found=(score > 0).astype(int), score=score))
    table = pd.concat(frames, ignore_index=True).dropna(subset="present")
    return table.astype({"present": int}).reset_index(drop=True)
