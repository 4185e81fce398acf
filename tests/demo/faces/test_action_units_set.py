"""The set of Action Units as files: masks that lie where their Action Units act."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from ferdemo.faces.expression import ACTION_UNITS
from ferdemo.faces.sheets import units_sheet
from PIL import Image

from ferlib import paths, tables

FOLDER = paths.DEMO / "action_units"
BROWS, MOUTH = ("au01", "au02", "au04"), ("au12", "au15", "au20", "au23", "au24", "au25")


@pytest.fixture(scope="module")
def regions():
    return tables.read_csv(FOLDER / "regions.csv", columns=("subject_id", "unit", "path", "sha256", "area_share"))


@pytest.fixture(scope="module")
def masks(regions):
    found = {}
    for who, unit, path in zip(regions["subject_id"], regions["unit"], regions["path"], strict=True):
        with Image.open(paths.absolute(path)) as image:
            assert image.mode == "1" and image.size == (224, 224)
            found[who, unit] = np.asarray(image, bool)
    return found


def test_regions_are_those_of_the_table(regions, masks):
    assert len(regions) == 36 * (len(ACTION_UNITS) + 1)
    for record in regions.itertuples():
        assert hashlib.sha256(paths.absolute(record.path).read_bytes()).hexdigest() == record.sha256
        mask, face = masks[record.subject_id, record.unit], masks[record.subject_id, "face"]
        assert np.isclose(mask.mean(), record.area_share, rtol=1e-4)
        assert np.isclose(mask.sum() / face.sum(), record.face_share, rtol=1e-4)
    assert {paths.relative(path) for path in (FOLDER / "masks").iterdir()} == set(regions["path"])


def test_every_region_is_there_and_inside_the_face(masks):
    for (who, unit), mask in masks.items():
        # Thirty pixels of 50,176: an upper lid's edge. Under a third of the frame: a region, not the face.
        assert 30 < mask.sum(), (who, unit)
        if unit != "face":
            assert mask.mean() < 0.35, (who, unit)
            assert not (mask & ~masks[who, "face"]).any(), (who, unit)


def test_regions_are_much_the_same_left_and_right(masks):
    for (who, unit), mask in masks.items():
        lids = np.flatnonzero(masks[who, "au43"].any(axis=0))
        middle = (lids[0] + lids[-1]) / 2
        overlaps = []
        # The view is up to 6 degrees from the side and the face moves up to 8 % more on one: a little play.
        for play in range(-8, 9):
            mirrored = np.zeros_like(mask)
            down, across = np.nonzero(mask)
            target = np.round(2 * middle - across + play).astype(int)
            inside = (target >= 0) & (target < 224)
            mirrored[down[inside], target[inside]] = True
            overlaps.append((mask & mirrored).sum() / max((mask | mirrored).sum(), 1))
        assert max(overlaps) > (0.45 if mask.sum() < 1500 else 0.6), (who, unit, max(overlaps))


def test_brow_units_act_above_the_eyes_and_mouth_units_below_the_nose(masks):
    for who in {who for who, _ in masks}:
        lids = np.flatnonzero(masks[who, "au05"].any(axis=1))
        eyes = (lids[0] + lids[-1]) / 2
        for unit in BROWS:
            assert (np.nonzero(masks[who, unit])[0] < eyes + 6).mean() > 0.95, (who, unit)
        for unit in MOUTH:
            assert (np.nonzero(masks[who, unit])[0] > eyes + 6).all(), (who, unit)


def test_the_lip_corner_puller_covers_the_corners_of_the_mouth_and_the_brow_units_do_not(masks):
    for who in {who for who, _ in masks}:
        # Where lips part and where they are sucked in is the mouth; its ends are the corners.
        down, across = np.nonzero(masks[who, "au28"] & masks[who, "au25"])
        for corner in (across.min(), across.max()):
            middle = int(np.median(down[across == corner]))
            around = (slice(middle - 3, middle + 4), slice(corner - 3, corner + 4))
            assert masks[who, "au12"][around].mean() > 0.8, (who, corner)
            assert not any(masks[who, unit][around].any() for unit in BROWS)
        brow = masks[who, "au01"] & masks[who, "au04"]
        assert brow.any() and not (masks[who, "au12"] & brow).any()


def test_the_sheet_shows_every_action_unit(regions, tmp_path):
    manifest = tables.read_csv(FOLDER / "manifest.csv")
    drawn = units_sheet(manifest, regions, tmp_path / "units.png", cell=24)
    assert pd.read_csv(drawn.with_suffix(".csv"))["image_id"].nunique() == len(ACTION_UNITS)
