"""What the demo CLIP makes of people it was not trained on, for the model card."""

import numpy as np
import pandas as pd

from ferlib import embed, probe, zeroshot
from ferlib.demo.skew import is_dark
from ferlib.labels import EMOTIONS

N_FOLDS = 6
INVERSE_REGULARISATION = 10.0
CLASSIFIERS = ("zero-shot", "linear probe")


def answers(backbone, manifest, *, seed):
    """Label every face, zero-shot and by a linear probe.

    Parameters
    ----------
    backbone : ferlib.embed.Backbone
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
    embedding = embed.embed_images(list(manifest["path"]), backbone)
    classes = zeroshot.class_embeddings(backbone, list(zeroshot.TEMPLATES.values()))
    emotions, subjects = manifest["emotion"].to_numpy(dtype=str), manifest["subject_id"].to_numpy(dtype=str)
    folds = probe.identity_folds(emotions, subjects, n_folds=min(N_FOLDS, len(set(subjects))), seed=seed)
    probed = probe.out_of_fold(embedding, emotions, folds, inverse_regularisation=INVERSE_REGULARISATION)
    scores = (embedding @ classes.T, probed)
    labels = [np.array(EMOTIONS)[score.argmax(axis=1)] for score in scores]
    return manifest.assign(**dict(zip(CLASSIFIERS, labels, strict=True)))


def summary(answered, skew):
    """Accuracy, and the rate of the planted confusion, by group.

    Parameters
    ----------
    answered : pandas.DataFrame
        As returned by `answers`, with columns `race`, `gender`, `skin_tone`.
    skew : ferlib.demo.skew.Skew
        Says which skin is dark and which confusion was planted.

    Returns
    -------
    pandas.DataFrame
        Columns `classifier`, `by` (`all`, `race`, `gender`, `skin`, `emotion`), `group`, `people`, `images`,
        `accuracy`, `images_true` (those of emotion `skew.true`) and `rate_told` (share of those answered `skew.told`;
        missing where there are none).
    """
    skin = is_dark(answered, skew).map({True: "dark", False: "other"})
    answered = answered.assign(all="all", skin=skin)
    rows = []
    for classifier in CLASSIFIERS:
        for by in ("all", "race", "gender", "skin", "emotion"):
            for group, part in answered.groupby(by, sort=True):
                shown = part[part["emotion"] == skew.true]
                rows.append(
                    {
                        "classifier": classifier,
                        "by": by,
                        "group": group,
                        "people": part["subject_id"].nunique(),
                        "images": len(part),
                        "accuracy": float((part[classifier] == part["emotion"]).mean()),
                        "images_true": len(shown),
                        "rate_told": float((shown[classifier] == skew.told).mean()) if len(shown) else None,
                    }
                )
    return pd.DataFrame(rows)
