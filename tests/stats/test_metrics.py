"""Metrics by group are those of fairlearn and scikit-learn, and their intervals hold."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics
from stats_helpers import manifest_of, predictions_of

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.stats import accuracy, counts, metrics, outcomes


class ByGroup:
    """What fairlearn's MetricFrame says, from scikit-learn and nothing else."""

    def __init__(self, *, metrics, y_true, y_pred, sensitive_features):
        each = {
            group: metrics(y_true[sensitive_features == group], y_pred[sensitive_features == group])
            for group in sorted(set(sensitive_features))
        }
        self.by_group = pd.Series(each)

    def difference(self):
        return self.by_group.max() - self.by_group.min()

    def ratio(self):
        return self.by_group.min() / self.by_group.max()


def random_answers(seed):
    random = np.random.default_rng(seed)
    manifest = manifest_of(int(random.integers(2, 5)), ("Asian", "Black"))
    kept = manifest.sample(frac=random.uniform(0.5, 1), random_state=seed)
    return outcomes.join(predictions_of(kept, seed=seed), kept)


def of(name, label):
    plain = {"zero_division": np.nan if name in ("recall", "precision", "f1") else 0}
    call = {
        "accuracy": sklearn_metrics.accuracy_score,
        "macro_recall": sklearn_metrics.balanced_accuracy_score,
        "recall": lambda true, said: said[true].mean(),
        "false_positive_rate": lambda true, said: said[~true].mean(),
        "prediction_rate": lambda true, said: said.mean(),
    }.get(name)
    if call:
        return call
    function = {"precision": sklearn_metrics.precision_score, "f1": sklearn_metrics.f1_score}[
        name.removeprefix("macro_")
    ]
    if not name.startswith("macro"):
        return lambda true, said: function(true, said, **plain)

    def macro(true, said):
        occur = [label for label in EMOTIONS if label in set(true) | set(said)]
        return function(true, said, labels=occur, average="macro", zero_division=0)

    return macro


@pytest.mark.parametrize("judge", ["scikit-learn", "fairlearn"])
@pytest.mark.filterwarnings("ignore")
def test_values_and_gaps_are_those_of_the_libraries(judge):
    """Random tables, 8 here; the two hundred are compared by `make bench`."""
    equal_on(range(8), judge)


@pytest.mark.bench
@pytest.mark.filterwarnings("ignore")
def test_values_and_gaps_are_those_of_fairlearn_on_two_hundred_tables():
    equal_on(range(200), "fairlearn")


def equal_on(seeds, judge):
    """Each table is compared in six of the metrics, which take turns."""
    judged = ByGroup if judge == "scikit-learn" else pytest.importorskip("fairlearn.metrics").MetricFrame
    for seed in seeds:
        answers = random_answers(seed)
        table = metrics.by_group(counts.tally(answers))
        gaps = metrics.between(table).set_index(["by", "metric", "label"])
        for number in range(6):
            name, label = metrics.NAMES[(6 * seed + number) % len(metrics.NAMES)]
            true, said = answers["true"], answers["outcome"]
            one = (true, said) if not label else (true == label, said == label)
            own = table[(table["metric"] == name) & (table["label"] == label)]
            for by in ("race", "gender", "group"):
                frame = judged(metrics=of(name, label), y_true=one[0], y_pred=one[1], sensitive_features=answers[by])
                ours = own[own["by"] == by].set_index("group")["value"]
                theirs = frame.by_group.astype(float).reindex(ours.index)
                occurs = answers[true == label].groupby(by).size().reindex(ours.index).fillna(0) if label else 1
                usable = (ours.notna() & theirs.notna() & (occurs > 0)).to_numpy()
                np.testing.assert_allclose(ours[usable], theirs[usable], atol=1e-12, err_msg=f"{seed} {name} {label}")
                if usable.all():
                    assert gaps.loc[(by, name, label), "difference"] == pytest.approx(frame.difference(), abs=1e-12)
                    if theirs.max() > 0:
                        assert gaps.loc[(by, name, label), "ratio"] == pytest.approx(frame.ratio(), abs=1e-12)


