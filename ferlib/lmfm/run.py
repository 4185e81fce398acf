"""Ask a model about all images: only what is not stored yet, several questions at a time, patiently."""

import collections
import dataclasses
import datetime
import random
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import pandas as pd

from ferlib.errors import InputError
from ferlib.lmfm import endpoints, images, models, parse, store
from ferlib.lmfm.answers import NoAnswer
from ferlib.lmfm.progress import bar

COLUMNS = ("dataset", "image_id", "model", "variant", "repeat", "status", "predicted", "response_id")
"""The columns of a prediction table; the answers that `ask` returns have more."""

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0

GIVE_UP_AFTER = 16
"""Questions in a row that may end without an answer, all tries used up, before no more are asked."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """One model, one prompt, and the questions that follow from them."""

    model: dict
    prompt: object
    settings: dict
    questions: pd.DataFrame
    """A row a question: `dataset, image_id, path, sha256, repeat, response_id`, sorted by image and repeat."""

    def question(self, row):
        """The question of a row of `questions`, as `ferlib.lmfm.store` addresses it."""
        return _question(self.model, self.prompt, self.settings, row.repeat, row.sha256)


def plan(manifest, *, model, prompt, settings, repeats=1):
    """Questions to a model: every image, so many times.

    Parameters
    ----------
    manifest : pandas.DataFrame
        With `dataset`, `image_id`, `path`, `sha256`.
    model : dict
        From `ferlib.lmfm.models.read`.
    prompt : ferlib.lmfm.prompts.Prompt
    settings : dict
        `temperature` and `max_tokens`.
    repeats : int
        Times that each question is asked, at least 1.

    Returns
    -------
    Plan
    """
    if not isinstance(repeats, int) or repeats < 1:
        raise InputError(f"repeats is {repeats!r}. It must be a whole number, 1 or more.")
    rows = manifest[["dataset", "image_id", "path", "sha256"]].merge(
        pd.DataFrame({"repeat": range(repeats)}), how="cross"
    )
    rows = rows.sort_values(["dataset", "image_id", "repeat"], ignore_index=True)
    rows["response_id"] = [
        store.key(_question(model, prompt, settings, row.repeat, row.sha256)) for row in rows.itertuples()
    ]
    return Plan(model, prompt, dict(settings), rows)


def unanswered(plan, responses):
    """The questions of a plan that the store has no answer to: one row each, identical questions once.

    Parameters
    ----------
    plan : Plan
    responses : ferlib.lmfm.store.Store

    Returns
    -------
    pandas.DataFrame
        Rows of `plan.questions`.
    """
    rows = plan.questions.drop_duplicates("response_id")
    return rows[[responses.get(key) is None for key in rows["response_id"]]]


def ask(plan, responses, *, connect=None, may_send=(), concurrency=8, timeout_s=60.0, tries=6, progress=True):
    """Answers to all questions of a plan: from the store where it has them, else from the model.

    A question that gets no answer after all tries has the status `error`; nothing is stored for it, so that the next
    run asks it again. When many in a row get none, the server is taken to be down: the remaining ones are not asked,
    and have the status `error`, too.

    Parameters
    ----------
    plan : Plan
    responses : ferlib.lmfm.store.Store
    connect : callable, optional
        `connect(model) -> model` gives the model its final `base_url`; called only when something is to be asked.
    may_send : sequence of str
        Datasets that the user may send to another machine; see `ferlib.lmfm.endpoints.check_consent`.
    concurrency : int
        Questions under way at a time.
    timeout_s : float
        Seconds until a request is given up.
    tries : int
        Requests a question at most.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, then `said` (the model's words), `model_version`, `input_tokens`, `output_tokens` (all three
        as the provider reports them), `error` (the last one, where there was no answer), sorted by dataset, image and
        repeat.

    Raises
    ------
    InputError
        When the images may not be sent, or every further question would fail alike. Answers so far are stored.
    """
    errors = {}
    missing = unanswered(plan, responses)
    if len(missing):
        model = connect(plan.model) if connect else plan.model
        endpoints.check_consent(missing["dataset"], model=model, may_send=may_send)
        client = models.client(model, timeout_s=timeout_s)
        try:
            errors = _ask_all(plan, missing, responses, client, model, concurrency, tries, progress)
        finally:
            client.close()
    return _table(plan, responses, errors)


def complaint(answers):
    """What to tell the user about questions without an answer; None when there are none.

    Parameters
    ----------
    answers : pandas.DataFrame
        From `ask`.

    Returns
    -------
    str or None
    """
    failed = answers[answers["status"] == "error"]
    if failed.empty:
        return None
    reasons = collections.Counter(failed["error"]).most_common(3)
    return (
        f"{', '.join(sorted(failed['model'].unique()))}: {len(failed)} of {len(answers)} questions got no answer ("
        + "; ".join(f"{count} x {reason}" for reason, count in reasons)
        + "). They are counted as errors and not stored. Run the notebook again to ask them again; make does so "
        "when the model's prediction table is deleted."
    )


def _question(model, prompt, settings, repeat, image_sha256):
    return store.question(
        provider=model["provider"],
        model=model["model"],
        model_version=model["version"],
        prompt=prompt.text,
        settings=settings,
        repeat=repeat,
        image_sha256=image_sha256,
    )


def _ask_all(plan, missing, responses, client, model, concurrency, tries, progress):
    """Ask all missing questions; returns the last error of each one that got no answer, by its key."""
    stop = threading.Event()
    errors, counts = {}, collections.Counter({"answered": 0, "refused": 0, "errors": 0})
    in_a_row = 0

    def one(row):
        if stop.is_set():
            raise NoAnswer(f"not asked, since {GIVE_UP_AFTER} questions in a row got no answer", retry=False)
        image, media_type = images.payload(row.path, sha256=row.sha256)
        answer = _patiently(
            lambda: client.ask(image, media_type, plan.prompt.text, plan.settings), tries=tries, stop=stop
        )
        how = {
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "host": endpoints.host(model["base_url"]),
            "library": client.library,
            "media_type": media_type,
            "prompt": f"{plan.prompt.name} version {plan.prompt.version}",
        }
        return responses.put(plan.question(row), dataclasses.asdict(answer), how=how)["answer"]["kind"]

    with ThreadPoolExecutor(concurrency) as pool, bar(plan.model["name"], len(missing), shown=progress) as line:
        pending = {pool.submit(one, row): row.response_id for row in missing.itertuples()}
        try:
            for future in as_completed(pending):
                try:
                    counts["refused" if future.result() in ("refused", "blocked") else "answered"] += 1
                    in_a_row = 0
                except NoAnswer as error:
                    errors[pending[future]] = str(error)
                    counts["errors"] += 1
                    in_a_row += error.retry  # what no repetition would mend says nothing about the server
                line.set_postfix(counts, refresh=False)
                line.update()
                if in_a_row >= GIVE_UP_AFTER:
                    stop.set()
        except BaseException:  # Ctrl-C included: nothing new is begun, what is under way is stored
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return errors


def _patiently(request, *, tries, stop):
    """Make a request until it brings an answer, at most so many times.

    Between two tries it waits as long as the provider asks, or else 1, 2, 4 ... seconds, and up to half as long again,
    at random, so that many that failed together do not come back together.
    """
    for attempt in range(1, tries + 1):
        try:
            return request()
        except NoAnswer as error:
            if not error.retry or attempt == tries:
                raise
            wait_s = FIRST_WAIT_S * 2 ** (attempt - 1) if error.wait_s is None else error.wait_s
            if wait_s > LONGEST_WAIT_S:
                raise NoAnswer(f"{error} (asks to wait {wait_s:.0f} s)", retry=True) from None
            if stop.wait(wait_s * random.uniform(1.0, 1.5)):
                raise


def _table(plan, responses, errors):
    rows = []
    for row in plan.questions.itertuples():
        record = responses.get(row.response_id)
        answer = record["answer"] if record else {"kind": "error", "text": None, "model_version": None, "usage": {}}
        status, label = parse.outcome(answer["kind"], answer["text"])
        rows.append(
            {
                "dataset": row.dataset,
                "image_id": row.image_id,
                "model": plan.model["name"],
                "variant": plan.prompt.name,
                "repeat": row.repeat,
                "status": status,
                "predicted": label,
                "response_id": row.response_id if record else None,
                "said": answer["text"],
                "model_version": answer["model_version"],
                "input_tokens": answer["usage"].get("input_tokens"),
                "output_tokens": answer["usage"].get("output_tokens"),
                "error": None if record else errors.get(row.response_id, "no answer is stored"),
            }
        )
    return pd.DataFrame(rows)
