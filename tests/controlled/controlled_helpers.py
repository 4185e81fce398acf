"""A controlled set with known truth: every geometry in every tone, and answers with a planted effect of the tone."""

import numpy as np
import pandas as pd

from ferlib.controlled.matched_sets import Factor
from ferlib.labels import EMOTIONS

TONES = (2, 4, 6, 8, 10)
TONE = Factor("tone", "set", "skin_tone", {"dark": [8, 10], "light": [2, 4]})
GEOMETRY = Factor(
    "geometry", "set", "race", {"Asian": ["Asian"], "Black": ["Black"], "White": ["White"]}, ("skin_tone",), ("look",)
)


def crossed(looks=2):
    """Manifest: 3 races x 2 genders x looks, each in every tone with every emotion."""
    rows = []
    for race in ("Asian", "Black", "White"):
        for gender in ("Female", "Male"):
            for number in range(1, looks + 1):
                subject = f"{race[0]}{gender[0]}{number:02d}"
                for tone in TONES:
                    for emotion in EMOTIONS:
                        image = f"{subject}-t{tone:02d}-{emotion}"
                        look = f"{gender[0]}{number:02d}"
                        rows.append(("set", image, subject, emotion, race, gender, f"{race} {gender}", tone, look))
    columns = ["dataset", "image_id", "subject_id", "emotion", "race", "gender", "group", "skin_tone", "look"]
    return pd.DataFrame(rows, columns=columns)


def answered(manifest, *, seed, planted=0.0, noise=0.0, model="model"):
    """Joined answers: angry faces from tone 8 on are taken for disgusted with the chance `planted`.

    Besides, any face gets any emotion with the chance `noise`, whatever its tone.
    """
    random = np.random.default_rng(seed)
    outcome = manifest["emotion"].to_numpy(dtype=object).copy()
    hit = (manifest["emotion"] == "anger") & (manifest["skin_tone"] >= 8) & (random.random(len(manifest)) < planted)
    outcome[hit] = "disgust"
    wild = random.random(len(manifest)) < noise
    outcome[wild] = random.choice(EMOTIONS, wild.sum())
    joined = manifest.drop(columns=["skin_tone", "look"]).rename(columns={"emotion": "true"})
    return joined.assign(model=model, variant="only", repeat=0, outcome=outcome)
