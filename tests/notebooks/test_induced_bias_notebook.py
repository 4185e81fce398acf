"""Notebook 11 on three networks: found at both ends of the dose, silent in the middle, and the published measure."""

import pandas as pd
import pytest


def test_the_induced_bias_is_found_with_its_sign_and_nothing_where_nothing_was_induced(smoke):
    run, _ = smoke
    table = pd.read_csv(run.tables / "induced_detection.csv").set_index("dose")
    assert table["different"].to_dict() == {0.0: 1, 0.5: 0, 1.0: 1} and (table["networks"] == 1).all()
    assert table.loc[0.0, "gap"] < -0.5 and table.loc[1.0, "gap"] > 0.5
    assert table.loc[0.5, "low"] < 0 < table.loc[0.5, "high"]


def test_the_fields_measures_stand_beside_the_audits_word(smoke):
    run, _ = smoke
    table = pd.read_csv(run.tables / "induced_metrics.csv").set_index("dose")
    assert table["audit_different"].to_dict() == {0.0: True, 0.5: False, 1.0: True}
    assert table.loc[1.0, "four_fifths"] == pytest.approx(0.483 / 0.600, abs=0.002)
    assert (table["overall_disparity"] > 0).all() and table["overall_disparity"].idxmin() == 0.5
