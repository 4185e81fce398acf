"""Notebook 11: the counts are the published ones, and what is said of the 121 networks follows from them."""

import json

import numpy as np
import pandas as pd
import pytest

from ferlib.paths import ROOT

FOLDER = ROOT / "data" / "induced"
NETWORK = ["family", "dose", "seed"]


@pytest.fixture(scope="module")
def counted():
    counted = pd.read_csv(FOLDER / "counts.csv.gz")
    return counted.assign(right=counted["count"] * (counted["true"] == counted["predicted"]))


def recall(counted, by):
    sums = counted.groupby([*NETWORK, by, "true"])[["right", "count"]].sum()
    return (sums["right"] / sums["count"]).unstack(by)


def test_there_are_121_networks_that_answered_to_the_same_images(counted):
    sizes = counted.groupby(NETWORK)["count"].sum()
    assert len(sizes) == 121 and set(sizes) == {3488}
    shown = counted.groupby([*NETWORK, "race", "gender", "true"])["count"].sum().unstack(NETWORK)
    assert (shown.nunique(axis=1) == 1).all()


def test_the_known_values_follow_to_the_last_digit(counted):
    known = pd.read_csv(FOLDER / "known.csv", dtype={"value": str})
    assert len(known) == 21
    for row in known.itertuples():
        rates = recall(counted, row.attribute).loc[row.family, row.dose]
        if row.measure == "recall":
            found = rates[row.group].xs(row.true, level="true").mean()
        else:
            found = (1 - rates.min(axis=1) / rates.max(axis=1)).groupby("seed").mean().mean()
        assert f"{found:.{len(row.value) - 2}f}" == row.value, row


def test_the_notebook_met_them_too_and_its_verdicts_are_those_kept(smoke):
    run, _ = smoke
    record = json.loads((run.provenance / "11_induced_bias.json").read_text())
    assert record["warnings"] == []
    cells = json.loads((run.root / "executed" / "11_induced_bias.ipynb").read_text())["cells"]
    printed = "".join(text for cell in cells for out in cell.get("outputs", []) for text in out.get("text", []))
    assert "21 of 21 known values" in printed
    shown = "".join(json.dumps(cell.get("outputs", "")) for cell in cells)
    for number in ("0.591", "0.518", "0.557", "0.540"):  # accuracy of women and men at dose .5, raw and standardised
        assert number in shown


def test_what_is_kept_of_all_networks_has_the_right_signs_and_no_alarm_where_nothing_was_induced(counted):
    kept = pd.read_csv(FOLDER / "detection.csv")
    assert kept[NETWORK].drop_duplicates().shape[0] == 121
    for (family, dose, seed, true), row in kept.set_index([*NETWORK, "true"]).iterrows():
        by = "race" if family == "stereo-h-white" else "gender"
        rates = recall(counted[(counted["family"] == family) & (counted["dose"] == dose)], by).loc[
            family, dose, seed, true
        ]
        assert np.allclose([row["rate_a"], row["rate_b"]], rates[[row["group_a"], row["group_b"]]], atol=1e-5)
    different = kept[kept["verdict"] == "different"]
    turned = np.where(different["true"] == "anger", -1, 1)  # angry women are missing at dose 1, the others at dose 0
    women = different["family"] != "stereo-h-white"
    assert (np.sign(different["risk_difference"]) == turned * np.sign(different["dose"] - 0.5))[women].all()
    none = kept[kept["dose"] == 0.5].drop_duplicates(NETWORK)
    assert len(none) == 11 and (none["induced_different"] > 0).sum() <= 1
    gender = kept[kept["family"] == "stereo-happy"]
    assert (gender[gender["dose"].isin([0, 1])]["verdict"] == "different").all()
