"""A network that is known by hand, and faces that it answers about."""

import numpy as np
import pandas as pd
import pytest
import torch

from ferlib.units import aunet, regions

SIZE = 16
UNITS = ("au01", "au12")


class Brows(torch.nn.Module):
    """au01 is the brightness of the rows 2 and 3, au12 that of the rows 12 and 13, each above 3 of 5 or so."""

    def forward(self, images):
        brow, mouth = images[:, :, 2:4].mean(dim=(1, 2, 3)), images[:, :, 12:14].mean(dim=(1, 2, 3))
        return torch.stack([brow, mouth], dim=1)


@pytest.fixture
def network():
    return aunet.AUNet("known", aunet.Shape(units=UNITS, size=SIZE), Brows().eval())


@pytest.fixture
def faces():
    """Three people with two images each; the unit's rows are bright where it is present."""
    rows = [(f"p{p}-{k}", f"p{p}", p != 1 or k == 0, k == 1) for p in range(3) for k in range(2)]
    frame = pd.DataFrame(rows, columns=["image_id", "subject_id", "au01", "au12"])
    present = frame[list(UNITS)].astype("Int8")
    pixels = torch.full((6, 3, SIZE, SIZE), 100, dtype=torch.uint8)
    for number, (brow, mouth) in enumerate(present.to_numpy()):
        pixels[number, :, 2:4] += 100 * int(brow)
        pixels[number, :, 12:14] += 100 * int(mouth)
    return frame[["image_id", "subject_id"]].assign(row=range(6)), present, pixels


@pytest.fixture
def masks():
    found = np.zeros((9, SIZE, SIZE), bool)
    found[0::3, 2:4] = found[1::3, 12:14] = found[2::3, 1:15] = True
    owners = np.repeat(["p0", "p1", "p2"], 3)
    return regions.from_masks(owners, ["au01", "au12", "face"] * 3, found, [False] * 9, by="subject_id")
