"""The first page of a report: the score where the truth is known, the strongest findings where it is not."""

import json

import pandas as pd
import pytest

from ferlib import paths
from ferlib.pipeline import judged, report
from ferlib.stats import scoreboard


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of which only the verdicts are known."""
    base = {"table": "disparities", "dataset": "demo", "variant": "v", "family": "", "attribute": "race"}
    base |= {"measure": "accuracy", "true": "", "predicted": "", "group_a": "Asian", "group_b": "Black"}
    base |= {"people_a": 48, "people_b": 48, "n_a": 336, "n_b": 336, "rate_a": 0.9, "rate_b": 0.7, "difference": 0.2}
    base |= {"low": 0.1, "high": 0.3, "p_adjusted": 0.0, "bound": 0.01, "min_detectable": 0.1, "verdict": "different"}
    rows = [base | {"reader": name} for name in ("demo-openai-skewed", "demo-gemini-balanced", "stranger")]
    found = {"contrasts": pd.DataFrame(rows)}
    people = pd.DataFrame({"dataset": "demo", "skin_tone": [9, 2], "race": ["Black", "Asian"]})
    monkeypatch.setattr(judged, "of_run", lambda run: found["contrasts"])
    monkeypatch.setattr(judged, "alphas", lambda run: {"disparities": 0.05})
    monkeypatch.setattr(judged.tables, "read_parquet", lambda path, **options: people)
    return paths.Run(tmp_path), found


def test_with_a_known_truth_it_is_the_score_and_every_row_is_kept(run):
    run, _ = run
    page = " ".join(report.front(run).split())
    scores = pd.read_csv(run.tables / "scoreboard.csv")
    assert list(scores) == list(scoreboard.COLUMNS)
    assert "1 of 1 planted effects are found; 1 finding invented" in page
    assert "accuracy by race (1 of 1 places)" in page  # the skewed one: that dark faces were left out
    assert "demo-gemini-balanced (v), accuracy: 0.70 for Black" in page
    assert "at most 0.1 families with one" in page and "Seen: 1." in page
    assert "stranger (1 of 1 contrasts" in page and "p 0.0" not in page


def test_without_one_it_is_the_strongest_findings_each_with_people_interval_verdict_and_link(run):
    run, found = run
    found["contrasts"] = found["contrasts"].query("reader == 'stranger'")
    page = report.front(run)
    for words in (
        "336 images, 48 people",
        "+0.20 [+0.10, +0.30]",
        "&lt; 0.001: different",
        'href="notebooks/06_bias_stats.html"',
    ):
        assert words in page, words
    assert "planted" not in page and not (run.tables / "scoreboard.csv").exists()


def test_beside_a_demo_model_without_a_fault_there_is_nothing_to_score(run):
    run, found = run
    found["contrasts"] = found["contrasts"].query("reader != 'demo-openai-skewed'")
    page = report.front(run)
    assert "The strongest findings" in page and "planted" not in page


@pytest.mark.parametrize(("folder", "scored"), [("data/demo/models/demo-aunet-skewed", True), ("my/skewed", False)])
def test_a_network_is_the_demo_s_by_its_folder_not_by_its_short_name(run, folder, scored):
    run, found = run
    found["contrasts"] = found["contrasts"].assign(table="au_contrasts", reader="skewed", measure="recall", true="au12")
    run.provenance.mkdir()
    record = {"parameters": {"networks": {"skewed": folder}, "alpha": 0.05}}
    (run.provenance / "05_action_units.json").write_text(json.dumps(record))
    page = report.front(run)
    assert ("planted effects are found" in page) == scored
    assert ("The strongest findings" in page) != scored


def test_where_nothing_is_different_it_says_that_this_is_no_proof(run):
    run, found = run
    found["contrasts"] = found["contrasts"].query("reader == 'stranger'").assign(verdict="inconclusive")
    assert "That is no proof of fairness" in report.front(run)
