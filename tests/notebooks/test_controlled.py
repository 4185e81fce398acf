"""Notebook 07 on controlled faces: its tables agree with a count by pandas; where nothing is controlled it says so."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from ferlib import paths
from ferlib.controlled import changes, decomposition, matched_sets, paired_contrasts
from ferlib.figures import curves
from ferlib.pipeline import execution

NOTEBOOK = "07_controlled_faces"
MODEL, VARIANT = "demo-clip-skewed-zeroshot", "ensemble"


@pytest.fixture(scope="module")
def run(smoke):
    return smoke[0]


@pytest.fixture(scope="module")
def answers(run):
    """Answers of one model to the crossed set, with what is known about each image."""
    predictions = pd.read_parquet(run.predictions / f"{MODEL}.parquet")
    manifest = pd.read_parquet(run.manifest)
    known = predictions[(predictions["dataset"] == "demo-crossed") & (predictions["variant"] == VARIANT)]
    return known.merge(manifest.drop(columns="dataset"), on="image_id")


def row_of(table, **wanted):
    wanted = {"dataset": "demo-crossed", "model": MODEL, "variant": VARIANT, **wanted}
    return table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])].squeeze()


def pairs_of(answers):
    """Every dark and light image of one person and emotion, side by side."""
    answers = answers.assign(right=answers["predicted"] == answers["emotion"])
    key = ["subject_id", "emotion"]
    dark, light = (answers[answers["skin_tone"].isin(tones)] for tones in ((8, 10), (2, 4)))
    return dark.merge(light, on=key, suffixes=("_dark", "_light"))


def test_the_share_of_changes_is_that_of_the_pairs(run, answers):
    pairs = pairs_of(answers)
    table = pd.read_csv(run.tables / "controlled_changes.csv")
    assert len(pairs) == 4 * 7 * answers["subject_id"].nunique()
    differ = pairs["predicted_dark"] != pairs["predicted_light"]
    row = row_of(table, factor="tone", by="all")
    assert row["changed"] == pytest.approx(differ.mean(), rel=1e-5)
    assert row["right_only_b"] == pytest.approx((pairs["right_light"] & ~pairs["right_dark"]).mean(), rel=1e-5)
    for emotion, share in differ.groupby(pairs["emotion"]).mean().items():
        assert row_of(table, factor="tone", by="true", group=emotion)["changed"] == pytest.approx(share, rel=1e-5)


def test_the_contrast_of_the_planted_mistake_is_that_of_the_images(run, answers):
    table = pd.read_csv(run.tables / "controlled_contrasts.csv")
    row = row_of(table, factor="tone", measure="confusion", true="anger", predicted="disgust")
    angry = answers[answers["emotion"] == "anger"].assign(hit=lambda frame: frame["predicted"] == "disgust")
    rate = angry.groupby("skin_tone")["hit"].mean()
    assert row["rate_a"] == pytest.approx(rate[[8, 10]].mean(), rel=1e-5)
    assert row["rate_b"] == pytest.approx(rate[[2, 4]].mean(), rel=1e-5, abs=1e-9)
    assert row["units"] == angry["subject_id"].nunique() == row["subjects_a"]


def test_only_looks_are_compared_when_the_geometry_changes(run, answers):
    row = row_of(
        pd.read_csv(run.tables / "controlled_contrasts.csv"),
        factor="geometry", measure="accuracy", group_a="Black", group_b="White",
    )  # fmt: skip
    by_race = answers.assign(right=answers["predicted"] == answers["emotion"]).groupby("race")["right"].mean()
    assert row["risk_difference"] == pytest.approx(by_race["Black"] - by_race["White"], rel=1e-4, abs=1e-6)
    assert (row["unit"], row["units"]) == ("look", answers["look"].nunique())


def test_the_parts_of_a_gap_add_up_to_what_06_observed(run):
    gaps = pd.read_csv(run.tables / "controlled_gaps.csv")
    audited = pd.read_csv(run.tables / "disparities.csv")
    assert len(gaps) and np.allclose(
        gaps["observed"], gaps["by_level"] + gaps["by_group"] + gaps["left_over"], atol=1e-5
    )
    both = gaps.merge(
        audited.query("dataset == 'demo' and attribute == 'race' and variant == @VARIANT"),
        on=["model", "measure", "true", "predicted", "group_a", "group_b"],
    )
    assert len(both) and np.allclose(both["observed"], both["risk_difference"], atol=1e-5)


def test_the_headline_tables_are_about_the_ordinary_set_only(run):
    for name in ("accuracy_by_group", "disparities", "headline", "confusions"):
        assert set(pd.read_csv(run.tables / f"{name}.csv", usecols=["dataset"])["dataset"]) == {"demo"}


def rates():
    """Rates of two models at the levels of two factors, of two questions."""
    random = np.random.default_rng(0)
    rows = []
    for (panel, unit, names), question, model in itertools.product(
        [("as observed", "subject_id", ("Asian", "Black")), ("only the tone", "look", ("2", "6", "10"))],
        ("right", "anger → disgust"), ("one", "two"),
    ):  # fmt: skip
        for level in names:
            low, rate, high = np.sort(random.random(3))
            rows.append((panel, unit, question, model, "v", level, 12, 84, rate, low, high))
    columns = ["panel", "unit", "question", "model", "variant", "level", "units", "n", "rate", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)


def test_curves_show_every_rate_of_their_table_and_what_was_counted():
    table = rates()
    figure = curves.levels(table)
    cells = itertools.product(["right", "anger → disgust"], ["as observed", "only the tone"])
    for axis, (question, panel) in zip(figure.axes, cells, strict=True):
        part = table[(table["question"] == question) & (table["panel"] == panel)]
        drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axis.lines])
        assert set(part["rate"].round(9)) <= set(np.round(drawn, 9)), (question, panel)
    words = " ".join(axis.get_xlabel() for axis in figure.axes)
    assert "12 people" in words and "12 looks" in words and "n = 84" in words
    assert "anger → disgust" in curves.describe_levels(table)


def test_lines_of_lost_quality_show_every_rate_and_tell_sides_apart_without_colour():
    random = np.random.default_rng(2)
    cells = itertools.product(["captions", "learnt"], ["blur", "noise"], range(3), ["dark", "light"])
    rows = [(*cell, 10, 70, *np.sort(random.random(3))) for cell in cells]
    columns = ["reader", "quality", "level", "group", "n_subjects", "n_images", "ci_low", "mean", "ci_high"]
    table = pd.DataFrame(rows, columns=columns)
    figure = curves.qualities(table)
    panels = itertools.product(["captions", "learnt"], ["blur", "noise"])
    for axis, (reader, kind) in zip(figure.axes, panels, strict=True):
        part = table[(table["reader"] == reader) & (table["quality"] == kind)]
        drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axis.lines])
        assert set(part["mean"].round(9)) <= set(np.round(drawn, 9)), (reader, kind)
        lines = [box.lines[0] for box in axis.containers]
        assert len({line.get_linestyle() for line in lines}) == len({line.get_marker() for line in lines}) == 2
    wide = table.pivot(index=["reader", "quality", "level"], columns="group", values="mean")
    widest = (wide["light"] - wide["dark"]).abs()
    assert "Widest gap: {}, {}, level {}".format(*widest.idxmax()) in curves.describe_qualities(table)
    assert "10 people, n = 70 images" in figure.get_supxlabel()


def test_changes_are_drawn_in_the_order_of_the_table():
    random = np.random.default_rng(1)
    names = ["tone: dark – light", "light: dim – bright"]
    rows = [
        (name, model, "v", "subject_id", 12, 84, *np.sort(random.random(3)), -0.1, -0.2, 0.05)
        for name in names
        for model in ("one", "two")
    ]
    columns = ["contrast", "model", "variant", "unit", "units", "n_sets", "ci_low", "changed", "ci_high"]
    table = pd.DataFrame(rows, columns=[*columns, "risk_difference", "rd_low", "rd_high"])
    figure = curves.changes(table)
    labels = [tick.get_text().split("\n") for tick in figure.axes[0].get_yticklabels()]
    assert labels == [[name, "12 people, 84 sets"] for name in names]
    assert "Most changes" in curves.describe_changes(table)


def test_without_controlled_sets_every_table_is_empty_and_has_its_columns():
    assert list(changes.changes([]).columns) == list(changes.COLUMNS)
    assert list(changes.levels([]).columns) == list(changes.LEVEL_COLUMNS)
    assert list(paired_contrasts.contrasts([]).columns) == list(paired_contrasts.COLUMNS)
    assert changes.by_group([], "race").empty and changes.panels({"observed": changes.levels([])}, {}).empty
    assert matched_sets.overview([]).empty
    audited = pd.DataFrame(columns=list(decomposition.AUDITED))
    assert set(decomposition.COLUMNS) < set(decomposition.beside([], audited).columns)


@pytest.mark.bench
def test_a_run_without_controlled_sets_says_what_would_be_needed(run, tmp_path):
    """The whole notebook on the smoke run, as if only the ordinary set had been asked."""
    elsewhere = {"name": "tone", "dataset": "elsewhere", "level": "skin_tone", "sides": {"dark": [8], "light": [2]}}
    parameters = {"run_dir": str(tmp_path), "questions": [elsewhere]}
    for folder in ("predictions", "provenance", "tables"):
        (tmp_path / folder).mkdir()
    (tmp_path / "manifest.parquet").write_bytes(run.manifest.read_bytes())
    for path in [
        *run.predictions.glob("*.parquet"),
        *run.provenance.glob("0[34]*.outputs"),
        *run.tables.glob("d*.csv"),
    ]:
        text = path.read_bytes().replace(str(run.root).encode(), str(tmp_path).encode())
        (tmp_path / path.relative_to(run.root)).write_bytes(path.read_bytes() if path.suffix != ".outputs" else text)
    output = tmp_path / "executed" / f"{NOTEBOOK}.ipynb"
    execution.execute(paths.ROOT / "notebooks" / f"{NOTEBOOK}.ipynb", parameters, output)
    cells = json.loads(output.read_text(encoding="utf-8"))["cells"]
    said = json.dumps([cell.get("outputs", []) for cell in cells])
    assert "Nothing is under control here" in said and "`elsewhere`" in said
    assert pd.read_csv(tmp_path / "tables" / "controlled_contrasts.csv").empty
