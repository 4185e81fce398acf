"""Detection of Action Units by group: values against scikit-learn, intervals against other tables and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from scipy.stats import t as student
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

from ferlib.errors import InputError
from ferlib.stats import accuracy
from ferlib.units import detection

PEOPLE = pd.DataFrame(
    {
        "subject_id": [f"p{k:02d}" for k in range(24)],
        "gender": ["Female", "Male"] * 12,
        "tone": ["light"] * 22 + ["dark"] * 2,
    }
)


def answers_of(seed=0, images=10, ties=False, units=("au04", "au12"), people=PEOPLE):
    random, frames = np.random.default_rng(seed), []
    for unit in units:
        present = random.random((len(people), images)) < 0.35
        score = random.normal(1.4 * present - 0.7 + random.normal(0, 0.5, (len(people), 1)), 1)
        score = np.round(score) if ties else score
        frame = {"subject_id": np.repeat(people["subject_id"], images), "present": present.ravel().astype(int)}
        frames.append(pd.DataFrame(frame).assign(unit=unit, score=score.ravel(), found=(score.ravel() > 0).astype(int)))
    return pd.concat(frames, ignore_index=True)


THEIRS = {
    "accuracy": lambda rows: metrics.accuracy_score(rows["present"], rows["found"]),
    "balanced_accuracy": lambda rows: metrics.balanced_accuracy_score(rows["present"], rows["found"]),
    "recall": lambda rows: metrics.recall_score(rows["present"], rows["found"]),
    "specificity": lambda rows: metrics.recall_score(rows["present"], rows["found"], pos_label=0),
    "f1": lambda rows: metrics.f1_score(rows["present"], rows["found"]),
    "average_precision": lambda rows: metrics.average_precision_score(rows["present"], rows["score"]),
}


@pytest.mark.parametrize("ties", [False, True])
def test_every_value_is_scikit_learns(ties):
    answers = answers_of(ties=ties)
    table = detection.by_group(answers, PEOPLE, attributes=["gender"])
    joined = answers.merge(PEOPLE, on="subject_id").assign(all="all")
    assert len(table) == 2 * 3 * len(detection.MEASURES)
    for row in table.itertuples():
        own = joined[(joined["unit"] == row.unit) & (joined[row.by] == row.group)]
        assert row.value == pytest.approx(THEIRS[row.measure](own)), row
        assert (row.n_images, row.n_present, row.n_subjects) == (
            len(own), own["present"].sum(), own["subject_id"].nunique(),
        )  # fmt: skip
        assert row.prevalence == pytest.approx(own["present"].mean())


def test_intervals_of_rates_are_those_of_the_audits_other_tables():
    answers = answers_of(units=("au12",))
    table = detection.by_group(answers, PEOPLE, attributes=["gender"]).query("by == 'gender'")
    right = answers.assign(right=answers["present"] == answers["found"]).groupby("subject_id")
    members = np.array([PEOPLE["gender"] == gender for gender in ("Female", "Male")])
    ends = accuracy.clustered(right["right"].sum().to_numpy(), right.size().to_numpy(), members)
    np.testing.assert_allclose(table.query("measure == 'accuracy'")[["ci_low", "ci_high"]], ends)


def test_intervals_hold_their_values_and_stay_inside_0_and_1():
    table = detection.by_group(answers_of(), PEOPLE, attributes=["gender"])
    assert (table["ci_low"] <= table["value"]).all() and (table["value"] <= table["ci_high"]).all()
    assert (table["ci_low"] >= 0).all() and (table["ci_high"] <= 1).all() and (table["reason"] == "").all()


def test_perfect_answers_leave_an_interval_that_is_no_point():
    perfect = answers_of().assign(found=lambda rows: rows["present"], score=lambda rows: rows["present"])
    table = detection.by_group(perfect, PEOPLE, attributes=["gender"])
    assert (table["value"] == 1).all() and (table["ci_high"] == 1).all() and (table["ci_low"] < 0.99).all()


def test_people_who_differ_widen_the_interval():
    """The same answers, once as 240 people with an image each and once as 24 with ten."""
    answers = answers_of(units=("au12",)).sort_values("score", ignore_index=True)
    answers["subject_id"] = np.repeat(PEOPLE["subject_id"].to_numpy(), 10)  # people differ as much as they can
    alone = answers.assign(subject_id=[f"q{k}" for k in range(240)])
    many = pd.DataFrame({"subject_id": alone["subject_id"]})
    clustered, simple = (
        detection.by_group(rows, who, attributes=[]).set_index("measure").eval("ci_high - ci_low")
        for rows, who in ((answers, PEOPLE), (alone, many))
    )
    assert (clustered > 1.5 * simple)[["recall", "specificity", "f1"]].all(), clustered / simple


def test_intervals_hold_the_truth_as_often_as_they_say():
    """People whose scores are shifted; the truth is what a very large study finds."""
    several = answers_of(seed=99, people=pd.DataFrame({"subject_id": range(4000)}), units=("au12",))
    truth = pd.Series({name: theirs(several) for name, theirs in THEIRS.items()})
    inside = []
    for seed in range(40):
        table = detection.by_group(answers_of(seed=seed, units=("au12",)), PEOPLE, attributes=[]).set_index("measure")
        inside.append((table["ci_low"] <= truth) & (truth <= table["ci_high"]))
    share = pd.concat(inside, axis=1).mean(axis=1)
    assert (share >= 0.87).all(), share


def test_people_whose_scores_differ_widen_the_interval_of_average_precision():
    """Each person is left out in turn; what then varies says how many independent images there are."""
    random = np.random.default_rng(4)
    present = random.random((24, 10)) < 0.4
    score = np.where(np.arange(24)[:, None] < 12, 1, -1) * (2 * present - 1) + random.normal(0, 0.3, (24, 10))
    found = np.where(random.random((24, 10)) < 0.8, present, ~present)
    rows = pd.DataFrame({"subject_id": np.repeat(PEOPLE["subject_id"], 10), "unit": "au12", "score": score.ravel()})
    rows = rows.assign(present=present.ravel().astype(int), found=found.ravel().astype(int))
    row = detection.by_group(rows, PEOPLE, attributes=[]).set_index("measure").loc["average_precision"]
    others = [
        metrics.average_precision_score(own["present"], own["score"])
        for own in (rows[rows["subject_id"] != who] for who in PEOPLE["subject_id"])
    ]
    variance = 23 * np.var(others) * (student.isf(0.025, 23) / norm.isf(0.025)) ** 2
    n = row["value"] * (1 - row["value"]) / variance
    assert n < 0.5 * row["n_present"], "people differ more than images do"
    ends = proportion_confint(row["value"] * n, n, method="wilson")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(ends)


def test_what_cannot_be_said_has_a_reason():
    answers = answers_of(units=("au12",))
    dark = answers["subject_id"].isin(PEOPLE.query("tone == 'dark'")["subject_id"])
    table = detection.by_group(answers.assign(present=answers["present"].where(~dark, 0)), PEOPLE, attributes=["tone"])
    of_dark = table.query("group == 'dark'").set_index("measure")
    assert of_dark["ci_low"].isna().all()
    assert of_dark.loc["recall", "reason"] == "no image to divide by" and np.isnan(of_dark.loc["recall", "value"])
    assert of_dark.loc["accuracy", "reason"] == "only 2 people, fewer than 3"
    assert (table.query("group == 'light'")["reason"] == "").all()


def test_answers_that_cannot_be_used_are_refused():
    answers = answers_of()
    with pytest.raises(InputError, match="the column 'score' is missing"):
        detection.by_group(answers.drop(columns="score"), PEOPLE, attributes=[])
    with pytest.raises(InputError, match="person 'p23' is unknown"):
        detection.by_group(answers, PEOPLE.iloc[:-1], attributes=[])
    with pytest.raises(InputError, match="column 'present' holds 2 .* neither 0 nor 1. Leave out"):
        detection.by_group(answers.assign(present=2), PEOPLE, attributes=[])
