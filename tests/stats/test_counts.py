"""The tensor of counts agrees with scikit-learn, and every image is in it exactly once."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score
from stats_helpers import manifest_of, predictions_of

from ferlib.labels import EMOTIONS
from ferlib.stats import arrays, counts, gaps, groups, outcomes


def test_the_tensor_of_each_group_is_scikit_learns_confusion_matrix(joined, all_counts):
    for one in all_counts:
        mine = joined[joined["model"] == one.model]
        for attribute in ("race", "gender", "group"):
            for number, name in enumerate(one.members(attribute).index):
                part = mine[mine[attribute] == name]
                theirs = confusion_matrix(part["true"], part["outcome"], labels=list(counts.OUTCOMES))
                np.testing.assert_array_equal(one.by(attribute)[number], theirs[: len(EMOTIONS)])


def test_rates_agree_with_scikit_learn(joined, all_counts):
    one = all_counts[0]
    mine = joined[joined["model"] == one.model]
    count, n = counts.measure(one.by("all"))
    rate = dict(zip(counts.MEASURES, (count / n)[0], strict=True))
    assert rate["accuracy", "", ""] == pytest.approx(accuracy_score(mine["true"], mine["outcome"]))
    recall = recall_score(mine["true"], mine["outcome"], labels=list(EMOTIONS), average=None, zero_division=0)
    for emotion, value in zip(EMOTIONS, recall, strict=True):
        assert rate["recall", emotion, emotion] == pytest.approx(value)
    silent = mine["outcome"].isin(["refused", "blocked", "truncated", "unparsed"]).mean()
    assert rate["no_answer", "", ""] == pytest.approx(silent)


def test_there_are_51_measures_with_42_confusions():
    assert len(counts.MEASURES) == 51
    assert sum(name == "confusion" for name, _, _ in counts.MEASURES) == 42


def test_of_each_true_emotion_recall_confusions_and_silence_add_up_to_one(all_counts):
    tensor = all_counts[0].by("group")
    count, n = counts.measure(tensor)
    for row, emotion in enumerate(EMOTIONS):
        chosen = [k for k, (_, true, _) in enumerate(counts.MEASURES) if true == emotion]
        silent = tensor[:, row, len(EMOTIONS) :].sum(axis=-1)
        np.testing.assert_allclose(count[:, chosen].sum(axis=1) + silent, n[:, chosen[0]])


@settings(max_examples=40, deadline=None)
@given(
    people=st.integers(1, 3),
    races=st.sets(st.sampled_from(["Asian", "Black", "Hispanic", "White"]), min_size=1),
    emotions=st.sets(st.sampled_from(EMOTIONS), min_size=1),
    keep=st.floats(0.2, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_answered_image_is_counted_once_whatever_the_design(people, races, emotions, keep, seed):
    manifest = manifest_of(people, sorted(races), sorted(emotions))
    predictions = predictions_of(manifest, seed=seed)
    predictions = predictions.sample(n=max(1, int(keep * len(predictions))), random_state=seed)
    (one,) = counts.tally(outcomes.join(predictions, manifest))
    assert one.tensor.sum() == len(predictions)
    assert one.images.sum() == len(predictions)
    for attribute in counts.ATTRIBUTES:
        members = one.members(attribute).to_numpy()
        assert (members.sum(axis=0) == 1).all(), "every person is in exactly one group"
        np.testing.assert_allclose(one.by(attribute).sum(axis=0), one.tensor.sum(axis=0))
    table = counts.confusions([one])
    assert table["count"].sum() == len(predictions)
    assert (table.groupby(["group", "true"])["count"].sum() == table.groupby(["group", "true"])["n_true"].first()).all()


def test_shuffled_rows_give_the_same_tensor(joined):
    first, again = counts.tally(joined), counts.tally(joined.sample(frac=1, random_state=3))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.tensor, other.tensor)
        pd.testing.assert_frame_equal(one.people, other.people)


def test_an_image_asked_thrice_still_counts_as_one_image(manifest):
    thrice = pd.concat([predictions_of(manifest, seed=5, repeat=repeat) for repeat in range(3)])
    thrice.loc[thrice["repeat"] == 2, ["status", "predicted"]] = ["refused", None]
    (one,) = counts.tally(outcomes.join(thrice, manifest))
    assert one.images.sum() == pytest.approx(len(manifest))
    count, n = counts.measure(one.by("all"))
    assert count[0, counts.MEASURES.index(("no_answer", "", ""))] >= len(manifest) / 3 - 1e-9
    assert arrays.whole(n).tolist()[0][0] == len(manifest)


def test_whole_counts_are_integers_and_shares_stay_shares():
    assert arrays.whole([0.1 + 0.2 + 0.7, 3.0]).dtype == np.int64
    np.testing.assert_allclose(arrays.whole([1 / 3, 2]), [0.333333333, 2])


def test_only_the_chosen_configurations_are_selected(all_counts):
    chosen = pd.DataFrame([{"dataset": "set", "model": "second", "variant": "only"}])
    assert [one.model for one in counts.select(all_counts, chosen)] == ["second"]


def test_an_unknown_attribute_is_refused(all_counts):
    with pytest.raises(ValueError, match="attribute must be one of all, race, gender, group, got 'age'"):
        all_counts[0].members("age")


def test_groups_are_in_alphabetical_order_whoever_comes_first():
    members = groups.members_of(["b", "a", "b", "c"])
    assert list(members.index) == ["a", "b", "c"]
    assert members.loc["b"].tolist() == [True, False, True, False]


def test_a_label_that_the_audit_does_not_have_is_a_wrong_answer_and_no_silence():
    manifest = manifest_of(6)
    predictions = predictions_of(manifest, seed=0).assign(status="ok", predicted=manifest["emotion"])
    predictions.loc[:9, ["status", "predicted"]] = ["other_label", None]
    predictions.loc[10:14, ["status", "predicted"]] = ["refused", None]
    (one,) = counts.tally(outcomes.join(predictions, manifest))
    assert one.images.sum() - one.answered.sum() == 5 and one.images.sum() - one.right.sum() == 15
    assert gaps.bounds([one])[["unanswered_a", "unanswered_b"]].sum(axis=1).max() == 5
