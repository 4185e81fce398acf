"""Where networks look for Action Units: which images are asked about, their maps' scores, and the controls.

Everything comes out as rows of a table, one for each image and unit, which `ferlib.units.means` and
`ferlib.units.mean_contrasts` summarise.
"""

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.units import heatmaps, relevance
from ferlib.units import regions as masks_of
from ferlib.units.regions import FACE

NO_REGION = "no region"
"""Status of a map whose image has no region for the unit; beside `ferlib.units.relevance.STATUSES`."""

LEFT = 1 / 3
"""A region of which less than this share lies outside its own mirror image has no control of equal size."""


def answers(network, pixels, manifest, present):
    """What a network answers about each image and unit.

    Parameters
    ----------
    network : ferlib.units.aunet.AUNet
    pixels : torch.Tensor, shape (n, 3, size, size), uint8
    manifest : pandas.DataFrame
        `image_id`, `subject_id`; a row for each of the pixels.
    present : pandas.DataFrame
        A column of 0, 1 or missing for each unit, as `ferlib.units.action_units.labels` returns it; rows as in
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


def questions(network, manifest, present, units, *, per_person=1):
    """Images to be explained: for every person and unit the first that show it.

    Parameters
    ----------
    network : ferlib.units.aunet.AUNet
    manifest : pandas.DataFrame
        `image_id`, `subject_id`, and `row`, the image's number among the pixels.
    present : pandas.DataFrame
        As for `answers`; rows as in the manifest.
    units : sequence of str
    per_person : int
        Images for each person and unit, in the order of `image_id`.

    Returns
    -------
    pandas.DataFrame
        `row`, `image_id`, `subject_id`, `unit`, `output` (the unit's number among the network's).

    Raises
    ------
    InputError
        When the network or the labels do not know a unit.
    """
    strange = [unit for unit in units if unit not in present or unit not in network.shape.units]
    if strange:
        both = [unit for unit in network.shape.units if unit in present]
        raise InputError(
            f"unit {strange[0]!r}: {network.name!r} and the labels must both know it. Both know: {', '.join(both)}."
        )
    frames = []
    for unit in units:
        shown = manifest[(present[unit] == 1).fillna(False).to_numpy(bool)].sort_values("image_id")
        frame = shown.groupby("subject_id", sort=True).head(per_person)[["row", "image_id", "subject_id"]]
        frames.append(frame.assign(unit=unit, output=network.shape.units.index(unit)))
    return pd.concat(frames, ignore_index=True).sort_values(["image_id", "unit"], ignore_index=True)


def explain(network, pixels, asked, *, method, batch_size=32):
    """Heatmap of each question; array of float32, shape (questions, size, size)."""
    images = network.prepare(pixels[asked["row"].to_list()])
    return heatmaps.explain(network.model, images, asked["output"].to_list(), method=method, batch_size=batch_size)


def explain_untrained(network, pixels, asked, *, method, seed, batch_size=32):
    """Heatmaps of networks of the same shape with random weights, another for each person.

    One random network has its own whims: which pixels speak for an output is decided once for all images. So each
    person is shown to a network of their own, and what varies between random networks varies between people.

    Parameters
    ----------
    network : ferlib.units.aunet.AUNet
    pixels, asked, method, batch_size
        As for `explain`.
    seed : int
        The first person's network has it, the next person's the next.

    Returns
    -------
    numpy.ndarray of float32, shape (questions, size, size)
    """
    maps = np.empty((len(asked), *pixels.shape[2:]), np.float32)
    for number, (_, rows) in enumerate(sorted(asked.groupby("subject_id").indices.items())):
        other = network.untrained(seed=seed + number)
        maps[rows] = explain(other, pixels, asked.iloc[rows], method=method, batch_size=batch_size)
    return maps


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
    region, face = _numbers(asked, regions), None
    known, faces = region >= 0, _of_face(asked, regions)
    if faces is not None:
        known, face = known & (faces >= 0), regions.masks
    table = pd.DataFrame({"status": NO_REGION}, index=range(len(asked)), columns=["status", *relevance.SCORES])
    table["area"], table["area_outside_face"] = np.nan, np.nan
    if known.any():
        found = relevance.score(
            maps[known],
            regions.masks,
            which=region[known],
            face=face,
            which_face=None if face is None else faces[known],
        )
        table = found.set_index(np.flatnonzero(known)).reindex(range(len(asked))).fillna({"status": NO_REGION})
    within = (1 - table["area_outside_face"]).fillna(1)
    frames = []
    for measure in relevance.SCORES:
        even = table["area_outside_face"] if measure == "outside_face" else table["area"] / within
        other = _of_other_units(maps, asked, region, regions) if measure == "mass" else np.nan
        frame = asked.reset_index(drop=True).assign(measure=measure, value=table[measure].astype(float))
        frames.append(frame.assign(status=table["status"], even=even, other_unit=other))
    return pd.concat(frames, ignore_index=True)


def _numbers(asked, regions):
    """Number of the region of each question, -1 where there is none."""
    found = np.full(len(asked), -1)
    for unit in asked["unit"].unique():
        own = (asked["unit"] == unit).to_numpy()
        found[own] = regions.which(asked[own], unit)
    return found


def _of_face(asked, regions):
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


def hidden(network, pixels, asked, regions, *, least=LEFT):
    """By how much the logit falls when the region is hidden, and when its mirror image of equal size is.

    Parameters
    ----------
    network, pixels, asked
        As for `explain`.
    regions : ferlib.units.regions.Regions
        Of the network's size.
    least : float
        Share of the region that must lie apart from its mirror image; see `ferlib.units.regions.mirrored`.

    Returns
    -------
    pandas.DataFrame
        The columns of `asked`, `measure` ("fall of the logit"), `value`, `mirror`, both missing where too little lies
        apart, and `apart`, that share.
    """
    number, faces = _numbers(asked, regions), _of_face(asked, regions)
    known = (number >= 0) if faces is None else (number >= 0) & (faces >= 0)
    own, mirror = masks_of.mirrored(
        regions.masks[np.maximum(number, 0)], None if faces is None else regions.masks[np.maximum(faces, 0)]
    )
    size = regions.masks[np.maximum(number, 0)].sum(axis=(1, 2))
    apart = np.where(known & (size > 0), own.sum(axis=(1, 2)) / np.maximum(size, 1), np.nan)
    usable = np.flatnonzero(np.nan_to_num(apart) >= least)
    images = network.prepare(pixels[asked["row"].iloc[usable].to_list()])
    falls, outputs = np.full((len(asked), 2), np.nan), asked["output"].iloc[usable].to_list()
    both = np.stack([own[usable], mirror[usable]], axis=1)
    falls[usable] = heatmaps.hiding(network.model, images, both, outputs)
    table = asked.reset_index(drop=True).assign(measure="fall of the logit", value=falls[:, 0], mirror=falls[:, 1])
    return table.assign(apart=apart)
