"""The probe is judged on people that it has not seen, and on every image."""

import numpy as np
import pandas as pd
import pytest
from face_vectors import face_vectors
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold, StratifiedKFold
from sklearn.model_selection import cross_val_predict as predict_by_scikit_learn
from sklearn.model_selection import cross_val_score as score_by_scikit_learn

from ferlib import predictions
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.probe import leakage, linear, newton


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
    folds = linear.identity_folds(emotions, subjects, n_folds=4, seed=0)
    assert set(folds) == {0, 1, 2, 3}
    assert all(len(set(folds[subjects == subject])) == 1 for subject in subjects)


def test_out_of_fold_predictions_are_scikit_learns_own(faces):
    vectors, emotions, subjects = faces
    folds = linear.identity_folds(emotions, subjects, n_folds=4, seed=0)
    found = linear.out_of_fold(vectors, emotions, folds, inverse_regularisation=2.0)
    model = LogisticRegression(C=2.0, solver="newton-cg", tol=1e-10, max_iter=10_000)
    expected = predict_by_scikit_learn(
        model, vectors, emotions, groups=folds, cv=LeaveOneGroupOut(), method="predict_proba"
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_only_the_person_gives_away_does_not_help(faces):
    """Vectors that name the person and nothing else: a probe that saw the person in training would be right."""
    _, _, subjects = faces
    random = np.random.default_rng(2)
    mood = {subject: random.choice(EMOTIONS) for subject in np.unique(subjects)}
    emotions = np.array([mood[subject] for subject in subjects])
    vectors = np.equal.outer(subjects, np.unique(subjects)).astype(float)
    folds = linear.identity_folds(emotions, subjects, n_folds=4, seed=0)
    found = linear.out_of_fold(vectors, emotions, folds, inverse_regularisation=100.0)
    assert np.mean(np.array(EMOTIONS)[found.argmax(axis=1)] == emotions) < 0.5
    leaky = linear.out_of_fold(vectors, emotions, np.arange(84) % 4, inverse_regularisation=100.0)
    assert np.mean(np.array(EMOTIONS)[leaky.argmax(axis=1)] == emotions) > 0.95


def test_more_folds_than_people_is_an_error(faces):
    _, emotions, subjects = faces
    with pytest.raises(InputError, match="n_folds = 13, but there are only 12 people"):
        linear.identity_folds(emotions, subjects, n_folds=13, seed=0)


def test_a_solver_that_stops_early_is_an_error(faces, monkeypatch):
    vectors, emotions, subjects = faces
    monkeypatch.setattr(newton, "MOST_STEPS", 1)
    folds = linear.identity_folds(emotions, subjects, n_folds=4, seed=0)
    with pytest.raises(RuntimeError, match="did not converge"):
        linear.out_of_fold(vectors, emotions, folds, inverse_regularisation=1e6)


PENALTIES = [0.1, 1.0, 10.0, 100.0, 1000.0]


@pytest.mark.parametrize("scheme, splitter", [("identity-disjoint", StratifiedGroupKFold), ("random", StratifiedKFold)])
def test_the_nested_choice_and_the_answers_are_scikit_learns_own(scheme, splitter):
    """Everything anew with scikit-learn: its folds, its fits at tight tolerance, its log loss, its predictions."""
    vectors, classes, subjects = face_vectors(40, d=32, images=7)
    emotions = np.array(EMOTIONS)[classes]
    folds = linear.SCHEMES[scheme](emotions, subjects, n_folds=4, seed=3)
    options = {"penalties": PENALTIES, "n_inner": 3, "seed": 5, "scheme": scheme}
    probes = linear.fit(vectors, emotions, subjects, linear.outside(folds), **options)
    found = linear.predict(vectors, probes, folds)

    def model(penalty):
        return LogisticRegression(C=penalty, solver="newton-cg", tol=1e-8, max_iter=1000)

    def cut(n, seed, rows):
        groups = {"groups": subjects[rows]} if scheme == "identity-disjoint" else {}
        return list(splitter(n, shuffle=True, random_state=seed).split(vectors[rows], classes[rows], **groups))

    agree = 0
    for fold, (train, test) in enumerate(cut(4, 3, slice(None))):
        assert (folds[test] == fold).all()
        inner = cut(3, 5, train)
        known, judge = (vectors[train], classes[train]), {"cv": inner, "scoring": "neg_log_loss"}
        score = [score_by_scikit_learn(model(penalty), *known, **judge).mean() for penalty in PENALTIES]
        best = PENALTIES[int(np.argmax(score))]
        assert probes.choices["inverse_regularisation"][fold] == best
        agree += (model(best).fit(*known).predict(vectors[test]) == found[test].argmax(1)).sum()
    assert agree / len(classes) >= 0.995


def test_the_choice_reports_its_edge_and_its_certificate(faces):
    vectors, emotions, subjects = faces
    folds = linear.identity_folds(emotions, subjects, n_folds=4, seed=0)
    options = {"n_inner": 3, "seed": 0}
    narrow = linear.fit(vectors, emotions, subjects, linear.outside(folds), penalties=[1e-6, 1e-5], **options).choices
    assert (narrow["inverse_regularisation"] == 1e-5).all() and narrow["at_edge"].all()
    wide = linear.fit(vectors, emotions, subjects, linear.outside(folds), penalties=[1e-5, 0.3, 1e5], **options).choices
    assert not wide["at_edge"].any() and (wide["relative_error_bound"] <= 1e-5).all()
    assert wide["people"].tolist() == [9] * 4 and wide["images"].tolist() == [63] * 4


def test_a_planted_leak_is_found_and_none_is_found_without():
    """Labels go with the person, and the vectors carry what is the person's own noise: who knows the person, knows."""
    random = np.random.default_rng(8)
    subjects = np.repeat([f"p{number:02d}" for number in range(42)], 6)
    habit = np.repeat(np.resize(EMOTIONS, 42), 6)
    emotions = np.where(random.random(252) < 0.5, habit, random.choice(EMOTIONS, size=252))
    signal = 1.2 * np.eye(7)[linear.codes(emotions)] + 0.6 * random.normal(size=(252, 7))
    own = np.repeat(random.normal(size=(42, 60)), 6, axis=0)
    found = {}
    for name, noise in (("planted", own), ("none", random.normal(size=(252, 60)))):
        vectors, frames = np.column_stack([signal, 0.5 * noise]), []
        for split in range(3):
            for scheme, split_by in linear.SCHEMES.items():
                folds = split_by(emotions, subjects, n_folds=4, seed=split)
                options = {"penalties": [0.1, 1.0, 10.0], "n_inner": 3, "seed": split, "scheme": scheme}
                probes = linear.fit(vectors, emotions, subjects, linear.outside(folds), **options)
                outcome = np.array(EMOTIONS)[linear.predict(vectors, probes, folds).argmax(axis=1)]
                frames.append(pd.DataFrame({"variant": scheme, "repeat": split, "outcome": outcome, "true": emotions}))
                frames[-1] = frames[-1].assign(subject_id=subjects, image_id=np.arange(252).astype(str))
        answers = pd.concat(frames).assign(dataset="d", model=name, race="R", gender="G", group="R G")
        found[name] = leakage.leakage(answers).iloc[0]
    assert found["planted"]["ci_low"] > 0 and found["planted"]["leakage"] > 0.05
    assert found["none"]["ci_low"] < 0 < found["none"]["ci_high"] and abs(found["none"]["leakage"]) < 0.03


def test_fewer_images_of_an_emotion_than_random_folds_is_an_error(faces):
    _, emotions, subjects = faces
    with pytest.raises(InputError, match="n_folds = 13, but 'anger' has only 12 images"):
        linear.random_folds(emotions, subjects, n_folds=13, seed=0)


def test_an_emotion_absent_from_training_has_probability_zero(faces):
    vectors, emotions, _ = faces
    folds = np.where(emotions == "fear", 0, np.arange(84) % 3)
    found = linear.out_of_fold(vectors, emotions, folds, inverse_regularisation=1.0)
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
