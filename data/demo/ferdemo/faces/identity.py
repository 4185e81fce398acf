"""People: who they are, drawn from their subject_id alone, so that a person never changes when a set grows."""

import hashlib
from dataclasses import dataclass

import numpy as np

from ferdemo.faces import geometry
from ferdemo.faces.rest import settle
from ferdemo.faces.tone import HAIR_LINEAR, IRIS_LINEAR

RACES = {"Asian": "asian", "Black": "african", "White": "caucasian"}
"""Label in the manifests, and MakeHuman's name of the geometry preset that it stands for."""

TONE_ORDER = {"Asian": (3, 5, 4, 2, 6), "Black": (7, 9, 8, 6, 10), "White": (2, 4, 3, 1, 5)}
"""Monk tones of a group's first, second, ... person; the cycle keeps any number of people evenly spread."""

EVERY_TONE = (3, 7, 10, 2, 6, 9, 1, 5, 8, 4)
"""The same where every geometry comes in every tone: a network that learns from such a set sees none of them rarely."""

STYLES = {
    ("Asian", "Female"): ("bob", "long", "tied", "wavy"),
    ("Asian", "Male"): ("crop", "parted", "buzz", "short"),
    ("Black", "Female"): ("afro", "long", "tied", "bob"),
    ("Black", "Male"): ("crop", "coils", "buzz", "afro"),
    ("White", "Female"): ("long", "bob", "wavy", "tied"),
    ("White", "Male"): ("parted", "crop", "short", "buzz"),
}

# Local changes of shape that leave the resting face as it is, with the standard deviation of their weight. Changes of
# the brows, the mouth's corners and middle, the lids, the folds above and the bags below the eyes are left out: they
# make some neutral faces look stern, sad or amused.
LOCAL_CHANGES = {
    "cheek/{side}-cheek-volume": ("decr", "incr", 0.16),
    "cheek/{side}-cheek-bones": ("decr", "incr", 0.25),
    "chin/chin-bones": ("decr", "incr", 0.25),
    "chin/chin-height": ("decr", "incr", 0.20),
    "chin/chin-prominent": ("decr", "incr", 0.20),
    "chin/chin-width": ("decr", "incr", 0.25),
    "ears/{side}-ear-scale": ("decr", "incr", 0.20),
    "ears/{side}-ear-lobe": ("decr", "incr", 0.30),
    "ears/{side}-ear-wing": ("decr", "incr", 0.15),
    "eyes/{side}-eye-scale": ("decr", "incr", 0.14),
    "eyes/{side}-eye-trans": ("in", "out", 0.12),
    "forehead/forehead-nubian": ("decr", "incr", 0.20),
    "forehead/forehead-scale-vert": ("decr", "incr", 0.18),
    "forehead/forehead-temple": ("decr", "incr", 0.20),
    "head/head-fat": ("decr", "incr", 0.18),
    "head/head-scale-depth": ("decr", "incr", 0.12),
    "head/head-scale-horiz": ("decr", "incr", 0.16),
    "head/head-scale-vert": ("decr", "incr", 0.14),
    "mouth/mouth-lowerlip-volume": ("decr", "incr", 0.18),
    "mouth/mouth-upperlip-volume": ("decr", "incr", 0.18),
    "mouth/mouth-scale-horiz": ("decr", "incr", 0.18),
    "mouth/mouth-philtrum-volume": ("decr", "incr", 0.15),
    "neck/neck-scale-horiz": ("decr", "incr", 0.12),
    "nose/nose-base": ("down", "up", 0.18),
    "nose/nose-curve": ("concave", "convex", 0.20),
    "nose/nose-hump": ("decr", "incr", 0.22),
    "nose/nose-point": ("down", "up", 0.18),
    "nose/nose-point-width": ("decr", "incr", 0.22),
    "nose/nose-scale-depth": ("decr", "incr", 0.22),
    "nose/nose-scale-horiz": ("decr", "incr", 0.20),
    "nose/nose-scale-vert": ("decr", "incr", 0.16),
    "nose/nose-volume": ("decr", "incr", 0.18),
    "nose/nose-width1": ("decr", "incr", 0.22),
    "nose/nose-width2": ("decr", "incr", 0.22),
    "nose/nose-width3": ("decr", "incr", 0.20),
}
GREYING = (38, 58)  # years: where hair begins to grey, and where all of it may have
OUTLINES = {"Female": ("oval", "round", "invertedtriangular"), "Male": ("oval", "rectangular", "round", "square")}


@dataclass(frozen=True)
class Person:
    """Everything about one person that does not change from image to image."""

    subject_id: str
    race: str
    gender: str
    age: float
    skin_tone: int
    hair: str
    hair_colour: str
    greying: float
    iris_colour: str
    curl: float
    shape: tuple
    tint: tuple
    flush: float
    lines: float
    lip_colour: float
    freckles: float
    brow_thickness: float
    brow_arch: float
    brow_density: float
    stubble: float
    oiliness: float
    asymmetry: float
    texture_seed: int

    @property
    def hair_linear(self):
        own, grey = np.array(HAIR_LINEAR[self.hair_colour]), np.array(HAIR_LINEAR["grey"])
        return tuple((own + self.greying * (grey - own)).tolist())

    @property
    def iris_linear(self):
        return IRIS_LINEAR[self.iris_colour]


