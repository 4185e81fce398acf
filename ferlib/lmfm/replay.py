"""The table of a plan's answers, made from what is stored alone: no model, image, key or network takes part."""

import collections

import pandas as pd

from ferlib import tables
from ferlib.lmfm import forms, parse

COLUMNS = ("dataset", "image_id", "model", "variant", "repeat", "status", "predicted", "response_id")
"""The columns of every prediction table; the answers that `tabulate` returns have more."""

RECORDED = ("option_order", "draw")
"""Columns of a prediction table that say how the question was put: the labels in the order in which they were offered,
and which of several identical questions it was."""

REPORTED = ("said", "model_version", "input_tokens", "output_tokens", "error")
"""Further columns of the answers that `tabulate` returns: as the provider reports them, and why there is none."""

NO_RECORD = {"kind": "error", "text": None, "model_version": None, "usage": {}}


def tabulate(plan, responses, *, errors=()):
    """A row for each question of a plan: what became of it, as far as the store knows.

    Parameters
    ----------
    plan : ferlib.lmfm.study.Plan
    responses : object
        With `get(response_id)`, such as `ferlib.lmfm.store.Store`.
    errors : mapping of str to str
        Why there is no answer, by response id.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, `RECORDED`, for prompts that ask for numbers `p_anger` ... `p_surprise` (see
        `ferlib.lmfm.forms.shares`), then `REPORTED`, sorted by dataset, image and repeat.
    """
    errors, rows, form, language = dict(errors), [], plan.prompt.form, plan.prompt.language
    for row in plan.questions.itertuples():
        record = responses.get(row.response_id)
        answer = record["answer"] if record else NO_RECORD
        status, label = parse.outcome(answer["kind"], answer["text"], form=form, language=language)
        shares = {}
        if form in forms.NUMBERS:
            values = forms.numbers(answer["text"], form=form, language=language) if status == "ok" else None
            shares = {f"p_{name}": share for name, share in forms.shares(values, form=form).items()}
        usage, error = answer["usage"], errors.get(row.response_id, "no answer is stored")
        rows.append({
            "dataset": row.dataset, "image_id": row.image_id, "model": plan.model["name"], "variant": plan.prompt.name,
            "repeat": row.repeat, "status": status, "predicted": label,
            "response_id": row.response_id if record else None,
            "option_order": None if form in forms.WITHOUT_OPTIONS else row.options, "draw": row.draw, **shares,
            "said": answer["text"], "model_version": answer["model_version"], "input_tokens": usage.get("input_tokens"),
            "output_tokens": usage.get("output_tokens"), "error": None if record else error,
        })  # fmt: skip
    return pd.DataFrame(rows)


def together(frames):
    """Answers of several plans in one table; with all columns and no rows when there are none."""
    frames = list(frames)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*COLUMNS, *RECORDED, *REPORTED])


def predictions(answers):
    """The prediction table of one model: `COLUMNS`, `RECORDED` and, where there are any, `p_anger` ... `p_surprise`.

    Parameters
    ----------
    answers : pandas.DataFrame
        Rows of `tabulate` for this model, of one prompt or several.
    """
    shares = [name for name in answers.columns if name.startswith("p_") and answers[name].notna().any()]
    return answers[[*COLUMNS, *RECORDED, *shares]].reset_index(drop=True)


def complaint(answers):
    """What to tell the user about questions without an answer (rows of `tabulate`); None when there are none."""
    failed = answers[answers["status"] == "error"]
    if failed.empty:
        return None
    reasons = collections.Counter(failed["error"]).most_common(3)
    return (
        f"{', '.join(sorted(failed['model'].unique()))}: {len(failed)} of {len(answers)} questions got no answer ("
        + "; ".join(f"{count} x {reason}" for reason, count in reasons)
        + "). They count as errors, and nothing is stored for them. `make run` asks them again, and nothing else."
    )


def keep_unanswered(answers, path):
    """Write down which questions got no answer, and why; without any, there is no such file.

    make executes notebook 04 again as long as the file is there: an error is no answer.

    Parameters
    ----------
    answers : pandas.DataFrame
        From `tabulate`.
    path : pathlib.Path
        Columns `model, variant, dataset, image_id, repeat, error`.
    """
    failed = answers[answers["status"] == "error"]
    if failed.empty:
        path.unlink(missing_ok=True)
    else:
        columns = ["model", "variant", "dataset", "image_id", "repeat", "error"]
        tables.write_csv(failed[columns], path, sort_by=columns)
