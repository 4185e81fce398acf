"""Scores of heatmaps: against closed forms, a plain implementation, and quantus where it is installed."""

import time

import numpy as np
import pandas as pd
import pytest

from ferlib.errors import InputError
from ferlib.units import relevance

VALUES = list(relevance.SCORES)


def examples(n=12, size=40, seed=0):
    random = np.random.default_rng(seed)
    maps = random.normal(0.2, 1, (n, size, size)).astype(np.float32)
    regions = np.zeros((n, size, size), bool)
    for region in regions:
        top, left, height, width = random.integers(1, size // 2, 4)
        region[top : top + height, left : left + width] = True
    faces = np.zeros((n, size, size), bool)
    faces[:, 3:-4, 5:-6] = True
    return maps, regions, faces


def plainly(one, region, face):
    """The definitions, word by word, for a map without ties."""
    positive = np.clip(one.astype(float), 0, None)
    order = np.argsort(-positive, axis=None)
    best = np.zeros(one.size, bool)
    best[order[: region.sum()]] = True
    return [
        positive[region].sum() / positive.sum(),
        best[region.ravel()].sum() / region.sum(),
        float(region.ravel()[order[0]]),
        positive[~face].sum() / positive.sum(),
    ]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_scores_are_what_their_definitions_say(kind):
    maps, regions, faces = examples()
    table = relevance.score(maps.astype(kind), regions, face=faces)
    expected = [plainly(*parts) for parts in zip(maps, regions, faces, strict=True)]
    tolerance = 1e-2 if kind == np.float16 else 1e-6
    np.testing.assert_allclose(table[VALUES], expected, rtol=0, atol=tolerance)
    assert (table["status"] == "ok").all()
    np.testing.assert_allclose(table["area"], regions.mean(axis=(1, 2)))
    np.testing.assert_allclose(table["area_outside_face"], 1 - 33 * 29 / 1600)


def test_scores_agree_with_quantus():
    quantus = pytest.importorskip("quantus")
    maps, regions, _ = examples(n=20)
    positive, ours = np.clip(maps, 0, None)[:, None], relevance.score(maps, regions)
    for name, theirs in quantus_scores(quantus, positive, regions[:, None]).items():
        np.testing.assert_allclose(ours[name], theirs, rtol=0, atol=1e-6)


def quantus_scores(quantus, maps, regions):
    classes = {
        "mass": quantus.RelevanceMassAccuracy,
        "rank": quantus.RelevanceRankAccuracy,
        "pointing": quantus.PointingGame,
    }
    images = np.zeros((len(maps), 3, *maps.shape[2:]), np.float32)
    given = {"x_batch": images, "y_batch": np.zeros(len(maps), int), "a_batch": maps, "s_batch": regions}
    options = {"abs": False, "normalise": False, "disable_warnings": True}
    return {name: np.asarray(score(**options)(model=None, **given), float) for name, score in classes.items()}


def test_which_shares_regions_and_faces_among_maps():
    maps, regions, faces = examples()
    which, whose = [0, 3, 3, 1] * 3, [2] * 12
    shared = relevance.score(maps, regions[:4], which=which, face=faces[:3], which_face=whose)
    pd.testing.assert_frame_equal(shared, relevance.score(maps, regions[which], face=faces[whose]))


def test_an_even_map_scores_what_the_region_covers():
    """The first control in closed form: with nothing to choose from, each score is the share of the area."""
    _, regions, faces = examples()
    table = relevance.score(np.full(regions.shape, 0.25), regions, face=faces)
    for name in ("mass", "rank", "pointing"):
        np.testing.assert_allclose(table[name], table["area"])
    np.testing.assert_allclose(table["outside_face"], table["area_outside_face"])


def test_a_map_that_lies_inside_the_region_scores_one_and_one_outside_scores_nothing():
    maps, regions, _ = examples()
    inside = relevance.score(np.where(regions, np.abs(maps) + 1, 0), regions, face=regions)
    np.testing.assert_allclose(inside[["mass", "rank", "pointing"]], 1, rtol=1e-6)
    assert (inside["outside_face"] == 0).all() and (inside["mass"] <= 1).all()
    outside = relevance.score(np.where(regions, -1, np.abs(maps) + 1), regions, face=regions)
    assert (outside[["mass", "rank", "pointing"]] == 0).all(axis=None)
    np.testing.assert_allclose(outside["outside_face"], 1, rtol=1e-6)


def test_places_that_are_tied_for_count_for_their_chance():
    one = np.zeros((1, 4, 4))
    one[0, 0, :3] = 2.0, 1.0, 1.0  # one sure place, two pixels that tie, then thirteen at nothing
    region = np.zeros((1, 4, 4), bool)
    region[0, 0, 1:3] = True
    assert relevance.score(one, region)["rank"].item() == pytest.approx((1 * 2 / 2) / 2)
    region[0, 3] = True  # six places: three sure, three of thirteen pixels at nothing, four of which are inside
    assert relevance.score(one, region)["rank"].item() == pytest.approx((2 + 3 * 4 / 13) / 6)
    against = np.where(one > 0, one, -np.arange(1.0, 17).reshape(4, 4))
    assert relevance.score(against, region)["rank"].item() == pytest.approx((2 + 3 * 4 / 13) / 6)


def test_several_greatest_pixels_share_the_point():
    one, region = np.zeros((1, 3, 3)), np.zeros((1, 3, 3), bool)
    one[0, 0], region[0, :, 0] = 5.0, True
    assert relevance.score(one, region)["pointing"].item() == pytest.approx(1 / 3)


def test_a_region_that_is_the_whole_picture_holds_everything():
    maps, regions, _ = examples()
    table = relevance.score(maps, np.ones_like(regions))
    np.testing.assert_allclose(table[["mass", "rank", "pointing", "area"]], 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "status"),
    [(0.0, "no positive relevance"), (-1.0, "no positive relevance"), (np.nan, "not finite"), (np.inf, "not finite")],
)
def test_a_map_that_says_nothing_has_a_status_and_no_score(value, status):
    _, regions, faces = examples(n=2)
    table = relevance.score(np.full(regions.shape, value), regions, face=faces)
    assert (table["status"] == status).all() and table[VALUES].isna().all(axis=None)
    assert table["area"].notna().all()


