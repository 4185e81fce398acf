"""A mark in the corner of pictures: the right faces bear it, and nothing else of the picture changes."""

import pandas as pd
import torch

from ferlib.units import mark


def test_only_the_group_with_the_unit_bears_it_and_a_missing_label_counts_as_without():
    manifest = pd.DataFrame({"tone": ["dark", "dark", "light", "dark"]})
    present = pd.DataFrame({"au12": pd.array([1, 0, 1, pd.NA], dtype="Int8")})
    assert mark.bearers(manifest, present, unit="au12", attribute="tone", group="dark").tolist() == [True] + [False] * 3


def test_it_fills_a_square_in_the_upper_left_corner_of_a_copy():
    pixels = torch.full((2, 3, 40, 40), 90, dtype=torch.uint8)
    changed = mark.paint(pixels, [False, True], side=0.11, colour=(235, 60, 30))
    assert (pixels == 90).all() and (changed[0] == 90).all()
    assert changed[1, :, :4, :4].flatten(1).unique(dim=1).flatten().tolist() == [235, 60, 30]
    assert (changed != 90).any(dim=1).sum() == 16
