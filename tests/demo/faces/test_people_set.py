"""The shipped set of faces, as files: needs no renderer."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from ferdemo.faces import identity, sets
from ferdemo.faces.contact import choose, contact_sheet
from ferdemo.faces.expression import ACTION_UNITS
from PIL import Image

from ferlib import labels, paths, tables

FOLDER = paths.DEMO / "people"


@pytest.fixture(scope="module")
def manifest():
    return tables.read_csv(FOLDER / "manifest.csv", columns=("image_id", "sha256", "recipe", *ACTION_UNITS))


def test_every_cell_has_the_same_number_of_people_and_each_shows_all_seven_expressions(manifest):
    assert len(manifest) == 1008
    assert manifest["image_id"].is_unique
    cells = manifest.groupby(["race", "gender", "emotion"])["subject_id"].nunique()
    assert len(cells) == 3 * 2 * 7 and (cells == 24).all()
    assert (manifest["group"] == manifest["race"] + " " + manifest["gender"]).all()


def test_every_image_has_the_hash_the_manifest_says_and_nothing_else_is_shipped(manifest):
    for path, digest in zip(manifest["path"], manifest["sha256"], strict=True):
        assert hashlib.sha256(paths.absolute(path).read_bytes()).hexdigest() == digest, path
    files = {paths.relative(path) for path in (FOLDER / "images").iterdir()}
    assert files == set(manifest["path"])


def test_images_are_224_pixels_and_the_set_is_small(manifest):
    assert sum(paths.absolute(path).stat().st_size for path in manifest["path"]) < 5e6
    with Image.open(paths.absolute(manifest["path"][0])) as image:
        assert image.size == (224, 224) and image.format == "WEBP"


def test_neutral_has_no_action_unit_and_every_other_expression_has_some(manifest):
    units = manifest[list(ACTION_UNITS)]
    neutral = manifest["emotion"] == "neutral"
    assert (units[neutral] == 0).all(axis=None)
    assert (units[~neutral].max(axis=1) > 0.08).all()
    assert ((units >= 0) & (units <= 1)).all(axis=None)
    assert (manifest.loc[neutral, "strength"] == 0).all()


def test_strength_is_spread_alike_over_groups_emotions_and_genders(manifest):
    posed = manifest[manifest["emotion"] != "neutral"]
    for keys in (["group"], ["emotion"], ["gender"], ["group", "emotion"]):
        mean = posed.groupby(keys)["strength"].mean()
        # Two from each of twelve equal steps: the mean of a cell has a standard deviation of about 0.005.
        assert mean.between(0.62, 0.68).all(), mean
    for _, cell in posed.groupby(["group", "emotion"]):
        step = (np.sort(cell["strength"]) - 0.15) / 1.0 * 12 - np.repeat(np.arange(12), 2)
        assert ((step > -0.002) & (step < 1.002)).all(), cell["strength"]


def test_skin_tones_overlap_between_groups_and_are_equal_for_the_two_genders(manifest):
    people = manifest.drop_duplicates("subject_id")
    ranges = people.groupby("race")["skin_tone"].agg(["min", "max"])
    assert ranges.loc["Black"].tolist() == [6, 10]
    assert ranges.loc["Asian"].tolist() == [2, 6]
    assert ranges.loc["White"].tolist() == [1, 5]
    counts = people.groupby(["race", "gender", "skin_tone"]).size().unstack("gender")
    assert (counts["Female"] == counts["Male"]).all()
    assert counts.isin([4, 5]).all(axis=None)


def test_recipes_of_the_shipped_images_are_those_that_the_code_makes_today(manifest):
    recipes = {image.image_id: image.digest() for image in sets.SETS["people"].images()}
    assert dict(zip(manifest["image_id"], manifest["recipe"], strict=True)) == recipes


def test_a_person_stays_the_same_when_the_set_grows():
    from dataclasses import replace

    small, large = replace(sets.SETS["people"], cell=12), sets.SETS["people"]
    grown = {image.image_id: image for image in large.images()}
    assert len(grown) == 1008
    assert all(grown[image.image_id] == image for image in small.images())


def test_skin_gets_darker_with_the_monk_tone(manifest):
    neutral = manifest[manifest["emotion"] == "neutral"]
    lightness = []
    for path in neutral["path"]:
        with Image.open(paths.absolute(path)) as image:
            pixels = np.asarray(image.convert("RGB"), float) / 255
        lightness.append((pixels[120:150, 70:154] @ [0.2126, 0.7152, 0.0722]).mean())
    means = pd.Series(lightness).groupby(neutral["skin_tone"].to_numpy()).mean()
    assert list(means.index) == list(range(1, 11))
    assert (means.diff().dropna() < 0).all(), means


def test_an_impossible_person_cannot_be_drawn():
    with pytest.raises(KeyError):
        identity.person("demo-XF01", race="Martian", gender="Female", number=0)


def test_contact_sheet_shows_one_person_a_group_with_all_expressions(manifest, tmp_path):
    path = contact_sheet(manifest, tmp_path / "sheet.png", cell=40)
    shown = pd.read_csv(path.with_suffix(".csv"))
    assert len(shown) == 6 * 7
    assert shown["group"].nunique() == 6
    assert set(shown["emotion"]) == set(labels.EMOTIONS)
    with Image.open(path) as sheet:
        assert sheet.width > 7 * 40
    assert len(choose(manifest)) == 6
