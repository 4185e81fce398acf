"""Splits: the same images answered again and again, each time by probes that learnt from another part of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from ferlib.errors import InputError
from ferlib.predictions import from_probabilities
from ferlib.probe import linear


@dataclass(frozen=True)
class Answered:
    """Answers of probes and how the probes came about.

    Attributes
    ----------
    answers : pandas.DataFrame
        Columns as of `ferlib.predictions.from_probabilities`; `variant` is the way to split, `repeat` the split.
    choices : pandas.DataFrame
        A row for each probe: `dataset`, `model`, `variant`, `split`, `fold`, and `ferlib.probe.linear.Probes.choices`.
    folds : numpy.ndarray of int, shape (splits, n)
        Fold of each image in each split; without splits where the probe learnt from another dataset.
    """

    answers: pd.DataFrame
    choices: pd.DataFrame
    folds: np.ndarray


def seeds(seed, n_splits):
    """A seed for each split; the first are the same however many are asked for."""
    return [int(word) for word in np.random.SeedSequence(seed).generate_state(n_splits)]


def out_of_fold(embeddings, manifest, *, model, scheme, n_folds, n_splits, seed, penalties, n_inner):
    """Answer every image of a dataset once in each of several splits, by a probe that has not seen it.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    manifest : pandas.DataFrame, n rows
        The images of one dataset, in the order of the embeddings.
    model : str
        Name that the answers are given.
    scheme : {"identity-disjoint", "random"}
    n_folds, n_splits, seed : int
    penalties, n_inner
        As for `ferlib.probe.linear.fit`.

    Returns
    -------
    Answered

    Raises
    ------
    InputError, RuntimeError
        As `ferlib.probe.linear.fit`.
    """
    emotions, subjects = manifest["emotion"].to_numpy(), manifest["subject_id"].to_numpy()
    drawn = seeds(seed, n_splits)
    folds = [linear.SCHEMES[scheme](emotions, subjects, n_folds=n_folds, seed=each) for each in drawn]
    training = np.concatenate([linear.outside(each) for each in folds])
    options = {"penalties": penalties, "n_inner": n_inner, "seed": drawn[0], "scheme": scheme}
    probes = linear.fit(embeddings, emotions, subjects, training, **options)
    frames = []
    for split, each in enumerate(folds):
        chances = linear.predict(embeddings, probes, each + split * n_folds)
        frames.append(from_probabilities(manifest, chances, model=model, variant=scheme).assign(repeat=split))
    split, fold = np.divmod(np.arange(len(training)), n_folds)
    choices = _named(probes.choices, manifest, model, scheme, split=split, fold=fold)
    return Answered(pd.concat(frames, ignore_index=True), choices, np.array(folds))


def transfer(embeddings, manifest, *, source, target, model, seed, penalties, n_inner):
    """Answer the images of one dataset by a probe that learnt from all of another, of other people.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    manifest : pandas.DataFrame, n rows
        The images of both datasets, in the order of the embeddings.
    source, target : str
        Dataset learnt from, dataset answered.
    model, seed, penalties, n_inner
        As for `out_of_fold`.

    Returns
    -------
    Answered
        `variant` is `transfer`.

    Raises
    ------
    InputError
        When a dataset has no image, or somebody is in both.
    """
    learnt, asked = ((manifest["dataset"] == name).to_numpy() for name in (source, target))
    for name, rows in ((source, learnt), (target, asked)):
        if not rows.any():
            raise InputError(f"transfer from {source} to {target}: this run has no image of {name!r}.")
    emotions, subjects = manifest["emotion"].to_numpy()[learnt], manifest["subject_id"].to_numpy()[learnt]
    both = sorted(set(subjects) & set(manifest.loc[asked, "subject_id"]))
    if both:
        raise InputError(
            f"transfer from {source} to {target}: {both[0]!r} is in both ({len(both)} people in all), so the probe "
            f"would have seen them. Take {target!r} out of the parameter `transfer`, or mend the subject_ids."
        )
    everybody = np.ones((1, learnt.sum()), dtype=bool)
    options = {"penalties": penalties, "n_inner": n_inner, "seed": seeds(seed, 1)[0]}
    probes = linear.fit(embeddings[learnt], emotions, subjects, everybody, **options)
    chances = probes.fits.probabilities(embeddings[asked])
    answers = from_probabilities(manifest[asked], chances, model=model, variant="transfer")
    choices = _named(probes.choices, manifest[asked], model, "transfer", split=0, fold=0)
    return Answered(answers, choices, np.empty((0, asked.sum()), dtype=int))


def met_again(answered, manifest):
    """How many people of the test parts are in the training part, too, in the first split.

    Parameters
    ----------
    answered : list of Answered
    manifest : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `split`, `folds`, `people`, `in_several_folds`; a row for each dataset and way to split.
    """
    rows = []
    for one in answered:
        dataset, scheme = one.choices[["dataset", "variant"]].iloc[0]
        people = manifest.loc[manifest["dataset"] == dataset, "subject_id"].to_numpy()
        several = pd.Series(one.folds[0]).groupby(people).nunique().gt(1)
        rows.append((dataset, scheme, one.folds[0].max() + 1, len(several), several.sum()))
    columns = ["dataset", "split", "folds", "people", "in_several_folds"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(ignore_index=True)


def agreement(answered, embeddings, manifest):
    """Share of images that get the same label from scikit-learn's own fits, with the same C, in the first split.

    Parameters
    ----------
    answered : Answered
    embeddings : numpy.ndarray, shape (n, d)
    manifest : pandas.DataFrame, n rows
        The images answered.

    Returns
    -------
    float
    """
    emotions, folds = manifest["emotion"].to_numpy(), answered.folds[0]
    first = answered.choices[answered.choices["split"] == 0]
    theirs = np.empty(len(folds), dtype=object)
    for fold, penalty in zip(first["fold"], first["inverse_regularisation"], strict=True):
        model = LogisticRegression(C=penalty, solver="newton-cg", tol=1e-6, max_iter=10_000)
        model.fit(embeddings[folds != fold], emotions[folds != fold])
        theirs[folds == fold] = model.predict(embeddings[folds == fold])
    return float(np.mean(answered.answers.loc[answered.answers["repeat"] == 0, "predicted"].to_numpy() == theirs))


def _named(choices, manifest, model, variant, *, split, fold):
    name = manifest["dataset"].iloc[0]
    front = {"dataset": name, "model": model, "variant": variant, "split": split, "fold": fold}
    return choices.assign(**front)[[*front, *choices.columns]]
