"""Geometry crossed with skin tone, all else equal: which of the two changes an answer can then be told apart."""

import dataclasses
from dataclasses import dataclass

from ferdemo.faces import expression
from ferdemo.faces.identity import RACES, generator, person, shape
from ferdemo.faces.recipe import FaceSet, Image, view
from ferlib import labels

LOOK = "Asian"
"""Hair and eye colour are drawn as for this group: dark hair and brown eyes, which all three groups have."""

STYLES = {"Female": ("tied", "long"), "Male": ("crop", "short")}
"""Hair of the first and second person of a gender; styles that sit on every geometry and at every tone."""


@dataclass(frozen=True)
class Crossed(FaceSet):
    """Definition of a crossed set.

    The people of one gender and number are one individual in three geometries: age, weight, all local changes of shape,
    hair, brows, eyes, stubble and texture are equal, and only MakeHuman's race target differs. Each geometry is drawn
    in each tone. Action Units, strength, light and pose depend on number and expression alone.

    Attributes
    ----------
    tones : tuple of int
        Monk tones.
    strength : tuple of float
        Range of expression strengths; the people of a cell take one from each of equal steps.
    """

    tones: tuple = (2, 4, 6, 8, 10)
    strength: tuple = (0.5, 0.9)

    def persons(self):
        """The geometries, cell by cell, each in the first tone; list of Person."""
        return [
            self._person(race, gender, number)
            for race in RACES
            for gender in labels.GENDERS
            for number in range(self.cell)
        ]

    def _person(self, race, gender, number):
        # One seed for all, so that what depends on the geometry preset differs and nothing else does.
        seed = f"{self.prefix}-{number + 1:02d}"
        look = person(seed, race=LOOK, gender=gender, number=number)
        return dataclasses.replace(
            look,
            subject_id=self.subject(race, gender, number),
            race=race,
            shape=shape(generator(seed, "shape"), race, gender == "Female", look.age),
            skin_tone=self.tones[0],
            hair=STYLES[gender][number % len(STYLES[gender])],
        )

    def images(self):
        """Recipes of all images, geometry by geometry and tone by tone; list of Image."""
        found = []
        for who in self.persons():
            number = int(who.subject_id[-2:])
            for tone in self.tones:
                toned = dataclasses.replace(who, skin_tone=tone)
                for emotion in labels.EMOTIONS:
                    seed = (f"{self.prefix}-{number:02d}", emotion)
                    strength = self._strength(number, emotion)
                    found.append(
                        Image(
                            image_id=f"{who.subject_id}-t{tone:02d}-{emotion}",
                            who=toned,
                            emotion=emotion,
                            kind="expression",
                            strength=strength,
                            units=expression.applied(emotion, strength, generator(*seed)),
                            **view(generator(*seed, "view")),
                            size=self.size,
                            factors={"look": f"{who.gender[0]}{number:02d}"},
                        )
                    )
        return found

    def _strength(self, number, emotion):
        if emotion == "neutral":
            return 0.0
        low, high = self.strength
        order = generator(self.prefix, emotion, "order").permutation(self.cell)
        within = generator(self.prefix, number, emotion, "strength").uniform()
        return round(float(low + (high - low) * (order[number - 1] + within) / self.cell), 4)
