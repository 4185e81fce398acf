"""Light and pose crossed: the same person and expression under every light, from every side."""

import itertools
from dataclasses import dataclass

from ferdemo.faces import expression
from ferdemo.faces.identity import generator
from ferdemo.faces.recipe import FaceSet, Image


@dataclass(frozen=True)
class LightPose(FaceSet):
    """Definition of a set in which light and pose are crossed.

    Attributes
    ----------
    emotions : tuple of str
    strength : float
        Of every expression but neutral.
    lights, sides : tuple of float
        Strength of the light (1 = usual), and side of the key light (positive = the image's right).
    yaws, pitches : tuple of float
        Direction of the camera, degrees.
    """

    emotions: tuple = ("neutral", "anger", "fear", "happy")
    strength: float = 0.75
    lights: tuple = (0.6, 1.0, 1.4)
    sides: tuple = (-0.9, 0.9)
    yaws: tuple = (-18.0, 0.0, 18.0)
    pitches: tuple = (0.0, 10.0)

    def images(self):
        """Recipes of all images, person by person and expression by expression; list of Image."""
        found = []
        levels = [list(enumerate(values)) for values in (self.lights, self.sides, self.yaws, self.pitches)]
        for who, emotion in itertools.product(self.persons(), self.emotions):
            strength = 0.0 if emotion == "neutral" else self.strength
            units = expression.applied(emotion, strength, generator(who.subject_id, emotion))
            for (n, light), (s, side), (y, yaw), (p, pitch) in itertools.product(*levels):
                found.append(
                    Image(
                        image_id=f"{who.subject_id}-{emotion}-l{n}-s{s}-y{y}-p{p}",
                        who=who,
                        emotion=emotion,
                        kind="expression",
                        strength=strength,
                        units=units,
                        light=light,
                        light_side=side,
                        yaw_deg=yaw,
                        pitch_deg=pitch,
                        size=self.size,
                    )
                )
        return found
