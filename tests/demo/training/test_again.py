"""Other people, asked again: whom they are, and what is kept of what they show."""

import numpy as np
import pandas as pd
import pytest
import yaml
from ferdemo.training import again
from scipy.stats import norm

from ferlib import paths, tables
from ferlib.pipeline import parameters
from ferlib.stats import scoreboard


@pytest.fixture
def faces(tmp_path, monkeypatch):
    """A manifest of 18 people, three in each cell, two images each."""
    monkeypatch.setattr(again, "FACES", tmp_path)
    people = [f"again-{cell}{number:02d}" for cell in ("AF", "AM", "BF", "BM", "WF", "WM") for number in (1, 2, 3)]
    rows = [{"image_id": f"{who}-{n}", "subject_id": who, "dataset": "demo-again"} for who in people for n in (1, 2)]
    tables.write_csv(pd.DataFrame(rows), tmp_path / "manifest.csv")
    return tmp_path


def test_thirds_part_the_people_and_have_as_many_of_each_cell(faces):
    again.split()
    parts = [pd.read_csv(faces / f"again-{third}.csv") for third in (1, 2, 3)]
    assert sorted(pd.concat(parts)["image_id"]) == sorted(pd.read_csv(faces / "manifest.csv")["image_id"])
    for third, part in enumerate(parts, start=1):
        assert set(part["dataset"]) == {f"demo-again-{third}"}
        assert part.groupby(part["subject_id"].str[6:8])["subject_id"].nunique().tolist() == [1] * 6
        sections = yaml.safe_load((faces / f"again-{third}.yaml").read_text())
        assert sections["08_mitigation"]["dataset"] == f"demo-again-{third}" and isinstance(
            sections["06_bias_stats"], str
        )
        assert sections["01_data_prep"]["datasets"] == [paths.relative(faces / f"again-{third}.csv")]


def test_the_notebooks_know_every_parameter_that_other_people_are_asked_by(faces):
    again.split()
    notebooks = sorted((paths.ROOT / "notebooks").glob("[0-9]*.ipynb"))
    for file in (paths.DEMO / "again.yaml", *sorted(faces.glob("again-?.yaml"))):
        assert parameters.read(file, notebooks, run_dir="data/runs/again")["01_data_prep"]["datasets"]


def test_the_mean_of_three_runs_has_the_interval_of_a_mean(tmp_path):
    random, runs, changes = np.random.default_rng(0), [], []
    for number in range(3):
        people = random.normal(0.02, 0.1, size=(2, 144))
        half = norm.isf(0.025) * people.std(axis=1) / 12
        one = pd.DataFrame({"model": "sound", "remedy": "r", "way": ["remedy", "control"], "by": "all", "group": "all"})
        one = one.assign(subjects=144, rate_before=0.8, rate_after=0.8 + people.mean(axis=1), measure="accuracy")
        one = one.assign(change=people.mean(axis=1), ci_low=people.mean(axis=1) - half)
        one["ci_high"] = one["change"] + half
        runs.append(paths.Run(tmp_path / str(number)))
        tables.write_csv(pd.concat([one, one.assign(measure="recall")]), runs[-1].tables / "mitigation_changes.csv")
        changes.append(people)
    made = again.changed(runs).set_index("way").loc[["remedy", "control"]]
    every = np.concatenate(changes, axis=1)
    assert made["people"].tolist() == [432, 432]
    assert made["change"].to_numpy() == pytest.approx(every.mean(axis=1))
    margin = norm.isf(0.025) * every.std(axis=1) / np.sqrt(432)
    assert (made["high"] - made["change"]).to_numpy() == pytest.approx(margin, rel=0.03)
    assert made["sd_runs"].to_numpy() == pytest.approx(
        [np.std([p[k].mean() for p in changes], ddof=1) for k in (0, 1)], rel=1e-4
    )


def test_what_is_shipped_is_different_and_about_people_whom_the_demo_has_not():
    kept = pd.read_csv(paths.DEMO / "again" / "contrasts.csv", keep_default_na=False)
    assert len(kept) and set(kept["attribute"]) <= set(scoreboard.ABOUT_PEOPLE)
    declared = pd.read_csv(paths.DEMO / "declared.csv")
    assert set(kept["reader"]) <= set(declared["reader"])
    assert ((kept["low"] > 0) | (kept["high"] < 0)).all()
    assert not kept.duplicated(list(scoreboard.AGAIN)).any()
    remedies = pd.read_csv(paths.DEMO / "again" / "remedies.csv")
    assert set(remedies["people"]) <= {*range(1, 433)} and set(remedies["model"]) == {"sound"}
