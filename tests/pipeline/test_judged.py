"""Verdicts of different notebooks in one form, and in words."""

import json

import numpy as np
import pandas as pd

from ferlib import paths
from ferlib.pipeline import judged, report
from ferlib.stats import scoreboard


def test_the_interval_is_the_one_that_belongs_to_the_verdict():
    one = {"model": "m", "risk_difference": 0.2, "rd_low": 0.1, "rd_high": 0.3}
    wide = judged.alike(pd.DataFrame([one | {"sim_low": 0.01, "sim_high": 0.4}]), "disparities").squeeze()
    plain = judged.alike(pd.DataFrame([one | {"factor": "tone"}]), "controlled_contrasts").squeeze()
    assert (wide["low"], wide["high"], wide["reader"]) == (0.01, 0.4, "m")
    assert (plain["low"], plain["high"], plain["attribute"], plain["family"]) == (0.1, 0.3, "tone", "tone")


def test_of_the_maps_only_contrasts_of_groups_are_taken():
    rows = pd.DataFrame({"network": ["n", "n"], "control": ["groups", "even"], "unit": ["au01", "au02"]})
    assert judged.alike(rows, "heatmap_contrasts")["true"].tolist() == ["au01"]


def test_the_error_of_each_table_is_that_of_its_notebook_s_record_and_a_notebook_left_out_has_none(tmp_path):
    run = paths.run(tmp_path)
    (run.root / "executed").mkdir()
    (run.root / "executed" / "05_action_units.ipynb").write_text('{"cells": []}')
    run.provenance.mkdir()
    (run.provenance / "06_bias_stats.json").write_text(json.dumps({"parameters": {"alpha": 0.1}}))
    assert judged.alphas(run) == {
        name: 0.1 for name, (source, _) in judged.SOURCES.items() if source == "06_bias_stats"
    }
    assert judged.alphas(run)


def row(**given):
    base = {"reader": "m", "variant": "v", "measure": "recall", "true": "anger", "predicted": "", "group_a": "A"}
    base |= {"group_b": "B", "rate_a": 0.25, "rate_b": 0.5, "n_a": 40, "n_b": 50, "people_a": 20, "people_b": 25}
    base |= {"difference": -0.25, "low": -0.4, "high": -0.1, "p_adjusted": 0.0, "verdict": "different"}
    return next(pd.DataFrame([base | given]).itertuples())


def test_a_sentence_has_people_images_interval_and_verdict_and_no_p_of_zero():
    said = judged.sentence(row())
    for words in (
        "recall of anger",
        "0.25 for A (40 images, 20 people)",
        "-0.25 [-0.40, -0.10]",
        "p < 0.001: different",
    ):
        assert words in said, words
    assert judged.measured(row(measure="confusion", predicted="disgust")) == "anger → disgust"


def test_the_strongest_are_one_for_each_measure_and_only_those_different():
    names = ["table", "reader", "measure", "true", "predicted", "verdict", "p_adjusted", "difference"]
    rows = [
        ("t", "m", "recall", "anger", "", "different", 0.01, 0.2),
        ("t", "m", "recall", "anger", "", "different", 0.01, -0.6),
        ("t", "m", "recall", "fear", "", "different", 0.001, 0.1),
        ("t", "m", "accuracy", "", "", "inconclusive", 0.0, 0.9),
    ]
    made = judged.strongest(pd.DataFrame(rows, columns=names))
    assert made[["true", "difference"]].to_numpy().tolist() == [["fear", 0.1], ["anger", -0.6]]


def test_what_is_declared_of_the_demo_names_the_race_that_has_most_of_the_planted_faces():
    people = pd.read_csv(paths.DEMO / "people" / "manifest.csv")
    truth, declared = (pd.read_csv(paths.DEMO / f"{name}.csv") for name in ("truth", "declared"))
    by_tone = truth.loc[truth["attribute"] == "skin_tone", "group"]  # one probe of 03 has a fault that follows the hair
    least = float(by_tone.iloc[0].removeprefix(">= "))
    dark = people.assign(dark=people["skin_tone"] >= least).groupby("race")["dark"].mean()
    assert set(declared.loc[declared["attribute"] == "race", "group"]) == {dark.idxmax()}
    assert by_tone.nunique() == 1 and not np.isnan(dark.max())
    assert set(truth.loc[truth["model"].isin(declared["model"]), "attribute"]) == {"skin_tone"}


def test_a_strongest_finding_leads_to_the_page_of_its_notebook(tmp_path, monkeypatch):
    found = pd.DataFrame([row()]).assign(table="disparities")
    monkeypatch.setattr(judged, "of_run", lambda run: found)
    monkeypatch.setattr(judged, "score", lambda run, contrasts: pd.DataFrame(columns=list(scoreboard.COLUMNS)))
    monkeypatch.setattr(judged, "strongest", lambda contrasts: contrasts)
    assert 'href="notebooks/06_bias_stats.html"' in report.front(paths.run(tmp_path))
