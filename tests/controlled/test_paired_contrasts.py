"""Only one thing is changed: what is found then was planted, agrees with a count by hand, and its intervals hold."""

import itertools

import numpy as np
import pandas as pd
import pytest
from controlled_helpers import GEOMETRY, TONE, TONES, answered, crossed
from scipy.stats import norm, permutation_test, ttest_1samp
from scipy.stats import t as student
from stats_helpers import assert_equivalent_from, step_down
from statsmodels.stats.proportion import proportion_confint

from ferlib.controlled import changes, decomposition, matched_sets, pair_intervals, paired_contrasts
from ferlib.controlled.matched_sets import Factor, Matched
from ferlib.errors import InputError
from ferlib.stats import intervals
from ferlib.stats.counts import measure


def contrasts_of(factor, **options):
    manifest = crossed()
    return paired_contrasts.contrasts(matched_sets.match(answered(manifest, **options), manifest, factor), min_units=4)


def row_of(table, measure, true="", predicted="", **more):
    wanted = {"measure": measure, "true": true, "predicted": predicted, **more}
    return table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])].squeeze()


def by_hand(manifest, answers, hit):
    """Pairs (dark image, light image) of one person and emotion, counted one by one."""
    known = answers.merge(manifest[["image_id", "skin_tone"]], on="image_id")
    cells = {(r.subject_id, r.true, r.skin_tone): r for r in known.itertuples()}
    found = [
        (cells[person, true, dark], cells[person, true, light])
        for person in manifest["subject_id"].unique()
        for true in manifest["emotion"].unique()
        for dark, light in itertools.product((8, 10), (2, 4))
    ]
    found = [pair for pair in found if hit(pair[0]) is not None]
    return found, np.array([(hit(dark), hit(light)) for dark, light in found])


@pytest.mark.parametrize(
    "measure, true, predicted, hit",
    [
        ("accuracy", "", "", lambda r: r.outcome == r.true),
        ("confusion", "anger", "disgust", lambda r: None if r.true != "anger" else r.outcome == "disgust"),
        ("recall", "sad", "sad", lambda r: None if r.true != "sad" else r.outcome == "sad"),
    ],
)
def test_rates_and_discordant_pairs_agree_with_a_count_by_hand(measure, true, predicted, hit):
    manifest = crossed()
    answers = answered(manifest, seed=3, planted=0.6, noise=0.2)
    _, counted = by_hand(manifest, answers, hit)
    row = row_of(paired_contrasts.contrasts(matched_sets.match(answers, manifest, TONE)), measure, true, predicted)
    assert (row["group_a"], row["group_b"], row["units"]) == ("dark", "light", 12)
    assert row["rate_a"] == pytest.approx(counted[:, 0].mean()) == pytest.approx(row["count_a"] / row["n_a"])
    assert row["rate_b"] == pytest.approx(counted[:, 1].mean())
    assert row["only_a"] == pytest.approx((counted[:, 0] & ~counted[:, 1]).mean())
    assert row["only_b"] == pytest.approx((~counted[:, 0] & counted[:, 1]).mean())
    assert row["risk_difference"] == pytest.approx(row["only_a"] - row["only_b"])


def test_a_planted_effect_of_the_tone_is_found_with_its_sign_and_nothing_else():
    table = contrasts_of(TONE, seed=1, planted=0.6, noise=0.05)
    different = table[table["verdict"] == "different"]
    found = set(zip(different["measure"], different["true"], different["predicted"], strict=True))
    assert found == {("recall", "anger", "anger"), ("confusion", "anger", "disgust")}
    row = row_of(table, "confusion", "anger", "disgust")
    assert row["risk_difference"] > 0.3 and row["rd_low"] > 0 and row["reason"] == "higher for dark"
    geometry = contrasts_of(GEOMETRY, seed=1, planted=0.6, noise=0.05)
    assert (geometry["verdict"] == "inconclusive").all(), "the tone is the same on all geometries"


def test_where_nothing_was_planted_nothing_is_found():
    alarms = [(contrasts_of(TONE, seed=seed, noise=0.15)["verdict"] == "different").any() for seed in range(10)]
    assert sum(alarms) <= 2


def test_the_p_value_is_that_of_scipys_sign_flips():
    manifest = crossed()
    answers = answered(manifest, seed=5, planted=0.3, noise=0.2)
    table = paired_contrasts.contrasts(matched_sets.match(answers, manifest, TONE), draws=4000, seed=1)
    known = answers.merge(manifest[["image_id", "skin_tone"]], on="image_id")
    known = known.assign(right=known["outcome"] == known["true"], dark=known["skin_tone"] >= 8)
    means = known[known["skin_tone"] != 6].groupby(["subject_id", "dark"])["right"].mean().unstack()
    exact = permutation_test(
        (means[True], means[False]), lambda x, y, axis: (x - y).sum(axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=np.inf,
    ).pvalue  # fmt: skip
    assert row_of(table, "accuracy")["p_flip"] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))
    assert (table["p_adjusted"].dropna() >= table["p_flip"].dropna() - 1e-12).all()


