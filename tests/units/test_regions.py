"""Regions from masks, boxes and landmarks: the right pixels, and a status where there are none."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ferlib.errors import InputError
from ferlib.units import regions


@pytest.fixture
def photographs(tmp_path):
    rows = []
    for name, size in (("one", (80, 40)), ("two", (40, 40))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
        rows.append({"image_id": name, "path": str(tmp_path / f"{name}.png"), "subject_id": name})
    return pd.DataFrame(rows)


def saved(tmp_path, text):
    path = tmp_path / "shapes.csv"
    path.write_text(text)
    return path


def test_boxes_are_scaled_as_the_image_is(tmp_path, photographs):
    header = "image_id,unit,left,top,right,bottom\n"
    path = saved(tmp_path, header + "one,au12,8,4,24,12\none,au12,56,4,72,12\ntwo,au04,0,0,40,40\n")
    found = regions.read_boxes(path, photographs, size=20)
    expected = np.zeros((20, 20), bool)
    expected[2:6, 2:6] = expected[2:6, 14:18] = True
    np.testing.assert_array_equal(found.masks[0], expected)
    assert found.masks[1].all() and found.table["status"].to_list() == ["ok", "ok"]
    assert found.table["area"].to_list() == pytest.approx([32 / 400, 1])
    np.testing.assert_array_equal(found.which(photographs, "au12"), [0, -1])


def test_names_that_look_like_numbers_are_names(tmp_path, photographs):
    header = "image_id,unit,left,top,right,bottom\n"
    numbered = photographs.assign(image_id=["001", "2"])
    found = regions.read_boxes(saved(tmp_path, header + "001,au12,8,4,24,12\n2,au04,0,0,40,40\n"), numbered, size=20)
    assert found.table["owner"].to_list() == ["001", "2"]


def test_a_region_beyond_the_frame_has_a_status(tmp_path, photographs):
    header = "image_id,unit,left,top,right,bottom\n"
    rows = "two,au01,50,0,60,10\ntwo,au02,30,0,50,20\ntwo,au04,1,1,1.2,1.2\n"
    found = regions.read_boxes(saved(tmp_path, header + rows), photographs, size=20)
    assert found.table["status"].to_list() == ["outside the frame", "partly outside the frame", "empty"]
    assert found.table["area"].to_list() == pytest.approx([0, 5 * 10 / 400, 0])


def test_landmarks_span_their_convex_hull(tmp_path, photographs):
    points = [(5, 5), (35, 5), (20, 35), (20, 15)]  # the last lies within the triangle of the others
    text = "image_id,unit,x,y\n" + "".join(f"two,au25,{x},{y}\n" for x, y in points)
    found = regions.read_landmarks(saved(tmp_path, text), photographs, size=40)
    y, x = np.mgrid[:40, :40] + 0.5
    inside = (y > 5) & (2 * x - y > 5) & (2 * (40 - x) - y > 5)
    assert (found.masks[0] != inside).sum() <= 6, "only pixels that the edge crosses may differ"
    assert found.table["area"].item() == pytest.approx(30 * 30 / 2 / 1600, rel=0.02)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,unit,left,top,right,bottom\nsix,au12,0,0,1,1\n", "'image_id', row 2: 'six' is not in the manifest"),
        ("image_id,unit,left,top,right,bottom\none,au12,5,0,4,1\n", "row 2: .*is no box: right must exceed left"),
        ("image_id,unit,left,top,right,bottom\none,au12,a,0,4,1\n", "column 'left', row 2: 'a' is no number"),
        ("image_id,unit,left,top,right\none,au12,0,0,4\n", "lacks the column 'bottom'"),
    ],
)
def test_boxes_that_cannot_be_used_are_refused(tmp_path, photographs, text, message):
    with pytest.raises(InputError, match=message):
        regions.read_boxes(saved(tmp_path, text), photographs, size=20)


def test_landmarks_in_line_are_refused(tmp_path, photographs):
    text = "image_id,unit,x,y\ntwo,au25,1,1\ntwo,au25,2,2\ntwo,au25,3,3\n"
    with pytest.raises(InputError, match="3 landmarks span no area"):
        regions.read_landmarks(saved(tmp_path, text), photographs, size=20)


def masks_folder(tmp_path):
    random, rows = np.random.default_rng(0), []
    for subject in ("unit-AF01", "unit-BM02"):
        for unit in ("au04", "face"):
            mask, name = random.random((12, 12)) > 0.5, f"masks/{subject}-{unit}.png"
            (tmp_path / "masks").mkdir(exist_ok=True)
            Image.fromarray(mask).save(tmp_path / name)
            digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
            rows.append({"subject_id": subject, "unit": unit, "path": name, "sha256": digest, "mask": mask})
    frame = pd.DataFrame(rows)
    frame.drop(columns="mask").to_csv(tmp_path / "regions.csv", index=False)
    return frame


def test_masks_of_the_demo_are_read_bit_by_bit_and_serve_all_images_of_a_person(tmp_path):
    frame = masks_folder(tmp_path)
    found = regions.read_masks(tmp_path)
    np.testing.assert_array_equal(found.masks, np.array(frame["mask"].to_list()))
    images = pd.DataFrame({"subject_id": ["unit-BM02", "unit-AF01", "unit-BM02", "unit-WF01"]})
    np.testing.assert_array_equal(found.which(images, "face"), [3, 1, 3, -1])


def test_a_mask_that_was_changed_or_lost_is_refused(tmp_path):
    masks_folder(tmp_path)
    Image.new("1", (12, 12)).save(tmp_path / "masks" / "unit-AF01-au04.png")
    with pytest.raises(InputError, match="unit-AF01-au04.png: is not the mask that regions.csv lists"):
        regions.read_masks(tmp_path)
    (tmp_path / "masks" / "unit-AF01-au04.png").unlink()
    with pytest.raises(InputError, match="lists masks/unit-AF01-au04.png, which is not there"):
        regions.read_masks(tmp_path)


def test_resizing_keeps_pixels_of_which_half_is_covered():
    """Against block means of a finer copy, where every pixel, old or new, is whole blocks."""
    masks = np.random.default_rng(1).random((5, 24, 24)) > 0.5
    for size in (8, 10, 24, 36):
        finer = np.kron(masks, np.ones((1, size, size)))
        shares = finer.reshape(5, size, 24, size, 24).mean(axis=(2, 4))
        np.testing.assert_array_equal(regions.resized(masks, size), shares >= 0.5)


def test_regions_at_another_size_know_their_area(tmp_path):
    masks_folder(tmp_path)
    found = regions.read_masks(tmp_path).at(6)
    assert found.masks.shape == (4, 6, 6) and found.by == "subject_id"
    np.testing.assert_allclose(found.table["area"], found.masks.mean(axis=(1, 2)))


def test_many_masks_are_resized_as_few_are(monkeypatch):
    masks = np.random.default_rng(3).random((7, 12, 12)) > 0.5
    whole = regions.resized(masks, 5)
    monkeypatch.setattr(regions, "TOGETHER", 3)
    np.testing.assert_array_equal(regions.resized(masks, 5), whole)
    assert regions.resized(masks[:0], 5).shape == (0, 5, 5)
