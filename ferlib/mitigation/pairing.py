"""Pairing: the answers before and after a remedy, image by image."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlib.controlled.matched_sets import Factor, Matched
from ferlib.errors import InputError
from ferlib.stats import counts
from ferlib.stats.counts import OUTCOMES

KNOWN = ("subject_id", "race", "gender", "group", "true")
"""What is known about an image, and has to be the same on both sides."""


@dataclass(frozen=True)
class Paired:
    """Answers of two models, or of one model before and after a remedy, to the same images.

    Attributes
    ----------
    dataset, before, after : str
    images : pandas.DataFrame
        `image_id` and `KNOWN`; index 0 ... images - 1.
    outcome : numpy.ndarray of float64, shape (repeats, images, 2, 12)
        Share of each of `OUTCOMES` among the answers after (0) and before (1), in each repeat; NaN where the image was
        not asked about in it. A side that has a single repeat has it in all.
    counts : tuple of ferlib.stats.counts.Counts
        Before, and after.
    notes : tuple of str
    """

    dataset: str
    before: str
    after: str
    images: pd.DataFrame
    outcome: np.ndarray
    counts: tuple
    notes: tuple = ()

    def of(self, name, rows):
        """The pairs of one group, its images as an array of bool, as `Matched` sets of two sides: after, and before."""
        factor = Factor("remedy", self.dataset, "side", {f"{name}, after": [], f"{name}, before": []})
        sets = self.images[rows].reset_index(drop=True)
        unit = pd.factorize(sets["subject_id"], sort=True)[0]
        people = (len(np.unique(unit)),) * 2
        return Matched({}, factor, sets, unit, np.nanmean(self.outcome[:, rows], axis=0), (1, 1), people, 0)


def pair(before, after):
    """Pair every configuration of `after` with its own before.

    Parameters
    ----------
    before, after : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns them.

    Returns
    -------
    list of Paired
        One for each dataset, model and variant after. Its before is the only model of the dataset there is before, or
        the one with the same model and variant.

    Raises
    ------
    InputError
        When it is not clear what is the before, no image is in both, or an image is labelled in two ways.
    """
    return [_paired(_before(before, *key), part, key) for key, part in after.groupby(["dataset", "model", "variant"])]


def _before(before, dataset, model, variant):
    own = before[before["dataset"] == dataset]
    kinds = own[["model", "variant"]].drop_duplicates()
    same = own[(own["model"] == model) & (own["variant"] == variant)]
    if len(kinds) == 1 or len(same):
        return same if len(same) else own
    found = ", ".join(sorted(f"{one} ({other})" for one, other in kinds.itertuples(index=False))) or "no model"
    raise InputError(
        f"after: {model} ({variant}) on dataset {dataset!r} has no before. There is: {found}. Keep one model before, "
        "or give both files the same names of models and variants."
    )


def _paired(before, after, key):
    sides = [rows.drop_duplicates("image_id").set_index("image_id")[list(KNOWN)] for rows in (after, before)]
    common = sides[0].index.intersection(sides[1].index).sort_values()
    if common.empty:
        raise InputError(f"dataset {key[0]!r}: no image_id is in both tables; before: {list(sides[1].index[:3])}.")
    known, other = (side.loc[common] for side in sides)
    for column in KNOWN:
        apart = np.flatnonzero((known[column] != other[column]).to_numpy())
        if len(apart):
            values = f"{other[column].iloc[apart[0]]!r} before, {known[column].iloc[apart[0]]!r} after"
            raise InputError(
                f"image_id {common[apart[0]]!r}: {'emotion' if column == 'true' else column} is {values} ({len(apart)} "
                "images). A remedy changes answers, not what is known about an image: mend one of the tables."
            )
    rows = [side[side["image_id"].isin(common)] for side in (before, after)]
    left = {"before": len(sides[1]) - len(common), "after": len(sides[0]) - len(common)}
    notes = [f"{n} images are only in the table {name}: left out." for name, n in left.items() if n]
    names = [f"{one['model'].iloc[0]} ({one['variant'].iloc[0]})" for one in rows]
    tallied = tuple(counts.tally(one.assign(model=name))[0] for one, name in zip(rows, left, strict=True))
    outcome = _outcomes(list(reversed(rows)), common)
    return Paired(key[0], *names, known.rename_axis("image_id").reset_index(), outcome, tallied, tuple(notes))


def _outcomes(rows, images):
    repeats = pd.Index(max((side["repeat"].unique() for side in rows), key=len)).sort_values()
    found = np.full((len(repeats), len(images), 2, len(OUTCOMES)), np.nan)
    for number, side in enumerate(rows):
        times, answer = np.zeros((len(repeats), len(images), len(OUTCOMES))), pd.Index(OUTCOMES)
        once = side["repeat"].nunique() == 1
        place = np.zeros(len(side), int) if once else repeats.get_indexer(side["repeat"])
        if (place < 0).any():
            raise InputError(f"repeat {side['repeat'][place < 0].iloc[0]} is on one side only. Number both alike.")
        np.add.at(times, (place, images.get_indexer(side["image_id"]), answer.get_indexer(side["outcome"])), 1)
        asked = times.sum(axis=-1, keepdims=True)
        share = np.divide(times, asked, out=np.full(times.shape, np.nan), where=asked > 0)
        found[:, :, number] = share[:1] if once else share
    return found
