"""Folders of tiny images with the names that the real datasets give theirs, in the published composition."""

from itertools import cycle, islice

import numpy as np
from PIL import Image

from ferlib.datasets import published

RADIATE_PEOPLE = {"AF": 11, "AM": 11, "BF": 20, "BM": 18, "HF": 10, "HM": 10, "WF": 15, "WM": 13}
TARR_PEOPLE = {"AF": 34, "AM": 19, "BF": 18, "BM": 16, "HF": 17, "HM": 2, "CF": 57, "CM": 49}
LETTERS = {"Asian": "A", "Black": "B", "Hispanic": "H", "White": "W"}

RADIATE_CODES = {
    "anger": ["AC", "AO"], "disgust": ["DC", "DO"], "fear": ["FC", "FO"], "happy": ["HC", "HO", "HE"],
    "neutral": ["NC", "NO"], "sad": ["SC", "SO"], "surprise": ["SUR"],
}  # fmt: skip
TARR_CODES = {
    "anger": ["AN"], "disgust": ["DI"], "fear": ["FE"], "happy": ["HA"], "neutral": ["00F", "NE"], "sad": ["SA"],
    "surprise": ["SU"],
}  # fmt: skip
CFD_CODES = {"anger": ["A"], "fear": ["F"], "happy": ["HC", "HO"], "neutral": ["N"]}


def save(path, *, grey=False):
    """A tiny image whose pixels follow from its name, so that files of one name are alike, and no others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(list(path.stem.upper().encode())).integers(60, 200, (6, 6, 3)).astype(np.uint8)
    image = Image.fromarray(colours)
    kind = "JPEG" if path.suffix.lower() in (".jfif", ".jpg", ".jpeg") else None
    # Noise is what JPEG keeps worst; of photographs a usual quality keeps more.
    how = {"quality": 95, "subsampling": 0} if kind else {}
    (image.convert("L") if grey else image).save(path, format=kind, **how)
    return path


def counts(dataset):
    """Published number of images by race and emotion."""
    table = published.composition().query("dataset == @dataset")
    return {(row.race, row.emotion): row.n_images for row in table.itertuples()}


def radiate(folder):
    """RADIATE as unpacked: `RADIATE_COLOR_1/AF01/AF01_AC.bmp`."""
    for (race, emotion), count in counts("radiate").items():
        people = [f"{group}{n:02d}" for group, size in RADIATE_PEOPLE.items() for n in range(1, size + 1)]
        people = [person for person in people if person[0] == LETTERS[race]]
        names = [(person, code) for code in RADIATE_CODES[emotion] for person in people]
        assert count <= len(names)
        for person, code in names[:count]:
            save(folder / "RADIATE_450_COLOR_BMP" / "RADIATE_COLOR_1" / person / f"{person}_{code}.bmp")


def tarr(folder):
    """Face Place as unpacked: `Caucasian/CF0001_1101_00F.jpg`, with the views that the study leaves out."""
    places = {"A": "Asian", "B": "Black", "H": "Hispanic", "C": "Caucasian"}
    for (race, emotion), count in counts("tarr").items():
        letter = "C" if race == "White" else LETTERS[race]
        people = [f"{group}{n:04d}" for group, size in TARR_PEOPLE.items() for n in range(1, size + 1)]
        people = [person for person in people if person[0] == letter]
        sessions = ["1101", "2101", "1100"]
        names = [f"{p}_{s}_{code}.jpg" for s in sessions for code in TARR_CODES[emotion] for p in people]
        assert count <= len(names)
        for name in names[:count]:
            save(folder / places[letter] / name)


def cfd(folder, *, version="3.0"):
    """CFD as unpacked, in the folders of either version."""
    base = {"3.0": "CFD Version 3.0/Images/CFD", "2.0.3": "CFD Version 2.0.3/CFD 2.0.3 Images"}[version]
    table = counts("cfd")
    for race, letter in (LETTERS | {"Hispanic": "L"}).items():
        people = [f"{letter}{gender}-{n:03d}" for n, gender in zip(range(201, 401), cycle("FM"), strict=False)]
        people = people[: table[race, "neutral"]]
        for emotion, codes in CFD_CODES.items():
            names = ((person, code) for code in codes for person in people)
            for person, code in islice(names, table[race, emotion]):
                save(folder / base / person / f"CFD-{person}-0{len(code)}8-{code}.jpg")


def all_three(raw):
    """The three datasets of the study below a folder, each in its place."""
    radiate(raw / "radiate")
    tarr(raw / "tarr")
    cfd(raw / "cfd")
    return raw
