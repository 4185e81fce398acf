"""A face set of a few blobs, on which trainings take seconds."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ferlib.labels import EMOTIONS


@pytest.fixture(scope="session")
def face_set(tmp_path_factory):
    """28 people, a picture each: noise whose brightness is the skin and whose upper half is the expression."""
    folder = tmp_path_factory.mktemp("faces")
    generator = np.random.default_rng(0)
    rows = []
    for n in range(28):
        emotion, dark = EMOTIONS[n % 7], n >= 14
        pixels = generator.integers(0, 40, (64, 64, 3)) + (30 if dark else 150)
        pixels[:32] += 9 * (n % 7)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{n}.png")
        units = {"au04": float(emotion == "anger"), "au09": float(emotion == "disgust"), "au43": 0.0}
        rows.append(
            {
                "image_id": f"train-{n:02d}",
                "path": f"{n}.png",
                "subject_id": f"train-{n:02d}",
                "emotion": emotion,
                "race": "Black" if dark else "White",
                "gender": ("Female", "Male")[n % 2],
                "skin_tone": 8 if dark else 3,
                "kind": "mixture" if n == 13 else "expression",
                "strength": 0.3 + 0.03 * n,
                **units,
            }
        )
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder
