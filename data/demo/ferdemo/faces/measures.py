"""What each Action Unit moves, in lengths of the face it moves, and how far it must go to be equally strong in each.

The Manual's A to E say how far a feature has moved from where it rests in this face: a lid against the width of the
eye, a brow against its distance from the lid, a lip corner against the width of the mouth. One displacement in metres
for all heads is therefore not one strength for all: here each face moves by the share that the base head moves by.
"""

import functools
from dataclasses import dataclass

from ferdemo.faces import expression, geometry
from ferdemo.faces.landmarks import distance, opening, place
from ferdemo.faces.rest import settle

OPENING = "opening of the eye"
STEPS = 4  # all measures but the opening's are linear, and right after one
AXES = {"x": 0, "y": 1, "z": 2}
DIRECTIONS = {"x": ("outwards", "inwards"), "y": ("up", "down"), "z": ("forwards", "back")}


@dataclass(frozen=True)
class Measure:
    """How far one point moves away from another, as a share of a length of the resting face.

    Attributes
    ----------
    point, other : str
        Of `ferdemo.faces.landmarks.points`, or `OPENING`; without another, from where the point rests.
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
        if self.point == OPENING:
            return f"{self.point} {('wider', 'narrower')[inwards]}"
        towards = f"{('from', 'to')[inwards]} {self.other}" if self.other else DIRECTIONS[self.axis][inwards]
        return f"{self.point} {towards}"

    def _at(self, vertices):
        if self.point == OPENING:
            return opening(vertices)
        from_ = place(vertices, self.other)[AXES[self.axis]] if self.other else 0.0
        return place(vertices, self.point)[AXES[self.axis]] - from_


BROW = ("inner brow", "upper lid")
OUTER = ("outer brow", "upper lid")
EYE = ("inner corner of the eye", "outer corner of the eye")
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
    "au05": Measure(OPENING, "", "y", 1, EYE),
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
    "au22": Measure("upper margin", "lower margin", "y", 1, FACE),
    "au23": Measure("upper lip", "lower lip", "y", -1, RED),
    "au24": Measure("upper lip", "lower lip", "y", -1, RED),
    "au25": Measure("upper margin", "lower margin", "y", 1, FACE),
    "au26": Measure("chin", "", "y", -1, FACE),
    "au27": Measure("chin", "", "y", -1, FACE),
    "au28": Measure("upper lip", "lower lip", "y", -1, RED),
    "au34": Measure("corner of the mouth", "", "z", 1, MOUTH),
    "au43": Measure(OPENING, "", "y", -1, EYE),
}
assert tuple(MEASURES) == expression.ACTION_UNITS


def scales(rest, asymmetry=0.0):
    """How much further than the base head each Action Unit must move this face to be equally strong in it.

    Parameters
    ----------
    rest : array, shape (19158, 3), metres
        The resting face.
    asymmetry : float
        As for `ferdemo.faces.expression.displacement`.

    Returns
    -------
    dict of str to float
        1 is the base head's displacement.
    """
    found = dict.fromkeys(MEASURES, 1.0)
    for _ in range(STEPS):
        found = {unit: by * _base()[unit] / _moved(rest, unit, by, asymmetry) for unit, by in found.items()}
    return found


@functools.cache
def _base():
    """Share that each Action Unit at full intensity moves the base head, resting as all do; dict of str to float."""
    rest = settle(geometry.load_head().template)
    return {unit: _moved(rest, unit, 1.0, 0.0) for unit in MEASURES}


def _moved(rest, unit, intensity, asymmetry):
    return MEASURES[unit](rest, rest + expression.displacement({unit: intensity}, asymmetry))


def scaled(units, by):
    """Intensities of Action Units, each times its scale from `scales`; dict of str to float."""
    return {unit: intensity * by[unit] for unit, intensity in units.items()}
