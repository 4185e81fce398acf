"""Matched sets: the answers to images that differ in one factor and in nothing else.

A set of faces under control has every combination of its factors. For one factor, all images that agree in everything
else form a matched set; whatever differs between their answers was changed by that factor alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.stats.counts import OUTCOMES
from ferlib.stats.outcomes import CONFIGURATION

PERSON = ("subject_id",)


@dataclass(frozen=True)
class Factor:
    """One thing that is changed while all else is held.

    Attributes
    ----------
    name : str
        What it is called in the tables.
    dataset : str
        The controlled set in which it was varied.
    level : str
        Column of the manifest that holds its levels.
    sides : dict of str to list
        The conditions to be compared, each with its levels; answers at several levels of a side are averaged. Contrasts
        are the first named minus the later named.
    held : tuple of str
        Columns that a matched set shares besides the unit and the true emotion.
    unit : tuple of str
        Columns that name the independent unit, within which the sides are compared: the person, or, where persons
        themselves are compared, what makes them counterparts.
    """

    name: str
    dataset: str
    level: str
    sides: dict
    held: tuple = ()
    unit: tuple = PERSON


@dataclass(frozen=True)
class Matched:
    """Matched sets of one dataset, model and variant.

    Attributes
    ----------
    configuration : dict
        Dataset, model and variant.
    factor : Factor
    sets : pandas.DataFrame, shape (sets, ...)
        Columns of the unit and of what is held, `true`, and `subject_id`, `race`, `gender`, `group` where all images of
        the sets share them. Index 0 ... sets - 1.
    unit : numpy.ndarray of int, shape (sets,)
        Number of the independent unit that each set belongs to, from 0.
    outcome : numpy.ndarray of float64, shape (sets, sides, 12)
        Share of each of `OUTCOMES` among the answers of the side; adds up to 1.
    images : tuple of int
        Images of each side in a set.
    people : tuple of int
        People on each side.
    incomplete : int
        Sets left out because the model was not asked about one of their images.
    """

    configuration: dict
    factor: Factor
    sets: pd.DataFrame
    unit: np.ndarray
    outcome: np.ndarray
    images: tuple
    people: tuple
    incomplete: int

    @property
    def unit_name(self):
        """Column or columns that tell the independent units apart, as text."""
        return " × ".join(self.factor.unit)

    @property
    def tensor(self):
        """Outcomes by true emotion, as `ferlib.stats.counts.measure` reads them; shape (sets, sides, 7, 12)."""
        true = np.eye(len(EMOTIONS))[pd.Index(EMOTIONS).get_indexer(self.sets["true"])]
        return true[:, None, :, None] * self.outcome[:, :, None, :]

    def by_unit(self, values):
        """Sum over the sets of each unit; `values` of shape (sets, ...) gives (units, ...)."""
        values = np.asarray(values, dtype=float)
        total = np.zeros((self.unit.max(initial=-1) + 1, *values.shape[1:]))
        np.add.at(total, self.unit, values)
        return total


def match(answers, manifest, factor):
    """Arrange the answers to a controlled set in matched sets.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns it; those to other datasets are passed over.
    manifest : pandas.DataFrame
        With the columns that `factor` names.
    factor : Factor

    Returns
    -------
    list of Matched
        In the order of model and variant. One for which no set is complete has none.

    Raises
    ------
    InputError
        When a column or a level is not there, or two images of one side and level differ in nothing that is held.
    """
    answers = answers[answers["dataset"] == factor.dataset]
    frame = answers.merge(_design(manifest, factor, answers), on="image_id", validate="many_to_one")
    return [_match_one(key, part, factor) for key, part in frame.groupby(list(CONFIGURATION), sort=True)]


def _design(manifest, factor, answers):
    """Level, side and matched set of every image of the dataset that the factor compares."""
    rows = manifest[(manifest["dataset"] == factor.dataset) & manifest["image_id"].isin(answers["image_id"])].copy()
    named = [*factor.unit, *factor.held, factor.level]
    absent = [name for name in named if name not in rows or rows[name].isna().any()]
    if absent:
        raise InputError(f"factor {factor.name}: the manifest has no column {absent[0]!r} for these images.")
    side_of = {level: number for number, levels in enumerate(factor.sides.values()) for level in levels}
    levels = set(rows[factor.level].unique())
    unknown = [level for level in side_of if level not in levels]
    if unknown:
        found = ", ".join(map(str, sorted(levels)))
        raise InputError(f"factor {factor.name}: no image has {factor.level} {unknown[0]!r}. Levels there: {found}.")
    rows["level"], rows["side"] = rows[factor.level], rows[factor.level].map(side_of)
    rows = rows[rows["side"].notna()]
    cell = list(dict.fromkeys([*factor.unit, *factor.held, "emotion", "level"]))
    twice = rows[rows.duplicated(cell, keep=False)].sort_values(cell)
    if len(twice):
        first, second = twice["image_id"].iloc[:2]
        raise InputError(
            f"factor {factor.name}: images {first!r} and {second!r} agree in {', '.join(cell)}: add what tells them "
            f"apart to `held`, so that nothing but {factor.level} differs within a matched set."
        )
    kept = dict.fromkeys([*factor.unit, *factor.held])
    own = [name for name in kept if name not in answers or name == "image_id"]
    return rows[["image_id", "level", "side", *own]].astype({"side": int})


def _match_one(key, rows, factor):
    cell = list(dict.fromkeys([*factor.unit, *factor.held, "true"]))
    shared = [name for name in ("subject_id", "race", "gender", "group") if tuple(factor.unit) == PERSON]
    rows = rows.assign(number_of_set=rows.groupby(cell, sort=True).ngroup())
    weight = 1 / rows.groupby("image_id")["image_id"].transform("size").to_numpy()
    levels = pd.Index([level for some in factor.sides.values() for level in some])
    outcome = np.zeros((rows["number_of_set"].max() + 1, len(levels), len(OUTCOMES)))
    place = rows["number_of_set"], levels.get_indexer(rows["level"]), pd.Index(OUTCOMES).get_indexer(rows["outcome"])
    np.add.at(outcome, tuple(map(np.asarray, place)), weight)
    complete = (outcome.sum(axis=-1) > 0).all(axis=-1)
    sizes = tuple(len(some) for some in factor.sides.values())
    parts = np.split(outcome[complete], np.cumsum(sizes)[:-1], axis=1)
    sets = rows.drop_duplicates("number_of_set").set_index("number_of_set").sort_index()
    sets = sets[list(dict.fromkeys([*cell, *shared]))][complete].reset_index(drop=True)
    used = rows[complete[rows["number_of_set"]]]
    return Matched(
        configuration=dict(zip(CONFIGURATION, key, strict=True)),
        factor=factor,
        sets=sets,
        unit=sets.groupby(list(factor.unit), sort=True).ngroup().to_numpy(),
        outcome=np.stack([part.mean(axis=1) for part in parts], axis=1),
        images=sizes,
        people=tuple(used.loc[used["side"] == side, "subject_id"].nunique() for side in range(len(sizes))),
        incomplete=int((~complete).sum()),
    )


def overview(all_matched):
    """What is compared: a row for each factor.

    `sets` and `units` are the smallest numbers over models and variants, when they differ.

    Parameters
    ----------
    all_matched : list of Matched
    """
    rows = []
    for one in all_matched:
        factor, units = one.factor, int(one.unit.max(initial=-1)) + 1
        sides = "; ".join(
            side if levels == [side] else f"{side} ({', '.join(map(str, levels))})"
            for side, levels in factor.sides.items()
        )
        same = ", ".join([*factor.unit, *factor.held, "emotion"])
        rows.append((factor.name, factor.dataset, sides, same, len(one.sets), units))
    columns = ["only this changes", "dataset", "sides (levels)", "the same in a set", "sets", "units"]
    return pd.DataFrame(rows, columns=columns).groupby(columns[:4], sort=False, as_index=False).min()


def most_changed(answers, manifest, factor):
    """Answers to the one person and expression whose answers change most along a factor, summed over the models.

    Parameters
    ----------
    answers, manifest, factor
        As for `match`, but one variant of each model.

    Returns
    -------
    pandas.DataFrame
        Rows of `answers` with `path` and the factor's level, by level; the first repeat of each image, and the first by
        name where several change as often.
    """
    own = answers[answers["dataset"] == factor.dataset].sort_values("repeat").drop_duplicates(["model", "image_id"])
    own = own.merge(manifest[["image_id", "path", factor.level]], on="image_id")
    cell = ["subject_id", "true"]
    outcomes = own.groupby([*cell, "model"])["outcome"].nunique().groupby(level=[0, 1]).sum()
    person, true = outcomes.sort_index().idxmax()
    return own[(own["subject_id"] == person) & (own["true"] == true)].sort_values([factor.level, "model"])
