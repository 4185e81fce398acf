"""Learning: how much a probe reads with fewer people to learn from, or with fewer dimensions to read."""

import numpy as np

from ferlib import probe


def by_people(embeddings, emotions, subjects, folds, *, counts, seed, **options):
    """Answers of probes that learnt from so many people, identity-disjoint.

    Parameters
    ----------
    embeddings : numpy.ndarray, shape (n, d)
    emotions, subjects, folds : numpy.ndarray, shape (n,)
        Folds as made by `ferlib.probe.identity_folds`.
    counts : sequence of int
        People in the training part. The people of a smaller part are among those of a larger one.
    seed : int
        Draws them.
    **options
        `penalties` and `n_inner` of `ferlib.probe.fit`.

    Returns
    -------
    dict of int to numpy.ndarray, shape (n, 7)
        Probabilities for each count, those left out that exceed the training part of some fold.
    """
    parts = probe.outside(folds)
    random = np.random.default_rng(seed)
    order = [random.permutation(np.unique(subjects[part])) for part in parts]
    counts = [count for count in counts if count <= min(map(len, order))]
    training = [part & np.isin(subjects, people[:n]) for n in counts for part, people in zip(parts, order, strict=True)]
    probes = probe.fit(embeddings, emotions, subjects, np.array(training), seed=seed, **options)
    answers = {}
    for place, count in enumerate(counts):
        answers[count] = probe.predict(embeddings, probes, folds + place * len(parts))
    return answers


def by_dimensions(embeddings, emotions, subjects, folds, *, counts, seed, **options):
    """Answers of probes that saw only so many principal components, those of their own training part.

    Parameters and return value as for `by_people`; counts that exceed the number of dimensions are left out.
    """
    answers = {count: np.zeros((len(embeddings), len(probe.EMOTIONS))) for count in counts}
    limit = min(embeddings.shape[1], probe.outside(folds).sum(axis=1).min())
    answers = {count: chances for count, chances in answers.items() if count <= limit}
    for fold, part in enumerate(probe.outside(folds)):
        turned = principal_components(embeddings, part)
        for count, chances in answers.items():
            probes = probe.fit(turned[:, :count], emotions, subjects, part[None], seed=seed, **options)
            chances[folds == fold] = probes.fits.probabilities(turned[folds == fold, :count])
    return answers


def principal_components(embeddings, training):
    """All embeddings in the basis of the principal components of the training part, largest spread first."""
    centred = embeddings - embeddings[training].mean(axis=0)
    return centred @ np.linalg.svd(centred[training], full_matrices=False)[2].T