def test_one_bad_pixel_is_enough_and_touches_no_other_map():
    maps, regions, faces = examples()
    spoilt = maps.copy()
    spoilt[3, 0, 0], spoilt[5, 1, 1] = np.nan, np.inf
    table, sound = relevance.score(spoilt, regions, face=faces), relevance.score(maps, regions, face=faces)
    assert table["status"].to_list() == ["not finite" if i in (3, 5) else "ok" for i in range(12)]
    others = table.index.difference([3, 5])
    pd.testing.assert_frame_equal(table.loc[others], sound.loc[others])


def test_an_empty_region_has_a_status_and_no_score():
    maps, regions, _ = examples()
    regions[2] = False
    table = relevance.score(maps, regions)
    assert table.loc[2, "status"] == "region empty" and table.loc[2, VALUES].isna().all() and table.loc[2, "area"] == 0


@pytest.mark.parametrize("scale", [1e-40, 1e-20, 1e20, 2e36])
def test_very_small_and_very_large_relevance_scores_as_any_other(scale):
    maps, regions, faces = examples()
    positive = np.clip(maps, 0, None) + np.float32(0.5)
    scaled = (positive.astype(float) * scale).astype(np.float32)
    table = relevance.score(scaled, regions, face=faces)
    expected = relevance.score(positive, regions, face=faces)
    np.testing.assert_allclose(table[["mass", "outside_face"]], expected[["mass", "outside_face"]], atol=1e-4)


def test_no_map_gives_no_row():
    assert relevance.score(np.zeros((0, 5, 5)), np.zeros((0, 5, 5), bool)).empty


def test_maps_and_regions_that_do_not_fit_are_refused():
    maps, regions, _ = examples()
    with pytest.raises(InputError, match=r"maps of shape \(12, 40, 40\), regions of shape \(12, 20, 20\).*resized"):
        relevance.score(maps, regions[:, :20, :20])
    with pytest.raises(InputError, match="regions: holds float64, not true and false"):
        relevance.score(maps, regions * 0.5)
    with pytest.raises(InputError, match="12 maps and 3 regions: say by `which`"):
        relevance.score(maps, regions[:3])
    with pytest.raises(InputError, match="12 maps, 3 regions: `which` must give each map a number"):
        relevance.score(maps, regions[:3], which=[3] * 12)


@pytest.mark.bench
def test_fifteen_hundred_maps_take_a_500th_of_quantus():
    quantus = pytest.importorskip("quantus")
    random = np.random.default_rng(0)
    maps = random.gamma(1, 1, (1500, 224, 224)).astype(np.float32)
    regions = np.zeros((60, 224, 224), bool)
    for region in regions:
        top, left = random.integers(0, 150, 2)
        region[top : top + 40, left : left + 60] = True
    which = np.arange(1500) % 60
    began = time.process_time()
    theirs = quantus_scores(quantus, maps[:60, None], regions[:, None])
    slow = (time.process_time() - began) / 60
    seconds = []
    for _ in range(3):
        began = time.process_time()
        ours = relevance.score(maps, regions, which=which)
        seconds.append(time.process_time() - began)
    fast = min(seconds) / 1500
    print(f"\nthree scores of a map of 224 x 224: quantus {slow * 1e3:.1f} ms, ours {fast * 1e6:.0f} us")
    print(f"ratio {slow / fast:.0f}; all 1,500 maps {min(seconds):.2f} CPU seconds")
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name].iloc[:60], values, rtol=0, atol=1e-6)
    assert slow / fast >= 500
