"""Faces to be examined: the demo's columns or one's own table, bands of skin tones, and clear refusals."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ferlib.errors import InputError
from ferlib.units import faces

BANDS = {"light": [1, 3], "medium": [4, 6], "dark": [7, 10]}


@pytest.fixture
def manifest(tmp_path):
    rows = []
    for number, (person, tone) in enumerate([("b", 8), ("a", 2), ("c", 5)]):
        for image, level in (("x", 0.9), ("n", 0.0)):
            path = tmp_path / f"{person}-{image}.png"
            Image.new("RGB", (20, 20)).save(path)
            group = "one" if number < 2 else "two"
            rows.append((f"{person}-{image}", str(path), person, group, tone, level, 0.2))
    columns = ["image_id", "path", "subject_id", "group", "skin_tone", "au04", "au12"]
    path = tmp_path / "manifest.csv"
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


def test_the_manifests_own_intensities_become_labels_by_the_threshold(manifest):
    found = faces.read(manifest, threshold=0.3, bands=BANDS)
    assert found.manifest["image_id"].to_list() == ["a-n", "a-x", "b-n", "b-x", "c-n", "c-x"]
    assert found.present["au04"].to_list() == [0, 1] * 3 and found.present["au12"].sum() == 0
    assert found.manifest["row"].to_list() == list(range(6)) and set(found.manifest["kind"]) == {faces.PHOTOGRAPH}
    assert found.people(["tone", "group"]).to_numpy().tolist() == [
        ["a", "light", "one"], ["b", "dark", "one"], ["c", "medium", "two"],
    ]  # fmt: skip


def test_ones_own_table_takes_the_place_of_the_manifests_units(manifest, tmp_path):
    table = tmp_path / "openface.csv"
    table.write_text("filename,AU04_r,AU12_r\na-x.png,0.5,3.0\nb-n.png,2.5,0.0\n")
    found = faces.read(manifest, threshold=1.0, table=table)
    assert found.manifest["image_id"].to_list() == ["a-x", "b-n"]
    assert found.present.to_dict("list") == {"au04": [0, 1], "au12": [1, 0]} and len(found.files) == 2


def test_a_few_people_of_each_group_are_enough_for_a_try(manifest):
    found = faces.read(manifest, threshold=0.3, people_per_group=1)
    assert set(found.manifest["subject_id"]) == {"a", "c"}


def test_faces_that_cannot_be_compared_are_refused(manifest):
    with pytest.raises(InputError, match="skin_tone 2 lies in no band of dark"):
        faces.read(manifest, threshold=0.3, bands={"dark": [5, 10]})
    with pytest.raises(InputError, match="'dark' .5 to 10. overlaps with another"):
        faces.read(manifest, threshold=0.3, bands={"light": [1, 5], "dark": [5, 10]})
    found = faces.read(manifest, threshold=0.3)
    with pytest.raises(InputError, match="lacks the column 'gender', by which groups"):
        found.people(["gender"])
    with pytest.raises(InputError, match="the images of 'a' do not agree in image_id"):
        found.people(["image_id"])
    frame = pd.read_csv(manifest).assign(race=["A"] + [np.nan] * 5)
    frame.to_csv(manifest, index=False)
    with pytest.raises(InputError, match="do not agree|lacks a value of race"):
        faces.read(manifest, threshold=0.3).people(["race"])


def test_regions_come_from_one_place_and_are_about_these_faces(manifest, tmp_path):
    found, boxes = faces.read(manifest, threshold=0.3), tmp_path / "boxes.csv"
    boxes.write_text("image_id,unit,left,top,right,bottom\na-x,au04,0,0,10,10\n")
    regions = faces.regions_of(found, size=10, boxes=boxes)
    assert regions.masks.shape == (1, 10, 10) and regions.by == "image_id" and regions.masks.sum() == 25
    with pytest.raises(InputError, match="give one of masks, boxes, landmarks; got none"):
        faces.regions_of(found, size=10)
    with pytest.raises(InputError, match="got boxes, landmarks"):
        faces.regions_of(found, size=10, boxes=boxes, landmarks=boxes)


def test_two_attributes_can_be_taken_together(manifest):
    people = faces.read(manifest, threshold=0.3, bands=BANDS).people(["tone", "tone × group"])
    assert people["tone × group"].to_list() == ["light one", "dark one", "medium two"]
    with pytest.raises(InputError, match="lacks the column 'gender'"):
        faces.read(manifest, threshold=0.3).people(["gender × group"])


def test_prevalence_is_that_of_the_rarest_and_the_most_frequent_unit_of_a_kind(manifest):
    frame = pd.read_csv(manifest).assign(kind=["single", "neutral"] * 3)
    frame.to_csv(manifest, index=False)
    found = faces.read(manifest, threshold=0.3).prevalence({"all": ["single", "neutral"], "one": ["single"]})
    assert found["min"].to_list() == [0, 0] and found["max"].to_list() == [0.5, 1]
