"""Ask a model about all images: only what is not stored yet, several questions at a time, patiently."""

import collections
import contextlib
import datetime
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from ferlib.errors import InputError
from ferlib.lmfm import attachments, meanings, models, pace, permissions, replay, services
from ferlib.lmfm.meanings import NoAnswer
from ferlib.lmfm.progress import bar, tell
from ferlib.lmfm.study import unanswered

GIVE_UP_AFTER = 16
"""Questions in a row that may end without an answer, all tries used up, before no more are asked."""

CLAIMED_S = 0.1
"""How often to look whether another process is done with a question."""


def ask(plan, responses, *, connect=None, may_send=(), ledger=None, progress=True, way=None, **limits):
    """Answers to all questions of a plan, as `ferlib.lmfm.transport.ask`, within what a `ledger` allows, if any.

    The `way` is `Direct` or another one, see `ferlib.lmfm.batch`; `limits` are any of `ferlib.lmfm.models.LIMITS` in
    place of the model's own.
    """
    errors, missing = {}, unanswered(plan, responses)
    if len(missing):
        model = connect(plan.model) if connect else plan.model
        permissions.check(missing, model=model, may_send=may_send)
        model = models.limited(model, **limits)
        with contextlib.closing(models.client(model, timeout_s=model["timeout_s"])) as client:
            asked = (way or Direct)(plan, responses, client, model, ledger)
            with bar(model["name"], len(missing), shown=progress) as line:
                try:
                    errors = asked.all(missing, line)
                except KeyboardInterrupt:
                    left = len(unanswered(plan, responses))
                    tell(
                        f"{model['name']}: stopped; {len(missing) - left} answers came and are stored. Run again to "
                        f"ask the other {left} questions: what is stored is not asked again{asked.handed_in}."
                    )
                    raise
    return replay.tabulate(plan, responses, errors=errors)


class Way:
    """How the questions of one plan reach a model: what all ways have in common."""

    handed_in = ""

    def __init__(self, plan, responses, client, model, ledger):
        self.plan, self.responses, self.client, self.model, self.ledger = plan, responses, client, model, ledger

    def payload(self, row):
        """Bytes and media type of the image of a question."""
        return attachments.payload(row.path, sha256=row.sha256, image_format=self.model["image_format"])

    def keep(self, key, question, options, given, entry, **how):
        """Store the answer to a question, or why there is none, and settle its bill; returns the record, if any."""
        record, failed = None, isinstance(given, NoAnswer)
        if failed and given.raw:
            self.responses.keep_failure(key, str(given), given.raw)
            given.raw = ""  # once, where it stands for many questions of a batch
        if not failed:
            how = {
                "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "host": services.host(self.model["base_url"]), "library": self.client.library,
                "prompt": f"{self.plan.prompt.name} version {self.plan.prompt.version}", "option_order": options, **how,
            }  # fmt: skip
            record = self.responses.put(question, given.stored(), how=how)
        if entry:
            self.ledger.settle(entry, given.billed, given.usage, why=str(given) if failed else "")
        return record


class Direct(Way):
    """Questions one by one, several of them on their way at a time."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.pace, self.stop = pace.of(self.model), threading.Event()
        self.alike, self.last, self.lock = collections.Counter(), None, threading.Lock()

    def all(self, missing, line):
        """Ask all missing questions; returns the last error of each one that got no answer, by its key."""
        errors, counts = {}, collections.Counter({"answered": 0, "refused": 0, "errors": 0})
        in_a_row, cut_off = 0, 0
        with ThreadPoolExecutor(self.model["concurrency"]) as pool:
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
                        raise InputError(
                            f"model {self.model['name']!r}: each of the first {GIVE_UP_AFTER} answers was cut off at "
                            f"max_tokens = {self.plan.settings['max_tokens']}. Models that think before they answer "
                            f"need room for their thoughts: raise max_tokens (that makes new questions, with a new "
                            f"bill), or choose a model that does not think. The rest is not asked."
                        )
            except BaseException as error:  # nothing new is begun, what is under way is stored
                self.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                if isinstance(error, KeyboardInterrupt):
                    tell(f"{self.model['name']}: stopping; waits for the answers under way (Ctrl-C again drops them)")
                raise
        return errors

    def one(self, row):
        """Ask one question until it is answered, and store the answer; returns its kind."""
        if self.stop.is_set():
            raise NoAnswer(f"not asked, since {GIVE_UP_AFTER} questions in a row got no answer", pace.NOT_ASKED)
        image, media_type = self.payload(row)

        def request():
            # Another process, or an earlier try that was given up, may have got the answer after all.
            stored = self.responses.get(row.response_id)
            if stored is None:
                self.responses.check_room()
                seconds = self.model["timeout_s"] * pace.PATIENCE
                outcome = meanings.decide(self.model, "none", ["timeout"])
                late = NoAnswer(f"timed out: no whole answer within {seconds:g} s", outcome)
                stored = pace.within(seconds, lambda: self.attempt(row, image, media_type), late=late)
            return stored["answer"]["kind"]

        while True:
            with self.responses.claim(row.response_id) as ours:
                if ours:
                    return self.noted(request)
            if self.stop.wait(CLAIMED_S):
                raise NoAnswer("not asked, since the run was stopped", pace.NOT_ASKED)

    def noted(self, request):
        """Make a request patiently; after a failure that further questions would share, no more are begun."""
        try:
            kind = pace.patiently(request, tries=self.model["tries"], stop=self.stop, pace=self.pace)
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

    def attempt(self, row, image, media_type):
        """Ask once, and store what came; returns the record."""
        began_s = time.monotonic()
        text, settings = self.plan.text(row), self.plan.sent(row)
        about = row.response_id, self.plan.question(row), row.options
        entry = self.ledger and self.ledger.reserve(image, text, settings)
        try:
            answer = self.client.ask(image, media_type, text, settings)
        except NoAnswer as error:
            self.keep(*about, error, entry)
            raise
        return self.keep(*about, answer, entry, seconds=round(time.monotonic() - began_s, 3), media_type=media_type)
