"""Who answered: the versions that providers report, beside the model that was asked."""

import re

import pandas as pd

COLUMNS = ("model", "asked", "reported", "answers", "finding")

SUFFIX = (
    r"(?:-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{3,4}))?(?:-preview(?:-\d{2}-\d{2}(?:-\d{4})?)?|-latest|-exp)?(?:[@:][\w.-]+)?"
)
"""What a provider may add to a model's name without naming another model: its day, revision, or a tag of the route."""


def same_model(asked, reported):
    """Whether a reported version is the model that was asked, or a dated form of it.

    Examples
    --------
    >>> same_model("gpt-4o", "gpt-4o-2024-08-06"), same_model("gpt-4o", "gpt-4o-mini-2024-07-18")
    (True, False)
    """
    asked, reported = (re.split(r"[/\\]", name.casefold().rstrip("/\\"))[-1] for name in (asked, reported))
    plain = re.sub(r"(?:[-:](?:latest|free|batch))+$", "", asked)
    return asked == reported or re.fullmatch(re.escape(plain) + SUFFIX, reported) is not None


def who_answered(answers, models):
    """The versions that were reported for each model.

    Parameters
    ----------
    answers : pandas.DataFrame
        From `ferlib.lmfm.replay.tabulate`.
    models : sequence of dict
        From `ferlib.lmfm.models.read`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`; `finding` is `as asked`, `another model`, or `mixture` where several versions answered for
        one model. Answers for which none was reported are left out.
    """
    asked, rows = {model["name"]: model["model"] for model in models}, []
    for name, own in answers.dropna(subset=["model_version"]).groupby("model", sort=True):
        counts = own["model_version"].value_counts().sort_index()
        for reported, count in counts.items():
            other = not same_model(asked.get(name, name), reported)
            finding = "another model" if other else "mixture" if len(counts) > 1 else "as asked"
            rows.append((name, asked.get(name, name), reported, int(count), finding))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def complaint(table):
    """What to tell the user about models that answered in place of others, from `who_answered`; None when none did."""
    said = []
    for name, own in table[table["finding"] != "as asked"].groupby("model", sort=True):
        versions = ", ".join(f"{row.reported} ({row.answers})" for row in own.itertuples())
        said.append(f"{name}: asked for {own['asked'].iloc[0]}, answered by {versions}")
    why = ". The provider rerouted or changed the model: do not take these answers for one model's."
    return "; ".join(said) + why if said else None
