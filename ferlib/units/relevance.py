"""Does a network look where the Action Unit is? Scores of heatmaps against the region where it acts.

Each score is a share between 0 and 1, and none means anything alone. Two controls stand beside it: the region's share
of the picture (what an even map scores), and the scores of the maps of an untrained network of the same shape.
"""

import numpy as np
import pandas as pd

from ferlib.errors import InputError

SCORES = ("mass", "rank", "pointing", "outside_face")
"""The scores; see `score`."""

OK = "ok"
STATUSES = (OK, "not finite", "no positive relevance", "region empty")
"""What can be said about a map and its region. Only `ok` has scores; the others are counted, never left out quietly."""

TINY, HUGE = 1e-30, 1e30
"""Between these the sum of a map is safe in single precision; others are scaled first."""


def score(maps, regions, *, which=None, face=None, which_face=None):
    """Score heatmaps against regions.

    Relevance below 0 speaks against the output and counts as none.

    Parameters
    ----------
    maps : numpy.ndarray, shape (n, height, width)
        Heatmaps, as from `ferlib.units.heatmaps.explain`.
    regions : numpy.ndarray of bool, shape (r, height, width)
        Where the outputs are to be seen.
    which : sequence of int, length n, optional
        The region of each map; the maps' own order where none is given (then r = n).
    face : numpy.ndarray of bool, shape (f, height, width), optional
        Where the face is, for `outside_face`.
    which_face : sequence of int, length n, optional
        The face of each map; the maps' own order where none is given.

    Returns
    -------
    pandas.DataFrame, n rows
        - `status`: one of `STATUSES`. Where it is not `ok`, all scores are missing.
        - `mass`: relevance inside the region / all relevance (relevance mass accuracy; Arras, Osman and Samek 2022).
        - `rank`: with a region of K pixels, the share of the K most relevant pixels that lie inside (relevance rank
          accuracy, ibid.). Of pixels that tie for the last places each counts for its chance of one.
        - `pointing`: 1 if the most relevant pixel lies inside, else 0 (pointing game; Zhang et al. 2018); of several
          most relevant ones the share inside.
        - `outside_face`: relevance outside the face / all relevance; missing without `face`.
        - `area`: pixels of the region / all pixels, and `area_outside_face` likewise: what an even map scores.

    Raises
    ------
    InputError
        When shapes do not fit, or masks are not true and false.

    Examples
    --------
    >>> maps = np.array([[[3.0, 1.0], [0.0, -5.0]]])
    >>> region = np.array([[[True, False], [False, False]]])
    >>> print(score(maps, region)[["status", "mass", "rank", "pointing", "area"]].to_string(index=False))
    status  mass  rank  pointing  area
        ok  0.75   1.0       1.0  0.25
    """
    maps = np.asarray(maps)
    if maps.dtype not in (np.float32, np.float64):
        maps = maps.astype(float)
    regions, which = _checked(maps, regions, which, name="regions")
    pixels = maps.shape[1] * maps.shape[2] if maps.ndim == 3 else 0
    inside = [np.flatnonzero(region) for region in regions.reshape(len(regions), pixels)]
    outside = None
    if face is not None:
        face, which_face = _checked(maps, face, which_face, name="face")
        outside = ~face.reshape(len(face), pixels)
    found, status = np.full((len(maps), len(SCORES)), np.nan), np.empty(len(maps), dtype=object)
    # Every step writes into these: making room anew for each map takes longer than reckoning.
    rooms = np.empty((2, pixels), dtype=maps.dtype)
    for number, values in enumerate(maps.reshape(len(maps), pixels)):
        beyond = None if outside is None else outside[which_face[number]]
        status[number], found[number] = _one(values, inside[which[number]], beyond, *rooms)
    table = pd.DataFrame(found, columns=list(SCORES)).assign(status=status)
    table["area"] = np.array([len(region) / max(pixels, 1) for region in inside])[which]
    table["area_outside_face"] = np.nan if outside is None else outside.mean(axis=1)[which_face]
    return table[["status", *SCORES, "area", "area_outside_face"]]


def _checked(maps, masks, which, *, name):
    masks = np.asarray(masks)
    if maps.ndim != 3 or masks.ndim != 3 or maps.shape[1:] != masks.shape[1:]:
        raise InputError(
            f"maps of shape {maps.shape}, {name} of shape {masks.shape}: both need (number, height, width) with the "
            f"same height and width. Bring the masks to the size of the maps with `ferlib.units.regions.resized`."
        )
    if masks.dtype != bool:
        raise InputError(f"{name}: holds {masks.dtype}, not true and false. Say from which value on a pixel belongs.")
    if which is None and len(masks) != len(maps):
        raise InputError(f"{len(maps)} maps and {len(masks)} {name}: say by `which` which belongs to each map.")
    which = np.arange(len(maps)) if which is None else np.asarray(which, dtype=int)
    if which.shape != (len(maps),) or (len(which) and not (0 <= which.min() and which.max() < len(masks))):
        raise InputError(f"{len(maps)} maps, {len(masks)} {name}: `which` must give each map a number of one of them.")
    return masks, which


def _one(values, inside, outside, relevance, room):
    """Status and scores of one map.

    Parameters
    ----------
    values : numpy.ndarray, shape (pixels,)
    inside : numpy.ndarray of int
        Numbers of the region's pixels.
    outside : numpy.ndarray of bool, shape (pixels,), or None
    relevance, room : numpy.ndarray, shape (pixels,)
        Overwritten.
    """
    missing = np.full(len(SCORES), np.nan)
    np.maximum(values, 0, out=relevance)
    peak = relevance.max()
    if not np.isfinite(peak):
        return STATUSES[1], missing
    if peak == 0:
        return STATUSES[2], missing
    if not len(inside):
        return STATUSES[3], missing
    with np.errstate(over="ignore"):
        total = relevance.sum()
    if not TINY < total < HUGE:
        values, relevance = values / peak, relevance / peak
        peak, total = 1, relevance.sum()
    within = relevance[inside]
    top = within.max()
    pointing = 0.0 if top < peak else np.count_nonzero(within == peak) / np.count_nonzero(relevance == peak)
    beyond = np.nan
    if outside is not None:
        room[:] = outside
        beyond = min(relevance @ room / total, 1.0)
    return OK, (min(within.sum() / total, 1.0), _rank(values, relevance, within, room), pointing, beyond)


def _rank(values, relevance, within, room):
    """Share of the K most relevant pixels that belong to the K within the region."""
    k = len(within)
    # The map itself, not what is left of it above 0: sorting is slow where many values are equal. The bits of numbers
    # above 0, read as integers, are in the same order, and integers are sorted faster; the others need no order.
    room[:] = values
    room.view(f"i{room.itemsize}").partition(len(room) - k)
    greatest = room[len(room) - k :]
    last = max(greatest[0], 0)
    hits, tied = np.count_nonzero(within > last), np.count_nonzero(within == last)
    if tied:
        places = k - np.count_nonzero(greatest > last)
        hits += places * tied / np.count_nonzero(relevance == last)
    return hits / k
