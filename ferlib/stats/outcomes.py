"""Answers: the predictions of every model, joined with what is known about each image, and checked."""

import pandas as pd

from ferlib.errors import InputError, refuse
from ferlib.labels import check
from ferlib.predictions import check as check_predictions
from ferlib.stats.scope import Scope

KEY = ("dataset", "model", "variant", "repeat", "image_id")
"""What makes an answer unique: one image, asked once by one model in one way."""

CONFIGURATION = ("dataset", "model", "variant")
"""What one set of results belongs to."""

MANIFEST_COLUMNS = ("dataset", "image_id", "subject_id", "emotion", "group")
"""What every manifest has, beside the attributes that its audit is about."""


def check_manifest(manifest, *, source="the manifest"):
    """Raise unless each image is listed once, is labelled in full, and each person has one group.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Columns `MANIFEST_COLUMNS` and the attributes of its scope (`ferlib.stats.scope`); more are allowed.
    source : str
        Name of the file, for the message.

    Raises
    ------
    InputError
        Names the file, the first rows, the value found and what to do.
    """
    scope = Scope.of(manifest)
    if absent := [name for name in (*MANIFEST_COLUMNS, *scope.base) if name not in manifest]:
        raise InputError(f"{source}: lacks the column {absent[0]!r}. It has: {', '.join(manifest)}.")
    _refuse_empty(manifest, (*MANIFEST_COLUMNS, *scope.base), source, "Fill it, or leave the image out.")
    check(manifest["emotion"], "emotion", source=source, allowed=scope.labels)
    twice = manifest.duplicated(["dataset", "image_id"], keep=False)
    refuse(manifest[twice], source, "the same image twice", "Keep one row an image.", show="image_id")
    wrong = manifest["group"] != scope.crossed(manifest)
    named = f"a group that is not {' '.join(scope.base)!r}"
    refuse(manifest[wrong], source, named, "Mend the column `group`.", show="group")
    groups = manifest.groupby(["dataset", "subject_id"])["group"].transform("nunique")
    named = f"a person with more than one {' or '.join(scope.base)}"
    remedy = "Give each person one label, or separate the persons' ids."
    refuse(manifest[groups > 1], source, named, remedy, show="subject_id")


def _refuse_empty(frame, columns, source, remedy):
    for column in columns:
        empty = frame[column].isna() | (frame[column].astype(str).str.strip() == "")
        refuse(frame[empty], source, f"the column {column!r} is empty", remedy)


def join(predictions, manifest, *, source="the predictions"):
    """Join each answer with the image's person, groups and true emotion.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns `KEY`, `status` and `predicted`; more are allowed.
    manifest : pandas.DataFrame
        Columns `MANIFEST_COLUMNS`; more are allowed.
    source : str
        Name of the predictions' file, for the message.

    Returns
    -------
    pandas.DataFrame
        A row an answer, sorted by `KEY`: the columns `KEY`, `subject_id`, `race`, `gender` (or what attributes the
        manifest declares), `group`, `true` (the image's label) and `outcome` (the predicted label, or the status where
        there is none).

    Raises
    ------
    InputError
        When either table breaks its contract (`check_manifest`, `ferlib.predictions.check`), an answer lacks
        part of its key, or it belongs to an image that the manifest does not have.
    """
    predictions = predictions[[*KEY, "status", "predicted"]].reset_index(drop=True)
    manifest = manifest.reset_index(drop=True)
    if predictions.empty:
        raise InputError(f"{source}: no answers. Run 03_probing or 04_lmfm_prompting first.")
    check_manifest(manifest)
    predictions.attrs = dict(manifest.attrs)
    _refuse_empty(predictions, KEY, source, "Give every answer all of its key columns.")
    check_predictions(predictions, source=source)
    scope = Scope.of(manifest)
    known = manifest[["dataset", "image_id", "emotion", *scope.person]].rename(columns={"emotion": "true"})
    joined = predictions.merge(known, on=["dataset", "image_id"], how="left", validate="many_to_one")
    refuse(
        joined[joined["true"].isna()],
        source,
        "an answer for an image that the manifest does not list",
        "Run 01_data_prep and then the notebook that made the predictions again.",
        show="image_id",
    )
    joined["outcome"] = joined["predicted"].where(joined["status"] == "ok", joined["status"])
    joined = joined[[*KEY, *scope.person, "true", "outcome"]].sort_values(list(KEY), kind="stable", ignore_index=True)
    joined.attrs = dict(manifest.attrs)
    return joined


