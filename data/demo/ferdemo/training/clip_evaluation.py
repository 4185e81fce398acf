"""What the demo CLIP makes of people it was not trained on: zero-shot, and by a linear probe."""

import numpy as np

from ferlib.embedding import backbones
from ferlib.labels import EMOTIONS
from ferlib.probe import linear, zeroshot

N_FOLDS = 6
INVERSE_REGULARISATION = 10.0
CLASSIFIERS = ("zero-shot", "linear probe")


def answers(backbone, manifest, *, seed):
    """Label every face, zero-shot and by a linear probe.

    Parameters
    ----------
    backbone : ferlib.embedding.backbones.Backbone
        Loaded as any other, so that what is measured is what is shipped.
    manifest : pandas.DataFrame
        Columns `path`, `subject_id`, `emotion`. None of the people may have been in the training set.
    seed : int
        Draws the folds of the probe.

    Returns
    -------
    pandas.DataFrame
        The manifest with a column for each of `CLASSIFIERS`: the emotion answered. The probe answers for a person
        whom it was not fitted on (6 folds by identity, scikit-learn's `C` = 10: the defaults of notebook 03).
    """
    embedding = backbones.embed_images(list(manifest["path"]), backbone)
    emotions, subjects = manifest["emotion"].to_numpy(dtype=str), manifest["subject_id"].to_numpy(dtype=str)
    folds = linear.identity_folds(emotions, subjects, n_folds=min(N_FOLDS, len(set(subjects))), seed=seed)
    probed = linear.out_of_fold(embedding, emotions, folds, inverse_regularisation=INVERSE_REGULARISATION)
    labels = zero_shot(backbone, embedding), np.array(EMOTIONS)[probed.argmax(axis=1)]
    return manifest.assign(**dict(zip(CLASSIFIERS, labels, strict=True)))


def zero_shot(backbone, embedding):
    """The emotion whose captions, averaged over all templates, are nearest to each embedding; str (n,)."""
    classes = zeroshot.class_embeddings(backbone, list(zeroshot.TEMPLATES.values()))
    return np.array(EMOTIONS)[(embedding @ classes.T).argmax(axis=1)]
