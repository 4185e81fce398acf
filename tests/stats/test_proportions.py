"""The study's test agrees with its formula, with statsmodels and with scipy; and it finds what was planted."""

import time
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, norm
from stats_helpers import manifest_of, predictions_of
from statsmodels.stats.proportion import proportions_ztest

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.stats import counts, disparities, outcomes, proportions
from ferlib.stats.omnibus import omnibus


@given(st.tuples(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1)))
def test_z_agrees_with_the_formula(numbers):
    n_a, n_b, share_a, share_b = numbers
    a, b = round(share_a * n_a), round(share_b * n_b)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (z,), (p,) = proportions.two_proportion_z(a, n_a, b, n_b)
    if a + b in (0, n_a + n_b):
        assert np.isnan(z) and np.isnan(p)
        return
    pooled = (a + b) / (n_a + n_b)
    expected = (a / n_a - b / n_b) / np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    assert z == pytest.approx(expected, abs=1e-9)
    assert p == pytest.approx(2 * norm.sf(abs(expected)), abs=1e-9)


def test_thousands_of_contrasts_agree_with_statsmodels_one_by_one_and_are_quick():
    random = np.random.default_rng(0)
    n = random.integers(12, 85, (2, 5000))
    count = random.binomial(n, 0.05)
    began = time.process_time()
    z, p = proportions.two_proportion_z(count[0], n[0], count[1], n[1])
    assert time.process_time() - began < 3
    for k in random.choice(np.flatnonzero(count.sum(axis=0) > 0), 200, replace=False):
        np.testing.assert_allclose((z[k], p[k]), proportions_ztest(count[:, k], n[:, k]))


def test_no_variance_and_nobody_there_give_nan_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z, p = proportions.two_proportion_z([0, 12, 0, 3, 0], [12, 12, 0, 12, 0], [0, 12, 4, 0, 0], [12, 12, 9, 0, 0])
    assert np.isnan(z).all() and np.isnan(p).all()


def published_model(black_female, white_female, n):
    """Answers in which so many angry Black and White women are taken for disgusted as the study published."""
    manifest = manifest_of(n, ("Black", "White"), ("anger", "disgust"))
    predictions = predictions_of(manifest, seed=0).assign(status="ok", predicted=manifest["emotion"])
    for race, mistaken in (("Black", black_female), ("White", white_female)):
        angry = manifest[(manifest["group"] == f"{race} Female") & (manifest["emotion"] == "anger")].index
        predictions.loc[angry[:mistaken], "predicted"] = "disgust"
    return counts.tally(outcomes.join(predictions, manifest))


def test_the_published_counts_give_the_published_ratio():
    table = disparities.disparities(published_model(17, 8, 40))
    row = table.query(
        "measure == 'confusion' and true == 'anger' and predicted == 'disgust' "
        "and group_a == 'Black Female' and group_b == 'White Female'"
    ).squeeze()
    assert (row["count_a"], row["count_b"]) == (17, 8)
    assert row["count_ratio"] == 17 / 8
    assert f"{row['count_ratio']:.1f}" == "2.1"
    assert row["risk_ratio"] == pytest.approx(2.125) and row["risk_difference"] == pytest.approx(9 / 40)
    np.testing.assert_allclose((row["z"], row["p_z"]), proportions_ztest([17, 8], [40, 40]))


def test_every_pair_of_groups_meets_in_every_measure(all_counts):
    table = disparities.disparities(all_counts)
    assert list(table.columns) == list(disparities.COLUMNS)
    assert len(table) == 2 * (3 + 1 + 15) * 51
    assert (table["group_a"] < table["group_b"]).all()
    assert not table.duplicated(["model", "measure", "true", "predicted", "group_a", "group_b"]).any()


def test_the_rows_say_what_was_counted(joined, all_counts):
    table = disparities.disparities(all_counts)
    for row in table.sample(150, random_state=0).itertuples():
        for side in "ab":
            part = joined[(joined["model"] == row.model) & (joined[row.attribute] == getattr(row, f"group_{side}"))]
            if row.true:
                part = part[part["true"] == row.true]
            hit = {
                "accuracy": part["true"] == part["outcome"],
                "no_answer": part["outcome"].isin(["refused", "blocked", "truncated", "unparsed"]),
            }.get(row.measure, part["outcome"] == row.predicted)
            assert getattr(row, f"count_{side}") == hit.sum()
            assert getattr(row, f"n_{side}") == len(part)
            assert getattr(row, f"subjects_{side}") == part["subject_id"].nunique()
            assert getattr(row, f"rate_{side}") == pytest.approx(hit.mean())