def two_slips(manifest):
    """Two people's angry faces are misread once each, in the dark: hardly anything can be shuffled."""
    answers = answered(manifest, seed=0)
    answers.loc[answers["image_id"].isin(["AF01-t08-anger", "BM02-t10-anger"]), "outcome"] = "disgust"
    return answers


@pytest.mark.parametrize("few", [True, False])
def test_a_paired_contrast_is_equivalent_as_soon_as_its_simultaneous_interval_lies_within_delta(few):
    manifest = crossed()
    answers = two_slips(manifest) if few else answered(manifest, seed=5, planted=0.3, noise=0.2)
    matched = matched_sets.match(answers, manifest, TONE)
    options = {"alpha": 0.05, "draws": 400, "seed": 2}
    table = paired_contrasts.contrasts(matched, delta=0.001, **options)
    z, null = paired_contrasts.shuffled(matched[0].by_unit(measure(matched[0].tensor)[0]), [(0, 1)], draws=400, seed=2)
    family = ~np.isnan(z)
    largest = null[:, family].max(axis=1)
    quantile = np.quantile(largest, 0.95)
    assert (quantile < norm.isf(0.025)) == few, "the case is what it is for"
    np.testing.assert_allclose(table["p_adjusted"][family], step_down(np.abs(z[family]), null[:, family]))
    assert table["p_adjusted"][~family].isna().all()
    _, asked = measure(matched[0].tensor)
    outcome, changed = measure(matched[0].tensor)[0], pair_intervals.changed(matched[0], 0, 1)
    n = pair_intervals.effective_pairs(matched[0], outcome, asked[:, 0], changed, 0, 1)

    def t_of(size):
        return size * np.sqrt(11 / (12 - size**2))

    only = table["only_a"].to_numpy(), table["only_b"].to_numpy()
    reject = t_of(max(quantile, norm.isf(0.025)))
    sure = 2 * norm.sf(reject)
    edges = np.abs(pair_intervals.difference(*only, n, alpha=sure)).max(axis=0)
    chosen = np.flatnonzero(table["p_adjusted"].fillna(1) > 0.05)[:8]
    assert_equivalent_from(
        edges[chosen], lambda delta: paired_contrasts.contrasts(matched, delta=delta, **options)["verdict"][chosen]
    )
    np.testing.assert_allclose(
        table["min_detectable"], paired_contrasts.detectable(only[0] + only[1], n, reject), rtol=1e-5
    )


def test_the_statistic_has_students_order_and_value():
    apart = np.random.default_rng(0).normal(0.3, 1, (9, 1))
    sums = np.stack([apart, np.zeros_like(apart)], axis=1)
    z, _ = paired_contrasts.shuffled(sums, [(0, 1)], draws=10, seed=0)
    assert paired_contrasts.studentised(z[0], 9) == pytest.approx(ttest_1samp(apart[:, 0], 0).statistic)
    assert paired_contrasts.studentised(3.0, 9) == np.inf


def test_the_interval_is_newcombes_of_the_discordant_shares():
    low, high = pair_intervals.difference(np.array([0.3]), np.array([0.1]), np.array([50.0]), alpha=0.05)
    (low_a, high_a), (low_b, high_b) = (proportion_confint(x, 50, method="wilson") for x in (15, 5))
    apart = np.sqrt(0.3 * 0.1 / (0.7 * 0.9))
    down = (0.3 - low_a) ** 2 + (high_b - 0.1) ** 2 + 2 * apart * (0.3 - low_a) * (high_b - 0.1)
    up = (high_a - 0.3) ** 2 + (0.1 - low_b) ** 2 + 2 * apart * (high_a - 0.3) * (0.1 - low_b)
    np.testing.assert_allclose([low[0], high[0]], [0.2 - np.sqrt(down), 0.2 + np.sqrt(up)])
    low, high = pair_intervals.difference(np.zeros(1), np.zeros(1), np.array([12.0]), alpha=0.05)
    assert low[0] == -high[0] < -0.2, "no change seen is not no change"


def simulated(rate_a, rate_b, *, people, sets, between, images=2, audits=1500, seed=0):
    """Audits of one yes-or-no outcome: a person's own tendency on each side, and independent images given it.

    Returns
    -------
    Matched, outcome (sets, 2, audits)
    """
    random = np.random.default_rng(seed)
    weight = (1 - between) / between
    rates = [random.beta(rate * weight, (1 - rate) * weight, (people, 1, audits)) for rate in (rate_a, rate_b)]
    sides = [random.binomial(images, np.broadcast_to(rate, (people, sets, audits))) / images for rate in rates]
    outcome = np.stack([side.reshape(people * sets, audits) for side in sides], axis=1)
    unit = np.repeat(np.arange(people), sets)
    factor = Factor("tone", "set", "skin_tone", {"dark": [8, 10], "light": [2, 4]})
    return Matched(
        {}, factor, pd.DataFrame(index=range(len(unit))), unit, np.empty(0), (images,) * 2, (people,) * 2, 0
    ), outcome


