"""Two models' gaps are compared person by person: the gaps are the audit's, the test that of statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import t as student
from stats_helpers import manifest_of, predictions_of

from ferlib.stats import counts, disparities, model_gaps, outcomes


@pytest.fixture(scope="module")
def pair():
    manifest = manifest_of(20)
    one = predictions_of(manifest, seed=1, model="one")
    other = one.assign(model="other")
    random = np.random.default_rng(0)
    worse = (manifest["gender"] == "Male") & (random.random(len(manifest)) < 0.25)
    other.loc[worse, ["status", "predicted"]] = ["refused", None]
    return manifest, counts.tally(outcomes.join(pd.concat([one, other], ignore_index=True), manifest))


def test_the_gaps_are_those_of_the_disparities(pair):
    table = model_gaps.compare(pair[1])
    audited = disparities.disparities(pair[1], draws=100).query("measure == 'accuracy'")
    keys = ["attribute", "group_a", "group_b"]
    for number, model in ((1, "one"), (2, "other")):
        both = table.merge(audited[audited["model"] == model], on=keys)
        assert len(both) == len(table) == 19
        np.testing.assert_allclose(both[f"gap_{number}"], both["risk_difference"])


def test_the_standard_error_is_that_of_peoples_own_differences_in_statsmodels(pair):
    _, (one, other) = pair
    row = model_gaps.compare([one, other]).query("attribute == 'gender'").squeeze()
    change = (one.right - other.right) / one.images
    male = (one.people["gender"] == "Male").to_numpy()
    fit = sm.OLS(change, np.c_[~male, male].astype(float)).fit(cov_type="HC2")
    test = fit.t_test([1, -1])
    assert row["difference"] == pytest.approx(test.effect.item())
    assert (row["high"] - row["low"]) / 2 == pytest.approx(student.isf(0.025, 59) * test.sd.item(), rel=0.005)


def test_what_only_one_model_does_is_found_and_with_itself_a_model_has_no_difference(pair):
    _, (one, other) = pair
    table = model_gaps.compare([one, other]).set_index(["attribute", "group_a", "group_b"])
    assert table.loc[("gender", "Female", "Male"), "verdict"] == "different"
    assert table.loc[("gender", "Female", "Male"), "difference"] < 0
    assert (table.query("attribute == 'race'")["verdict"] == "inconclusive").all()
    same = model_gaps.compare([one, one])
    assert (same["difference"] == 0).all() and (same["p"] == 1).all()


def test_people_whom_one_model_was_not_asked_about_are_left_out(pair):
    _, (one, other) = pair
    fewer = counts.Counts(
        "set", "other", "only", other.people.iloc[5:].reset_index(drop=True), other.tensor[5:], other.squared[5:]
    )
    table = model_gaps.compare([one, fewer]).query("attribute == 'gender'").squeeze()
    assert table["subjects_a"] + table["subjects_b"] == len(one.people) - 5
    assert model_gaps.compare([one]).empty
