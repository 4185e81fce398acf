"""Poorer versions of images: level by level, alike for the same image; a gap is found where one was taught."""

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from ferlib.controlled import quality
from ferlib.controlled.quality import AMOUNTS
from ferlib.datasets.known import MANIFESTS
from ferlib.embedding import backbones
from ferlib.errors import InputError
from ferlib.images import open_rgb
from ferlib.units import mean_contrasts

SIDES = {"dark": [7, 8, 9, 10], "light": [1, 2, 3, 4, 5]}


@pytest.fixture(scope="module")
def manifest():
    return pd.read_csv(MANIFESTS["demo"])


@pytest.fixture(scope="module")
def faces(manifest):
    """A light and a dark face, and one that is not square."""
    rows = manifest[manifest["image_id"].isin(["demo-WM02-happy", "demo-BF01-anger"])]
    images = [open_rgb(path) for path in rows["path"]]
    return [*images, images[0].crop((20, 0, 200, 224))]


def signal_to_noise(image, version):
    """Peak signal-to-noise ratio in decibels."""
    error = np.mean((np.asarray(image, float) - np.asarray(version, float)) ** 2)
    return 10 * np.log10(255**2 / error)


@pytest.mark.parametrize("kind", AMOUNTS)
def test_every_level_is_poorer_than_the_one_before(kind, faces):
    """By a measure that knows nothing of how it was made; and the mildest is still the picture that it was."""
    for image in faces:
        versions = [quality.degrade(image, kind, amount) for amount in AMOUNTS[kind]]
        assert {version.size for version in versions} == {image.size} and {one.mode for one in versions} == {"RGB"}
        ratios = [signal_to_noise(image, version) for version in versions]
        assert len(ratios) == 4 and all(np.diff(ratios) < -0.3), ratios
        assert ratios[0] > 13


def test_level_0_is_the_image_itself_and_versions_come_in_the_order_of_the_conditions(faces):
    image = faces[0]
    amounts = {"size": [32, 16], "noise": [0.1]}
    versions = quality.versions(image, amounts)
    assert quality.conditions(amounts) == [("", 0), ("size", 1), ("size", 2), ("noise", 1)]
    assert versions[0] is image
    assert versions[2].tobytes() == quality.degrade(image, "size", 16).tobytes()
    assert versions[3].tobytes() == quality.degrade(image, "noise", 0.1).tobytes()


def test_an_image_gets_the_same_noise_whenever_it_is_asked_about_and_another_image_other_noise(faces):
    grey = [image.point(lambda value: 128) for image in faces[:2]]
    grey[1].putpixel((0, 0), (0, 0, 0))
    first, other = (np.asarray(quality.degrade(image, "noise", 0.05), int) for image in grey)
    assert (np.asarray(quality.degrade(grey[0], "noise", 0.05), int) == first).all()
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.02
    assert (first - 128).std() == pytest.approx(255 * 0.05, rel=0.02), "an amount is what its description says"


def test_amounts_mean_what_the_descriptions_say(faces):
    image = faces[0]
    hidden = np.asarray(quality.degrade(image, "hidden", 0.25))
    changed = (hidden != np.asarray(image)).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == round(0.25 * image.width)
    larger = np.asarray(quality.degrade(image, "hidden", 0.5))
    assert (larger[changed] == quality.GREY).all(), "what was hidden stays hidden"
    grey = np.asarray(quality.degrade(image, "colour", 0))
    assert (grey == grey[..., :1]).all()
    light = (np.asarray(image, float) / 255) ** quality.GAMMA
    darker = (np.asarray(quality.degrade(image, "exposure", -1), float) / 255) ** quality.GAMMA
    assert darker.mean() / light.mean() == pytest.approx(0.5, rel=0.01), "a stop is half the light"


def test_an_unknown_kind_is_named_with_those_known(faces):
    with pytest.raises(InputError, match="'blurr': not known. Allowed: 'blur'"):
        quality.degrade(faces[0], "blurr", 1)


