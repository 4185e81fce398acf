"""Gaps in detection: the same numbers as the audit of emotions, and what was planted, found and named."""

import numpy as np
import pandas as pd
import pytest

from ferlib.errors import InputError
from ferlib.stats import counts, disparities
from ferlib.stats import outcomes as audit
from ferlib.units import detection_contrasts

PEOPLE = pd.DataFrame(
    [
        (f"{race[0]}{gender[0]}{k:02d}", race, gender, ("light", "medium", "dark")[k % 3])
        for race in ("Asian", "Black", "White")
        for gender in ("Female", "Male")
        for k in range(6)
    ],
    columns=["subject_id", "race", "gender", "tone"],
)


def answers_of(seed, units=("au01", "au04", "au12"), images=18, misses=0.0):
    """People who differ; in dark skin the share `misses` of those with au12 is passed over."""
    random, frames = np.random.default_rng(seed), []
    for unit in units:
        present = random.random((len(PEOPLE), images)) < 0.3
        right = random.random((len(PEOPLE), images)) < np.clip(random.normal(0.88, 0.06, (len(PEOPLE), 1)), 0, 1)
        dark = (PEOPLE["tone"] == "dark").to_numpy()[:, None]
        if unit == "au12":
            right &= ~(dark & present & (random.random(present.shape) < misses))
        frame = {"subject_id": np.repeat(PEOPLE["subject_id"], images), "present": present.ravel().astype(int)}
        frames.append(pd.DataFrame(frame).assign(unit=unit, found=(present == right).ravel().astype(int)))
    return pd.concat(frames, ignore_index=True).assign(score=0.0)


def contrasts(rows, attributes=("gender", "tone", "race"), **options):
    return detection_contrasts.contrasts(rows, PEOPLE, attributes=list(attributes), draws=300, **options)


def test_one_unit_read_rightly_or_not_gets_the_numbers_of_the_audit_of_emotions():
    rows = answers_of(1, units=("au12",))
    ours = (
        contrasts(rows, ["race", "gender"])
        .query("measure == 'accuracy'")
        .set_index(["attribute", "group_a", "group_b"])
    )
    right = (rows["present"] == rows["found"]).to_numpy()
    manifest = rows.merge(PEOPLE, on="subject_id").assign(
        image_id=rows.index.astype(str), dataset="d", emotion="anger", group=lambda f: f["race"] + " " + f["gender"]
    )
    told = manifest[["dataset", "image_id"]].assign(
        model="m", variant="v", repeat=0, status="ok", predicted=np.where(right, "anger", "sad")
    )
    theirs = disparities.disparities(counts.tally(audit.join(told, manifest)), draws=300)
    theirs = theirs.query("measure == 'accuracy'").set_index(["attribute", "group_a", "group_b"]).loc[ours.index]
    same = [
        "count_a",
        "n_a",
        "rate_b",
        "risk_difference",
        "rd_low",
        "rd_high",
        "z",
        "p_z",
        "p_cluster",
        "icc",
    ]
    pd.testing.assert_frame_equal(ours[same].astype(float), theirs[same].astype(float))
    assert set(disparities.COLUMNS) - set(detection_contrasts.COLUMNS) == {
        *audit.CONFIGURATION,
        *detection_contrasts.OF_EMOTIONS,
    }


def test_a_planted_miss_is_found_and_named_and_nothing_else():
    table = contrasts(answers_of(2, misses=0.8))
    different = table[table["verdict"] == "different"]
    assert set(different["unit"]) == {"au12"} and set(different["attribute"]) == {"tone"}
    recall = different[different["measure"] == "recall"]
    assert set(recall["group_a"]) == {"dark"} and set(recall["reason"]) <= {"higher for light", "higher for medium"}
    assert len(recall) == 2


def test_without_a_fault_a_false_different_is_as_rare_as_it_says():
    hits = [(contrasts(answers_of(seed), ["gender", "tone"])["verdict"] == "different").any() for seed in range(20)]
    assert sum(hits) <= 3, "more than 3 of 20 families happen once in 60 runs at 5 %"


def test_where_there_is_no_image_the_reason_names_unit_and_group():
    rows = answers_of(3, units=("au12",))
    dark = rows["subject_id"].isin(PEOPLE.query("tone == 'dark'")["subject_id"])
    table = contrasts(rows.assign(present=rows["present"].where(~dark, 0)), ["tone"]).set_index(["measure", "group_b"])
    row = table.loc[("recall", "light")]
    assert (row["verdict"], row["reason"]) == ("not estimable", "no image of au12 in dark")


def test_people_without_a_unit_at_all_count_for_the_others():
    rows = answers_of(4, units=("au01", "au12"))
    fewer = rows[(rows["unit"] == "au01") | rows["subject_id"].str.contains("F")]
    table = contrasts(fewer, ["gender"]).set_index(["unit", "measure"])
    assert table.loc[("au12", "recall"), "reason"] == "no image of au12 in Male"
    whole = contrasts(rows, ["gender"]).set_index(["unit", "measure"])
    assert table.loc[("au01", "accuracy"), "n_a"] == whole.loc[("au01", "accuracy"), "n_a"]


def test_a_single_group_is_refused():
    with pytest.raises(InputError, match="gender has a single group each; a gap needs two"):
        detection_contrasts.contrasts(answers_of(0), PEOPLE.assign(gender="Female"), attributes=["gender"])
