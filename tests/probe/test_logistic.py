"""The solver finds scikit-learn's own solution, and says how far from it it may be."""

import numpy as np
import pytest
from face_vectors import face_vectors
from sklearn.linear_model import LogisticRegression

from ferlib.errors import InputError
from ferlib.probe import logistic, newton


@pytest.fixture(scope="module")
def faces():
    return face_vectors(20, d=24)[:2]


def theirs(vectors, classes, penalty):
    return LogisticRegression(C=penalty, solver="newton-cg", tol=1e-11, max_iter=10_000).fit(vectors, classes)


def test_each_fit_is_scikit_learns_own_on_the_rows_that_it_may_see(faces):
    vectors, classes = faces
    masks = np.random.default_rng(0).random((6, len(vectors))) < 0.7
    penalties = np.array([1e-3, 0.1, 1.0, 10.0, 1e3, 1e4])
    fits = logistic.fit(vectors, classes, inverse_regularisation=penalties, training=masks, tolerance=1e-8)
    for number, (mask, penalty) in enumerate(zip(masks, penalties, strict=True)):
        model = theirs(vectors[mask], classes[mask], penalty)
        size = np.linalg.norm(model.coef_)
        np.testing.assert_allclose(fits.coefficients[number], model.coef_, atol=1e-6 * size)
        np.testing.assert_allclose(
            fits.intercepts[number], model.intercept_ - model.intercept_.mean(), atol=1e-6 * size
        )
        np.testing.assert_allclose(fits.probabilities(vectors, number=number), model.predict_proba(vectors), atol=1e-6)


@pytest.mark.parametrize("shape", ["more dimensions than rows", "a constant column", "shifted far", "two classes"])
def test_agrees_with_scikit_learn_on_awkward_rows(faces, shape):
    vectors, classes = faces
    if shape == "more dimensions than rows":
        vectors, classes = face_vectors(4, d=90)[:2]
    elif shape == "a constant column":
        vectors = np.column_stack([vectors, np.full(len(vectors), 3.0)])
    elif shape == "shifted far":
        vectors = 5 * vectors + 100
    else:
        vectors, classes = vectors[classes < 2], classes[classes < 2]
        classes = np.where(classes == 1, 2, 0)  # and a third class in between that nobody shows
    fits = logistic.fit(vectors, classes, inverse_regularisation=10.0)
    model = theirs(vectors - vectors.mean(axis=0), classes, 10.0)
    expected = np.zeros((len(vectors), classes.max() + 1))
    if len(model.classes_) == 2:
        # With two classes scikit-learn's penalty is on one vector of coefficients, w = b - a, instead of on a and b.
        model = theirs(vectors - vectors.mean(axis=0), classes, 20.0)
        expected = np.zeros((len(vectors), classes.max() + 1))
    expected[:, model.classes_] = model.predict_proba(vectors - vectors.mean(axis=0))
    np.testing.assert_allclose(fits.probabilities(vectors), expected, atol=1e-5)


def test_the_bound_holds_when_the_fit_stops_early(faces):
    vectors, classes = faces
    penalties = np.logspace(-3, 4, 8)
    exact = logistic.fit(vectors, classes, inverse_regularisation=penalties, tolerance=1e-9)
    for tolerance in (0.3, 1e-2, 1e-4):
        rough = logistic.fit(vectors, classes, inverse_regularisation=penalties, tolerance=tolerance)
        error = np.linalg.norm(rough.coefficients - exact.coefficients, axis=(1, 2))
        assert (error <= rough.error_bound + exact.error_bound).all()
        assert (rough.relative_error_bound <= tolerance).all()


def test_the_gradient_at_the_solution_is_as_small_as_the_certificate_says(faces):
    """The objective written anew, with plain numpy, from its definition."""
    vectors, classes = faces
    fits = logistic.fit(vectors, classes, inverse_regularisation=50.0)
    surplus = fits.probabilities(vectors) - np.eye(7)[classes]
    slope = 50.0 * surplus.T @ vectors + fits.coefficients[0]
    # The slope by the intercepts, which is rounding, times the mean is what centring takes away.
    assert np.linalg.norm(slope) == pytest.approx(fits.error_bound[0], rel=1e-3, abs=1e-9)
    assert np.abs(surplus.sum(axis=0)).max() < 1e-9


def test_many_fits_are_done_in_lots_with_the_same_result(faces, monkeypatch):
    vectors, classes = faces
    masks = np.random.default_rng(1).random((9, len(vectors))) < 0.6
    whole = logistic.fit(vectors, classes, inverse_regularisation=np.full(9, 5.0), training=masks, tolerance=1e-8)
    monkeypatch.setattr(logistic, "LARGEST_ARRAY", 2 * 7 * len(vectors))
    parts = logistic.fit(vectors, classes, inverse_regularisation=np.full(9, 5.0), training=masks, tolerance=1e-8)
    np.testing.assert_allclose(parts.coefficients, whole.coefficients, atol=1e-6)


def test_not_to_converge_is_an_error(faces, monkeypatch):
    monkeypatch.setattr(newton, "MOST_STEPS", 2)
    with pytest.raises(RuntimeError, match="1 of 2 fits did not converge within 2 steps: at C = 10000"):
        logistic.fit(*faces, inverse_regularisation=[1e-4, 1e4])


def test_rows_that_are_not_finite_are_an_error(faces):
    vectors, classes = faces
    broken = vectors.copy()
    broken[3, 1] = np.nan
    with pytest.raises(InputError, match="row 3 of the features is not finite"):
        logistic.fit(broken, classes, inverse_regularisation=1.0)


def test_the_step_solves_the_newton_system(faces):
    """Against the Hessian written out in full."""
    vectors, classes = faces
    rows = np.column_stack([vectors - vectors.mean(axis=0), np.ones(len(vectors))]).astype(np.float32)
    random = np.random.default_rng(3)
    chance = random.dirichlet(np.ones(3), size=len(rows)).T
    seen = (random.random(len(rows)) < 0.8).astype(float)
    weight = (np.eye(3)[..., None] * chance[:, None] - chance[:, None] * chance[None]) * seen
    hessian = 30 * np.einsum("kln,ni,nj->kilj", weight, rows, rows).reshape(75, 75)
    hessian += np.diag(np.tile([1.0] * 24 + [0.0], 3))
    slope = random.normal(size=(1, 3, 25))
    slope -= slope.mean(axis=1, keepdims=True)
    step = newton.newton_step(rows, chance[None], seen[None], np.array([30.0]), slope, accuracy=np.array([1e-4]))
    expected = np.linalg.lstsq(hessian, -slope.ravel(), rcond=1e-9)[0].reshape(3, 25)
    step = step[0] - step[0].mean(axis=0)  # to add the same to all classes changes nothing
    assert np.linalg.norm(step - expected) < 1e-3 * np.linalg.norm(expected)
