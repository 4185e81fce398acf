"""The shipped sets of faces, as files: hashes, designs, sizes."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from ferdemo.faces import sets
from ferdemo.faces.recipe import row
from ferdemo.faces.sheets import crossed_sheet, light_pose_sheet, mended_sheet, strengths_sheet

from ferlib import paths, tables

FIRST = ("image_id", "dataset", "path", "sha256", "subject_id", "emotion", "race", "gender", "group")


@pytest.fixture(scope="module")
def manifests():
    return {name: tables.read_csv(paths.DEMO / name / "manifest.csv", columns=FIRST) for name in sets.SHIPPED}


@pytest.mark.parametrize("name", sets.SHIPPED)
def test_every_image_has_the_hash_the_manifest_says_and_nothing_else_is_shipped(manifests, name):
    manifest = manifests[name]
    for path, digest in zip(manifest["path"], manifest["sha256"], strict=True):
        assert hashlib.sha256(paths.absolute(path).read_bytes()).hexdigest() == digest, path
    files = {paths.relative(path) for path in (paths.DEMO / name / "images").iterdir()}
    assert files == set(manifest["path"])
    assert not list((paths.DEMO / name).glob("*partial*"))


@pytest.mark.parametrize("name", sets.SHIPPED)
def test_the_manifest_says_what_the_design_says_today(manifests, name):
    face_set = sets.SETS[name]
    designed = pd.DataFrame([row(image, face_set) for image in face_set.images()]).set_index("image_id").sort_index()
    shipped = manifests[name].set_index("image_id").sort_index()
    assert shipped.index.equals(designed.index)
    for column in designed.columns:
        if pd.api.types.is_numeric_dtype(designed[column]):
            assert np.allclose(shipped[column], designed[column], rtol=1e-5, atol=1e-9), column
        else:
            assert (shipped[column].astype(object).fillna("") == designed[column]).all(), column


def test_all_sets_together_are_small(manifests):
    sizes = {
        name: sum(file.stat().st_size for file in (paths.DEMO / name).rglob("*") if file.suffix in (".webp", ".png"))
        for name in sets.SHIPPED
    }
    assert sum(sizes.values()) <= 40e6, sizes


def test_image_ids_and_people_are_unique_over_the_shipped_sets(manifests):
    assert pd.concat([manifest["image_id"] for manifest in manifests.values()]).is_unique
    people = [set(manifest["subject_id"]) for manifest in manifests.values()]
    assert len(set.union(*people)) == sum(map(len, people))


def test_the_sheets_show_what_they_say(manifests, tmp_path):
    drawn = crossed_sheet(manifests["crossed"], tmp_path / "crossed.png", cell=24)
    assert pd.read_csv(drawn.with_suffix(".csv"))["image_id"].nunique() == 6 * 10
    drawn = light_pose_sheet(manifests["light_pose"], tmp_path / "light.png", cell=24)
    assert pd.read_csv(drawn.with_suffix(".csv"))["image_id"].nunique() == 2 * 36


def test_the_sheet_of_strengths_shows_every_group_near_each_of_them(manifests, tmp_path):
    drawn = pd.read_csv(strengths_sheet(manifests["people"], tmp_path / "strengths.png", cell=24).with_suffix(".csv"))
    shown = drawn.merge(manifests["people"], on="image_id").sort_values(["row", "column"])
    assert len(shown) == 6 * 3 * 6
    assert (shown.groupby("row")["group"].nunique() == 1).all()
    assert (shown.groupby("column")["emotion"].nunique() == 1).all()
    wanted = np.tile(np.repeat([0.4, 0.7, 1.0], 6), 6)
    low, high = sets.SETS["people"].strength
    assert (
        np.abs(shown["strength"] - wanted).max() < (high - low) / sets.SETS["people"].block
    )  # there is one in each step


def test_the_sheet_of_what_was_mended_has_each_earlier_face_above_the_same_face_of_today(manifests, tmp_path):
    earlier = paths.DEMO / "people" / "earlier"
    drawn = pd.read_csv(
        mended_sheet(manifests["people"], earlier, tmp_path / "mended.png", cell=24).with_suffix(".csv")
    )
    kept = sorted(path.stem for path in earlier.iterdir())
    assert len(kept) == 8
    for _, line in drawn.groupby("row"):
        assert line.sort_values("column")["image_id"].tolist() == kept
    digests = manifests["people"].set_index("image_id")["sha256"]
    assert all(hashlib.sha256((earlier / f"{name}.webp").read_bytes()).hexdigest() != digests[name] for name in kept)


@pytest.mark.parametrize(
    "name", ["contact_sheet", "strengths", "mended", "skin_tones", "crossed", "light_pose", "action_units"]
)
def test_contact_sheets_are_of_the_images_shipped_now_and_small(manifests, name):
    shown = pd.read_csv(paths.ROOT / "figures" / "demo" / f"{name}.csv")
    assert set(shown["image_id"]) <= set(pd.concat([manifest["image_id"] for manifest in manifests.values()]))
    assert (paths.ROOT / "figures" / "demo" / f"{name}.png").stat().st_size < 1.2e6