def test_subjects_are_the_people_in_the_denominator(manifest, predictions):
    no_anger = manifest["image_id"].isin(["AF00-anger", "AF01-anger"])
    kept = predictions[~predictions["image_id"].isin(manifest.loc[no_anger, "image_id"])]
    table = disparities.disparities(counts.tally(outcomes.join(kept, manifest)))
    rows = table.query("group_a == 'Asian Female' and group_b == 'Asian Male' and model == 'first'")
    assert rows.query("measure == 'accuracy'")["subjects_a"].item() == 3
    assert rows.query("measure == 'recall' and true == 'anger'")[["subjects_a", "n_a"]].squeeze().tolist() == [1, 1]


def test_an_emotion_that_nobody_shows_has_no_rate_and_no_test(predictions):
    manifest = manifest_of(emotions=EMOTIONS[:3])
    kept = predictions[predictions["image_id"].isin(manifest["image_id"])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = disparities.disparities(counts.tally(outcomes.join(kept, manifest)))
    assert table.loc[table["true"] == "sad", ["rate_a", "risk_ratio", "z", "p_z"]].isna().all(axis=None)


def test_one_group_only_is_said(predictions):
    manifest = manifest_of(races=("Asian",)).query("gender == 'Female'")
    kept = predictions[predictions["image_id"].isin(manifest["image_id"])]
    with pytest.raises(InputError, match="all people are Asian Female: a disparity needs two groups"):
        disparities.disparities(counts.tally(outcomes.join(kept, manifest)))


def test_omnibus_agrees_with_scipy_and_for_two_groups_is_the_square_of_z(joined, all_counts):
    table = omnibus(joined).set_index(["model", "attribute"])
    for (model, attribute), row in table.iterrows():
        part = joined[joined["model"] == model]
        observed = pd.crosstab(part[attribute], part["true"] == part["outcome"])
        expected = chi2_contingency(observed, correction=False)
        assert row["chi2"] == pytest.approx(expected.statistic)
        assert row["p"] == pytest.approx(expected.pvalue)
        assert row["dof"] == expected.dof
        assert row["cramers_v"] == pytest.approx(np.sqrt(expected.statistic / len(part)))
        assert row["min_expected"] == pytest.approx(expected.expected_freq.min())
    z = (
        disparities.disparities(all_counts)
        .query("measure == 'accuracy' and attribute == 'gender'")
        .set_index("model")["z"]
    )
    for model in ("first", "second"):
        assert table.loc[(model, "gender"), "chi2"] == pytest.approx(z[model] ** 2)


def test_omnibus_of_a_model_that_is_always_right_is_nan_without_a_warning(manifest):
    perfect = predictions_of(manifest, seed=0).assign(status="ok", predicted=manifest["emotion"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = omnibus(outcomes.join(perfect, manifest))
    assert table[["chi2", "dof", "p", "cramers_v", "min_expected"]].isna().all(axis=None)
    assert (table["n_images"] == len(manifest)).all()


def test_a_planted_confusion_stands_first():
    manifest = manifest_of(people=12)
    predictions = predictions_of(manifest, seed=4)
    random = np.random.default_rng(4)
    angry = (manifest["race"] == "Black") & (manifest["emotion"] == "anger")
    flipped = angry & (random.random(len(manifest)) < 0.7)
    predictions.loc[flipped, ["status", "predicted"]] = ["ok", "disgust"]
    table = disparities.disparities(counts.tally(outcomes.join(predictions, manifest)))
    races = table.query("measure == 'confusion' and attribute == 'race'")
    top = races.loc[races["z"].abs().idxmax()]
    assert (top["true"], top["predicted"]) == ("anger", "disgust") and "Black" in (top["group_a"], top["group_b"])
    assert top["p_z"] < 1e-4


def test_the_family_is_counted():
    table = pd.DataFrame({"p_z": [0.01, 0.2, np.nan, 0.04]})
    found = proportions.expected_by_chance(table, alpha=0.05)
    assert found.to_dict() == pytest.approx({"tests": 4, "estimable": 3, "by_chance": 0.15, "below_alpha": 2})
