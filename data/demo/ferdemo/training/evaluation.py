"""How a demo model does on people it was not trained on: accuracy and the planted confusion, by group."""

import numpy as np
import pandas as pd

from ferdemo.training import training_images
from ferdemo.training.skew import is_dark
from ferlib.errors import InputError
from ferlib.stats import accuracy

BY = ("all", "race", "gender", "skin", "emotion")


def held_out(folder, *, trained_on):
    """Manifest of a face set that is to be measured on.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds `manifest.csv`.
    trained_on : set of str
        The people of the training set.

    Returns
    -------
    pandas.DataFrame
        The faces that show an expression.

    Raises
    ------
    InputError
        When a person of the training set is among them.
    """
    faces = training_images.read_manifest(folder)
    both = sorted(set(faces["subject_id"]) & trained_on)
    if both:
        raise InputError(
            f"{folder}/manifest.csv: {both[0]!r} is also in the training set ({len(both)} people in all). "
            f"Measure on other people."
        )
    return faces[faces["kind"] != training_images.MIXTURE].reset_index(drop=True)


def summary(answered, skew, classifiers):
    """Accuracy, and the rate of the planted confusion, by group.

    Parameters
    ----------
    answered : pandas.DataFrame
        Columns `subject_id`, `emotion`, `race`, `gender`, `skin_tone` and, for each of `classifiers`, the emotion
        answered; missing where there was no answer, which counts as not right.
    skew : ferdemo.training.skew.Skew
        Says which skin is dark and which confusion was planted.
    classifiers : sequence of str

    Returns
    -------
    pandas.DataFrame
        Columns `classifier`, `by` (one of `BY`), `group`, `people`, `images`, `accuracy`, `low`, `high`,
        `images_true` (those of emotion `skew.true`), `rate_told` (share of those answered `skew.told`; missing where
        there are none), `told_low`, `told_high`. The intervals have 95 % confidence and take images of one person
        together (`ferlib.stats.accuracy.clustered`).
    """
    skin = is_dark(answered, skew).map({True: "dark", False: "other"})
    answered = answered.assign(all="all", skin=skin)
    shown = (answered["emotion"] == skew.true).to_numpy()
    rows = []
    for classifier in classifiers:
        right = (answered[classifier] == answered["emotion"]).to_numpy()
        told = (answered[classifier] == skew.told).to_numpy() & shown
        for by in BY:
            names = sorted(answered[by].unique())
            ends = _ends(answered, by, names, right, np.ones(len(answered)))
            told_ends = _ends(answered, by, names, told, shown)
            for name, (low, high), (told_low, told_high) in zip(names, ends, told_ends, strict=True):
                part = (answered[by] == name).to_numpy()
                some = bool(shown[part].any()) and by != "emotion"
                rows.append(
                    {
                        "classifier": classifier,
                        "by": by,
                        "group": name,
                        "people": int(answered.loc[part, "subject_id"].nunique()),
                        "images": int(part.sum()),
                        "accuracy": float(right[part].mean()),
                        "low": float(low),
                        "high": float(high),
                        "images_true": int(shown[part].sum()),
                        "rate_told": float(told[part & shown].mean()) if some else None,
                        "told_low": float(told_low) if some else None,
                        "told_high": float(told_high) if some else None,
                    }
                )
    return pd.DataFrame(rows)


def records(table):
    """Rows of a table as a list of dict, with None where a value is missing, as JSON has it."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _ends(answered, by, names, successes, trials):
    """Interval of each group's rate, with images grouped by person (by emotion each person is in every group)."""
    people = answered["subject_id"] if by != "emotion" else answered["subject_id"] + answered["emotion"]
    table = pd.DataFrame({"person": people, "group": answered[by], "count": successes.astype(float), "n": trials})
    sums = table.groupby(["person", "group"], sort=True)[["count", "n"]].sum().reset_index()
    members = np.stack([(sums["group"] == name).to_numpy() for name in names])
    return accuracy.clustered(sums["count"].to_numpy(), sums["n"].to_numpy(float), members)
