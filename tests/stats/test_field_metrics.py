"""The field's metrics are those of scikit-learn and fairlearn, and the lot is a yardstick of what nobody did."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score

from ferlib.labels import EMOTIONS
from ferlib.stats import field_metrics


@pytest.fixture(scope="module")
def rows():
    """Answers about 600 images of three unequal groups with unequal mixtures of emotions, one group read worse."""
    random = np.random.default_rng(3)
    group = random.choice(["a", "b", "c"], 600, p=[0.6, 0.3, 0.1])
    group[:21] = np.repeat(["a", "b", "c"], 7)
    true = np.where(
        group == "a", random.choice(EMOTIONS, 600), random.choice(EMOTIONS[::-1], 600, p=np.arange(1, 8) / 28)
    )
    true[:21] = EMOTIONS * 3
    right = random.random(600) < np.where(group == "b", 0.4, 0.7)
    return pd.DataFrame(
        {"group": group, "true": true, "predicted": np.where(right, true, random.choice(EMOTIONS, 600))}
    )


def tables_of(rows):
    return np.stack([
        confusion_matrix(part["true"], part["predicted"], labels=EMOTIONS) for _, part in rows.groupby("group")
    ])  # fmt: skip


def test_accuracies_and_recalls_are_those_of_scikit_learn(rows):
    found = field_metrics.metrics(tables_of(rows))
    parts = [part for _, part in rows.groupby("group")]
    accuracy = [accuracy_score(part["true"], part["predicted"]) for part in parts]
    assert found["worst group"] == pytest.approx(min(accuracy))
    assert found["accuracy ratio"] == pytest.approx(min(accuracy) / max(accuracy))
    recall = np.array([recall_score(p["true"], p["predicted"], labels=EMOTIONS, average=None) for p in parts])
    assert found["overall disparity"] == pytest.approx(np.mean(1 - recall.min(0) / recall.max(0)))


def test_the_two_differences_are_those_of_fairlearn_for_the_worst_emotion(rows):
    fairlearn = pytest.importorskip("fairlearn.metrics", reason="fairlearn comes with the extra `bench`")
    found = field_metrics.metrics(tables_of(rows))
    for name, metric in (
        ("demographic parity difference", fairlearn.demographic_parity_difference),
        ("equalized odds difference", fairlearn.equalized_odds_difference),
    ):
        each = [
            metric(rows["true"] == emotion, rows["predicted"] == emotion, sensitive_features=rows["group"])
            for emotion in EMOTIONS
        ]
        assert found[name] == pytest.approx(max(each)), name


def test_the_lot_changes_no_mixture_and_sees_a_fault_only_where_there_is_one(rows):
    counted = rows.groupby(["group", "true", "predicted"]).size().rename("count").reset_index()
    found = field_metrics.beside_the_lot(counted, "group", draws=200, seed=0).set_index("metric")
    assert found["value"].to_dict() == pytest.approx(field_metrics.metrics(tables_of(rows)))
    assert found.loc["equalized odds difference", "by_lot"] > 0.1  # ten people of a group are enough for that
    assert found.loc[["accuracy ratio", "worst group"], "beyond"].all()
    # Groups drawn by lot beforehand: beyond the edge no more often than one in twenty says.
    random = np.random.default_rng(1)
    beyond = []
    for _ in range(40):
        drawn = rows.assign(lot=random.random(len(rows))).sort_values(["true", "lot"])["group"].to_numpy()
        fair = rows.sort_values("true", kind="stable").assign(group=drawn)
        fair = fair.groupby(["group", "true", "predicted"]).size().rename("count").reset_index()
        beyond.append(field_metrics.beside_the_lot(fair, "group", draws=60, seed=2).set_index("metric")["beyond"])
    assert pd.concat(beyond, axis=1).mean(axis=1).max() <= 0.2
