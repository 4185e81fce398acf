"""Difference maps: Welch's t of scipy at every pixel, and a correction that holds what it promises."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ferlib.units import pixelwise

GROUPS = ["dark"] * 8 + ["light"] * 10 + ["medium"] * 4


def maps_of(seed, planted=0.0):
    """Smooth noise; in dark skin, unit 1 has more in the upper left corner."""
    random = np.random.default_rng(seed)
    found = random.normal(1, 0.3, (len(GROUPS), 2, 10, 10))
    found[:8, 1, :2, :2] += planted
    return found


def test_t_is_scipys_at_every_pixel_and_unit():
    maps = maps_of(0)
    maps[3, 0] = np.nan
    table = pixelwise.contrast(maps, GROUPS, names=("dark", "light"), draws=20)
    theirs = scipy_stats.ttest_ind(maps[:8], maps[8:18], equal_var=False, nan_policy="omit")
    np.testing.assert_allclose(table["t"], theirs.statistic.ravel())
    assert table["mean_a"].to_numpy() == pytest.approx(np.nanmean(maps[:8], axis=0).ravel())
    row = table[(table["unit"] == 1) & (table["y"] == 3) & (table["x"] == 7)].iloc[0]
    assert row["difference"] == pytest.approx(maps[:8, 1, 3, 7].mean() - maps[8:18, 1, 3, 7].mean())


def test_what_was_planted_is_found_where_it_is_and_nowhere_else():
    table = pixelwise.contrast(maps_of(1, planted=2.0), GROUPS, names=("dark", "light"), draws=300)
    found = table[table["p_adjusted"] <= 0.05]
    assert set(found["unit"]) == {1} and found["y"].max() <= 1 and found["x"].max() <= 1 and len(found) == 4


def test_without_a_difference_any_pixel_is_called_different_as_rarely_as_it_says():
    hits = [
        (pixelwise.contrast(maps_of(seed), GROUPS, names=("dark", "light"), draws=100, seed=seed)["p_adjusted"] <= 0.05)
        .any()
        for seed in range(60)
    ]  # fmt: skip
    assert np.mean(hits) <= 0.12


def test_too_few_people_or_maps_that_are_all_the_same_are_not_tested():
    few = pixelwise.contrast(maps_of(2), GROUPS, names=("dark", "medium"), draws=10)
    assert few["p_adjusted"].isna().all() and few["difference"].notna().all()
    same = pixelwise.contrast(np.ones((22, 1, 3, 3)) * 0.1, GROUPS, names=("dark", "light"), draws=10)
    assert same["p_adjusted"].isna().all()
