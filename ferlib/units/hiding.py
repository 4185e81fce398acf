"""Does the region matter to the answer? How far the logit falls when it is hidden, and when its mirror image is."""

import numpy as np
import pandas as pd

from ferlib.units import heatmaps, mean_contrasts
from ferlib.units.map_scores import faces_of
from ferlib.units.side_by_side import each

LEAST_APART = 1 / 3
"""A region of which less than this share lies outside its own mirror image has no control of equal size."""


def contrasts(networks, pixels, asked, regions, **rules):
    """Contrast the fall of the logit by the region with that by its mirror image, a family for each network.

    Parameters
    ----------
    networks, pixels : dict of str to ferlib.units.aunet.AUNet and to torch.Tensor
    asked, regions, **rules
        As for `hidden`, and of `ferlib.units.mean_contrasts.against`.

    Returns
    -------
    pandas.DataFrame
        `network`, the columns of `ferlib.units.mean_contrasts.COLUMNS` but `attribute` and `measure`, and `apart`.
    """
    falls = each(lambda name: hidden(networks[name], pixels[name], asked, regions), networks)
    found = []
    for name, rows in falls.items():
        table = mean_contrasts.against(rows, control="mirror", names=("region", "mirror image"), **rules)
        table = table.assign(apart=table["unit"].map(rows.groupby("unit")["apart"].mean()), network=name)
        no_control = table["apart"].map("only {:.0%} of the region lies apart from its mirror image".format)
        no_control = no_control.where(table["apart"].notna(), "its region is not known in these images")
        found.append(table.assign(reason=table["reason"].where(table["n_a"] > 0, no_control)))
    return pd.concat(found, ignore_index=True).drop(columns=["attribute", "measure"])


def hidden(network, pixels, asked, regions):
    """By how much the logit falls when the region is hidden, and when its mirror image of equal size is.

    Parameters
    ----------
    network, pixels, asked
        As for `ferlib.units.explanations.explain`.
    regions : ferlib.units.regions.Regions
        Of the network's size.

    Returns
    -------
    pandas.DataFrame
        The columns of `asked`, `measure` ("fall of the logit"), `value` and `mirror`, both missing where too little
        lies apart (`LEAST_APART`), and `apart`: the share of the region that lies apart from its mirror image.
    """
    number, faces = regions.which(asked, asked["unit"]), faces_of(asked, regions)
    known = (number >= 0) if faces is None else (number >= 0) & (faces >= 0)
    own, mirror = mirrored(
        regions.masks[np.maximum(number, 0)], None if faces is None else regions.masks[np.maximum(faces, 0)]
    )
    size = regions.masks[np.maximum(number, 0)].sum(axis=(1, 2))
    apart = np.where(known & (size > 0), own.sum(axis=(1, 2)) / np.maximum(size, 1), np.nan)
    usable = np.flatnonzero(np.nan_to_num(apart) >= LEAST_APART)
    images = network.prepare(pixels[asked["row"].iloc[usable].to_list()])
    falls, outputs = np.full((len(asked), 2), np.nan), asked["output"].iloc[usable].to_list()
    both = np.stack([own[usable], mirror[usable]], axis=1)
    falls[usable] = heatmaps.hiding(network.model, images, both, outputs)
    table = asked.reset_index(drop=True).assign(measure="fall of the logit", value=falls[:, 0], mirror=falls[:, 1])
    return table.assign(apart=apart)


def mirrored(masks, faces=None):
    """Each region, and a control of equal size elsewhere in the face: its mirror image upside down.

    Left and right will not do: nearly all Action Units act on both sides, so that a region is its own mirror image. The
    mirror lies across the horizontal line through the middle of the picture, so that a brow's image is near the mouth.
    Pixels that lie in both, or, with `faces`, whose mirror image lies outside the face, are left out of both.

    Parameters
    ----------
    masks : numpy.ndarray of bool, shape (n, height, width)
    faces : numpy.ndarray of bool, shape (n, height, width), optional

    Returns
    -------
    own, mirror : numpy.ndarray of bool, shape (n, height, width)
        Equal in size, apart in place. Compare `own` with the region: little is left of one across the middle.
    """
    inside = masks if faces is None else masks & faces[:, ::-1]
    own = inside & ~masks[:, ::-1]
    return own, own[:, ::-1]