def test_people_are_drawn_by_side_and_nobody_is_both_asked_about_and_learnt_from(manifest):
    how = {"dataset": "demo", "attribute": "skin_tone", "sides": SIDES, "people": 10}
    pool = quality.sample(manifest, **how, seed=3)
    people = pool.groupby("side")[["subject_id", "asked"]].value_counts().reset_index()
    assert (people["count"] == 7).all(), "all seven expressions of each"
    counts = people.groupby(["side", "asked"]).size().unstack()
    assert (counts[True] == 10).all() and counts[False].nunique() == 1 and counts[False].min() > 10
    assert not set(pool.loc[pool["asked"], "subject_id"]) & set(pool.loc[~pool["asked"], "subject_id"])
    assert (pool["skin_tone"].map(lambda tone: "dark" if tone >= 7 else "light") == pool["side"]).all()
    shuffled = quality.sample(manifest.sample(frac=1, random_state=1).sort_values("image_id"), **how, seed=3)
    assert set(shuffled.loc[shuffled["asked"], "image_id"]) == set(pool.loc[pool["asked"], "image_id"])
    assert quality.sample(manifest, **how | {"dataset": "mine"}, seed=3).empty
    with pytest.raises(InputError, match="the images of demo have no 'age_band'"):
        quality.sample(manifest, **how | {"attribute": "age_band"}, seed=3)


def test_outcomes_pair_every_version_with_the_image_as_it_is():
    images = pd.DataFrame({"subject_id": ["a", "b"], "side": ["x", "y"], "emotion": ["sad", "fear"]}, index=[7, 3])
    said = np.array([["sad", "sad", "fear", "sad"], ["sad", "fear", "fear", "sad"]])
    rows = quality.outcomes(said, images, {"blur": [1, 2], "size": [9]})
    by_hand = {
        ("a", "blur"): [1, 1, 0], ("b", "blur"): [0, 1, 1], ("a", "size"): [1, 1], ("b", "size"): [0, 0],
    }  # fmt: skip
    for (who, kind), values in by_hand.items():
        own = rows[(rows["subject_id"] == who) & (rows["unit"] == kind)].sort_values("measure")
        assert own["measure"].tolist() == list(range(len(values))) and own["value"].tolist() == values
        assert (own["sharp"] == values[0]).all()


def judged(said, images, amounts):
    """Contrasts of the falls of the two sides, as notebook 07 makes them."""
    rows = quality.outcomes(said, images, amounts)
    rows = rows[rows["measure"] > 0].assign(value=lambda row: row["value"] - row["sharp"])
    people = images.drop_duplicates("subject_id")[["subject_id", "side"]]
    return mean_contrasts.between(rows, people, attributes=["side"], draws=500).set_index(["unit", "measure"])


@pytest.fixture(scope="module")
def taught(manifest):
    """Verdicts on two readers: `uneven` learnt dark faces in blur only, light ones sharp only, `even` both in both."""
    amounts = {"blur": AMOUNTS["blur"][2:3]}
    pool = quality.sample(
        manifest, dataset="demo", attribute="skin_tone", sides=SIDES, people=10, seed=20240827
    ).reset_index(drop=True)
    backbone = backbones.load_backbone("local-dir:data/demo/models/demo-clip-balanced")
    seen = [quality.versions(open_rgb(path), amounts) for path in pool["path"]]
    vectors = backbones.embed_pil([version for one in seen for version in one], backbone).reshape(len(pool), 2, -1)
    asked, others = pool["asked"].to_numpy(), (~pool["asked"]).to_numpy()
    dark, half = (pool["side"] == "dark").to_numpy()[others], np.arange(others.sum()) % 2 == 0
    verdicts = {}
    for name, in_blur in {"uneven": dark, "even": half}.items():
        met = np.where(in_blur[:, None], vectors[others, 1], vectors[others, 0])
        learnt = SVC(C=30, gamma=15).fit(met, pool.loc[others, "emotion"])
        said = np.stack([learnt.predict(one) for one in vectors[asked]])
        verdicts[name] = judged(said, pool[asked], amounts)
    return verdicts


def test_a_gap_that_was_taught_is_found_and_an_even_teacher_leaves_none_of_its_kind(taught):
    uneven, even = (taught[name].loc[("blur", 1)] for name in ("uneven", "even"))
    assert uneven["verdict"] == "different" and uneven["difference"] > 0.3
    assert even["verdict"] != "different" or even["difference"] < 0
    assert uneven["difference"] - even["difference"] > 0.5


LOSES = "blur takes more from dark faces of the balanced CLIP: -.33 here, *different* in 3 of 6 draws of people"


@pytest.mark.xfail(strict=True, reason=LOSES)
def test_an_even_teacher_leaves_no_gap(taught):
    """It left none with the CLIP before, which had learnt each tone in some geometries only."""
    assert (taught["even"]["verdict"] != "different").all()
