"""How strongly Action Units move each face, in lengths of that face: what a coder judges is a share, not a millimetre.

The Manual's A to E say how far a feature has moved from where it rests in this face: a lid against the opening of the
eye, a brow against its distance from the lid, a lip corner against the width of the mouth. One displacement in metres
for all heads is therefore not one strength for all.
"""

from dataclasses import dataclass

import pandas as pd

from ferdemo.faces import expression
from ferdemo.faces.identity import resting_mesh
from ferdemo.faces.landmarks import distance, place
from ferlib import labels, tables
from ferlib.units import mean_contrasts

DELTA = 0.10  # share of the prototype's strength inside which two groups count as equally strong
INTENSITIES = (0.35, 0.65, 1.0)  # those of the set action_units
AXES = {"x": 0, "y": 1, "z": 2}
DIRECTIONS = {"x": ("outwards", "inwards"), "y": ("up", "down"), "z": ("forwards", "back")}


@dataclass(frozen=True)
class Measure:
    """How far one point moves away from another, as a share of a length of the resting face.

    Attributes
    ----------
    point, other : str
        Of `ferdemo.faces.landmarks.points`; without another, from where the point rests.
    axis : str
        "x" (outwards), "y" (up) or "z" (forwards).
    sign : int
        -1 where the Action Unit brings them together or the point down.
    length : tuple of str
        The two points whose distance at rest is the length.
    """

    point: str
    other: str
    axis: str
    sign: int
    length: tuple

    def __call__(self, rest, moved):
        """Share of the resting face's length; float."""
        return self.sign * (self._at(moved) - self._at(rest)) / distance(rest, *self.length)

    def words(self):
        """What moves where, such as "inner brow up"."""
        inwards = self.sign < 0
        towards = f"{('from', 'to')[inwards]} {self.other}" if self.other else DIRECTIONS[self.axis][inwards]
        return f"{self.point} {towards}"

    def _at(self, vertices):
        from_ = place(vertices, self.other)[AXES[self.axis]] if self.other else 0.0
        return place(vertices, self.point)[AXES[self.axis]] - from_


BROW = ("inner brow", "upper lid")
OUTER = ("outer brow", "upper lid")
EYE = ("inner corner of the eye", "outer corner of the eye")
OPENING = ("upper lid", "lower lid")
CHEEK = ("lower lid", "corner of the mouth")
NOSE = ("nose root", "base of the nose")
PHILTRUM = ("base of the nose", "upper lip")
MOUTH = ("corner of the mouth", "base of the nose")
CHIN = ("lower lip", "chin")
FACE = ("base of the nose", "chin")
RED = ("upper lip", "lower lip")

MEASURES = {
    "au01": Measure("inner brow", "", "y", 1, BROW),
    "au02": Measure("outer brow", "", "y", 1, OUTER),
    "au04": Measure("inner brow", "", "y", -1, BROW),
    "au05": Measure("upper lid", "lower lid", "y", 1, EYE),
    "au06": Measure("cheek", "", "y", 1, CHEEK),
    "au07": Measure("lower lid", "", "y", 1, EYE),
    "au09": Measure("nostril wing", "", "y", 1, NOSE),
    "au10": Measure("upper lip", "", "y", 1, PHILTRUM),
    "au12": Measure("corner of the mouth", "", "y", 1, MOUTH),
    "au14": Measure("corner of the mouth", "", "x", 1, MOUTH),
    "au15": Measure("corner of the mouth", "", "y", -1, MOUTH),
    "au16": Measure("lower lip", "", "y", -1, CHIN),
    "au17": Measure("lower lip", "", "y", 1, CHIN),
    "au18": Measure("corner of the mouth", "", "x", -1, MOUTH),
    "au20": Measure("corner of the mouth", "", "x", 1, MOUTH),
    "au22": Measure("upper margin", "lower margin", "y", 1, RED),
    "au23": Measure("upper lip", "lower lip", "y", -1, RED),
    "au24": Measure("upper lip", "lower lip", "y", -1, RED),
    "au25": Measure("upper margin", "lower margin", "y", 1, RED),
    "au26": Measure("chin", "", "y", -1, FACE),
    "au27": Measure("chin", "", "y", -1, FACE),
    "au28": Measure("upper lip", "lower lip", "y", -1, RED),
    "au34": Measure("corner of the mouth", "", "z", 1, MOUTH),
    "au43": Measure("upper lid", "lower lid", "y", -1, EYE),
}
assert tuple(MEASURES) == expression.ACTION_UNITS


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
        about = (who.subject_id, who.race, who.gender, labels.group(who.race, who.gender))
        for unit, measure in MEASURES.items():
            for intensity in INTENSITIES:
                moved = rest + expression.displacement({unit: intensity}, who.asymmetry)
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
