"""Tables of how strongly Action Units move each face, as shares of its own lengths, and verdicts between groups."""

import pandas as pd

from ferdemo.faces import expression
from ferdemo.faces.identity import resting_mesh
from ferdemo.faces.measures import MEASURES, scaled, scales
from ferlib import labels, tables
from ferlib.units import mean_contrasts

DELTA = 0.10  # share of the prototype's strength inside which two groups count as equally strong
INTENSITIES = (0.35, 0.65, 1.0)  # those of the set action_units


def measured(persons):
    """What each Action Unit, shown alone, does to each face.

    Parameters
    ----------
    persons : iterable of Person

    Returns
    -------
    pandas.DataFrame
        A row for each person, unit and intensity: `subject_id`, `race`, `gender`, `group`, `unit`, `intensity`,
        `relative` (share of a length of this face) and `value` (of the mean of all people at full intensity: 1 is
        the strength of the prototype).
    """
    rows = []
    for who in persons:
        rest = resting_mesh(who)
        by = scales(rest, who.asymmetry)
        about = (who.subject_id, who.race, who.gender, labels.group(who.race, who.gender))
        for unit, measure in MEASURES.items():
            for intensity in INTENSITIES:
                moved = rest + expression.displacement(scaled({unit: intensity}, by), who.asymmetry)
                rows.append((*about, unit, intensity, measure(rest, moved)))
    columns = ["subject_id", "race", "gender", "group", "unit", "intensity", "relative"]
    frame = pd.DataFrame(rows, columns=columns)
    full = frame[frame["intensity"] == max(INTENSITIES)].groupby("unit")["relative"].mean()
    return frame.assign(value=frame["relative"] / frame["unit"].map(full))


def summary(rows):
    """Mean and spread of each unit, intensity and group; what moves, and the length that it is a share of.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `measured`.

    Returns
    -------
    pandas.DataFrame
        `unit`, `moves`, `length`, `intensity`, `group`, `people`, `relative`, `sd` (of `relative`), `value`.
    """
    found = rows.groupby(["unit", "intensity", "group"], as_index=False).agg(
        people=("subject_id", "nunique"), relative=("relative", "mean"), sd=("relative", "std"), value=("value", "mean")
    )
    found.insert(1, "moves", found["unit"].map(lambda unit: MEASURES[unit].words()))
    found.insert(2, "length", found["unit"].map(lambda unit: " to ".join(MEASURES[unit].length)))
    return found


def contrasts(rows, *, alpha=0.05, seed=0):
    """Verdicts on the groups' strengths at full intensity, by the test that the audit uses for means of scores.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `measured`.
    alpha, seed
        As for `ferlib.units.mean_contrasts.between`; +-`DELTA` of the prototype counts as equal.

    Returns
    -------
    pandas.DataFrame
        Columns `ferlib.units.mean_contrasts.COLUMNS`; race, gender, and both together.
    """
    full = rows[rows["intensity"] == max(INTENSITIES)].assign(measure="strength")
    people = full.drop_duplicates("subject_id")[["subject_id", "race", "gender", "group"]].reset_index(drop=True)
    return mean_contrasts.between(
        full, people, attributes=["race", "gender", "group"], alpha=alpha, delta=DELTA, seed=seed
    )


def produce(persons, out):
    """Write `strength.csv` and `strength_contrasts.csv` of these people into a folder; list of pathlib.Path."""
    rows = measured(persons)
    named = (("strength", summary(rows)), ("strength_contrasts", contrasts(rows)))
    return [tables.write_csv(table, out / f"{name}.csv") for name, table in named]
