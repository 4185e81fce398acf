"""Heatmaps of networks for Action Units: which images are asked about, the maps, and those of untrained networks."""

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.units import heatmaps
from ferlib.units.side_by_side import each

UNTRAINED = "untrained"
"""Name of the control: networks of the same shape with random weights."""


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


def one_for_each(asked, n_people, *, seed):
    """One question of each of some people, spread evenly over them in the order of their names.

    Parameters
    ----------
    asked : pandas.DataFrame
        As `questions` returns it.
    n_people : int
    seed : int
        Which question of each person is taken.

    Returns
    -------
    pandas.DataFrame
    """
    one = asked.groupby("subject_id").sample(1, random_state=seed).sort_values("subject_id")
    return one.iloc[np.linspace(0, len(one) - 1, min(n_people, len(one))).astype(int)]


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


def of_networks(networks, pixels, asked, *, method, seed):
    """Heatmaps of several networks and of the control, side by side.

    Parameters
    ----------
    networks : dict of str to ferlib.units.aunet.AUNet
    pixels : dict of str to torch.Tensor
        What each network is shown, and what the `UNTRAINED` ones are.
    asked : pandas.DataFrame
        As `questions` returns it.
    method : str
        One of `ferlib.units.heatmaps.METHODS`.
    seed : int
        Of the untrained networks, which have the shape of the first.

    Returns
    -------
    dict of str to numpy.ndarray of float32, shape (questions, size, size)
        The networks, then `UNTRAINED`.
    """

    def maps(name):
        if name in networks:
            return explain(networks[name], pixels[name], asked, method=method)
        first = next(iter(networks.values()))
        return explain_untrained(first, pixels[UNTRAINED], asked, method=method, seed=seed)

    found = each(maps, [UNTRAINED, *networks])  # the control takes longest, so it begins
    return {name: found[name] for name in [*networks, UNTRAINED]}


def by_every_method(network, pixels, asked, *, seed):
    """Heatmaps of one network, and of untrained ones, by each method.

    Parameters
    ----------
    network : ferlib.units.aunet.AUNet
    pixels : torch.Tensor
    asked, seed
        As for `of_networks`.

    Returns
    -------
    dict of str to dict of str to numpy.ndarray
        Method to "trained" and `UNTRAINED` to their maps.
    """
    pixels = {"trained": pixels, UNTRAINED: pixels}
    return {
        method: of_networks({"trained": network}, pixels, asked, method=method, seed=seed)
        for method in heatmaps.METHODS
    }
