"""Learning curves: no person and no principal component of the test part is in the training."""

import numpy as np
import pandas as pd
import pytest
from face_vectors import face_vectors

from ferlib.labels import EMOTIONS
from ferlib.predictions import PROBABILITIES
from ferlib.probe import learning, linear

CHOICE = {"penalties": [1.0, 30.0], "n_inner": 2, "seed": 4}
OPTIONS = {"model": "m", **CHOICE}


@pytest.fixture(scope="module")
def faces():
    vectors, classes, subjects = face_vectors(24, d=16, images=7, emotion=0.8)
    emotions = np.array(EMOTIONS)[classes]
    images = np.arange(len(classes)).astype(str)
    manifest = pd.DataFrame({"dataset": "d", "image_id": images, "emotion": emotions, "subject_id": subjects})
    return vectors, manifest, linear.identity_folds(emotions, subjects, n_folds=3, seed=0)


def by_count(answers):
    """Probabilities of each count, shape (n, 7)."""
    return {int(count): part[list(PROBABILITIES)].to_numpy() for count, part in answers.groupby("variant")}


def accuracy(chances, manifest):
    return np.mean(np.array(EMOTIONS)[chances.argmax(axis=1)] == manifest["emotion"])


def test_a_probe_learns_from_so_many_people_and_all_of_them_is_the_whole(faces, monkeypatch):
    vectors, manifest, folds = faces
    emotions, subjects = manifest["emotion"].to_numpy(), manifest["subject_id"].to_numpy()
    seen = []
    original = linear.fit

    def watched(embeddings, emotions, subjects, training, **options):
        seen.extend(training)
        return original(embeddings, emotions, subjects, training, **options)

    monkeypatch.setattr(linear, "fit", watched)
    answers = by_count(learning.by_people(vectors, manifest, folds, counts=[4, 16, 99], **OPTIONS))
    assert sorted(answers) == [4, 16]
    people = [set(subjects[part]) for part in seen]
    assert [len(part) for part in people] == [4] * 3 + [16] * 3
    for fold in range(3):
        assert not people[fold] & set(subjects[folds == fold]) and people[fold] <= people[fold + 3]
    assert accuracy(answers[4], manifest) < accuracy(answers[16], manifest)
    whole = original(vectors, emotions, subjects, linear.outside(folds), **CHOICE)
    np.testing.assert_allclose(answers[16], linear.predict(vectors, whole, folds), atol=1e-5)


def test_so_few_people_that_no_emotion_is_shown_often_enough_are_left_out(faces):
    """As in photographs from the web, of which each counts as another person: two people mostly show two emotions."""
    vectors, manifest, _ = faces
    manifest = manifest.assign(subject_id=manifest["image_id"])
    folds = linear.identity_folds(manifest["emotion"].to_numpy(), manifest["subject_id"].to_numpy(), n_folds=3, seed=0)
    answers = by_count(learning.by_people(vectors, manifest, folds, counts=[2, 64, 999], **OPTIONS))
    assert sorted(answers) == [64, 112]
    assert accuracy(answers[64], manifest) > 2 / 7
    assert sorted(by_count(learning.by_people(vectors, manifest, folds, counts=[2], **OPTIONS))) == [112]


def test_all_dimensions_are_the_embedding_itself_and_few_are_less(faces):
    vectors, manifest, folds = faces
    answers = by_count(learning.by_dimensions(vectors, manifest, folds, counts=[2, 16, 64], **OPTIONS))
    assert sorted(answers) == [2, 16]
    known = (manifest["emotion"].to_numpy(), manifest["subject_id"].to_numpy())
    whole = linear.fit(vectors, *known, linear.outside(folds), **CHOICE)
    np.testing.assert_allclose(answers[16], linear.predict(vectors, whole, folds), atol=1e-3)
    assert accuracy(answers[2], manifest) < accuracy(answers[16], manifest)


def test_the_components_are_those_of_the_training_part_alone(faces):
    vectors, _, folds = faces
    part = folds != 0
    turned = learning.principal_components(vectors, part)
    spread = np.cov(turned[part].T)
    np.testing.assert_allclose(spread, np.diag(np.diag(spread)), atol=1e-12)
    other = vectors.copy()
    other[~part] = 7.0
    np.testing.assert_array_equal(learning.principal_components(other, part)[part], turned[part])