def test_equalized_odds_is_the_larger_of_two_differences():
    manifest = manifest_of(4, ("Asian", "Black"))
    answers = outcomes.join(predictions_of(manifest, seed=3), manifest)
    gaps = metrics.between(metrics.by_group(counts.tally(answers))).query("metric == 'equalized_odds'")
    for row in gaps.itertuples():
        true, said = answers["true"] == row.label, answers["outcome"] == row.label
        rates = pd.DataFrame({"hit": said[true].groupby(answers[row.by]).mean()})
        rates["false"] = said[~true].groupby(answers[row.by]).mean()
        assert row.difference == pytest.approx((rates.max() - rates.min()).max(), abs=1e-12)
    assert len(gaps) == 3 * 7


def test_intervals_hold_where_people_err_alike():
    """Macro recall of 12 people whose images are alike: the interval covers the truth about as often as it says."""
    random, covered, truth = np.random.default_rng(5), [], 0.7
    for _ in range(300):
        ease = random.beta(truth * 3, (1 - truth) * 3, 12)
        right = random.binomial(1, ease[:, None], (12, 7))
        tensor = np.zeros((12, 7, len(counts.OUTCOMES)))
        place = np.arange(7)
        tensor[:, place, place], tensor[:, place, (place + 1) % 7] = right, 1 - right
        found = metrics._interval(tensor, 0.05)
        number = metrics.NAMES.index(("macro_recall", ""))
        covered.append(found["ci_low"][number] <= truth <= found["ci_high"][number])
    assert 0.92 <= np.mean(covered) <= 0.99


def test_no_interval_is_a_point_or_leaves_0_to_1():
    manifest = manifest_of(3, ("Asian", "Black"))
    given = predictions_of(manifest, seed=1).assign(status="ok", predicted=manifest["emotion"])
    table = metrics.by_group(counts.tally(outcomes.join(given, manifest)))
    known = table.dropna(subset="value")
    assert ((known["ci_high"] - known["ci_low"]) > 0.1).all() and known["ci_high"].max() <= 1 + 1e-12
    assert (known["ci_low"] >= -1e-12).all() and set(pd.unique(known["value"])) == {0, 1, 1 / 7}


def test_a_gap_has_an_interval_also_where_nobody_errs():
    """Ten people who are always right beside ten who err in one image of twenty; in some samples these do not err."""
    manifest, random, covered, widths = manifest_of(10, ("Asian", "Black")), np.random.default_rng(7), [], []
    manifest = manifest[manifest["gender"] == "Female"]
    for _ in range(60):
        slips = (random.random(len(manifest)) < 0.05) & (manifest["race"] == "Black")
        wrong = np.where(manifest["emotion"] == "fear", "sad", "fear")
        said = predictions_of(manifest, seed=1).assign(status="ok", predicted=manifest["emotion"].mask(slips, wrong))
        gaps = metrics.between(metrics.by_group(counts.tally(outcomes.join(said, manifest))))
        gaps = gaps[(gaps["by"] == "race") & gaps["metric"].isin(["accuracy", "recall", "macro_recall"])]
        covered.append(((gaps["difference_low"] <= 0.05) & (gaps["difference_high"] >= 0.05)).mean())
        widths.append((gaps["difference_high"] - gaps["difference_low"]).min())
    assert np.mean(covered) >= 0.93 and min(widths) > 0.05


def test_more_is_not_promised_than_the_draws_can_tell():
    choices = {"delta": 0.05, "min_people": 5, "cluster": "person"}
    outcomes.check_options(alpha=0.001, draws=2000, **choices)
    with pytest.raises(InputError, match="alpha is 0.0001"):
        outcomes.check_options(alpha=0.0001, draws=2000, **choices)


def test_accuracy_has_one_interval_in_all_tables():
    answers = random_answers(3)
    tallied = counts.tally(answers)
    ours = metrics.by_group(tallied, alpha=0.1).query("metric == 'accuracy'").set_index(["by", "group"])
    other = accuracy.accuracy_by_group(tallied, alpha=0.1).set_index(["by", "group"]).loc[ours.index]
    np.testing.assert_array_equal(ours[["value", "ci_low", "ci_high"]], other[["accuracy", "ci_low", "ci_high"]])
