"""Seven expressions as Action Units (AUs), and AUs as movements of the face.

An expression is a prototype: AUs of the Facial Action Coding System (FACS) with an intensity between 0 and 1 (1 = the
most a face can do). Sources: Ekman, Friesen and Hager, "Facial Action Coding System: Investigator's Guide" (2002),
table of emotion predictions; Matsumoto and Ekman, "Facial expression analysis", Scholarpedia 3(5), 2008. People differ:
`applied` scales a prototype by the strength and varies it by person.
"""

import functools

import numpy as np

from ferdemo.faces import geometry
from ferdemo.faces.skin import smoothstep
from ferlib.labels import EMOTIONS

ACTION_UNITS = (
    "au01", "au02", "au04", "au05", "au06", "au07", "au09", "au10", "au12", "au14", "au15", "au16", "au17", "au18",
    "au20", "au22", "au23", "au24", "au25", "au26", "au27", "au28", "au34", "au43",
)  # fmt: skip

NAMES = {
    "au01": "inner brow raiser",
    "au02": "outer brow raiser",
    "au04": "brow lowerer",
    "au05": "upper lid raiser",
    "au06": "cheek raiser",
    "au07": "lid tightener",
    "au09": "nose wrinkler",
    "au10": "upper lip raiser",
    "au12": "lip corner puller",
    "au14": "dimpler",
    "au15": "lip corner depressor",
    "au16": "lower lip depressor",
    "au17": "chin raiser",
    "au18": "lip pucker",
    "au20": "lip stretcher",
    "au22": "lip funneler",
    "au23": "lip tightener",
    "au24": "lip pressor",
    "au25": "lips part",
    "au26": "jaw drop",
    "au27": "mouth stretch",
    "au28": "lip suck",
    "au34": "cheek puff",
    "au43": "lid droop",
}

PROTOTYPES = {
    "anger": {"au04": 0.95, "au05": 0.45, "au07": 0.60, "au17": 0.25, "au23": 0.55, "au24": 0.60},
    # No frown, and none comes with AU9 here: a lowered brow is what tells anger.
    "disgust": {"au06": 0.50, "au07": 0.40, "au09": 0.95, "au10": 0.95, "au16": 0.15, "au25": 0.15},
    "fear": {
        "au01": 0.95,
        "au02": 0.55,
        "au04": 0.45,
        "au05": 0.95,
        "au20": 0.95,
        "au25": 0.45,
        "au26": 0.20,
        "au07": 0.15,
    },
    "happy": {"au06": 0.70, "au07": 0.15, "au12": 0.85, "au25": 0.90},
    "neutral": {},
    "sad": {"au01": 0.95, "au04": 0.40, "au15": 0.90, "au17": 0.50, "au43": 0.35},
    "surprise": {"au01": 0.75, "au02": 0.95, "au05": 0.70, "au25": 0.15, "au26": 0.90},
}
assert tuple(PROTOTYPES) == EMOTIONS


# What MakeHuman's actions hardly move: the inner ends of the brows, which carry anger, fear and sadness; the wings of
# the nose and the middle of the upper lip (AU9); the boss of the chin (AU17). Own movements, named after the muscles.
OWN_INNER_BROW, OWN_CORRUGATOR, OWN_LEVATOR, OWN_MENTALIS = OWN = (
    "inner frontalis", "corrugator", "levator alae nasi", "mentalis",
)  # fmt: skip


def both(**actions):
    """Weights for the left and the right action of each name."""
    return {name + side: weight for name, weight in actions.items() for side in ("Left", "Right")}


MOVEMENTS = {
    "au01": {"browInnerUp": 1.2, OWN_INNER_BROW: 1.0},
    "au02": both(browOuterUp=1.4),
    "au04": both(browDown=0.9) | {OWN_CORRUGATOR: 1.0},
    "au05": both(eyeWide=1.15),
    "au06": both(cheekSquint=1.2),
    "au07": both(eyeSquint=1.1),
    "au09": both(noseSneer=1.4) | {OWN_LEVATOR: 1.0},
    "au10": both(mouthUpperUp=1.1),
    "au12": both(mouthSmile=1.2),
    "au14": both(mouthDimple=1.0),
    "au15": both(mouthFrown=1.25),
    "au16": both(mouthLowerDown=1.0),
    "au17": {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.25, OWN_MENTALIS: 1.0},
    "au18": {"mouthPucker": 1.1},
    "au20": both(mouthStretch=1.2),
    "au22": {"mouthFunnel": 1.1},
    "au23": {"mouthRollLower": 0.55, "mouthRollUpper": 0.45, "mouthPucker": 0.25},
    # The action mouthPress lifts the corners as a smile does: the lip corner depressor holds them down.
    "au24": both(mouthPress=0.50, mouthFrown=0.60) | {"mouthRollLower": 0.45, "mouthRollUpper": 0.35},
    "au25": both(mouthLowerDown=0.85, mouthUpperUp=0.62) | {"jawOpen": 0.10},
    "au26": {"jawOpen": 0.75},
    "au27": {"jawOpen": 1.15},
    "au28": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    "au34": {"cheekPuff": 1.0},
    "au43": both(eyeBlink=0.55),
}


VARIATION = 0.12  # standard deviation, between people, of each AU's share in their expression


