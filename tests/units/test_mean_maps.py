"""Maps taken together: means that every map counts alike in, Welch's t and agreement as scipy has them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, ttest_ind

from ferlib.units import mean_maps


def test_blocks_add_up_to_one_and_leave_what_speaks_against_out():
    one = np.random.default_rng(0).normal(size=(3, 12, 12))
    one[1], one[2, 0, 0] = -1, np.nan
    found = mean_maps.blocks(one, 4)
    expected = np.maximum(one[0], 0).reshape(4, 3, 4, 3).sum(axis=(1, 3))
    np.testing.assert_allclose(found[0], expected / expected.sum())
    assert np.isnan(found[1]).all() and np.isnan(found[2]).all()


def test_a_persons_mean_map_counts_strong_and_weak_maps_alike():
    strong, weak = np.zeros((8, 8)), np.zeros((8, 8))
    strong[0, 0], weak[7, 7] = 1000, 0.001
    asked = pd.DataFrame({"subject_id": ["a", "a", "b"], "unit": ["au04", "au04", "au12"]})
    found = mean_maps.per_person(
        np.stack([strong, weak, np.full((8, 8), 5)]), asked, ["a", "b", "c"], ["au04", "au12"], side=2
    )
    np.testing.assert_allclose(found[0, 0], [[2, 0], [0, 2]])
    np.testing.assert_allclose(found[1, 1], np.ones((2, 2)))
    assert np.isnan(found[0, 1]).all() and np.isnan(found[2]).all()


def test_agreement_is_spearmans_rank_correlation():
    random = np.random.default_rng(1)
    some = {name: random.random((4, 24, 24)) for name in ("one", "two", "three")}
    some["two"][0] = some["one"][0] ** 3  # another scale, but the same order within blocks of 2 x 2 is not assured
    some["three"][1] = -1
    asked = pd.DataFrame({"subject_id": list("abcd")})
    table = mean_maps.agreement(some, asked)
    assert len(table) == 3 * 4 and (table["none"] == 0).all()
    pair = table[table["unit"] == "one, two"]["value"].to_numpy()
    for number in range(4):
        theirs = spearmanr(*(mean_maps.blocks(some[name], 12)[number].ravel() for name in ("one", "two"))).statistic
        assert pair[number] == pytest.approx(theirs)
    assert np.isnan(table[table["unit"] == "one, three"]["value"].iloc[1])
    same = mean_maps.agreement({"one": some["one"], "again": some["one"] * 7}, asked)
    assert same["value"].to_list() == pytest.approx([1] * 4)


def test_agreement_is_a_family_for_the_trained_and_one_for_the_untrained_network():
    random = np.random.default_rng(3)
    one, other = random.random((6, 24, 24)), random.random((6, 24, 24))
    asked = pd.DataFrame({"subject_id": list("abcdef")})
    by_method = {"lrp": {"trained": one, "untrained": one}, "occlusion": {"trained": one * 2, "untrained": other}}
    found = mean_maps.alike(by_method, asked, delta=0.05, min_people=2, draws=100, seed=1)
    assert found["network"].to_list() == ["trained", "untrained"] and set(found["methods"]) == {"lrp, occlusion"}
    assert found["maps"].to_list() == [6, 6] and found["rank_correlation"][0] == pytest.approx(1)
    values = mean_maps.agreement({"lrp": one, "occlusion": other}, asked)["value"]
    assert found["rank_correlation"][1] == pytest.approx(values.mean())


GROUPS = ["dark"] * 8 + ["light"] * 10 + ["medium"] * 4


def maps_of(seed, planted=0.0):
    """Smooth noise; in dark skin, unit 1 has more in the upper left corner."""
    random = np.random.default_rng(seed)
    found = random.normal(1, 0.3, (len(GROUPS), 2, 10, 10))
    found[:8, 1, :2, :2] += planted
    return found


def contrast(maps, names=("dark", "light"), **options):
    units = [f"unit {number}" for number in range(maps.shape[1])]
    return mean_maps.contrasts({"n": maps}, GROUPS, units, only=units, names=names, **options)


def test_t_is_scipys_at_every_pixel_and_unit():
    maps = maps_of(0)
    maps[3, 0] = np.nan
    table = contrast(maps, draws=20)
    theirs = ttest_ind(maps[:8], maps[8:18], equal_var=False, nan_policy="omit")
    np.testing.assert_allclose(table["t"], theirs.statistic.ravel())
    assert table["mean_a"].to_numpy() == pytest.approx(np.nanmean(maps[:8], axis=0).ravel())
    row = table[(table["unit"] == "unit 1") & (table["y"] == 3) & (table["x"] == 7)].iloc[0]
    assert row["value"] == pytest.approx(maps[:8, 1, 3, 7].mean() - maps[8:18, 1, 3, 7].mean())


def test_what_was_planted_is_found_where_it_is_and_nowhere_else():
    table = contrast(maps_of(1, planted=2.0), draws=300)
    found = table[table["p_adjusted"] <= 0.05]
    assert set(found["unit"]) == {"unit 1"} and found["y"].max() <= 1 and found["x"].max() <= 1 and len(found) == 4


def test_without_a_difference_any_pixel_is_called_different_as_rarely_as_it_says():
    hits = [(contrast(maps_of(seed), draws=100, seed=seed)["p_adjusted"] <= 0.05).any() for seed in range(60)]
    assert np.mean(hits) <= 0.12


def test_too_few_people_or_maps_that_are_all_the_same_are_not_tested():
    few = contrast(maps_of(2), ("dark", "medium"), draws=10)
    assert few["p_adjusted"].isna().all() and few["value"].notna().all()
    same = contrast(np.ones((22, 1, 3, 3)) * 0.1, draws=10)
    assert same["p_adjusted"].isna().all()
