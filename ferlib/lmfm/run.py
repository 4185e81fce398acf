"""Ask a model about all images: only what is not stored yet, several questions at a time, patiently."""

import collections
import contextlib
import datetime
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from ferlib.errors import InputError
from ferlib.lmfm import attachments, consent, meanings, models, pace, replay, retry, services
from ferlib.lmfm.answers import NoAnswer
from ferlib.lmfm.plans import unanswered
from ferlib.lmfm.progress import bar, tell

GIVE_UP_AFTER = 16
"""Questions in a row that may end without an answer, all tries used up, before no more are asked."""

CLAIMED_S = 0.1
"""How often to look whether another process is done with a question."""


def ask(plan, responses, *, connect=None, may_send=(), ledger=None, progress=True, **limits):
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
    ledger : ferlib.lmfm.ledger.Ledger, optional
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
        When the images may not be sent, the limit is reached, or further questions would fail alike. Answers so far are
        stored.
    """
    errors = {}
    missing = unanswered(plan, responses)
    if len(missing):
        model = reached(plan, missing, connect=connect, may_send=may_send, **limits)
        with contextlib.closing(models.client(model, timeout_s=model["timeout_s"])) as client:
            try:
                errors = _Run(plan, responses, client, model, ledger=ledger).all(missing, progress=progress)
            except KeyboardInterrupt:
                left = len(unanswered(plan, responses))
                tell(
                    f"{model['name']}: stopped; {len(missing) - left} answers came and are stored. Run again to ask "
                    f"the other {left} questions: what is stored is not asked again."
                )
                raise
    return replay.tabulate(plan, responses, errors=errors)


def reached(plan, missing, *, connect, may_send, **limits):
    """The model of a plan at its final address, with its limits, once the images may go there; as for `ask`."""
    model = connect(plan.model) if connect else plan.model
    consent.check(missing["dataset"], model=model, may_send=may_send)
    return models.limited(model, **limits)


class _Run:
    """Questions of one plan on their way."""

    def __init__(self, plan, responses, client, model, *, ledger):
        self.plan, self.responses, self.client, self.model, self.ledger = plan, responses, client, model, ledger
        limits = {name: model[name] for name in ("concurrency", "requests_per_minute")}
        self.pace, self.stop = pace.of(model, **limits), threading.Event()
        self.alike, self.last, self.lock = collections.Counter(), None, threading.Lock()

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
                        in_a_row += error.outcome.retry  # what no repetition would mend says nothing about the server
                        if self.last:
                            raise InputError(meanings.explained(self.model, self.last)) from None
                    cost = {} if self.ledger is None else {"cost": f"${self.ledger.spent_usd():.4f}"}
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
            raise NoAnswer(f"not asked, since {GIVE_UP_AFTER} questions in a row got no answer", retry.NOT_ASKED)
        image, media_type = attachments.payload(row.path, sha256=row.sha256, image_format=self.model["image_format"])

        def request():
            # Another process, or an earlier try that was given up, may have got the answer after all.
            stored = self.responses.get(row.response_id)
            if stored is None:
                self.responses.check_room()
                seconds = self.model["timeout_s"] * retry.PATIENCE
                late = NoAnswer(
                    f"timed out: no whole answer within {seconds:g} s", meanings.decide(self.model, "none", ["timeout"])
                )
                attempt = lambda: self._attempt(row, image, media_type)  # noqa: E731
                stored = retry.within(seconds, attempt, late=lambda: late)
            return stored["answer"]["kind"]

        while True:
            with self.responses.claim(row.response_id) as ours:
                if ours:
                    return self.noted(request)
            if self.stop.wait(CLAIMED_S):
                raise NoAnswer("not asked, since the run was stopped", retry.NOT_ASKED)

    def noted(self, request):
        """Make a request patiently; after a failure that further questions would share, no more are begun."""
        try:
            kind = retry.patiently(request, tries=self.model["tries"], stop=self.stop, pace=self.pace)
        except NoAnswer as error:
            with self.lock:
                signature = re.sub(r"\W*\w*\d\w*", "", str(error))  # names of requests and the like left out
                self.alike[signature] += error.outcome.stop == "alike"
                if error.outcome.stop == "now" or self.alike[signature] >= meanings.HANDFUL:
                    self.last = self.last or error
                    self.stop.set()
            raise
        with self.lock:
            self.alike.clear()
        return kind

    def _attempt(self, row, image, media_type):
        began_s = time.monotonic()
        text, settings = self.plan.text(row), self.plan.sent(row)
        entry = self.ledger and self.ledger.reserve(image, text, settings)
        try:
            answer = self.client.ask(image, media_type, text, settings)
        except NoAnswer as error:
            if entry:
                self.ledger.settle(entry, error.outcome.billed, error.usage, why=str(error))
            if error.raw:
                self.responses.keep_failure(row.response_id, str(error), error.raw)
            raise
        how = circumstances(self.plan, self.client, self.model, row.options)
        how |= {"seconds": round(time.monotonic() - began_s, 3), "media_type": media_type}
        record = self.responses.put(self.plan.question(row), answer.stored(), how=how)
        if entry:
            self.ledger.settle(entry, answer.billed, answer.usage)
        return record


def circumstances(plan, client, model, options):
    """When and how a question was asked, for `ferlib.lmfm.store.Store.put`."""
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host": services.host(model["base_url"]),
        "library": client.library,
        "prompt": f"{plan.prompt.name} version {plan.prompt.version}",
        "option_order": options,
    }