def generator(*keys):
    """Random generator that depends on the keys (strings or numbers) and on nothing else."""
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def person(subject_id, *, race, gender, number, tones=None):
    """Draw a person.

    Parameters
    ----------
    subject_id : str
        Seeds everything that is random about the person.
    race : str
        A key of RACES.
    gender : str
        "Female" or "Male".
    number : int
        Place of the person in their race-gender cell, from 0; decides skin tone, hair style and the decade of age, so
        that these are evenly spread in every cell.
    tones : tuple of int, optional
        Monk tones to take in turn; those of TONE_ORDER for the race where none are given.

    Returns
    -------
    Person
    """
    rng = generator(subject_id, "person")
    tones = tones or TONE_ORDER[race]
    tone = tones[number % len(tones)]
    # 7 and 12 have no common divisor: twelve people cover twelve different ages between 20 and 60.
    age = 20 + 40 * ((number * 7) % 12 + rng.uniform(0, 1)) / 12
    female = gender == "Female"
    styles = STYLES[race, gender]
    fair = race == "White"
    hair = (
        rng.choice(["black", "dark brown", "brown", "auburn", "blond"], p=[0.1, 0.3, 0.3, 0.1, 0.2])
        if fair
        else (rng.choice(["black", "dark brown"], p=[0.7, 0.3]))
    )
    greying = round(float(np.interp(age, GREYING, (0, 1)) * generator(subject_id, "greying").uniform(0.3, 1.0)), 3)
    iris = rng.choice(["brown", "dark brown", "hazel", "green", "blue", "grey"], p=[0.25, 0.15, 0.15, 0.1, 0.25, 0.1])
    return Person(
        subject_id=subject_id,
        race=race,
        gender=gender,
        age=round(float(age), 1),
        skin_tone=tone,
        hair=styles[(number + number // 4) % len(styles)],
        hair_colour="grey" if greying > 0.6 else str(hair),
        greying=greying,
        iris_colour=str(iris) if fair else str(rng.choice(["dark brown", "brown"], p=[0.7, 0.3])),
        curl=float(rng.uniform(0.7, 1.0)) if race == "Black" else float(rng.uniform(0.0, 0.35)),
        shape=shape(rng, race, female, age),
        tint=tuple((rng.normal(0, (0.5, 0.6, 0.8)) * (0.6 if race == "Black" else 1)).round(3).tolist()),
        flush=float(rng.uniform(0.5, 1.1)),
        lines=float((age - 20) / 40),
        lip_colour=float(rng.uniform(0.75, 1.0) if female else rng.uniform(0.45, 0.70)),
        freckles=_freckles(rng, fair and tone <= 3),
        brow_thickness=float(rng.uniform(0.0019, 0.0025) if female else rng.uniform(0.0027, 0.0036)),
        brow_arch=float(rng.uniform(0.0004, 0.0016) if female else rng.uniform(-0.0004, 0.0006)),
        brow_density=float(rng.uniform(0.8, 1.05)),
        stubble=0.0 if female else float(rng.uniform(0.0, 0.9)),
        oiliness=float(rng.uniform(0.3, 0.9)),
        asymmetry=float(np.clip(rng.normal(0, 0.04), -0.08, 0.08)),
        texture_seed=int(rng.integers(2**31)),
    )


def _freckles(rng, possible):
    return float(rng.uniform(0.3, 0.9)) if possible and rng.uniform() < 0.4 else 0.0


def shape(rng, race, female, age):
    """Weights of MakeHuman's shape targets, as a tuple of (target, weight).

    The draws do not depend on race: from generators in the same state, the race targets differ and nothing else does.
    """
    weights = {}
    own, others = RACES[race], [name for key, name in RACES.items() if key != race]
    mix = rng.uniform(0, 0.12)
    part = rng.uniform()
    races = {own: 1 - mix, others[0]: mix * part, others[1]: mix * (1 - part)}
    femininity = rng.uniform(1.0, 1.15) if female else rng.uniform(-0.05, 0.10)
    old = np.clip((age - 22) / 50, 0, 1)
    weight = rng.uniform(0.32, 0.72)
    heavy = {
        "averageweight": 1 - abs(2 * weight - 1),
        "minweight": max(0, 1 - 2 * weight),
        "maxweight": max(0, 2 * weight - 1),
    }
    for gender, g in (("female", femininity), ("male", 1 - femininity)):
        for stage, a in (("young", 1 - old), ("old", old)):
            for name, r in races.items():
                weights[f"macrodetails/{name}-{gender}-{stage}"] = g * a * r
            for build, w in heavy.items():
                weights[f"macrodetails/universal-{gender}-{stage}-averagemuscle-{build}"] = g * a * w
    for name, (less, more, deviation) in LOCAL_CHANGES.items():
        value = float(np.clip(rng.normal(0, deviation), -2 * deviation, 2 * deviation))
        for side in ("l", "r") if "{side}" in name else ("",):
            weights[f"{name.format(side=side)}-{more if value > 0 else less}"] = abs(value)
    weights[f"head/head-{rng.choice(OUTLINES['Female' if female else 'Male'])}"] = float(rng.uniform(0, 0.30))
    return tuple((name, float(value)) for name, value in weights.items() if value > 1e-4)


def resting_mesh(who):
    """Vertices of a person's resting face.

    Parameters
    ----------
    who : Person

    Returns
    -------
    numpy.ndarray of float32, shape (19158, 3), metres
    """
    vertices = geometry.load_head().template.astype(np.float32)
    for name, weight in who.shape:
        vertices = vertices + np.float32(weight) * geometry.target(name)
    return settle(vertices)