@pytest.mark.parametrize(
    "rate_a, rate_b, sets, between",
    [(0.1, 0.1, 7, 0.05), (0.5, 0.5, 7, 0.2), (0.4, 0.02, 1, 0.1), (0.3, 0.05, 7, 0.2), (0.06, 0.02, 35, 0.05)],
)
def test_intervals_of_twelve_people_hold(rate_a, rate_b, sets, between):
    design, outcome = simulated(rate_a, rate_b, people=12, sets=sets, between=between)
    asked = np.ones((outcome.shape[0], outcome.shape[2]))
    only_a, only_b = (
        (outcome[:, 0] * (1 - outcome[:, 1])).mean(axis=0),
        (outcome[:, 1] * (1 - outcome[:, 0])).mean(axis=0),
    )
    either = outcome[:, 0] + outcome[:, 1] - 2 * outcome[:, 0] * outcome[:, 1]
    n = pair_intervals.effective_pairs(design, outcome, asked, either, 0, 1)
    assert ((n >= 12 - 1e-9) & (n <= 2 * len(outcome) + 1e-9)).all()
    low, high = pair_intervals.difference(only_a, only_b, intervals.paid(n, 11, alpha=0.05), alpha=0.05)
    covered = ((low <= rate_a - rate_b) & (rate_a - rate_b <= high)).mean()
    assert covered >= 0.945, covered
    naive_low, naive_high = pair_intervals.difference(only_a, only_b, np.full(n.shape, 2.0 * len(outcome)), alpha=0.05)
    if between >= 0.2:
        assert ((naive_low <= rate_a - rate_b) & (rate_a - rate_b <= naive_high)).mean() < 0.9, "images are not people"


def test_the_share_of_changes_agrees_with_a_count_by_hand():
    manifest = crossed()
    answers = answered(manifest, seed=4, planted=0.5, noise=0.2)
    table = changes.changes(matched_sets.match(answers, manifest, TONE))
    found, right = by_hand(manifest, answers, lambda r: r.outcome == r.true)
    differ = np.array([dark.outcome != light.outcome for dark, light in found])
    for by, key in (("all", lambda r: "all"), ("true", lambda r: r.true), ("race", lambda r: r.race)):
        for group, row in table[table["by"] == by].set_index("group").iterrows():
            inside = np.array([key(dark) == group for dark, _ in found])
            assert row["changed"] == pytest.approx(differ[inside].mean())
            assert row["right_only_b"] == pytest.approx((~right[inside, 0] & right[inside, 1]).mean())
            assert row["ci_low"] <= row["changed"] <= row["ci_high"]
    parts = table["right_only_a"] + table["right_only_b"] + table["wrong_otherwise"]
    np.testing.assert_allclose(parts, table["changed"], atol=1e-12)
    assert table.loc[table["by"] == "subject_id", "ci_low"].isna().all()


def test_rates_along_the_tones_agree_with_a_count_by_hand():
    manifest = crossed()
    answers = answered(manifest, seed=6, planted=0.5, noise=0.1)
    factor = changes.each_level(TONE, manifest)
    assert list(factor.sides) == [str(tone) for tone in TONES]
    table = changes.levels(matched_sets.match(answers, manifest, factor))
    known = answers.merge(manifest[["image_id", "skin_tone"]], on="image_id")
    angry = known[known["true"] == "anger"]
    expected = (angry["outcome"] == "disgust").groupby(angry["skin_tone"]).mean()
    found = table[(table["true"] == "anger") & (table["predicted"] == "disgust")].set_index("level")["rate"]
    np.testing.assert_allclose(found[[str(tone) for tone in TONES]], expected)
    assert (table["n"] == table["count"] / table["rate"].where(table["rate"] > 0, np.nan)).loc[table["rate"] > 0].all()


def test_repeats_of_an_image_count_once_and_what_was_not_asked_is_left_out():
    manifest = crossed()
    once = answered(manifest, seed=7, planted=0.5, noise=0.1)
    twice = pd.concat([once, once.assign(repeat=1)])
    first, second = (paired_contrasts.contrasts(matched_sets.match(given, manifest, TONE)) for given in (once, twice))
    pd.testing.assert_frame_equal(first, second)
    (fewer,) = matched_sets.match(once[once["image_id"] != "AF01-t08-sad"], manifest, TONE)
    assert fewer.incomplete == 1 and len(fewer.sets) == 83
    (same,) = matched_sets.match(once[once["image_id"] != "AF01-t06-sad"], manifest, TONE)
    assert same.incomplete == 0, "tone 6 is on no side"


