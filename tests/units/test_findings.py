"""Summaries: they say found only for the planted unit, group and direction, and name the units that fail."""

import pandas as pd
import pytest

from ferlib.units import findings

WHERE = {"unit": "au12", "attribute": "tone", "group": "dark", "measure": "recall"}


def contrasts(verdict="different", rates=(0.3, 0.9), unit="au12"):
    pair = {
        "network": "skewed",
        "unit": unit,
        "measure": "recall",
        "attribute": "tone",
        "verdict": verdict,
        "reason": "",
    }
    return pd.DataFrame(
        [
            pair | {"group_a": "dark", "group_b": "light", "rate_a": rates[0], "rate_b": rates[1]},
            pair | {"group_a": "dark", "group_b": "medium", "rate_a": rates[0], "rate_b": rates[1]},
            pair | {"group_a": "light", "group_b": "medium", "rate_a": 0.1, "rate_b": 0.9},
        ]
    )


def test_a_fault_is_found_in_its_direction_only():
    (row,) = findings.planted(contrasts(), **WHERE, higher=False).to_dict("records")
    assert (row["found"], row["contrasts"], row["other_units"]) == (2, 2, 0)
    assert (row["dark"], row["light"]) == (0.3, "0.900: different")
    assert findings.planted(contrasts(), **WHERE, higher=True)["found"].item() == 0
    assert findings.planted(contrasts("inconclusive"), **WHERE, higher=False)["found"].item() == 0
    elsewhere = pd.concat([contrasts("inconclusive"), contrasts(unit="au04")])
    assert findings.planted(elsewhere, **WHERE, higher=False)[["found", "other_units"]].to_numpy().tolist() == [[0, 3]]


def test_the_group_may_be_named_first_or_second():
    swapped = contrasts().rename(
        columns={"group_a": "group_b", "group_b": "group_a", "rate_a": "rate_b", "rate_b": "rate_a"}
    )
    assert findings.planted(swapped, **WHERE, higher=False)["found"].item() == 2


def test_units_that_fail_are_named_with_their_verdict():
    table = pd.DataFrame(
        [("n", "au01", 0.1, "different"), ("n", "au02", -0.1, "different"), ("n", "au04", 0.2, "inconclusive")],
        columns=["network", "unit", "difference", "verdict"],
    )
    (row,) = findings.passed(table).to_dict("records")
    assert (row["units"], row["surely_higher"], row["for"]) == (3, 1, "au01")
    assert row["not_for"] == "au02 (lower), au04 (inconclusive)"
    found = findings.controls(table.assign(control="even", mean_a=0.4, mean_b=0.2)).loc[("n", "even")]
    assert found.to_list() == [3, pytest.approx(0.4), pytest.approx(0.2), pytest.approx(2), 1, 1, 0]


def test_means_over_the_units_stand_beside_who_always_finds_them():
    rows = [
        ("k", "n", "all", unit, measure, value, prevalence)
        for unit, value, prevalence in (("au01", 0.5, 0.2), ("au02", 0.7, 0.5))
        for measure in (*findings.SHOWN, "recall")
    ]
    table = pd.DataFrame(rows, columns=["kind", "network", "by", "unit", "measure", "value", "prevalence"])
    row = findings.detection(pd.concat([table, table.assign(by="tone", value=0)])).loc[("k", "n")]
    assert row["units"] == 2 and row["f1"] == pytest.approx(0.6)
    assert row["f1_if_always_found"] == pytest.approx((0.4 / 1.2 + 1 / 1.5) / 2)


def test_each_part_is_given_alone_and_its_names_come_first():
    table = pd.DataFrame({"network": ["b", "a", "b"], "kind": ["x", "x", "x"], "value": [1, 2, 5]})

    def summed(rows, more, *, times):
        assert list(rows) == ["value"]
        return pd.DataFrame({"total": [rows["value"].sum() * times + more]})

    found = findings.of_parts(summed, table, 1, by=["network", "kind"], times=10)
    assert found.to_dict("list") == {"network": ["b", "a"], "kind": ["x", "x"], "total": [61, 21]}


def test_what_is_different_is_listed_with_the_surest_first():
    table = pd.DataFrame(
        {
            "network": ["a", "a", "a"], "unit": ["au01", "au04", "au12"], "measure": "mass", "mean_a": 0.5,
            "p_adjusted": [0.04, 0.3, 0.01], "verdict": ["different", "inconclusive", "different"],
        }
    )  # fmt: skip
    found = findings.different(table)
    assert found["unit"].to_list() == ["au12", "au01"]
    assert list(found) == ["network", "unit", "measure", "mean_a", "p_adjusted"]
