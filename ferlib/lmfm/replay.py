"""The tables of a run's answers, made from what is stored alone: no model, image, key or network takes part.

They tell what became of each question, who answered, and how often two answers to one image differ.
"""

import collections
import re
from itertools import combinations

import pandas as pd

from ferlib import tables
from ferlib.lmfm import parse, prompts

COLUMNS = ("dataset", "image_id", "model", "variant", "repeat", "status", "predicted", "response_id")
"""The columns of every prediction table; the answers that `tabulate` returns have more."""

RECORDED = ("option_order", "draw")
"""Columns of a prediction table that say how the question was put: the labels in the order in which they were offered,
and which of several identical questions it was."""

REPORTED = ("said", "model_version", "input_tokens", "output_tokens", "error")
"""Further columns of the answers that `tabulate` returns: as the provider reports them, and why there is none."""

VERSIONS = ("model", "asked", "reported", "answers", "finding")

DISAGREEMENT = ("model", "changed", "n_images", "n_pairs", "other_label", "label_or_none", "differ", "share")

SUFFIX = (
    r"(?:-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{3,4}))?(?:-preview(?:-\d{2}-\d{2}(?:-\d{4})?)?|-latest|-exp)?(?:[@:][\w.-]+)?"
)
"""What a provider may add to a model's name without naming another model: its day, revision, or a tag of the route."""

NO_RECORD = {"kind": "error", "text": None, "model_version": None, "usage": {}}


def tabulate(plan, responses, *, errors=()):
    """A row for each question of a plan: what became of it, as far as the store knows.

    `responses` has `get(response_id)`, as a `ferlib.lmfm.store.Store`; `errors` are reasons, by response id.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, `RECORDED`, for prompts that ask for numbers `p_anger` ... `p_surprise` (see
        `ferlib.lmfm.parse.shares`), then `REPORTED`, sorted by dataset, image and repeat.
    """
    errors, rows, form, language = dict(errors), [], plan.prompt.form, plan.prompt.language
    for row in plan.questions.itertuples():
        record = responses.get(row.response_id)
        answer = record["answer"] if record else NO_RECORD
        status, label = parse.outcome(answer["kind"], answer["text"], form=form, language=language)
        shares = {}
        if form in prompts.NUMBERS:
            values = parse.numbers(answer["text"], form=form, language=language) if status == "ok" else None
            shares = {f"p_{name}": share for name, share in parse.shares(values, form=form).items()}
        usage, error = answer["usage"], errors.get(row.response_id, "no answer is stored")
        rows.append({
            "dataset": row.dataset, "image_id": row.image_id, "model": plan.model["name"], "variant": plan.prompt.name,
            "repeat": row.repeat, "status": status, "predicted": label,
            "response_id": row.response_id if record else None,
            "option_order": None if form in prompts.WITHOUT_OPTIONS else row.options, "draw": row.draw, **shares,
            "said": answer["text"], "model_version": answer["model_version"], "input_tokens": usage.get("input_tokens"),
            "output_tokens": usage.get("output_tokens"), "error": None if record else error,
        })  # fmt: skip
    return pd.DataFrame(rows)


def together(frames):
    """Answers of several plans in one table; with all columns and no rows when there are none."""
    frames = list(frames)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*COLUMNS, *RECORDED, *REPORTED])


def predictions(answers):
    """The prediction table of one model, from its rows of `tabulate`, of one prompt or several.

    It has the columns `COLUMNS`, `RECORDED` and, where there are any, `p_anger` ... `p_surprise`.
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
    """Write down which questions (rows of `tabulate`) got no answer, and why; without any, there is no such file.

    make executes notebook 04 again as long as the file is there: an error is no answer.
    """
    failed = answers[answers["status"] == "error"]
    if failed.empty:
        path.unlink(missing_ok=True)
    else:
        columns = ["model", "variant", "dataset", "image_id", "repeat", "error"]
        tables.write_csv(failed[columns], path, sort_by=columns)


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
    """The versions that were reported for each of the models (from `ferlib.lmfm.models.read`).

    Returns
    -------
    pandas.DataFrame
        Columns `VERSIONS`; `finding` is `as asked`, `another model`, or `mixture` where several versions answered for
        one model. Answers for which none was reported are left out.
    """
    asked, rows = {model["name"]: model["model"] for model in models}, []
    for name, own in answers.dropna(subset=["model_version"]).groupby("model", sort=True):
        counts = own["model_version"].value_counts().sort_index()
        for reported, count in counts.items():
            other = not same_model(asked.get(name, name), reported)
            finding = "another model" if other else "mixture" if len(counts) > 1 else "as asked"
            rows.append((name, asked.get(name, name), reported, int(count), finding))
    return pd.DataFrame(rows, columns=list(VERSIONS))


def rerouted(table):
    """What to tell the user about models that answered in place of others, from `who_answered`; None when none did."""
    said = []
    for name, own in table[table["finding"] != "as asked"].groupby("model", sort=True):
        versions = ", ".join(f"{row.reported} ({row.answers})" for row in own.itertuples())
        said.append(f"{name}: asked for {own['asked'].iloc[0]}, answered by {versions}")
    why = ". The provider rerouted or changed the model: do not take these answers for one model's."
    return "; ".join(said) + why if said else None


def disagreement(answers):
    """Pairs of answers to one image that differ, by model and by what was changed between them.

    Parameters
    ----------
    answers : dict of str to pandas.DataFrame
        What was changed, to the rows of `tabulate` that differ in that alone.

    Returns
    -------
    pandas.DataFrame
        Columns `DISAGREEMENT`: pairs of answers in all, pairs in which both name a label but not the same
        (`other_label`), pairs in which one names a label and the other none (`label_or_none`), the sum of both, and its
        share of the pairs. Two answers without a label do not differ. Answers that did not come (`error`) are left out.
    """
    rows = []
    for changed, frame in answers.items():
        for model, own in frame[frame["status"] != "error"].groupby("model", sort=True):
            pairs = [
                pair
                for _, labels in own.groupby(["dataset", "image_id"])["predicted"]
                for pair in combinations([label if isinstance(label, str) else None for label in labels], 2)
            ]
            both = sum(a != b for a, b in pairs if a is not None and b is not None)
            one = sum((a is None) != (b is None) for a, b in pairs)
            share = (both + one) / len(pairs) if pairs else float("nan")
            rows.append((model, changed, own["image_id"].nunique(), len(pairs), both, one, both + one, share))
    return pd.DataFrame(rows, columns=list(DISAGREEMENT))


def on_temperature(table, models):
    """Sentences about models that are sent no temperature, or whose repeats above 0 never differ.

    `table` is that of `disagreement`, with lines `repeat at temperature ...`; models as for `who_answered`.
    """
    said, left_out = [], {m["name"] for m in models if m["settings"].get("temperature", 0) is None}
    for model, own in table.groupby("model", sort=True):
        warm = own[own["changed"].str.startswith("repeat at temperature ") & ~own["changed"].str.endswith(" 0")]
        if model in left_out:
            said.append(f"{model}: is sent no temperature; its lines on temperatures are one and the same question")
        elif warm["n_pairs"].sum() and not warm["differ"].sum():
            said.append(
                f"{model}: above temperature 0 none of {warm['n_pairs'].sum()} pairs of repeats differ; it may ignore "
                f"the temperature, or be sure of itself"
            )
    return said
