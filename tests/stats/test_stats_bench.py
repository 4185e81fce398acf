"""Speed and memory of the statistics at full size; run by make bench, not by make test."""

import resource
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score
from stats_helpers import manifest_of, predictions_of

from ferlib.labels import EMOTIONS
from ferlib.stats import accuracy, counts, disparities, gaps, omnibus, outcomes

pytestmark = pytest.mark.bench


def cpu(action, *, repeat=1):
    """Smallest CPU seconds of some calls, and the result of the last."""
    best = np.inf
    for _ in range(repeat):
        began = time.process_time()
        result = action()
        best = min(best, time.process_time() - began)
    return best, result


def joined_of(people, races, takes=1):
    manifest = manifest_of(people, races)
    manifest = pd.concat(
        [manifest.assign(image_id=manifest["image_id"] + f"-{take}") for take in range(takes)], ignore_index=True
    )
    return outcomes.join(predictions_of(manifest, seed=1), manifest)


def test_counts_intervals_and_gaps_of_all_measures_take_a_500th_of_fairlearns_bootstrap_of_one():
    metrics = pytest.importorskip("fairlearn.metrics")
    joined = joined_of(13, ("Asian", "Black", "Hispanic", "White"), takes=2)

    def theirs():
        return metrics.MetricFrame(
            metrics=accuracy_score, y_true=joined["true"], y_pred=joined["outcome"], sensitive_features=joined["group"],
            n_boot=1000, ci_quantiles=[0.025, 0.975], random_state=0,
        )  # fmt: skip

    def ours():
        (one,) = counts.tally(joined)
        return accuracy.accuracy_by_group([one]), gaps.gaps([one], draws=1000)

    slow, frame = cpu(theirs)
    counting, (one,) = cpu(lambda: counts.tally(joined), repeat=3)
    fast, table = cpu(lambda: gaps.gaps([one], draws=1000), repeat=3)
    whole, _ = cpu(ours, repeat=3)
    print(f"\n{len(joined)} rows, CPU seconds: fairlearn {slow:.1f} (accuracy), ours {fast:.3f} (gaps of 51 rates)")
    print(
        f"ratio {slow / fast:.0f}; with counting ({counting:.3f}) and intervals {whole:.3f}: ratio {slow / whole:.0f}"
    )
    by_group = table.query("measure == 'accuracy' and attribute == 'group'")["gap"].item()
    assert by_group == pytest.approx(frame.difference())
    assert slow / whole >= 500


def bootstrap(counts_of_people, members, *, draws):
    """Percentile intervals of rates, people resampled with all their images: one matrix product a group."""
    random, (count, n) = np.random.default_rng(0), counts_of_people
    ends = []
    for inside in members:
        people = inside.sum()
        weights = random.multinomial(people, np.full(people, 1 / people), size=draws).astype(float)
        with np.errstate(invalid="ignore"):
            rates = (weights @ count[inside]) / (weights @ n[inside])
        ends.append(np.quantile(rates, (0.025, 0.975), axis=0))
    return np.array(ends)


def test_all_contrasts_take_at_most_six_times_what_a_numpy_bootstrap_of_people_takes_for_the_rates():
    """A bootstrap written as tightly as numpy allows gives intervals of rates; ours tests and judges every contrast."""
    (one,) = counts.tally(joined_of(13, ("Asian", "Black", "Hispanic", "White"), takes=2))
    members = np.concatenate([one.members(name).to_numpy() for name in ("race", "gender", "group")])
    both = counts.measure(one.tensor)
    theirs, _ = cpu(lambda: bootstrap(both, members, draws=2000), repeat=3)
    ours, table = cpu(lambda: disparities.disparities([one]), repeat=3)
    print(
        f"\nCPU seconds: bootstrap of people {theirs:.3f} (714 rates), disparities {ours:.3f} ({len(table)} contrasts)"
    )
    assert ours <= 6 * theirs


def large(rows, people):
    """A table of answers of so many rows, made without the joins that a test need not measure."""
    random = np.random.default_rng(0)
    races = np.array(["Asian", "Black", "Hispanic", "White"])
    person = np.arange(rows) % people
    race, gender = races[person % 4], np.where(person // 4 % 2, "Male", "Female")
    true = np.array(EMOTIONS)[random.integers(0, 7, rows)]
    outcome = np.where(random.random(rows) < 0.8, true, np.array(EMOTIONS)[random.integers(0, 7, rows)])
    number = pd.Series(np.arange(rows)).astype(str)
    frame = {"dataset": "d", "model": "m", "variant": "v", "repeat": 0, "image_id": "i" + number}
    frame |= {"subject_id": pd.Series(person).astype(str), "race": race, "gender": gender}
    table = pd.DataFrame({**frame, "true": true, "outcome": outcome})
    return table.assign(group=table["race"] + " " + table["gender"])


def everything(joined):
    all_counts = counts.tally(joined)
    accuracy.accuracy_by_group(all_counts)
    counts.confusions(all_counts)
    gaps.gaps(all_counts, draws=1000)
    gaps.bounds(all_counts)
    omnibus.omnibus(joined)
    return disparities.disparities(all_counts, draws=1000)


def test_a_million_rows_of_fifty_thousand_people_within_a_minute_and_4_gigabytes():
    seconds = {}
    for rows, people in ((250_000, 12_500), (1_000_000, 50_000)):
        joined = large(rows, people)
        began = time.monotonic()
        table = everything(joined)
        seconds[rows] = time.monotonic() - began
        assert (table["verdict"] != "not estimable").all()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nall tables, 1,000 draws: {seconds}; peak {memory:.1f} GB")
    assert seconds[1_000_000] <= 60 and memory <= 4
    assert seconds[1_000_000] <= 4 * 1.15 * seconds[250_000] + 2, "no worse than linear in rows"
