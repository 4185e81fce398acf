"""The sets of demo faces: who is in them, and what varies from image to image, as a table of recipes."""

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

from ferlib import labels
from ferlib.faces import expression
from ferlib.faces.identity import RACES, Person, generator, person

RECIPE = 1  # raise when a change of the code changes pixels: images of an older recipe are then rendered anew


@dataclass(frozen=True)
class FaceSet:
    """Definition of a set.

    Attributes
    ----------
    name, prefix, dataset : str
        On the command line; of subject_id; in the manifest.
    people : int
        In each race-gender cell.
    block : int
        Strengths are stratified over so many consecutive people of a cell.
    strength : tuple of float
        Range of expression strengths.
    repetitions, mixtures : int
        Images per person and expression, and of random Action Units per person.
    size, quality : int
        Pixels; WebP quality.
    """

    name: str
    prefix: str
    dataset: str
    people: int
    block: int
    strength: tuple
    repetitions: int = 1
    mixtures: int = 0
    size: int = 224
    quality: int = 90


SETS = {
    "people": FaceSet("people", "demo", "demo", 12, 12, (0.55, 1.15)),
    "train": FaceSet("train", "train", "demo-train", 40, 40, (0.30, 1.25), 2, 5, 128, 95),
    "holdout": FaceSet("holdout", "holdout", "demo-holdout", 6, 6, (1.0, 1.0), size=128, quality=95),
}


@dataclass(frozen=True)
class Image:
    """Recipe of one image."""

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

    def digest(self):
        """Twelve hexadecimal digits that change whenever the pixels could."""
        text = json.dumps([RECIPE, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def people(face_set):
    """The people of a set, cell by cell; list of Person."""
    return [
        person(f"{face_set.prefix}-{race[0]}{gender[0]}{number + 1:02d}", race=race, gender=gender, number=number)
        for race in RACES
        for gender in labels.GENDERS
        for number in range(face_set.people)
    ]


def stratum(face_set, who, emotion, repetition):
    """Strength of a person's expression: in each cell, emotion and block of people, one from each of equal steps.

    So strength is balanced over groups and emotions, and a person keeps theirs when the set grows by whole blocks.
    """
    low, high = face_set.strength
    if emotion == "neutral":
        return 0.0
    number = int(who.subject_id[-2:]) - 1
    block, place = divmod(number, face_set.block)
    rng = generator(face_set.prefix, who.race, who.gender, emotion, repetition, block, "strength")
    order = rng.permutation(face_set.block)
    within = rng.uniform(0, 1, face_set.block)
    return round(float(low + (high - low) * (order[place] + within[place]) / face_set.block), 4)


def images(face_set):
    """Recipes of all images of a set, person by person.

    Returns
    -------
    list of Image
    """
    found = []
    for who in people(face_set):
        for repetition in range(face_set.repetitions):
            ending = f"-{repetition + 1}" if face_set.repetitions > 1 else ""
            for emotion in labels.EMOTIONS:
                strength = stratum(face_set, who, emotion, repetition)
                units = expression.applied(emotion, strength, generator(who.subject_id, emotion))
                found.append(_image(face_set, who, f"{emotion}{ending}", emotion, "expression", strength, units))
        for number in range(face_set.mixtures):
            name = f"mix-{number + 1}"
            units = expression.mixture(generator(who.subject_id, name))
            found.append(_image(face_set, who, name, "", "mixture", max(units.values()), units))
    return found


def _image(face_set, who, name, emotion, kind, strength, units):
    image_id = f"{who.subject_id}-{name}"
    rng = generator(image_id, "view")
    return Image(
        image_id=image_id,
        who=who,
        emotion=emotion,
        kind=kind,
        strength=strength,
        units=units,
        light=round(float(rng.uniform(0.88, 1.12)), 4),
        light_side=round(float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)), 4),
        yaw_deg=round(float(np.clip(rng.normal(0, 3), -6, 6)), 3),
        pitch_deg=round(float(np.clip(rng.normal(0, 2), -4, 4)), 3),
        size=face_set.size,
    )


def row(image, face_set):
    """What the manifest says about an image, without its path and hash; dict."""
    who = image.who
    return {
        "image_id": image.image_id,
        "dataset": face_set.dataset,
        "subject_id": who.subject_id,
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
        "age": who.age,
        **image.units,
        "recipe": image.digest(),
    }
