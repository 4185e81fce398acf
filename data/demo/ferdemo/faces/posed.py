"""Sets of people who each show the seven expressions; strength, light and pose vary: shipped, and for training."""

from dataclasses import dataclass

from ferdemo.faces import expression
from ferdemo.faces.identity import generator
from ferdemo.faces.recipe import FaceSet, Image, view
from ferlib import labels


@dataclass(frozen=True)
class Posed(FaceSet):
    """Definition of a set of posed expressions.

    Attributes
    ----------
    block : int
        Strengths are stratified over so many consecutive people of a cell.
    strength : tuple of float
        Range of expression strengths.
    repetitions, mixtures : int
        Images per person and expression, and of random Action Units per person.
    """

    block: int = 12
    strength: tuple = (1.0, 1.0)
    repetitions: int = 1
    mixtures: int = 0

    def images(self):
        """Recipes of all images, person by person; list of Image."""
        found = []
        for who in self.persons():
            for repetition in range(self.repetitions):
                ending = f"-{repetition + 1}" if self.repetitions > 1 else ""
                for emotion in labels.EMOTIONS:
                    strength = self.stratum(who, emotion, repetition)
                    units = expression.applied(emotion, strength, generator(who.subject_id, emotion))
                    found.append(self._image(who, f"{emotion}{ending}", emotion, "expression", strength, units))
            for number in range(self.mixtures):
                name = f"mix-{number + 1}"
                units = expression.mixture(generator(who.subject_id, name))
                found.append(self._image(who, name, "", "mixture", max(units.values()), units))
        return found

    def stratum(self, who, emotion, repetition):
        """Strength of a person's expression: in each cell, emotion and block of people, one from each of equal steps.

        So strength is balanced over groups and emotions, and a person keeps theirs when the set grows by whole blocks.
        """
        low, high = self.strength
        if emotion == "neutral":
            return 0.0
        number = int(who.subject_id[-2:]) - 1
        block, place = divmod(number, self.block)
        rng = generator(self.prefix, who.race, who.gender, emotion, repetition, block, "strength")
        order = rng.permutation(self.block)
        within = rng.uniform(0, 1, self.block)
        return round(float(low + (high - low) * (order[place] + within[place]) / self.block), 4)

    def _image(self, who, name, emotion, kind, strength, units):
        image_id = f"{who.subject_id}-{name}"
        seen = view(generator(image_id, "view"))
        return Image(image_id, who, emotion, kind, strength, units, **seen, size=self.size)
