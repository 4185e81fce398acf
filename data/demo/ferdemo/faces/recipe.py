"""The recipe of one image of a demo face, and what every set of them has in common."""

import functools
import hashlib
import json
from dataclasses import asdict, dataclass, field, fields

import numpy as np

from ferdemo.faces import expression
from ferdemo.faces.face import FRAMES
from ferdemo.faces.identity import RACES, Person, person
from ferlib import labels

RECIPE = 3  # raise when a change of the code changes pixels: images of an older recipe are then rendered anew


@dataclass(frozen=True)
class FaceSet:
    """What is said of every set; each design adds its own factors, and the methods `persons` and `images`.

    Attributes
    ----------
    name, prefix, dataset : str
        On the command line; of subject_id; in the manifest.
    cell : int
        People in each cell of race and gender.
    size, quality : int
        Pixels; WebP quality.
    tones : tuple of int, optional
        Monk tones of a cell's first, second, ... person; those of `identity.TONE_ORDER` where none are given.
    """

    name: str
    prefix: str
    dataset: str
    cell: int
    size: int = 224
    quality: int = 72
    tones: tuple | None = None

    def persons(self):
        """The people of the set, cell by cell; list of Person."""
        return [
            person(self.subject(race, gender, number), race=race, gender=gender, number=number, tones=self.tones)
            for race in RACES
            for gender in labels.GENDERS
            for number in range(self.cell)
        ]

    def subject(self, race, gender, number):
        """subject_id of a cell's person, counted from 0.

        Examples
        --------
        >>> FaceSet("people", "demo", "demo", 24).subject("Black", "Female", 2)
        'demo-BF03'
        """
        return f"{self.prefix}-{race[0]}{gender[0]}{number + 1:02d}"


@dataclass(frozen=True)
class Image:
    """Recipe of one image.

    Attributes
    ----------
    emotion : str
        One of the seven, or empty where Action Units were chosen that no emotion asks for.
    kind : str
        What sort of image it is in its set, such as "expression" or "combination".
    strength : float
        Of the expression, 1 = the prototype; of Action Units the greatest intensity.
    units : dict of str to float
        Intensity of each Action Unit, 0-1.
    frame : str
        "head", or "face" for a tighter view; see `ferdemo.faces.renderer`.
    factors : dict
        More columns of the manifest; what they say is in the other attributes, too.
    """

    image_id: str
    who: Person
    emotion: str
    kind: str
    strength: float
    units: dict
    light: float
    light_side: float
    yaw_deg: float
    pitch_deg: float
    size: int
    frame: str = "head"
    factors: dict = field(default_factory=dict)

    def digest(self):
        """Twelve hexadecimal digits that change whenever the pixels could."""
        own = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in ("who", "factors")}
        # A unit at rest moves nothing: a new one leaves the recipes of older images as they are.
        own["units"] = {name: value for name, value in self.units.items() if value}
        if self.frame != "head":
            own["frame"] = FRAMES[self.frame]
        return _digest([RECIPE, _identity(self.who), own])[:12]


@functools.lru_cache(maxsize=4096)
def _identity(who):
    return _digest(asdict(who))


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def view(rng):
    """Light and pose that vary a little, as a passport photographer's would.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    dict
        `light`, `light_side`, `yaw_deg` and `pitch_deg` of an Image.
    """
    return {
        "light": round(float(rng.uniform(0.88, 1.12)), 4),
        "light_side": round(float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)), 4),
        "yaw_deg": round(float(np.clip(rng.normal(0, 3), -6, 6)), 3),
        "pitch_deg": round(float(np.clip(rng.normal(0, 2), -4, 4)), 3),
    }


def row(image, face_set):
    """What the manifest says about an image, without its path and hash; dict."""
    who = image.who
    return {
        "image_id": image.image_id,
        "dataset": face_set.dataset,
        "subject_id": who.subject_id,
        "kind": image.kind,
        "emotion": image.emotion,
        "race": who.race,
        "gender": who.gender,
        "group": labels.group(who.race, who.gender),
        "skin_tone": who.skin_tone,
        "strength": image.strength,
        "light": image.light,
        "light_side": image.light_side,
        "yaw_deg": image.yaw_deg,
        "pitch_deg": image.pitch_deg,
        "hair": who.hair,
        "hair_colour": who.hair_colour,
        "eye_colour": who.iris_colour,
        "stubble": who.stubble,
        "freckles": who.freckles,
        "age": who.age,
        **image.factors,
        **{unit: image.units.get(unit, 0.0) for unit in expression.ACTION_UNITS},
        "recipe": image.digest(),
    }
