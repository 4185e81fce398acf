"""Notebook 01 says how uneven a set is: its two numbers, on a set of which they are known."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from ferlib.paths import ROOT


def numbers_of(manifest):
    """The cell of the notebook, run on another manifest."""
    cells = json.loads((ROOT / "notebooks" / "01_data_prep.ipynb").read_text())["cells"]
    (code,) = [text for text in ("".join(cell["source"]) for cell in cells) if "association(crossed)" in text]
    known = {"pd": pd, "np": np, "manifest": manifest}
    exec(code, known)
    return pd.DataFrame(known["rows"], columns=known["columns"]).set_index(["dataset", "by"])


def test_the_effective_number_and_cramers_v_are_their_definitions():
    races = ["A"] * 8 + ["B"] * 4 + ["C"] * 4
    emotions = ["anger", "happy"] * 4 + ["anger"] * 4 + ["happy", "happy", "happy", "anger"]
    manifest = pd.DataFrame({"dataset": "d", "race": races, "gender": "Female", "emotion": emotions})
    manifest["group"] = manifest["race"] + " Female"
    found = numbers_of(manifest)
    effective, v = found.columns[1:]
    assert found.loc[("d", "race"), effective] == pytest.approx(2 * 2**0.5)  # shares of a half, a quarter, a quarter
    assert found.loc[("d", "gender"), effective] == 1 and np.isnan(found.loc[("d", "gender"), v])
    chi_squared = chi2_contingency(pd.crosstab(manifest["race"], manifest["emotion"]), correction=False).statistic
    assert found.loc[("d", "race"), v] == pytest.approx((chi_squared / 16) ** 0.5)