def of_datasets(manifest, datasets):
    """The images of some datasets of a manifest; of all of them when none is named.

    Parameters
    ----------
    manifest : pandas.DataFrame
    datasets : sequence of str

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        For a dataset that the manifest does not hold.
    """
    there = sorted(manifest["dataset"].unique())
    absent = [name for name in datasets if name not in there]
    if absent:
        raise InputError(f"datasets: no image of {absent[0]!r} in this run. There are: {', '.join(there)}.")
    return manifest[manifest["dataset"].isin(datasets)] if datasets else manifest


def coverage(answers, manifest):
    """How many of a dataset's images each model answered for, and which are missing.

    A missing answer is not a refusal (that is an outcome and is counted): the question was never asked, or
    its file is incomplete. Rates leave the image out of the denominator, so the gap must be seen.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `join` returns it.
    manifest : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        A row for each dataset, model, variant and repeat: `n_images` (in the manifest), `n_answers`,
        `n_missing`, and `first_missing` (up to three image ids, separated by spaces).
    """
    images = {dataset: set(rows["image_id"]) for dataset, rows in manifest.groupby("dataset")}
    rows = []
    for key, part in answers.groupby([*CONFIGURATION, "repeat"], sort=True):
        absent = sorted(images[key[0]] - set(part["image_id"]))
        rows.append((*key, len(images[key[0]]), len(part), len(absent), " ".join(absent[:3])))
    columns = [*CONFIGURATION, "repeat", "n_images", "n_answers", "n_missing", "first_missing"]
    return pd.DataFrame(rows, columns=columns)


def lopsided(manifest):
    """Groups whose images are mostly those of one or two of their people, each as a sentence.

    What a group is worth for a rate is the number of people who, with equally many images each, would tell as much:
    (sum of images)² / sum of images² (Kish 1965).

    Parameters
    ----------
    manifest : pandas.DataFrame

    Returns
    -------
    list of str
    """
    sizes = manifest.groupby(["dataset", "group", "subject_id"]).size()
    found = sizes.groupby(level=[0, 1]).agg(["sum", "max", "size", lambda images: (images**2).sum()])
    return [
        f"{group} ({dataset}): {most / total:.0%} of the images are of one of {people} people; for a rate the group is "
        f"worth about {total**2 / squares:.1f} people."
        for (dataset, group), total, most, people, squares in found.itertuples(name=None)
        if people > 2 and total**2 / squares < people / 2
    ]


def headline(answers, main_variants):
    """Choose the variant of each model that stands for it in headlines and figures.

    Parameters
    ----------
    answers : pandas.DataFrame
        Columns `CONFIGURATION`.
    main_variants : dict of str to str
        Model to variant. A model that is not named is represented by its first variant in alphabetical order.
        Named models that gave no answers are ignored.

    Returns
    -------
    pandas.DataFrame
        A row for each dataset and model: `dataset`, `model`, `variant`, `n_variants`, `rule` (why this one).

    Raises
    ------
    InputError
        When a model has no variant of the name given.
    """
    rows = []
    for (dataset, model), part in answers.groupby(["dataset", "model"], sort=True):
        variants = sorted(part["variant"].unique())
        chosen = main_variants.get(model, variants[0])
        if chosen not in variants:
            raise InputError(
                f"main_variants: {model} has no variant {chosen!r} in dataset {dataset}. "
                f"Allowed: {', '.join(variants)}."
            )
        rule = "named" if model in main_variants else "only one" if len(variants) == 1 else "first by name"
        rows.append((dataset, model, chosen, len(variants), rule))
    return pd.DataFrame(rows, columns=["dataset", "model", "variant", "n_variants", "rule"])


def check_options(*, alpha, delta, min_people, draws, cluster, ratio_margin=None):
    """Raise unless the choices of an audit are ones that it can follow.

    Raises
    ------
    InputError
        Names the parameter, the value found and the values allowed.
    """
    for name, value in (("alpha", alpha), ("delta", delta)):
        if not 0 < value < 1:
            raise InputError(f"{name} is {value!r}: give a number between 0 and 1, for example 0.05.")
    if ratio_margin is not None and not ratio_margin > 1:
        raise InputError(
            f"ratio_margin is {ratio_margin!r}: give a number above 1, for example 1.25, or None for none."
        )
    for name, value, least in (("min_people", min_people, 2), ("draws", draws, 100)):
        if value < least:
            raise InputError(f"{name} is {value!r}: give a whole number from {least} on.")
    if alpha * (draws + 1) < 1:
        raise InputError(f"alpha is {alpha!r}: {draws} draws cannot tell so rare a chance. Give a larger one.")
    if cluster not in ("person", "none"):
        raise InputError(f"cluster is {cluster!r}. Allowed: person, none.")
