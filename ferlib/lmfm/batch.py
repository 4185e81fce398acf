"""Another way to ask: hand in questions as a batch, for half the price, and fetch the answers within a day.

Questions, addresses and store are those of `ferlib.lmfm.run`. What has been handed in is noted beside the answers,
before and after, and carries a fingerprint of its questions at the provider: a run that was stopped at any moment finds
its batches again and buys nothing twice.
"""

import collections
import contextlib
import hashlib
import json
import time

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import attachments, meanings, models, prices, replay, services
from ferlib.lmfm.answers import NoAnswer
from ferlib.lmfm.plans import unanswered
from ferlib.lmfm.progress import bar, tell
from ferlib.lmfm.run import circumstances, reached

FOLDER = "batches"
PATIENCE = 20
"""Times in a row that the provider may be out of order, or its queue full, before the run ends without a loss."""


def ask(plan, responses, *, connect=None, may_send=(), poll_s=30.0, ledger=None, progress=True, **limits):
    """Answers to all questions of a plan, as `ferlib.lmfm.run.ask`, by the provider's batch API.

    Parameters
    ----------
    plan, responses, connect, may_send, ledger, progress, **limits
        As in `ferlib.lmfm.run.ask`; of the limits, `concurrency` is the number of batches under way at a time. The
        model's `batch_requests`, `batch_bytes` and `batch_tokens` say what fits.
    poll_s : float
        Seconds between two looks at the batches. They may take a day; to stop waiting with Ctrl-C loses nothing.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        As there, when the provider has no batches, and when another process is asking some of the questions.
    """
    errors = {}
    missing = unanswered(plan, responses)
    if len(missing):
        model = reached(plan, missing, connect=connect, may_send=may_send, **limits)
        if not services.batches(model):
            raise InputError(f"model {model['name']!r}: {model['provider']!r} has no batches. Ask it directly.")
        with (
            contextlib.closing(models.client(model, timeout_s=model["timeout_s"])) as client,
            bar(f"{model['name']} (batch)", len(missing), shown=progress) as line,
            (run := _Run(plan, responses, client, model, ledger)).claims(missing),
        ):
            try:
                errors = run.all(run.parts(missing), poll_s=poll_s, line=line)
            except KeyboardInterrupt:
                tell(f"{model['name']}: stopped waiting. What was handed in is noted; run again to fetch its answers.")
                raise
    return replay.tabulate(plan, responses, errors=errors)


