"""Ask a model about all images: only what is not stored yet, several questions at a time, patiently."""

import collections
import dataclasses
import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from ferlib.lmfm import consent, endpoints, images, models, replay, retry
from ferlib.lmfm.answers import NoAnswer
from ferlib.lmfm.pace import Pace
from ferlib.lmfm.plans import unanswered
from ferlib.lmfm.progress import bar

GIVE_UP_AFTER = 16
"""Questions in a row that may end without an answer, all tries used up, before no more are asked."""


def ask(
    plan,
    responses,
    *,
    connect=None,
    may_send=(),
    concurrency=8,
    requests_per_minute=None,
    timeout_s=60.0,
    tries=6,
    budget=None,
    progress=True,
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
    concurrency : int
        Questions under way at a time at most; fewer when the provider says that there are too many.
    requests_per_minute : float, optional
        Requests begun in a minute at most.
    timeout_s : float
        Seconds until a request is given up.
    tries : int
        Requests a question at most.
    budget : ferlib.lmfm.budget.Budget, optional
        What may be spent.
    progress : bool
        Show a progress bar.

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
        client = models.client(model, timeout_s=timeout_s)
        pace = Pace(concurrency, requests_per_minute=requests_per_minute)
        run = _Run(plan, responses, client, model, pace=pace, timeout_s=timeout_s, tries=tries, budget=budget)
        try:
            errors = run.all(missing, concurrency=concurrency, progress=progress)
        finally:
            client.close()
    return replay.tabulate(plan, responses, errors=errors)


class _Run:
    """Questions of one plan on their way."""

    def __init__(self, plan, responses, client, model, *, pace, timeout_s, tries, budget):
        self.plan, self.responses, self.client, self.model = plan, responses, client, model
        self.pace, self.timeout_s, self.tries, self.budget = pace, timeout_s, tries, budget
        self.stop = threading.Event()

    def all(self, missing, *, concurrency, progress):
        """Ask all missing questions; returns the last error of each one that got no answer, by its key."""
        errors, counts = {}, collections.Counter({"answered": 0, "refused": 0, "errors": 0})
        in_a_row = 0
        with (
            ThreadPoolExecutor(concurrency) as pool,
            bar(self.plan.model["name"], len(missing), shown=progress) as line,
        ):
            pending = {pool.submit(self.one, row): row.response_id for row in missing.itertuples()}
            try:
                for future in as_completed(pending):
                    try:
                        counts["refused" if future.result() in ("refused", "blocked") else "answered"] += 1
                        in_a_row = 0
                    except NoAnswer as error:
                        errors[pending[future]] = str(error)
                        counts["errors"] += 1
                        in_a_row += error.retry  # what no repetition would mend says nothing about the server
                    cost = {} if self.budget is None else {"cost": f"${self.budget.spent_usd():.4f}"}
                    line.set_postfix({**counts, **cost}, refresh=False)
                    line.update()
                    if in_a_row >= GIVE_UP_AFTER:
                        self.stop.set()
            except BaseException:  # Ctrl-C included: nothing new is begun, what is under way is stored
                self.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return errors

    def one(self, row):
        """Ask one question until it is answered, and store the answer; returns its kind."""
        if self.stop.is_set():
            raise NoAnswer(f"not asked, since {GIVE_UP_AFTER} questions in a row got no answer", retry=False)
        image, media_type = images.payload(row.path, sha256=row.sha256)

        def request():
            # An earlier try that was given up may have been answered after all.
            stored = self.responses.get(row.response_id)
            if stored is None:
                seconds = self.timeout_s * retry.PATIENCE
                stored = retry.within(seconds, lambda: self._attempt(row, image, media_type))
            return stored["answer"]["kind"]

        return retry.patiently(request, tries=self.tries, stop=self.stop, pace=self.pace)

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
