"""The probe is judged on people that it has not seen, and on every image."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from ferlib import predictions, probe
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS


@pytest.fixture(scope="module")
def faces():
    """84 vectors of 12 people: direction by emotion, plus noise."""
    random = np.random.default_rng(1)
    emotions = np.tile(EMOTIONS, 12)
    subjects = np.repeat([f"p{number:02d}" for number in range(12)], 7)
    centre = {emotion: random.normal(size=8) for emotion in EMOTIONS}
    vectors = np.stack([centre[emotion] for emotion in emotions]) + random.normal(size=(84, 8))
    return vectors, emotions, subjects


def test_no_person_is_in_two_folds_and_every_image_is_in_one(faces):
    _, emotions, subjects = faces
    folds = probe.identity_folds(emotions, subjects, n_folds=4, seed=0)
    assert set(folds) == {0, 1, 2, 3}
    assert all(len(set(folds[subjects == subject])) == 1 for subject in subjects)


def test_out_of_fold_predictions_are_scikit_learns_own(faces):
    vectors, emotions, subjects = faces
    folds = probe.identity_folds(emotions, subjects, n_folds=4, seed=0)
    found = probe.out_of_fold(vectors, emotions, folds, inverse_regularisation=2.0)
    model = LogisticRegression(C=2.0, solver="newton-cg", tol=1e-10, max_iter=10_000)
    expected = cross_val_predict(model, vectors, emotions, groups=folds, cv=LeaveOneGroupOut(), method="predict_proba")
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_only_the_person_gives_away_does_not_help(faces):
    """Vectors that name the person and nothing else: a probe that saw the person in training would be right."""
    _, _, subjects = faces
    random = np.random.default_rng(2)
    mood = {subject: random.choice(EMOTIONS) for subject in np.unique(subjects)}
    emotions = np.array([mood[subject] for subject in subjects])
    vectors = np.equal.outer(subjects, np.unique(subjects)).astype(float)
    folds = probe.identity_folds(emotions, subjects, n_folds=4, seed=0)
    found = probe.out_of_fold(vectors, emotions, folds, inverse_regularisation=100.0)
    assert np.mean(np.array(EMOTIONS)[found.argmax(axis=1)] == emotions) < 0.5
    leaky = probe.out_of_fold(vectors, emotions, np.arange(84) % 4, inverse_regularisation=100.0)
    assert np.mean(np.array(EMOTIONS)[leaky.argmax(axis=1)] == emotions) > 0.95


def test_more_folds_than_people_is_an_error(faces):
    _, emotions, subjects = faces
    with pytest.raises(InputError, match="n_folds = 13, but there are only 12 people"):
        probe.identity_folds(emotions, subjects, n_folds=13, seed=0)


def test_a_solver_that_stops_early_is_an_error(faces, monkeypatch):
    vectors, emotions, _ = faces
    monkeypatch.setattr(probe, "LogisticRegression", lambda **_: LogisticRegression(C=1e6, tol=1e-12, max_iter=2))
    with pytest.raises(RuntimeError, match="did not converge"):
        probe.fit(vectors, emotions, inverse_regularisation=1e6)


def test_an_emotion_absent_from_training_has_probability_zero(faces):
    vectors, emotions, _ = faces
    folds = np.where(emotions == "fear", 0, np.arange(84) % 3)
    found = probe.out_of_fold(vectors, emotions, folds, inverse_regularisation=1.0)
    assert np.all(found[emotions == "fear", EMOTIONS.index("fear")] == 0)


def test_answers_from_probabilities_take_the_likeliest_label(faces):
    manifest = pd.DataFrame({"dataset": "d", "image_id": ["a", "b"]})
    probability = np.eye(7)[[4, 0]] * 0.9 + 0.1 / 7
    answers = predictions.from_probabilities(manifest, probability, model="m", variant="v")
    assert answers["predicted"].tolist() == ["neutral", "anger"]
    predictions.check(answers, source="here")


@pytest.mark.parametrize(
    "column, value, words",
    [
        ("status", "fine", "unknown status 'fine'"),
        ("predicted", "angry", "unknown prediction 'angry'"),
        ("status", "refused", "A prediction belongs to status 'ok'"),
        ("predicted", None, "A prediction belongs to status 'ok'"),
        ("image_id", "b", "more than one answer"),
    ],
)
def test_answers_in_another_form_are_refused(column, value, words):
    manifest = pd.DataFrame({"dataset": "d", "image_id": ["a", "b"]})
    answers = predictions.from_probabilities(manifest, np.eye(7)[[4, 0]], model="m", variant="v").astype(object)
    answers.loc[0, column] = value
    with pytest.raises(InputError, match=words):
        predictions.check(answers, source="here")
