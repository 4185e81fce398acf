"""Learning: how much a probe reads with fewer people to learn from, or with fewer dimensions to read."""

import numpy as np
import pandas as pd

from ferlib.predictions import from_probabilities
from ferlib.probe import linear


def by_people(embeddings, manifest, folds, *, model, counts, seed, **options):
    """Answers of probes that learnt from so many people, identity-disjoint.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    manifest : pandas.DataFrame, n rows
        The images of one dataset.
    folds : numpy.ndarray, shape (n,)
        As made by `ferlib.probe.linear.identity_folds`.
    model : str
        Name that the answers are given.
    counts : sequence of int
        People in the training part; more than a fold has means as many as the smallest training part has. The people
        of a smaller part are among those of a larger one. Left out is a number of people who cannot be cut into inner
        folds, since none of the emotions is shown `n_inner` times; where all are left out, everybody stays.
    seed : int
        Draws them.
    **options
        `penalties` and `n_inner` of `ferlib.probe.linear.fit`.

    Returns
    -------
    pandas.DataFrame
        Columns as of `ferlib.predictions.from_probabilities`; `variant` is the count, as text.
    """
    emotions, subjects = manifest["emotion"].to_numpy(), manifest["subject_id"].to_numpy()
    parts, random = linear.outside(folds), np.random.default_rng(seed)
    order = [random.permutation(np.unique(subjects[part])) for part in parts]
    everybody = min(map(len, order))

    def learnt_from(n):
        return np.array([part & np.isin(subjects, own[:n]) for part, own in zip(parts, order, strict=True)])

    def enough(n):
        shown = [(learnt_from(n) & (emotions == one)).sum(axis=1) for one in np.unique(emotions)]
        return np.max(shown, axis=0).min() >= options["n_inner"]

    counts = [n for n in _at_most(everybody, counts) if enough(n)] or [everybody]
    training = np.concatenate([learnt_from(n) for n in counts])
    probes = linear.fit(embeddings, emotions, subjects, training, seed=seed, **options)
    starts = len(parts) * np.arange(len(counts))
    return _answers(manifest, model, counts, [linear.predict(embeddings, probes, folds + start) for start in starts])


def by_dimensions(embeddings, manifest, folds, *, model, counts, seed, **options):
    """Answers of probes that saw only so many principal components, those of their own training part.

    Parameters and return value as for `by_people`, `counts` being of components.
    """
    emotions, subjects = manifest["emotion"].to_numpy(), manifest["subject_id"].to_numpy()
    parts = linear.outside(folds)
    counts = _at_most(min(embeddings.shape[1], parts.sum(axis=1).min()), counts)
    chances = np.zeros((len(counts), len(embeddings), len(linear.EMOTIONS)))
    for fold, part in enumerate(parts):
        turned = principal_components(embeddings, part)
        for place, count in enumerate(counts):
            probes = linear.fit(turned[:, :count], emotions, subjects, part[None], seed=seed, **options)
            chances[place, folds == fold] = probes.fits.probabilities(turned[folds == fold, :count])
    return _answers(manifest, model, counts, chances)


def principal_components(embeddings, training):
    """All embeddings in the basis of the principal components of the training part, largest spread first."""
    centred = embeddings - embeddings[training].mean(axis=0)
    return centred @ np.linalg.svd(centred[training], full_matrices=False)[2].T


def _at_most(limit, counts):
    return sorted({min(count, int(limit)) for count in counts})


def _answers(manifest, model, counts, chances):
    pairs = zip(counts, chances, strict=True)
    frames = [from_probabilities(manifest, each, model=model, variant=str(count)) for count, each in pairs]
    return pd.concat(frames, ignore_index=True)
