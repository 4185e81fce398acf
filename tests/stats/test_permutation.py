"""Shuffling people: p-values agree with enumeration and with scipy; what is planted is found and nothing else."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, permutation_test
from stats_helpers import manifest_of, predictions_of, step_down
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

from ferlib.labels import EMOTIONS
from ferlib.stats import counts, disparities, family, gaps, omnibus, outcomes, verdicts


def fair(seed, people=12, repeats=1):
    """A model that errs alike about everybody, with people of their own difficulty."""
    manifest = manifest_of(people)
    manifest = pd.concat(
        [manifest.assign(image_id=manifest["image_id"] + f"-{number}") for number in range(repeats)], ignore_index=True
    )
    random = np.random.default_rng(seed)
    ease = dict(zip(manifest["subject_id"].unique(), random.beta(6, 2, manifest["subject_id"].nunique()), strict=True))
    predictions = predictions_of(manifest, seed=seed).assign(status="ok", predicted=manifest["emotion"])
    wrong = random.random(len(manifest)) > manifest["subject_id"].map(ease)
    predictions.loc[wrong, "predicted"] = random.choice(EMOTIONS, wrong.sum())
    return manifest, predictions


def audited(manifest, predictions, **options):
    return disparities.disparities(counts.tally(outcomes.join(predictions, manifest)), **options)


@pytest.fixture(scope="module")
def fair_table():
    return audited(*fair(1), draws=500)


def test_shuffles_keep_everybody_and_the_size_of_each_group_and_do_not_depend_on_the_chunk():
    members = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 1]], dtype=bool)
    whole = np.concatenate(list(family.regroupings(members, draws=50, seed=1, chunk=50)))
    parts = np.concatenate(list(family.regroupings(members, draws=50, seed=1, chunk=7)))
    np.testing.assert_array_equal(whole, parts)
    assert (whole.sum(axis=1) == 1).all() and (whole.sum(axis=2) == [3, 2, 1]).all()
    assert len(np.unique(whole.reshape(50, -1), axis=0)) > 20


def test_the_gaps_p_value_agrees_with_scipys_permutation_test():
    manifest, predictions = fair(2, people=40)
    (one,) = counts.tally(outcomes.join(predictions, manifest))
    row = gaps.gaps([one], draws=4000).query("measure == 'accuracy' and attribute == 'gender'").squeeze()
    female = (one.people["gender"] == "Female").to_numpy()

    def gap(x, y):
        return abs(np.mean(x) - np.mean(y))

    accuracy = one.right / one.images
    result = permutation_test(
        (accuracy[female], accuracy[~female]), gap, n_resamples=4000, alternative="greater", rng=1
    )
    assert row["gap"] == pytest.approx(result.statistic)
    assert row["p"] == pytest.approx(result.pvalue, abs=0.04)
    assert row["gap_expected"] == pytest.approx(result.null_distribution.mean(), abs=0.005)


def test_step_down_agrees_with_the_definition():
    random = np.random.default_rng(0)
    observed, null = np.abs(random.normal(size=6)) + 1, np.abs(random.normal(size=(199, 6)))
    np.testing.assert_allclose(family.step_down(observed, null), step_down(observed, null))


def test_of_several_answers_the_omnibus_takes_the_first():
    manifest, first = fair(2, people=4)
    second = fair(3, people=4)[1].assign(repeat=1)
    both = pd.concat([second, first]).sample(frac=1, random_state=0)
    tables = [omnibus.omnibus(outcomes.join(given, manifest)) for given in (first, both, second)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert (tables[0]["chi2"] != tables[2]["chi2"]).all()


def test_the_floor_is_sidaks_over_as_many_comparisons_as_groups():
    p = np.array([1e-4, 0.004, 0.03, 0.4, 1.0])
    for groups, tests in ((2, 1), (3, 3), (8, 8)):
        expected = [multipletests([value, *[1.0] * (tests - 1)], method="sidak")[1][0] for value in p]
        np.testing.assert_allclose(family.sidak(p, groups), expected, atol=1e-9)


def test_in_fair_models_the_family_is_different_no_more_often_than_alpha():
    alarms = sum((audited(*fair(seed), draws=200)["verdict"] == "different").any() for seed in range(20))
    assert alarms <= 3  # binomial(20, .05) exceeds 3 in 1.6 % of cases


def test_what_was_planted_is_different_and_named():
    manifest, predictions = fair(3)
    angry = (manifest["race"] == "Black") & (manifest["emotion"] == "anger")
    flipped = angry & (np.random.default_rng(0).random(len(manifest)) < 0.7)
    predictions.loc[flipped, "predicted"] = "disgust"
    found = audited(manifest, predictions, draws=1000).query("verdict == 'different'")
    confusion = found.query("measure == 'confusion'")
    assert set(zip(confusion["true"], confusion["predicted"], strict=True)) == {("anger", "disgust")}
    race = confusion.query("attribute == 'race'")
    assert len(race) == 2 and (race["reason"] == "higher for Black").all()
    assert set(found["measure"]) <= {"confusion", "recall"} and set(found["true"]) == {"anger"}


def test_in_a_set_of_the_demos_size_a_planted_confusion_is_found_and_the_reader_without_it_is_not_accused():
    """24 people a group, one image of each emotion; half of one race's anger is read as disgust, as in the demo."""
    manifest = manifest_of(24)
    random = np.random.default_rng(11)
    sound = predictions_of(manifest, seed=11).assign(status="ok", predicted=manifest["emotion"])
    slips = random.random(len(manifest)) < 0.06
    sound.loc[slips, "predicted"] = random.choice(EMOTIONS, slips.sum())
    spoilt = sound.assign(model="spoilt")
    angry = (manifest["race"] == "Black") & (manifest["emotion"] == "anger") & (random.random(len(manifest)) < 0.5)
    spoilt.loc[angry, "predicted"] = "disgust"
    both = pd.concat([sound.assign(model="sound"), spoilt], ignore_index=True)
    table = audited(manifest, both, draws=400).query("verdict == 'different'")
    assert set(table["model"]) == {"spoilt"}
    races = table.query("measure == 'confusion' and attribute == 'race'")
    assert races[["true", "predicted", "reason"]].drop_duplicates().to_numpy().tolist() == [
        ["anger", "disgust", "higher for Black"]
    ]
    assert set(races["group_a"] + races["group_b"]) == {"AsianBlack", "BlackWhite"}
    assert set(table["true"]) <= {"anger", ""}


