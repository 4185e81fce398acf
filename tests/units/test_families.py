"""Tables by network: each part is judged alone, and named."""

import pandas as pd

from ferlib.units import families


def test_each_part_is_given_alone_and_its_names_come_first():
    table = pd.DataFrame({"network": ["b", "a", "b"], "kind": ["x", "x", "x"], "value": [1, 2, 5]})

    def summed(rows, more, *, times):
        assert list(rows) == ["value"]
        return pd.DataFrame({"total": [rows["value"].sum() * times + more]})

    found = families.apply(summed, table, 1, by=["network", "kind"], times=10)
    assert found.to_dict("list") == {"network": ["b", "a"], "kind": ["x", "x"], "total": [61, 21]}


def test_what_is_different_is_listed_with_the_surest_first():
    table = pd.DataFrame(
        {
            "network": ["a", "a", "a"], "unit": ["au01", "au04", "au12"], "measure": "mass", "mean_a": 0.5,
            "p_adjusted": [0.04, 0.3, 0.01], "verdict": ["different", "inconclusive", "different"],
        }
    )  # fmt: skip
    found = families.different(table)
    assert found["unit"].to_list() == ["au12", "au01"]
    assert list(found) == ["network", "unit", "measure", "mean_a", "p_adjusted"]
