"""Another way to ask: hand in questions as a batch, for half the price, and fetch the answers within a day.

Questions, addresses and store are those of `ferlib.lmfm.run`. What has been handed in is noted beside the answers,
before and after, and carries a fingerprint of its questions at the provider: a run that was stopped at any moment finds
its batches again and buys nothing twice.
"""

import collections
import contextlib
import hashlib
import json
import re
import time

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import meanings, prices, run, services
from ferlib.lmfm.meanings import NoAnswer

FOLDER = "batches"
NO_SUCH = re.compile(r"HTTP 410|\bno (?:such|batch)|not[ _]found|not exist", re.IGNORECASE)
"""What a provider says of what it no longer has."""
FIRST_S = 600.0
"""Seconds after a batch was handed in, within which it may not be found everywhere."""
PATIENCE = 20
"""Times in a row that the provider may be out of order, or its queue full, before the run ends without a loss."""


class Batches(run.Way):
    """Questions of one plan as batches on their way.

    Of the limits, `concurrency` is the number of batches under way at a time; the model's `batch_requests`,
    `batch_bytes` and `batch_tokens` say what fits. `poll_s` are the seconds between two looks at them: they may take a
    day, and to stop waiting with Ctrl-C loses nothing. `InputError` is raised, too, when the provider has no batches,
    and when another process is asking some of the questions.
    """

    handed_in = ", and what was handed in is noted and fetched"

    def __init__(self, *parts, poll_s=30.0):
        super().__init__(*parts)
        if not services.batches(self.model):
            raise InputError(
                f"model {self.model['name']!r}: {self.model['provider']!r} has no batches. Ask it directly."
            )
        self.rows = {row.response_id: row for row in self.plan.questions.itertuples()}
        self.folder, self.poll_s, self.errors, self.refusal = self.responses.folder / FOLDER, poll_s, {}, None
        self.waiting, self.under_way, self.patience, self.blocked = collections.deque(), [], PATIENCE, False
        self.rule = prices.Price().image_tokens if self.ledger is None else self.ledger.price.image_tokens

    def all(self, missing, line):
        """Hand in all parts, as many at a time as there is room for, and store their answers; returns errors by key."""
        with contextlib.ExitStack() as claims:
            for key in missing["response_id"]:
                if not claims.enter_context(self.responses.claim(key)):
                    raise InputError(
                        f"model {self.model['name']!r}: another process is asking the same questions right now. Let "
                        f"it finish, or stop it, and run again."
                    )
            self.waiting.extend(self.parts(missing))
            while self.waiting or self.under_way:
                full = self.hand_in()
                done = sum(self.fetched(note, line) for note in list(self.under_way))
                if full or (self.under_way and not done):
                    time.sleep(self.poll_s)
        if self.refusal:
            raise self.refusal
        return self.errors

    def parts(self, missing):
        """Groups of questions: those of batches that were handed in before as they were, then the rest as they fit."""
        wanted, parts = set(missing["response_id"]), []
        for path in sorted(self.folder.glob("*.json")):
            keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
            if wanted & set(keys):
                parts.append(keys)
                wanted -= set(keys)
        limits, sums = [self.model[f"batch_{what}"] for what in ("requests", "bytes", "tokens")], None
        for key in (key for key in missing["response_id"] if key in wanted):
            size = (1, *self.size(key))
            sums = sums and [a + b for a, b in zip(sums, size, strict=True)]
            if sums is None or any(a > b for a, b in zip(sums, limits, strict=True)):
                parts, sums = [*parts, []], size
            parts[-1].append(key)
        return parts

    def size(self, key):
        """Bytes and tokens of a question, about; nothing for one that was handed in by another plan."""
        if key not in self.rows:
            return 0, 0
        text, (image, _) = self.plan.text(self.rows[key]), self.payload(self.rows[key])
        side = prices.image_tokens(self.rule, 512, 512)
        return len(image) * 4 // 3 + len(text.encode()) + 1000, side + prices.text_tokens(text)

    def hand_in(self):
        """Hand in parts as long as there is room; returns whether some have to wait for it."""
        while self.waiting and len(self.under_way) < (1 if self.blocked else self.model["concurrency"]):
            keys = self.waiting.popleft()
            tokens = sum(self.size(key)[1] for key in keys)
            if self.under_way and sum(note["tokens"] for note in self.under_way) + tokens > self.model["batch_tokens"]:
                self.waiting.appendleft(keys)
                return True
            try:
                self.under_way.append(self.submit(keys) | {"tokens": tokens})
            except NoAnswer as error:
                self.refused(keys, error)
                return True
            except InputError as error:  # no money for more, say; what is under way is fetched before that is told
                self.refusal = error
                self.waiting.clear()
        return False

    def fetched(self, note, line):
        """Look at a batch, and store its answers when it is done; returns whether it is."""
        try:
            given = self.client.fetch(note["batch"], keys=note["keys"])
        except NoAnswer as error:
            if error.outcome.cause == "queue":  # taken at first, and then refused as a whole
                self.forget(note)
                self.under_way.remove(note)
                self.refused(note["keys"], error)
                return True
            gone = error.status in (400, 404, 410) and NO_SUCH.search(str(error))
            if not (gone or error.outcome.retry or error.status == 404):  # a wrong key, say: the batch is still there
                raise InputError(meanings.explained(self.model, error)) from None
            if not gone or self.patience or time.time() - note["since"] < FIRST_S:
                self.lose_patience(error)
                return False
            why = f"the provider no longer has the results of batch {note['batch']} ({error})"
            given = dict.fromkeys(note["keys"], NoAnswer(why, meanings.decide(self.model, "batch", ["results_gone"])))
        self.patience = PATIENCE
        if given is None:
            return False
        self.store(note, given)
        self.under_way.remove(note)
        self.blocked = False
        line.update(sum(key in self.rows for key in note["keys"]))
        return True

    def refused(self, keys, error):
        """Let a batch that was not taken wait; in halves when it is too large by itself."""
        if not error.outcome.retry:
            raise InputError(meanings.explained(self.model, error)) from None
        self.blocked = True  # one at a time, until one is done
        queue = error.outcome.cause == "queue"
        if not (queue and self.under_way):  # else there is room as soon as another one is done
            self.lose_patience(error)
        half = len(keys) // 2 if queue and not self.under_way else 0
        self.waiting.extendleft(filter(None, (keys[half:], keys[:half])))

    def lose_patience(self, error):
        """Bear with a provider that is out of order, but not for ever."""
        self.patience -= 1
        if self.patience < 0:
            said = f"its batch cannot be reached ({error}). Run again to go on."
            if error.raw:
                said += f" What came is kept in failed/{FOLDER}.jsonl; without its note in {FOLDER}/ it is asked anew."
                self.responses.keep_failure(FOLDER, str(error), error.raw)
            raise InputError(f"model {self.model['name']!r}: {said}") from None

    def submit(self, keys):
        """Hand a part in, unless that has been done; returns its note."""
        name = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
        path = self.folder / f"{name}.json"
        note = {"name": name, "keys": keys, "batch": None, "reserved": {}, "asked": {}}
        if path.is_file():
            note = json.loads(path.read_text(encoding="utf-8"))
            note["batch"] = note["batch"] or self.client.find(name, keys=note["keys"])
        if note["batch"] is None:
            known = [key for key in keys if key in self.rows]
            if len(known) < len(keys):  # noted, never handed in, and no longer asked as a whole
                self.forget(note)
                return self.submit(known)
            questions = []
            for key in keys:
                row = self.rows[key]
                asked = (*self.payload(row), self.plan.text(row), self.plan.sent(row))
                if self.ledger and key not in note["reserved"]:
                    note["reserved"][key] = self.ledger.reserve(asked[0], *asked[2:])
                note["asked"][key] = [self.plan.question(row), row.options]
                questions.append((key, *asked))
            self._write(path, note)
            try:
                note["batch"] = self.client.hand_in(questions, name=name)
            except NoAnswer as error:
                if error.billed == "no":  # surely not taken; others are noted and looked for
                    self.forget(note)
                raise
        note.setdefault("since", time.time())
        self._write(path, note)
        return note

    def forget(self, note):
        """Take back what was noted of a batch that costs nothing."""
        for entry in note["reserved"].values() if self.ledger else ():
            self.ledger.settle(entry, "no", {})
        (self.folder / f"{note['name']}.json").unlink()

    def store(self, note, given):
        """Store the answers of a batch that is done."""
        for key in note["keys"]:
            entry = note["reserved"].get(key) if self.ledger else None
            if not self.keep(key, *note["asked"][key], given[key], entry, batch=note["batch"]):
                self.errors[key] = str(given[key])
        (self.folder / f"{note['name']}.json").unlink()

    def _write(self, path, note):
        tables.write_bytes(json.dumps(note).encode(), path)
