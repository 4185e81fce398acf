"""Ask a model about all images: only what is not stored yet, several questions at a time, patiently."""

import collections
import dataclasses
import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from ferlib.errors import InputError
from ferlib.lmfm import consent, endpoints, images, models, pace, replay, retry
from ferlib.lmfm.answers import NoAnswer
from ferlib.lmfm.plans import unanswered
from ferlib.lmfm.progress import bar, tell

GIVE_UP_AFTER = 16
"""Questions in a row that may end without an answer, all tries used up, before no more are asked."""

CLAIMED_S = 0.1
"""How often to look whether another process is done with a question."""


def ask(
    plan,
    responses,
    *,
    connect=None,
    may_send=(),
    budget=None,
    progress=True,
    **limits,
):
    """Answers to all questions of a plan: from the store where it has them, else from the model.

    A question that gets no answer after all tries has the status `error`; nothing is stored for it, so that the next
    run asks it again. When many in a row get none, the server is taken to be down: the remaining ones are not asked,
    and have the status `error`, too.

    Parameters
    ----------
    plan : ferlib.lmfm.plans.Plan
    responses : ferlib.lmfm.store.Store
    connect : callable, optional
        `connect(model) -> model` gives the model its final `base_url`; called only when something is to be asked.
    may_send : sequence of str
        Datasets that the user may send to another machine; see `ferlib.lmfm.consent`.
    budget : ferlib.lmfm.budget.Budget, optional
        What may be spent.
    progress : bool
        Show a progress bar.
    **limits
        Any of `ferlib.lmfm.models.LIMITS` in place of the model's own.

    Returns
    -------
    pandas.DataFrame
        From `ferlib.lmfm.replay.tabulate`.

    Raises
    ------
    InputError
        When the images may not be sent, the budget is used up, or every further question would fail alike. Answers so
        far are stored.
    """
    errors = {}
    missing = unanswered(plan, responses)
    if len(missing):
        model = connect(plan.model) if connect else plan.model
        consent.check(missing["dataset"], model=model, may_send=may_send)
        model = models.limited(model, **limits)
        client = models.client(model, timeout_s=model["timeout_s"])
        run = _Run(plan, responses, client, model, budget=budget)
        try:
            errors = run.all(missing, progress=progress)
        except KeyboardInterrupt:
            left = len(unanswered(plan, responses))
            tell(
                f"{model['name']}: stopped; {len(missing) - left} answers came and are stored. Run again to ask the "
                f"other {left} questions: what is stored is not asked again."
            )
            raise
        finally:
            client.close()
    return replay.tabulate(plan, responses, errors=errors)


class _Run:
    """Questions of one plan on their way."""

    def __init__(self, plan, responses, client, model, *, budget):
        self.plan, self.responses, self.client, self.model, self.budget = plan, responses, client, model, budget
        limits = {name: model[name] for name in ("concurrency", "requests_per_minute")}
        self.pace, self.stop = pace.of(model, **limits), threading.Event()

    def all(self, missing, *, progress):
        """Ask all missing questions; returns the last error of each one that got no answer, by its key."""
        errors, counts = {}, collections.Counter({"answered": 0, "refused": 0, "errors": 0})
        in_a_row, cut_off = 0, 0
        with (
            ThreadPoolExecutor(self.model["concurrency"]) as pool,
            bar(self.plan.model["name"], len(missing), shown=progress) as line,
        ):
            pending = {pool.submit(self.one, row): row.response_id for row in missing.itertuples()}
            try:
                for done, future in enumerate(as_completed(pending), start=1):
                    try:
                        kind = future.result()
                        counts["refused" if kind in ("refused", "blocked") else "answered"] += 1
                        in_a_row, cut_off = 0, cut_off + (kind == "truncated")
                    except NoAnswer as error:
                        errors[pending[future]] = str(error)
                        counts["errors"] += 1
                        in_a_row += error.retry  # what no repetition would mend says nothing about the server
                    cost = {} if self.budget is None else {"cost": f"${self.budget.spent_usd():.4f}"}
                    line.set_postfix({**counts, **cost}, refresh=False)
                    line.update()
                    if in_a_row >= GIVE_UP_AFTER:
                        self.stop.set()
                    if done == cut_off == GIVE_UP_AFTER:
                        raise InputError(self._cut_off())
            except BaseException as error:  # nothing new is begun, what is under way is stored
                self.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                if isinstance(error, KeyboardInterrupt):
                    tell(f"{self.model['name']}: stopping; waits for the answers under way (Ctrl-C again drops them)")
                raise
        return errors

    def _cut_off(self):
        return (
            f"model {self.model['name']!r}: each of the first {GIVE_UP_AFTER} answers was cut off at max_tokens = "
            f"{self.plan.settings['max_tokens']}. Models that think before they answer need room for their thoughts: "
            f"raise max_tokens (that makes new questions, with a new bill), or choose a model that does not think. "
            f"The rest is not asked."
        )

    def one(self, row):
        """Ask one question until it is answered, and store the answer; returns its kind."""
        if self.stop.is_set():
            raise NoAnswer(f"not asked, since {GIVE_UP_AFTER} questions in a row got no answer", retry=False)
        image, media_type = images.payload(row.path, sha256=row.sha256)

        def request():
            # Another process, or an earlier try that was given up, may have got the answer after all.
            stored = self.responses.get(row.response_id)
            if stored is None:
                self.responses.check_room()
                seconds = self.model["timeout_s"] * retry.PATIENCE
                stored = retry.within(seconds, lambda: self._attempt(row, image, media_type))
            return stored["answer"]["kind"]

        while True:
            with self.responses.claim(row.response_id) as ours:
                if ours:
                    return retry.patiently(request, tries=self.model["tries"], stop=self.stop, pace=self.pace)
            if self.stop.wait(CLAIMED_S):
                raise NoAnswer("not asked, since the run was stopped", retry=False)

    def _attempt(self, row, image, media_type):
        began_s = time.monotonic()
        text, settings = self.plan.text(row), self.plan.sent(row)
        entry = self.budget and self.budget.reserve(image, text, settings)
        try:
            answer = self.client.ask(image, media_type, text, settings)
        except NoAnswer as error:
            if self.budget and error.status is not None:
                self.budget.settle(entry, None)  # an HTTP error is not billed; a lost answer may be, and stays reserved
            raise
        record = self.responses.put(
            self.plan.question(row),
            dataclasses.asdict(answer),
            how={
                "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - began_s, 3),
                "host": endpoints.host(self.model["base_url"]),
                "library": self.client.library,
                "media_type": media_type,
                "prompt": f"{self.plan.prompt.name} version {self.plan.prompt.version}",
                "option_order": row.options,
            },
        )
        if self.budget:
            self.budget.settle(entry, answer.usage)
        return record
