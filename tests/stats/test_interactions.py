"""What race and gender add up to is told from what only a race-gender group meets."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from stats_helpers import manifest_of, predictions_of

from ferlib import tables
from ferlib.labels import EMOTIONS
from ferlib.paths import ROOT
from ferlib.stats import counts, interactions, outcomes


def audited(*, people=30, worse):
    """A model that misreads a share of the images of some groups; `worse` says which share."""
    manifest = manifest_of(people)
    random = np.random.default_rng(3)
    predictions = predictions_of(manifest, seed=3).assign(status="ok", predicted=manifest["emotion"])
    share = 0.1 + np.array(
        [worse(race, gender) for race, gender in zip(manifest["race"], manifest["gender"], strict=True)]
    )
    wrong = random.random(len(manifest)) < share
    predictions.loc[wrong, "predicted"] = random.choice(EMOTIONS, wrong.sum())
    return counts.tally(outcomes.join(predictions, manifest))


def test_two_gaps_that_add_up_are_no_interaction_and_one_that_only_a_group_meets_is():
    additive = audited(worse=lambda race, gender: 0.2 * (race == "Black") + 0.2 * (gender == "Female"))
    only = audited(worse=lambda race, gender: 0.5 * (race == "Black" and gender == "Female"))
    table = interactions.interactions(additive).set_index("measure")
    assert table.loc["accuracy", "verdict"] == "inconclusive" and table.loc["accuracy", "races"] == 3
    found = interactions.interactions(only).set_index("measure").loc["accuracy"]
    assert found["verdict"] == "intersectional" and found["p_adjusted"] < 0.001
    assert found["smallest_gap"] < -0.3 and abs(found["largest_gap"]) < 0.1


def test_notebook_06_counts_the_tests_that_reject_and_says_of_whom():
    cells = json.loads((ROOT / "notebooks" / "06_bias_stats.ipynb").read_text(encoding="utf-8"))["cells"]
    (code,) = [text for text in ("".join(one["source"]) for one in cells) if "tests reject" in text]
    only, shown = audited(worse=lambda race, gender: 0.5 * (race == "Black" and gender == "Female")), []
    known = {"all_counts": only, "alpha": 0.05, "min_people": 5, "main": interactions.interactions(only)[["model"]][:1]}
    exec(code, known | {"display": shown.append, "Markdown": str, "tables": tables})
    assert re.fullmatch(r"\*\*Answer.\*\* [1-9]\d* of \d+ tests reject: .*model.*, accuracy.*", shown[-1])


def test_a_race_of_one_gender_and_too_few_people_leave_nothing_to_test():
    manifest = manifest_of(10)
    kept = manifest[(manifest["race"] == "Black") | (manifest["gender"] == "Male")]
    table = interactions.interactions(counts.tally(outcomes.join(predictions_of(kept, seed=1), kept)))
    assert set(table["verdict"]) == {"not estimable"} and (table["races"] == 1).all()
    few = interactions.interactions(audited(people=4, worse=lambda *_: 0.0))
    assert set(few["verdict"]) == {"not estimable"}


def test_shrunken_rates_lie_between_the_own_and_the_additive_one_and_are_surer():
    table = interactions.shrunken(audited(people=8, worse=lambda race, gender: 0.2 * (race == "Black")))
    assert len(table) == 6
    low, high = table[["rate", "additive"]].min(axis=1), table[["rate", "additive"]].max(axis=1)
    assert ((table["shrunken"] >= low - 1e-9) & (table["shrunken"] <= high + 1e-9)).all()
    assert ((table["low"] < table["shrunken"]) & (table["shrunken"] < table["high"])).all()
    assert ((0 <= table["weight"]) & (table["weight"] <= 1)).all()


def test_groups_far_apart_are_left_where_they_are():
    far = interactions.shrunken(
        audited(people=200, worse=lambda race, gender: 0.7 * (race == "Black" and gender == "Male"))
    )
    assert (far["rate"] - far["shrunken"]).abs().max() < 0.02


def test_the_variance_between_groups_is_paule_and_mandels():
    """With one race, the additive fit is a mean: statsmodels' meta-analysis has the same."""
    from statsmodels.stats.meta_analysis import _fit_tau_iterative

    (one,) = audited(people=12, worse=lambda race, gender: 0.3 * (race == "Black"))
    rates, _ = interactions._by_group(one)
    value, own = rates.rate[:, 0], interactions._variance(rates, 0)
    between, _ = _fit_tau_iterative(value, own)
    found = interactions.between_variance(value, own, np.ones((6, 1)))
    assert found == pytest.approx(between, abs=1e-4) and found > 0


def test_the_tables_have_their_columns():
    (one,) = audited(people=8, worse=lambda *_: 0.0)
    assert list(interactions.interactions([one]).columns) == list(interactions.COLUMNS)
    assert list(interactions.shrunken([one, one]).columns) == list(interactions.SHRUNKEN_COLUMNS)
    assert isinstance(interactions.shrunken([one]), pd.DataFrame)
