"""Brightness, contrast, sharpness and the tone of the cheeks are what their definitions say, or are flagged."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scipy.stats import spearmanr

from ferlib import paths
from ferlib.datasets import cheeks, covariates


def portrait(skin, *, size=(320, 400), background=(255, 255, 255), second=None):
    """A drawn face: an oval of one colour with brows, eyes and a mouth; optionally its right half of another."""
    width, height = size
    image = Image.new("RGB", size, background)
    draw = ImageDraw.Draw(image)

    def oval(x, y, half_width, half_height, colour):
        scale = min(width, height)
        box = [width / 2 + (x - half_width) * scale, height / 2 + (y - half_height) * scale]
        box += [width / 2 + (x + half_width) * scale, height / 2 + (y + half_height) * scale]
        draw.ellipse(box, fill=colour)

    oval(0, 0, 0.3, 0.42, skin)
    if second is not None:
        half = image.crop((width // 2, 0, width, height))
        pixels = np.array(half)
        pixels[(pixels == skin).all(axis=-1)] = second
        image.paste(Image.fromarray(pixels), (width // 2, 0))
    for side in (-1, 1):
        oval(side * 0.13, -0.1, 0.06, 0.02, (40, 25, 20))
        oval(side * 0.13, -0.05, 0.045, 0.02, (60, 40, 30))
    oval(0, 0.2, 0.1, 0.025, (150, 60, 60))
    return image


@pytest.fixture
def measure(tmp_path):
    def measured(image, name="image.png"):
        image.save(tmp_path / name)
        return covariates.measure_image(tmp_path / name)

    return measured


@pytest.mark.parametrize(
    "rgb, expected",
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0.0, 0.0)),
    ],
)
def test_colours_have_their_tabulated_cielab_values(rgb, expected):
    assert covariates.lab(np.array([[rgb]], dtype=np.uint8))[0, 0] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("skin", [(241, 205, 185), (198, 150, 120), (150, 100, 70), (90, 60, 45), (60, 42, 35)])
@pytest.mark.parametrize("background", [(255, 255, 255), (128, 128, 128)])
def test_the_angle_is_that_of_the_colour_of_the_skin(measure, skin, background):
    lightness, _, blue_yellow = covariates.lab(np.array([[skin]], dtype=np.uint8))[0, 0]
    found = measure(portrait(skin, background=background))
    assert found["ita_ok"] and found["ita_deg"] == pytest.approx(float(covariates.ita(lightness, blue_yellow)), abs=0.1)
    assert found["face_size"] == pytest.approx(0.59, abs=0.03)


@pytest.mark.parametrize("orientation, turned", [(6, Image.Transpose.ROTATE_90), (3, Image.Transpose.ROTATE_180)])
def test_a_photograph_stored_lying_down_is_measured_upright(measure, tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = portrait((150, 100, 70))
    upright.transpose(turned).save(tmp_path / "turned.png", exif=exif)
    assert covariates.measure_image(tmp_path / "turned.png") == measure(upright)


def test_light_alone_moves_the_angle(measure):
    angles = []
    for light in (0.8, 1.0, 1.2):
        linear = covariates._LINEAR[np.array([198, 150, 120])] * light
        skin = tuple(int(round(255 * (1.055 * value ** (1 / 2.4) - 0.055))) for value in linear)
        angles.append(measure(portrait(skin))["ita_deg"])
    assert np.all(np.diff(angles) > 5)


@pytest.mark.parametrize("ramp, measurable", [(0.2, True), (0.5, False)])
def test_cheeks_that_are_lit_too_unevenly_have_no_angle(measure, ramp, measurable):
    linear = covariates._LINEAR[np.asarray(portrait((198, 150, 120)))]
    light = 1 + ramp * np.tanh(np.linspace(-8, 8, linear.shape[1]))
    lit = np.clip(linear * light[None, :, None], 0.0031308, 1)
    found = measure(Image.fromarray(np.round(255 * (1.055 * lit ** (1 / 2.4) - 0.055)).astype(np.uint8)))
    assert found["ita_ok"] == measurable and np.isfinite(found["face_size"])


def test_half_a_face_in_the_dark_is_not_taken_for_a_face(measure):
    found = measure(portrait((205, 158, 128), second=(120, 90, 72)))
    assert not found["ita_ok"] and np.isnan(found["face_size"])


@pytest.mark.parametrize(
    "image",
    [
        portrait((198, 150, 120)).convert("L").convert("RGB"),
        Image.new("RGB", (300, 300), (198, 150, 120)),
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)),
        portrait((60, 120, 200)),
        portrait((198, 150, 120), size=(48, 60)),
        Image.new("RGB", (6, 6), (198, 150, 120)),
        Image.new("RGB", (2, 1), (198, 150, 120)),
    ],
    ids=["a grey photograph", "no face", "noise", "blue", "few pixels", "very few pixels", "two pixels"],
)
def test_what_cannot_be_measured_is_flagged_and_the_rest_still_measured(measure, image):
    found = measure(image)
    assert not found["ita_ok"] and np.isnan(found["ita_deg"])
    assert np.isfinite([found["brightness"], found["contrast"], found["sharpness"]]).all()


def test_contrast_and_brightness_are_mean_and_deviation_of_lightness(measure):
    pixels = np.zeros((200, 200, 3), dtype=np.uint8)
    pixels[:, 100:] = 255
    found = measure(Image.fromarray(pixels))
    assert (found["brightness"], found["contrast"]) == pytest.approx((50.0, 50.0), abs=0.01)


def test_only_the_middle_counts(measure):
    framed = Image.new("RGB", (400, 400), (255, 255, 255))
    framed.paste(Image.new("RGB", (220, 220), (119, 119, 119)), (90, 90))
    found = measure(framed)
    assert found["brightness"] == pytest.approx(50.03, abs=0.01) and found["contrast"] == 0


def test_a_blurred_image_is_less_sharp_and_a_larger_file_is_not_sharper(measure):
    face = portrait((198, 150, 120), size=(448, 448))
    sharp, blurred = measure(face), measure(face.filter(ImageFilter.GaussianBlur(4)))
    doubled = measure(face.resize((896, 896), Image.Resampling.NEAREST))
    assert blurred["sharpness"] < 0.5 * sharp["sharpness"]
    assert doubled["sharpness"] == pytest.approx(sharp["sharpness"], rel=0.01)


def test_the_cheeks_lie_beside_and_below_the_eyes():
    image = portrait((198, 150, 120), size=(224, 224))
    found = cheeks.find(covariates.lab(np.asarray(image)))
    assert abs(found.centre - 111.5) < 2 and 224 * 0.38 < found.eyes < 224 * 0.48
    for rows, columns in found.boxes():
        assert (np.asarray(image)[rows, columns] == (198, 150, 120)).all()


def test_measures_are_added_to_a_manifest_in_place_of_older_ones(tmp_path):
    portrait((198, 150, 120)).save(tmp_path / "a.png")
    manifest = pd.DataFrame({"image_id": ["a"], "path": [str(tmp_path / "a.png")], "brightness": [-1.0]}, index=[7])
    measured = covariates.measure(manifest)
    assert measured.columns.tolist() == ["image_id", "path", *covariates.COLUMNS]
    assert measured.index.tolist() == [7] and measured["brightness"].iloc[0] > 0


def test_on_the_demo_faces_the_angle_follows_the_tone_and_the_light():
    manifest = pd.read_csv(paths.DEMO / "people" / "manifest.csv")
    manifest = manifest[manifest["emotion"].isin(["neutral", "anger", "sad"])]
    images = paths.DEMO / "people" / "images"
    located = manifest.assign(path=[str(images / path.rsplit("/", 1)[-1]) for path in manifest["path"]])
    measured = covariates.measure(located).query("ita_ok")
    assert len(measured) > 0.9 * len(manifest)
    assert spearmanr(measured["skin_tone"], measured["ita_deg"])[0] < -0.9
    own = measured.groupby("subject_id")[["ita_deg", "light"]]
    within = measured[["ita_deg", "light"]] - own.transform("mean")
    slope = (within["ita_deg"] * within["light"]).sum() / (within["light"] ** 2).sum()
    assert slope > 10  # degrees for twice the light, on the same person


def test_only_the_named_datasets_are_measured(tmp_path):
    portrait((198, 150, 120)).save(tmp_path / "a.png")
    path = str(tmp_path / "a.png")
    manifest = pd.DataFrame({"image_id": ["a", "b"], "dataset": ["one", "two"], "path": [path, "not there"]})
    measured = covariates.measure(manifest, datasets=["one"])
    assert measured["brightness"].notna().tolist() == [True, False]
    assert measured["ita_ok"].isna().tolist() == [False, True]