def test_enough_people_make_equivalence_and_few_people_no_verdict():
    manifest, predictions = fair(4, people=500)
    large = audited(manifest, predictions, draws=200, delta=0.1).query("measure == 'accuracy' and attribute == 'race'")
    assert set(large["verdict"]) == {"equivalent"}
    few = audited(*fair(4, people=4), draws=50)
    by_group = few.query("attribute == 'group'")
    assert set(by_group["verdict"]) == {"not estimable"}
    assert by_group["reason"].str.contains("only 4 people in").all() and by_group["p_adjusted"].isna().all()
    assert "not estimable" not in set(few.query("attribute == 'race'")["verdict"])


def test_the_detectable_difference_has_the_power_that_statsmodels_computes():
    n, critical = 40, norm.isf(0.0005)
    (size,) = verdicts.min_detectable(np.array([0.5]), np.array([1 / n]), np.array([1 / n]), critical)
    high, low = 0.5 + size / 2, 0.5 - size / 2
    under_null, there = 0.25 * 2 / n, (high * (1 - high) + low * (1 - low)) / n
    power = norm.sf((critical * np.sqrt(under_null) - size) / np.sqrt(there))
    assert power == pytest.approx(0.8, abs=1e-6)
    effect = 2 * np.arcsin(np.sqrt(high)) - 2 * np.arcsin(np.sqrt(low))
    assert NormalIndPower().power(effect, n, 0.001) == pytest.approx(0.8, abs=0.04)
    assert np.isnan(verdicts.min_detectable(np.array([0.5]), np.array([1 / 4]), np.array([1 / 4]), critical)).all()


def test_bounds_hold_whatever_the_silent_answers_would_have_been(manifest, predictions, all_counts):
    table = gaps.bounds(all_counts)
    random = np.random.default_rng(1)
    for _ in range(5):
        filled = predictions.merge(manifest[["image_id", "emotion"]])
        silent = filled["status"] != "ok"
        filled.loc[silent, "predicted"] = np.where(random.random(silent.sum()) < 0.5, filled["emotion"][silent], "fear")
        joined = outcomes.join(filled.assign(status="ok"), manifest)
        right = (joined["true"] == joined["outcome"]).groupby([joined["model"], joined["group"]]).mean()
        for row in table.query("attribute == 'group'").itertuples():
            gap = right[row.model, row.group_a] - right[row.model, row.group_b]
            assert row.gap_lowest - 1e-9 <= gap <= row.gap_highest + 1e-9


def test_bounds_count_by_hand(joined, all_counts):
    row = gaps.bounds(all_counts).query("model == 'first' and group_a == 'Asian' and group_b == 'Black'").squeeze()
    rates = {}
    for name in ("Asian", "Black"):
        part = joined[(joined["model"] == "first") & (joined["race"] == name)]
        answered = part[part["outcome"].isin(EMOTIONS)]
        right = (part["outcome"] == part["true"]).sum()
        silent = len(part) - len(answered)
        rates[name] = np.array([right / len(part), (right + silent) / len(part), right / len(answered)])
    expected = rates["Asian"] - rates["Black"]
    np.testing.assert_allclose(row[["gap_wrong", "gap_right", "gap_excluded"]].astype(float), expected)


def test_a_family_of_nothing_is_judged_without_a_warning(manifest, recwarn):
    perfect = predictions_of(manifest, seed=0).assign(status="ok", predicted=manifest["emotion"])
    table = audited(manifest, perfect, draws=20, min_people=2)
    assert set(table["verdict"]) == {"inconclusive"} and not [w for w in recwarn if w.category is RuntimeWarning]
    gap = gaps.gaps(counts.tally(outcomes.join(perfect, manifest)), draws=20)
    assert (gap["gap"] == 0).all() and (gap["p"] == 1).all()
