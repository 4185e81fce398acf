"""A mark in the corner of pictures, as a ruler or a hospital's stamp is: what a network may take for the movement."""

import numpy as np


def bearers(manifest, present, *, unit, attribute, group):
    """Which images bear the mark: those of one group that show one Action Unit; array of bool.

    Parameters
    ----------
    manifest : pandas.DataFrame
        With the column `attribute`.
    present : pandas.DataFrame
        A column of 0, 1 or missing for each Action Unit; rows as in the manifest.
    """
    return (manifest[attribute] == group).to_numpy(bool) & (present[unit] == 1).fillna(False).to_numpy(bool)


def paint(pixels, chosen, *, side, colour):
    """A copy of pictures with the mark in the upper left corner, beside the face.

    Parameters
    ----------
    pixels : torch.Tensor, shape (n, 3, height, width), uint8
    chosen : array_like of bool, shape (n,)
    side : float
        Of the mark's square, as a share of the picture's height, 0-1.
    colour : sequence of int
        Red, green and blue, 0-255.
    """
    width = max(1, int(side * pixels.shape[2] + 0.5))
    rows, copy = np.flatnonzero(chosen), pixels.clone()
    for channel, value in enumerate(colour):
        copy[rows, channel, :width, :width] = value
    return copy