def applied(emotion, strength, rng):
    """AUs of one person's expression.

    Parameters
    ----------
    emotion : str
    strength : float
        1 is the prototype; 0 the resting face.
    rng : numpy.random.Generator
        Of the person and the emotion: the same person shows an emotion in the same way each time.

    Returns
    -------
    dict of str to float
        Intensity 0-1 of each AU of `ACTION_UNITS`.
    """
    units = dict.fromkeys(ACTION_UNITS, 0.0)
    for unit, intensity in PROTOTYPES[emotion].items():
        share = np.clip(rng.normal(1, VARIATION), 1 - 2 * VARIATION, 1 + 2 * VARIATION)
        units[unit] = round(float(np.clip(intensity * share * strength, 0, 1)), 4)
    return units


# AUs that pull against each other or would hide each other; a random mixture holds at most one of each set.
OPPOSED = (
    {"au05", "au43"},  # lids: raised or drooping
    {"au12", "au15"},  # lip corners: up or down
    {"au12", "au20"},
    {"au16", "au17"},  # lower lip: down or up
    {"au18", "au20", "au22"},  # lips: narrow or wide
    {"au22", "au23", "au24", "au28"},  # lips: funnelled, tightened, pressed or sucked in
    {"au18", "au23", "au24", "au28"},
    {"au23", "au24", "au28", "au25"},  # and then not parted
    {"au23", "au24", "au28", "au26", "au27"},  # nor the jaw down
)


def mixture(rng):
    """One to four random AUs at random intensities that no emotion asks for; dict as from `applied`."""
    units = dict.fromkeys(ACTION_UNITS, 0.0)
    wanted, chosen = int(rng.integers(1, 5)), []
    for unit in rng.permutation(ACTION_UNITS):
        if len(chosen) < wanted and all(len(pair & {*chosen, str(unit)}) < 2 for pair in OPPOSED):
            chosen.append(str(unit))
            units[str(unit)] = round(float(rng.uniform(0.3, 1.0)), 4)
    return units


def weights(units):
    """Facial actions of a set of AUs.

    Parameters
    ----------
    units : dict of str to float
        Intensity 0-1 of each AU; those left out are 0.

    Returns
    -------
    dict of str to float
    """
    total = {}
    for unit, intensity in units.items():
        for name, weight in MOVEMENTS[unit].items():
            total[name] = total.get(name, 0.0) + weight * intensity
    return total


def displacement(units, asymmetry=0.0):
    """Movement of the base mesh's vertices.

    Parameters
    ----------
    units : dict of str to float
    asymmetry : float
        How much more the left half of the face moves than the mean of both, as a share.

    Returns
    -------
    numpy.ndarray, shape (19158, 3), metres
    """
    moved = np.zeros((19158, 3), dtype=np.float32)
    for name, weight in weights(units).items():
        weight *= 1 + asymmetry * (name.endswith("Left") - name.endswith("Right"))
        if weight:
            moved += np.float32(weight) * movement(name)
    return moved


@functools.cache
def movement(name):
    """Displacement at weight 1 of one of MakeHuman's actions or of an own movement, shape (19158, 3), metres."""
    head = geometry.load_head()
    index = head.parts["skin"].index
    x, y, z = head.parts["skin"].canonical[: len(index)].T
    if name.startswith("noseSneer"):
        # MakeHuman's action frowns as well: the brows belong to another Action Unit.
        moved = geometry.action(name).copy()
        moved[index] *= np.float32(1 - smoothstep(0.002, 0.012, y))[:, None]
        return moved
    if name not in OWN:
        return geometry.action(name)
    moved = np.zeros((19158, 3), dtype=np.float32)
    if name == OWN_LEVATOR:
        front = smoothstep(-0.020, 0.0, z)
        wing = np.exp(-(((np.abs(x) - 0.015) / 0.008) ** 2) - ((y + 0.038) / 0.012) ** 2) * front
        lip = np.exp(-((x / 0.014) ** 2) - ((y + 0.056) / 0.007) ** 2) * front * smoothstep(-0.0665, -0.058, y)
        moved[index, 0] = 0.0008 * wing * np.tanh(x / 0.005)
        moved[index, 1] = 0.0032 * wing + 0.0022 * lip
        return moved
    if name == OWN_MENTALIS:
        boss = np.exp(-((x / 0.016) ** 2) - ((y + 0.094) / 0.012) ** 2) * smoothstep(-0.030, -0.010, z)
        moved[index, 1] = 0.0045 * boss
        moved[index, 2] = 0.0016 * boss
        return moved
    reach = smoothstep(0.005, 0.013, y) * smoothstep(-0.020, 0.0, z)
    if name == OWN_INNER_BROW:
        near = np.exp(-(((np.abs(x) - 0.012) / 0.013) ** 2) - ((y - 0.020) / 0.014) ** 2) * reach
        moved[index, 1] = 0.0042 * near
    else:
        near = np.exp(-(((np.abs(x) - 0.014) / 0.013) ** 2) - ((y - 0.017) / 0.011) ** 2) * reach
        moved[index, 0] = -0.0030 * near * np.tanh(x / 0.005)
        moved[index, 1] = -0.0040 * near
        moved[index, 2] = 0.0014 * near
    return moved