@pytest.mark.parametrize(
    "factor, words",
    [
        (
            Factor("tone", "set", "skin_tone", {"dark": [9], "light": [2]}),
            "no image has skin_tone 9. Levels there: 2, 4, 6",
        ),
        (Factor("glasses", "set", "glasses", {"with": [1], "without": [0]}), "no column 'glasses'"),
        (
            Factor("geometry", "set", "race", {"A": ["Asian"], "B": ["Black"]}, (), ("look",)),
            "agree in look, emotion, level",
        ),
    ],
)
def test_a_factor_that_the_set_does_not_control_is_refused(factor, words):
    manifest = crossed()
    with pytest.raises(InputError, match=words):
        matched_sets.match(answered(manifest, seed=0), manifest, factor)


def ordinary(manifest):
    """A set in which tone goes with race: of the crossed one only the tones that each race is given."""
    own = {"Asian": (2, 4, 6), "Black": (6, 8, 10), "White": (2, 4)}
    return manifest[[tone in own[race] for race, tone in zip(manifest["race"], manifest["skin_tone"], strict=True)]]


def test_a_gap_made_by_the_tone_is_put_down_to_the_tone():
    manifest = crossed(looks=4)
    answers = answered(manifest, seed=8, planted=0.7)
    seen = answers[answers["image_id"].isin(ordinary(manifest)["image_id"])]
    how = {"attribute": "race", "unit": "look", "measures": [("confusion", "anger", "disgust")]}
    table = decomposition.decompose(seen, answers, manifest, TONE, **how).set_index(["group_a", "group_b"])
    row = table.loc["Black", "White"]
    known = answers.merge(manifest[["image_id", "skin_tone"]], on="image_id")
    angry = known[known["true"] == "anger"].assign(hit=known["outcome"] == "disgust")
    rate = angry.groupby(["race", "skin_tone"])["hit"].mean().unstack()
    shares = {"Black": np.array([0, 0, 1, 1, 1]) / 3, "White": np.array([1, 1, 0, 0, 0]) / 2}
    both, unlike = rate.loc["Black"] + rate.loc["White"], rate.loc["Black"] - rate.loc["White"]
    assert row["by_level"] == pytest.approx(((shares["Black"] - shares["White"]) * both / 2).sum())
    assert row["by_group"] == pytest.approx(((shares["Black"] + shares["White"]) * unlike / 2).sum())
    assert row["observed"] == pytest.approx(row["by_level"] + row["by_group"] + row["left_over"])
    assert row["left_over"] == pytest.approx(0), "these very images are in the crossed set"
    assert row["by_level_low"] > 0.2 and row["by_group_low"] < 0 < row["by_group_high"]


def test_the_intervals_of_the_parts_are_the_jackknifes_over_people_and_units():
    """Each person of the ordinary set, and each look of the crossed one, is left out in turn, and all is done anew."""
    manifest = crossed(looks=3)
    answers = answered(manifest, seed=9, planted=0.6, noise=0.2)
    seen = answers[answers["image_id"].isin(ordinary(manifest)["image_id"])]
    seen = seen.sample(frac=0.7, random_state=1).sort_index()  # of people alike in their tones nobody would be missed
    how = {"attribute": "race", "unit": "look", "measures": [("accuracy", "", "")]}
    parts = ["by_level", "by_group"]

    def found(observed, controlled):
        return decomposition.decompose(observed, controlled, manifest, TONE, **how)

    look = answers["image_id"].map(manifest.set_index("image_id")["look"])
    without = [
        [found(seen[seen["subject_id"] != who], answers)[parts] for who in sorted(set(seen["subject_id"]))],
        [found(seen, answers[look != one])[parts] for one in sorted(set(look))],
    ]
    assert all(np.var(some, axis=0).max() > 1e-6 for some in without)
    variance = sum((len(some) - 1) ** 2 / len(some) * np.var(some, axis=0, ddof=1) for some in without)
    reach = student.isf(0.025, len(set(look)) - 1) * np.sqrt(variance)
    whole = found(seen, answers)
    np.testing.assert_allclose(whole[[f"{part}_low" for part in parts]], whole[parts] - reach)
    np.testing.assert_allclose(whole[[f"{part}_high" for part in parts]], whole[parts] + reach)


def test_levels_between_those_of_the_crossed_set_count_for_both_neighbours():
    weights = decomposition._hats([1, 2, 5, 9.5], np.array([2.0, 4.0, 6.0, 8.0, 10.0]))
    expected = [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 0, 0.25, 0.75]]
    np.testing.assert_allclose(weights, expected)
