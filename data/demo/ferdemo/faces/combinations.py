"""Action Units one at a time and in random combinations, for networks that find them."""

import functools
from dataclasses import dataclass

import numpy as np

from ferdemo.faces import expression
from ferdemo.faces.identity import generator
from ferdemo.faces.recipe import FaceSet, Image, view

APART = (*expression.OPPOSED, {"au12", "au22"}, {"au12", "au27"}, {"au22", "au27"})
"""Sets of Action Units of which a combination holds at most one: those that pull against each other, and those that
bring the lower teeth through the skin of this mesh."""

SHY = ({"au18", "au26"}, {"au18", "au27"}, {"au22", "au25"}, {"au22", "au26"}, {"au25", "au27"})
"""Pairs that would meet two or three times as often as others, as few others may join them. A deal is kept with a
probability of KEPT for each of them that meets in it."""
KEPT = 0.6

HANDS = (2, 3, 4, 4, 5, 6)
"""How many Action Units the combinations of one deal hold.

Each deal gives each Action Unit to one combination, so that all occur equally often, in one image of six. Some are kept
apart and never meet; with these sizes the others meet about as often as if each had been drawn for each
image independently.
"""
assert sum(HANDS) == len(expression.ACTION_UNITS)


@dataclass(frozen=True)
class Combinations(FaceSet):
    """Definition of a set of Action Units.

    Attributes
    ----------
    levels : tuple of float
        Intensities at which each Action Unit is shown alone; empty for none.
    alone : int
        The first so many people of each cell of race and gender show Action Units alone; the others only combinations.
    solos : int
        How many Action Units, drawn for each person, everybody shows alone at an intensity drawn from `intensity`.
    deals : int
        Of all Action Units to combinations, per person; each deal makes `len(HANDS)` images.
    intensity : tuple of float
        Range of the intensities, where they are drawn.
    still : bool
        One light and pose for each person, so that one mask serves all of their images; else one for each image.
    frame : str
        How tight the view is; a key of `face.FRAMES`.
    """

    levels: tuple = ()
    alone: int = 0
    solos: int = 0
    deals: int = 4
    intensity: tuple = (0.6, 1.0)
    still: bool = False
    frame: str = "face"

    def images(self):
        """Recipes of all images, person by person: at rest, Action Units alone, combinations; list of Image."""
        return [image for who in self.persons() for image in self.images_of(who)]

    def shows_alone(self, who):
        """Whether a person shows Action Units alone, too."""
        return who.subject_id in {
            self.subject(who.race, who.gender, number) for number in range(min(self.alone, self.cell))
        }

    def images_of(self, who):
        """Recipes of one person's images; list of Image."""
        found = [self._image(who, "neutral", "neutral", {})]
        for unit in expression.ACTION_UNITS:
            for level, intensity in enumerate(self.levels if self.shows_alone(who) else (), start=1):
                found.append(self._image(who, f"{unit}-{level}", "single", {unit: intensity}))
        for unit in generator(who.subject_id, "solos").permutation(expression.ACTION_UNITS)[: self.solos]:
            found.append(self._image(who, f"solo-{unit}", "single", self._drawn(who, unit, [unit])))
        for number, hand in enumerate(self._hands(who), start=1):
            found.append(self._image(who, f"mix-{number:02d}", "combination", self._drawn(who, number, hand)))
        return found

    def view_of(self, who):
        """Light and pose of a person in a set that keeps them still; dict as from `recipe.view`."""
        return view(generator(who.subject_id, "view"))

    def _drawn(self, who, name, hand):
        rng = generator(who.subject_id, name, "intensity")
        return {str(unit): round(float(rng.uniform(*self.intensity)), 4) for unit in hand}

    def _hands(self, who):
        rng = generator(who.subject_id, "deals")
        return [hand for _ in range(self.deals) for hand in deal(rng)]

    def _image(self, who, name, kind, units):
        image_id = f"{who.subject_id}-{name}"
        return Image(
            image_id=image_id,
            who=who,
            emotion="",
            kind=kind,
            strength=max(units.values(), default=0.0),
            units=dict.fromkeys(expression.ACTION_UNITS, 0.0) | units,
            **(self.view_of(who) if self.still else view(generator(image_id, "view"))),
            size=self.size,
            frame=self.frame,
            factors={"units": len(units)},
        )


def deal(rng):
    """Give each Action Unit to one of several combinations, none with two that are to be kept apart.

    They are dealt at random; then one of a pair to be kept apart changes places with any other, as long as that makes
    no more such pairs, until there are none.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    list of list of str
        As many as HANDS has sizes, in random order.
    """
    units = np.array(expression.ACTION_UNITS)
    while True:
        hand = _deal(rng)
        hands = [units[hand == k].tolist() for k in rng.permutation(len(HANDS))]
        met = sum(pair <= set(members) for pair in SHY for members in hands)
        if rng.uniform() < KEPT**met:
            return hands


def _deal(rng):
    """Number of the combination that each Action Unit goes to; array of int, shape (24,)."""
    apart = _apart()
    hand = np.repeat(np.arange(len(HANDS)), HANDS)
    hand = hand[rng.permutation(len(hand))]
    clashes = apart & (hand[:, None] == hand)
    while clashes.any():
        one, other = rng.choice(np.flatnonzero(clashes.any(axis=1))), rng.integers(len(hand))
        swapped = hand.copy()
        swapped[[one, other]] = hand[[other, one]]
        after = apart & (swapped[:, None] == swapped)
        if after.sum() <= clashes.sum():
            hand, clashes = swapped, after
    return hand


@functools.lru_cache(maxsize=1)
def _apart():
    """Which Action Units are kept apart; array of bool, shape (24, 24)."""
    units = expression.ACTION_UNITS
    return np.array([[a != b and any({a, b} <= apart for apart in APART) for b in units] for a in units])