class _Run:
    def __init__(self, plan, responses, client, model, ledger):
        self.plan, self.responses, self.client, self.model, self.ledger = plan, responses, client, model, ledger
        self.rows = {row.response_id: row for row in plan.questions.itertuples()}
        self.folder, self.patience, self.blocked = responses.folder / FOLDER, PATIENCE, False
        self.rule = prices.Price().image_tokens if ledger is None else ledger.price.image_tokens

    @contextlib.contextmanager
    def claims(self, missing):
        """Keep other processes from asking the same questions meanwhile."""
        with contextlib.ExitStack() as stack:
            for key in missing["response_id"]:
                if not stack.enter_context(self.responses.claim(key)):
                    raise InputError(
                        f"model {self.model['name']!r}: another process is asking the same questions right now. Let "
                        f"it finish, or stop it, and run again."
                    )
            yield

    def parts(self, missing):
        """Groups of questions: those of batches that were handed in before as they were, then the rest as they fit."""
        wanted, noted = set(missing["response_id"]), []
        for path in sorted(self.folder.glob("*.json")):
            keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
            if wanted & set(keys):
                noted.append(keys)
                wanted -= set(keys)
        part, size, tokens = [], 0, 0
        for key in (key for key in missing["response_id"] if key in wanted):
            of_size, of_tokens = self.size(key)
            full = (
                len(part) == self.model["batch_requests"]
                or size + of_size > self.model["batch_bytes"]
                or tokens + of_tokens > self.model["batch_tokens"]
            )
            if part and full:
                noted.append(part)
                part, size, tokens = [], 0, 0
            part, size, tokens = [*part, key], size + of_size, tokens + of_tokens
        return [*noted, part] if part else noted

    def image(self, key):
        """Bytes and media type of a question's image."""
        row = self.rows[key]
        return attachments.payload(row.path, sha256=row.sha256, image_format=self.model["image_format"])

    def size(self, key):
        """Bytes and tokens of a question, about; nothing for one that was handed in by another plan."""
        if key not in self.rows:
            return 0, 0
        text, (image, _) = self.plan.text(self.rows[key]), self.image(key)
        side = prices.image_tokens(self.rule, 512, 512)
        return len(image) * 4 // 3 + len(text.encode()) + 1000, side + prices.text_tokens(text)

    def all(self, parts, *, poll_s, line):
        """Hand in all parts, as many at a time as there is room for, and store their answers; returns errors by key."""
        errors, waiting, under_way, refusal = {}, collections.deque(parts), [], None
        while waiting or under_way:
            full = False
            room = self.model["concurrency"] if not self.blocked else 1
            while waiting and not full and len(under_way) < room:
                keys = waiting.popleft()
                tokens = sum(self.size(key)[1] for key in keys)
                if under_way and sum(note["tokens"] for note in under_way) + tokens > self.model["batch_tokens"]:
                    full = True
                    waiting.appendleft(keys)
                    continue
                try:
                    under_way.append(self.submit(keys) | {"tokens": tokens})
                except NoAnswer as error:
                    full = True
                    waiting.extendleft(self.refused(keys, error, alone=not under_way))
                except InputError as error:  # no money for more, say; what is under way is fetched before that is told
                    refusal = error
                    waiting.clear()
            done = []
            for note in under_way:
                try:
                    given = self.client.fetch(note["batch"], keys=note["keys"])
                except NoAnswer as error:
                    if error.outcome.cause == "queue":  # taken at first, and then refused as a whole
                        self.forget(note)
                        done.append(note)
                        waiting.extendleft(self.refused(note["keys"], error, alone=len(under_way) == len(done)))
                        continue
                    if not error.outcome.retry:
                        outcome = meanings.decide(self.model, "batch", ["results_gone"])
                        lost = NoAnswer(f"the provider no longer has the batch ({error})", outcome)
                        given = dict.fromkeys(note["keys"], lost)
                    else:
                        self.lose_patience(error)
                        continue
                if given is not None:
                    errors |= self.keep(note, given)
                    done.append(note)
                    self.patience, self.blocked = PATIENCE, False
                    line.update(sum(key in self.rows for key in note["keys"]))
            under_way = [note for note in under_way if note not in done]
            if full or (under_way and not done):
                time.sleep(poll_s)
        if refusal:
            raise refusal
        return errors

    def refused(self, keys, error, *, alone):
        """What to hand in again of a batch that was not taken: in halves when it is too large by itself."""
        if not error.outcome.retry:
            raise InputError(meanings.explained(self.model, error)) from None
        self.blocked = True  # one at a time, until one is done
        queue = error.outcome.cause == "queue"
        if alone or not queue:  # else there is room as soon as another one is done
            self.lose_patience(error)
        if alone and queue and len(keys) > 1:
            return [keys[len(keys) // 2 :], keys[: len(keys) // 2]]
        return [keys]

    def lose_patience(self, error):
        """Bear with a provider that is out of order, but not for ever."""
        self.patience -= 1
        if self.patience < 0:
            raise InputError(
                f"model {self.model['name']!r}: its batch cannot be reached ({error}). Run again to go on."
            ) from None

    def submit(self, keys):
        """Hand a part in, unless that has been done; returns its note."""
        name = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
        path = self.folder / f"{name}.json"
        note = {"name": name, "keys": keys, "batch": None, "reserved": {}, "asked": {}}
        if path.is_file():
            note = json.loads(path.read_text(encoding="utf-8"))
            note["batch"] = note["batch"] or self.client.find(name, keys=note["keys"])
        if note["batch"] is None:
            unknown = set(keys) - set(self.rows)
            if unknown:  # noted, never handed in, and no longer asked as a whole
                self.forget(note)
                return self.submit([key for key in keys if key not in unknown])
            questions = []
            for key in keys:
                row, (image, media_type) = self.rows[key], self.image(key)
                text, settings = self.plan.text(row), self.plan.sent(row)
                if self.ledger and key not in note["reserved"]:
                    note["reserved"][key] = self.ledger.reserve(image, text, settings)
                note["asked"][key] = [self.plan.question(row), row.options]
                questions.append((key, image, media_type, text, settings))
            self._write(path, note)
            try:
                note["batch"] = self.client.hand_in(questions, name=name)
            except NoAnswer as error:
                if error.outcome.billed == "no":  # surely not taken; others are noted and looked for
                    self.forget(note)
                raise
        self._write(path, note)
        return note

    def forget(self, note):
        """Take back what was noted of a batch that costs nothing."""
        for entry in note["reserved"].values() if self.ledger else ():
            self.ledger.settle(entry, "no", {})
        (self.folder / f"{note['name']}.json").unlink()

    def keep(self, note, given):
        """Store the answers of a batch that is done; returns the errors by key."""
        errors = {}
        for key in note["keys"]:
            answer, entry = given[key], note["reserved"].get(key)
            if isinstance(answer, NoAnswer):
                errors[key] = str(answer)
                if answer.raw:
                    self.responses.keep_failure(key, str(answer), answer.raw)
                billed, usage = answer.outcome.billed, answer.usage
            else:
                question, options = note["asked"][key]
                how = circumstances(self.plan, self.client, self.model, options) | {"batch": note["batch"]}
                self.responses.put(question, answer.stored(), how=how)
                billed, usage = answer.billed, answer.usage
            if self.ledger and entry:
                self.ledger.settle(entry, billed, usage, why=errors.get(key, ""))
        (self.folder / f"{note['name']}.json").unlink()
        return errors

    def _write(self, path, note):
        tables.write_bytes(json.dumps(note).encode(), path)
