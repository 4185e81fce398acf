"""The leakage is found where it is, its interval holds what it promises, and nothing is found where nothing is."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from ferlib.probe import leakage


def differences(random, people, images, *, gain, spread, splits):
    """Paired differences whose expectation is `gain`: people differ in it, splits shift it, answers are averaged."""
    own = gain * random.gamma(1 / spread, spread, size=people) if spread else np.full(people, gain)
    chance = np.clip(own[:, None, None] + 0.005 * random.normal(size=splits), 0, 0.45)
    loss = 0.03
    draw = random.random((people, images, splits))
    value = np.where(draw < chance + loss, 1.0, np.where(draw > 1 - loss, -1.0, 0.0))
    index = pd.MultiIndex.from_product([range(people), range(images)], names=["subject_id", "image_id"])
    return pd.Series(value.mean(axis=2).ravel(), index=index), pd.Series(value.mean(axis=(0, 1)))


@pytest.mark.parametrize("gain, spread", [(0.0, 0.0), (0.05, 0.5), (0.15, 1.0)])
def test_the_interval_covers(gain, spread):
    random = np.random.default_rng(5)
    hits = []
    for _ in range(150):
        low, high = leakage.paired(*differences(random, 30, 7, gain=gain, spread=spread, splits=3))
        hits.append(low <= gain <= high)
    # 0.95 within three standard errors of 150 draws; the splits' variance is in part counted twice, so more is fine.
    assert np.mean(hits) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 150)


def test_no_difference_at_all_is_not_certainty():
    index = pd.MultiIndex.from_product([range(12), range(7)], names=["subject_id", "image_id"])
    low, high = leakage.paired(pd.Series(0.0, index=index), pd.Series([0.0, 0.0]))
    assert low < -0.05 and high > 0.05


def test_splits_that_disagree_widen_the_interval_by_the_variance_of_their_mean():
    index = pd.MultiIndex.from_product([range(12), range(7)], names=["subject_id", "image_id"])
    per_image = pd.Series(np.random.default_rng(3).choice([0.0, 0.5, -0.5], 84), index=index)
    alike, unlike = (
        np.subtract(*leakage.paired(per_image, pd.Series([0.02 - apart, 0.02, 0.02 + apart]))) / 2
        for apart in (0.0, 0.06)
    )
    assert unlike**2 - alike**2 == pytest.approx(student.isf(0.025, 11) ** 2 * 0.06**2 / 3)


def test_images_of_one_person_count_less_than_those_of_many():
    random = np.random.default_rng(2)
    value = pd.Series(np.repeat(random.choice([0.0, 1.0], size=20), 10))
    alike = value.set_axis(
        pd.MultiIndex.from_arrays([np.repeat(range(20), 10), range(200)], names=["subject_id", "image_id"])
    )
    apart = value.set_axis(pd.MultiIndex.from_arrays([range(200), range(200)], names=["subject_id", "image_id"]))
    one, other = (np.subtract(*leakage.paired(part, pd.Series([value.mean()]))[::-1]) for part in (alike, apart))
    # Ten times the variance, and a little more for that of 20 people being less well known.
    assert np.sqrt(10) < one / other < 1.25 * np.sqrt(10)


def answers_of(right):
    """Answers with so many right, by variant and repeat; 10 people with 4 images."""
    frames = []
    for (variant, repeat), mask in right.items():
        outcome = np.where(mask, "happy", "sad")
        frames.append(
            pd.DataFrame(
                {
                    "dataset": "d", "model": "m", "variant": variant, "repeat": repeat,
                    "image_id": [f"i{number}" for number in range(40)], "subject_id": np.repeat(list("abcdefghij"), 4),
                    "race": "Black", "gender": "Female", "group": "Black Female", "true": "happy", "outcome": outcome,
                }
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def test_the_table_says_what_was_counted():
    first, second = np.arange(40) < 36, np.arange(40) < 32
    answers = answers_of(
        {("random", 0): first, ("random", 1): first, ("identity-disjoint", 0): second, ("identity-disjoint", 1): first}
    )
    (row,) = leakage.leakage(answers).to_dict("records")
    assert row["accuracy_random"] == pytest.approx(0.9) and row["accuracy_disjoint"] == pytest.approx(0.85)
    assert row["leakage"] == pytest.approx(0.05) and row["ci_low"] < 0.05 < row["ci_high"]
    assert (row["n_images"], row["n_subjects"], row["n_splits"]) == (40, 10, 2)
    assert row["sd_splits"] == pytest.approx(np.std([0.1, 0.0], ddof=1))
    assert row["disjoint_low"] < 0.85 < row["disjoint_high"] and tuple(row) == leakage.COLUMNS
