"""The published shares give back whole numbers of images, and the comparison finds what differs."""

import math

import pandas as pd
import pytest

from ferlib.datasets import published
from ferlib.errors import InputError

TOTALS = {"radiate": 1488, "tarr": 1053, "cfd": 1207}


@pytest.mark.parametrize("dataset", TOTALS)
def test_every_printed_share_is_a_whole_number_of_images_over_the_total(dataset):
    own = published.composition().query("dataset == @dataset")
    total = TOTALS[dataset]
    assert set(own["n_total"]) == {total} and own["n_images"].sum() == total
    again = own["n_images"].map(lambda count: math.floor(count / total * 1e4 + 0.5) / 100)
    assert (again - own["percent_as_printed"]).abs().max() < 1e-9


@pytest.mark.parametrize("dataset", TOTALS)
def test_no_other_total_but_a_multiple_is_possible(dataset):
    own = published.composition().query("dataset == @dataset")
    possible = published.possible_totals(own["percent_as_printed"], largest=3500)
    assert possible[0] == TOTALS[dataset] and all(total % TOTALS[dataset] == 0 for total in possible)


def test_the_counts_agree_with_what_is_known_of_the_datasets():
    table = published.composition().set_index(["dataset", "race", "emotion"])["n_images"]
    people = {"Asian": 22, "Black": 38, "Hispanic": 20, "White": 28}
    assert {race: table["radiate", race, "neutral"] for race in people} == {r: 2 * n for r, n in people.items()}
    cfd = table["cfd"].groupby("emotion").sum()
    assert cfd.to_dict() == {"anger": 154, "fear": 149, "happy": 307, "neutral": 597}


@pytest.fixture
def cfd():
    """A manifest with the published composition of CFD."""
    table = published.composition().query("dataset == 'cfd'")
    repeated = table.loc[table.index.repeat(table["n_images"])]
    return repeated[["dataset", "race", "emotion"]].assign(subject_id="cfd-x").reset_index(drop=True)


def test_an_equal_composition_differs_nowhere(cfd):
    check = published.compare(cfd)
    assert check["difference"].eq(0).all() and check["n_read"].sum() == 1207
    assert published.differences(check, cfd, rule="require") == []


def test_cells_too_few_too_many_and_unheard_of_are_all_reported(cfd):
    changed = cfd.drop(index=cfd.index[(cfd["race"] == "Black") & (cfd["emotion"] == "fear")][:3])
    more = pd.DataFrame([("cfd", "Asian", "anger", "x"), ("cfd", "Martian", "happy", "x")], columns=changed.columns)
    changed = pd.concat([changed, more], ignore_index=True)
    check = published.compare(changed).query("difference != 0").set_index(["race", "emotion"])["difference"]
    assert check.to_dict() == {("Asian", "anger"): 1, ("Black", "fear"): -3, ("Martian", "happy"): 1}
    (message,) = published.differences(published.compare(changed), changed)
    assert (
        "1206 images read, 1207 published; 3 of 17 cells differ" in message and "Black fear 80 instead of 83" in message
    )
    with pytest.raises(InputError, match="Black fear 80 instead of 83.*check.csv.*composition: report"):
        published.differences(published.compare(changed), changed, rule="require", where="check.csv")


def test_a_dataset_without_a_published_composition_is_not_compared(cfd):
    assert published.compare(cfd.assign(dataset="demo")).empty


def test_an_unknown_rule_is_an_error(cfd):
    with pytest.raises(InputError, match="unknown rule 'strict'. Allowed: report, require"):
        published.differences(published.compare(cfd), cfd, rule="strict")
