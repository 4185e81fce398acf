"""Does the region matter to the answer? How far the logit falls when it is hidden, and when its mirror image is."""

import numpy as np
import pandas as pd

from ferlib.units import findings, heatmaps, mean_contrasts
from ferlib.units import regions as masks_of
from ferlib.units.map_scores import faces_of, regions_asked
from ferlib.units.side_by_side import each

LEAST_APART = 1 / 3
"""A region of which less than this share lies outside its own mirror image has no control of equal size."""


def contrasts(networks, pixels, asked, regions, **rules):
    """Contrast the fall of the logit by the region with that by its mirror image, a family for each network.

    Parameters
    ----------
    networks : dict of str to ferlib.units.aunet.AUNet
    pixels : dict of str to torch.Tensor
    asked, regions
        As for `hidden`.
    rules
        As for `ferlib.units.mean_contrasts.against`.

    Returns
    -------
    pandas.DataFrame
        `network`, the columns of `ferlib.units.mean_contrasts.COLUMNS` but `attribute` and `measure`, and `apart`.
    """
    falls = each(lambda name: hidden(networks[name], pixels[name], asked, regions), networks)
    found = []
    for name, rows in falls.items():
        table = mean_contrasts.against(rows, control="mirror", names=("region", "mirror image"), **rules)
        table = findings.without_control(table, rows.groupby("unit")["apart"].mean())
        found.append(table.drop(columns=["attribute", "measure"]).assign(network=name))
    return pd.concat(found, ignore_index=True)


def hidden(network, pixels, asked, regions, *, least=LEAST_APART):
    """By how much the logit falls when the region is hidden, and when its mirror image of equal size is.

    Parameters
    ----------
    network, pixels, asked
        As for `ferlib.units.explanations.explain`.
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
    number, faces = regions_asked(asked, regions), faces_of(asked, regions)
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
