"""Every image is answered once in each split, and the probe of a controlled set has met nobody of it."""

import numpy as np
import pandas as pd
import pytest
from face_vectors import face_vectors
from sklearn.linear_model import LogisticRegression

from ferlib import predictions
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.probe import leakage, learning, splits
from ferlib.stats import outcomes

OPTIONS = {"model": "m", "seed": 3, "penalties": [1.0, 30.0], "n_inner": 2}


@pytest.fixture(scope="module")
def faces():
    """Two datasets of 12 and 4 people, the images of the second after those of the first."""
    vectors, classes, subjects = face_vectors(16, d=12, images=7, emotion=1.0)
    dataset = np.where(np.arange(len(classes)) < 84, "many", "few")
    images = np.arange(len(classes)).astype(str)
    emotions = np.array(EMOTIONS)[classes]
    return vectors, pd.DataFrame({"dataset": dataset, "image_id": images, "emotion": emotions, "subject_id": subjects})


@pytest.fixture(scope="module")
def answered(faces):
    vectors, manifest = faces
    many = (manifest["dataset"] == "many").to_numpy()
    options = {**OPTIONS, "n_folds": 3, "n_splits": 2}
    return [
        splits.out_of_fold(vectors[many], manifest[many], scheme=scheme, **options)
        for scheme in ("identity-disjoint", "random")
    ]


def test_each_image_has_one_answer_in_each_split_and_each_probe_one_line(answered):
    for one in answered:
        predictions.check(one.answers, source="here")
        assert one.answers.groupby("repeat")["image_id"].nunique().tolist() == [84, 84]
        assert one.choices.groupby("split")["fold"].apply(list).tolist() == [[0, 1, 2], [0, 1, 2]]
    both = [one.answers.set_index(["repeat", "image_id"])["p_fear"] for one in answered]
    assert not np.allclose(both[0].loc[0], both[0].loc[1]) and not np.allclose(both[0], both[1])


def test_only_the_random_split_meets_people_again(answered, faces):
    table = splits.met_again(answered, faces[1]).set_index("split")
    assert table.loc["identity-disjoint", "in_several_folds"] == 0
    assert table.loc["random", "in_several_folds"] == table.loc["random", "people"] == 12


def test_all_of_03_runs_where_each_image_is_a_person_of_its_own(faces):
    vectors, manifest = faces
    manifest = manifest.assign(subject_id=manifest["image_id"], dataset="alone", race="Black", gender="unsure")
    manifest["group"] = manifest["race"] + " " + manifest["gender"]
    options = {**OPTIONS, "n_inner": 3}
    schemes = [
        splits.out_of_fold(vectors, manifest, scheme=scheme, n_folds=3, n_splits=2, **options)
        for scheme in ("identity-disjoint", "random")
    ]
    table = splits.met_again(schemes, manifest)
    assert (table["in_several_folds"] == 0).all() and (table["people"] == len(manifest)).all()
    (row,) = leakage.leakage(outcomes.join(pd.concat([one.answers for one in schemes]), manifest)).itertuples()
    assert row.ci_low <= row.leakage <= row.ci_high
    few = learning.by_people(vectors, manifest, schemes[0].folds[0], counts=[8, 64], **options)
    assert few.groupby("variant")["image_id"].nunique().to_dict() == {"8": len(manifest), "64": len(manifest)}
    right = few.merge(manifest)["emotion"] == few["predicted"]
    assert right[few["variant"] == "64"].mean() > right[few["variant"] == "8"].mean()


def test_scikit_learn_gives_the_same_labels_and_a_wrong_one_shows(answered, faces):
    vectors, manifest = faces
    many = (manifest["dataset"] == "many").to_numpy()
    assert splits.agreement(answered[0], vectors[many], manifest[many]) >= 0.995
    spoilt = answered[0].answers.assign(predicted="fear")
    other = splits.Answered(spoilt, answered[0].choices, answered[0].folds)
    assert splits.agreement(other, vectors[many], manifest[many]) < 0.5


def test_in_every_split_an_image_is_answered_by_a_probe_that_learnt_without_its_fold(answered, faces):
    """Scikit-learn, fitted to the other folds of that very split, gives the same probabilities."""
    vectors, manifest = faces
    many = (manifest["dataset"] == "many").to_numpy()
    own, emotions = vectors[many], manifest["emotion"][many].to_numpy()
    for one in answered:
        for split, folds in enumerate(one.folds):
            said = one.answers.loc[one.answers["repeat"] == split, list(predictions.PROBABILITIES)].to_numpy()
            for row in one.choices[one.choices["split"] == split].itertuples():
                inside = folds == row.fold
                theirs = LogisticRegression(C=row.inverse_regularisation, solver="newton-cg", tol=1e-8, max_iter=10_000)
                theirs.fit(own[~inside], emotions[~inside])
                np.testing.assert_allclose(said[inside], theirs.predict_proba(own[inside]), atol=1e-3)


def test_a_probe_of_other_people_answers_the_controlled_set(faces):
    vectors, manifest = faces
    one = splits.transfer(vectors, manifest, source="many", target="few", **OPTIONS)
    assert one.answers["dataset"].eq("few").all() and one.answers["variant"].eq("transfer").all()
    assert len(one.answers) == 28 and one.choices[["people", "images"]].to_numpy().tolist() == [[12, 84]]
    right = one.answers.merge(manifest, on="image_id").eval("predicted == emotion").mean()
    assert right > 0.5
    # What the controlled set is labelled does not reach the probe.
    other = manifest.assign(emotion=manifest["emotion"].where(manifest["dataset"] == "many", "fear"))
    again = splits.transfer(vectors, other, source="many", target="few", **OPTIONS)
    pd.testing.assert_frame_equal(again.answers, one.answers)


def test_somebody_in_both_is_an_error(faces):
    vectors, manifest = faces
    mixed = manifest.assign(subject_id=manifest["subject_id"].replace("p13", "p3"))
    with pytest.raises(InputError, match="'p3' is in both"):
        splits.transfer(vectors, mixed, source="many", target="few", **OPTIONS)


def test_a_source_without_images_is_an_error(faces):
    with pytest.raises(InputError, match="this run has no image of 'demo'"):
        splits.transfer(*faces, source="demo", target="few", **OPTIONS)
