"""An answer is joined with its person, or somebody is told: nothing is dropped on the way."""

import pandas as pd
import pytest

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.stats import outcomes


def test_each_answer_keeps_its_person_and_its_outcome(predictions, manifest):
    joined = outcomes.join(predictions, manifest)
    assert len(joined) == len(predictions)
    by_image = manifest.set_index("image_id")
    for row in joined.itertuples():
        assert (row.subject_id, row.true, row.group) == tuple(
            by_image.loc[row.image_id, ["subject_id", "emotion", "group"]]
        )
    silent = predictions["status"] != "ok"
    assert (joined["outcome"] == "refused").sum() == (predictions["status"] == "refused").sum()
    assert joined["outcome"].isin(EMOTIONS).sum() == (~silent).sum()


def test_the_order_of_the_rows_does_not_matter(predictions, manifest):
    shuffled = outcomes.join(predictions.sample(frac=1, random_state=1), manifest.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, outcomes.join(predictions, manifest))


def test_columns_of_the_predictions_beyond_the_contract_do_no_harm(predictions, manifest):
    audit_form = predictions.merge(manifest, on=["dataset", "image_id"])
    pd.testing.assert_frame_equal(outcomes.join(audit_form, manifest), outcomes.join(predictions, manifest))


def test_a_duplicated_answer_is_refused(predictions, manifest):
    with pytest.raises(InputError, match="more than one answer"):
        outcomes.join(pd.concat([predictions, predictions.iloc[[7]]]), manifest)


def test_an_answer_for_an_unknown_image_is_refused_by_name(predictions, manifest):
    with pytest.raises(InputError, match=r"'AF00-anger'.*row 2, 128; 2 in all"):
        outcomes.join(predictions, manifest[manifest["image_id"] != "AF00-anger"])


@pytest.mark.parametrize("column", outcomes.KEY)
def test_an_answer_without_part_of_its_key_is_refused_not_grouped_away(predictions, manifest, column):
    predictions[column] = predictions[column].astype(object)
    predictions.loc[3, column] = None
    with pytest.raises(InputError, match=rf"{column!r} is empty in row 5"):
        outcomes.join(predictions, manifest)


def test_no_answers_at_all_is_said(predictions, manifest):
    with pytest.raises(InputError, match="no answers"):
        outcomes.join(predictions.head(0), manifest)


@pytest.mark.parametrize(
    "column, value, message",
    [
        ("group", "White Female", "not 'race gender'"),
        ("emotion", "angry", "unknown emotion 'angry'"),
        ("subject_id", " ", "'subject_id' is empty in row 2"),
        ("image_id", "AF00-disgust", "same image twice"),
    ],
)
def test_a_broken_manifest_is_refused(predictions, manifest, column, value, message):
    manifest.loc[0, column] = value
    with pytest.raises(InputError, match=message):
        outcomes.join(predictions, manifest)


def test_a_person_with_two_races_is_refused(predictions, manifest):
    manifest.loc[0, ["race", "group"]] = ["White", "White Female"]
    with pytest.raises(InputError, match="more than one race or gender.*'AF00'"):
        outcomes.join(predictions, manifest)


def test_the_same_person_id_in_two_datasets_is_two_people(predictions, manifest):
    other = manifest.assign(dataset="other", image_id="x" + manifest["image_id"], race="Black")
    other["group"] = other["race"] + " " + other["gender"]
    joined = outcomes.join(predictions, pd.concat([manifest, other]))
    assert set(joined["dataset"]) == {"set"}


def test_a_dropped_answer_is_reported_with_its_image(predictions, manifest):
    joined = outcomes.join(predictions.drop(index=5), manifest)
    table = outcomes.coverage(joined, manifest).set_index("model")
    assert table.loc["first", ["n_images", "n_answers", "n_missing"]].tolist() == [126, 125, 1]
    assert table.loc["first", "first_missing"] == manifest["image_id"][5]
    assert table.loc["second", "n_missing"] == 0


def test_coverage_is_per_repeat(predictions, manifest):
    both = pd.concat([predictions, predictions.assign(repeat=1).head(100)])
    table = outcomes.coverage(outcomes.join(both, manifest), manifest)
    assert table.set_index(["model", "repeat"])["n_missing"].to_dict() == {
        ("first", 0): 0,
        ("first", 1): 26,
        ("second", 0): 0,
    }


def test_the_headline_variant_is_the_named_one_else_the_first(predictions, manifest):
    both = pd.concat([predictions, predictions.assign(variant="another")])
    joined = outcomes.join(both, manifest)
    chosen = outcomes.headline(joined, {"second": "only", "absent": "x"}).set_index("model")
    assert chosen["variant"].to_dict() == {"first": "another", "second": "only"}
    assert chosen["rule"].to_dict() == {"first": "first by name", "second": "named"}


def test_a_headline_variant_that_does_not_exist_is_refused_with_those_that_do(joined):
    with pytest.raises(InputError, match="first has no variant 'missing'.*Allowed: only"):
        outcomes.headline(joined, {"first": "missing"})


def test_an_audit_can_be_kept_to_some_datasets(manifest):
    both = pd.concat([manifest, manifest.assign(dataset="other")], ignore_index=True)
    assert set(outcomes.of_datasets(both, ["other"])["dataset"]) == {"other"}
    assert len(outcomes.of_datasets(both, [])) == len(both)
    with pytest.raises(InputError, match="no image of 'mine' in this run. There are: other, set"):
        outcomes.of_datasets(both, ["mine"])
