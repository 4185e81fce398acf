"""Another way to ask: hand in questions as a batch, for half the price, and fetch the answers within a day.

Questions, addresses and store are those of `ferlib.lmfm.run`. What has been handed in is noted beside the answers,
before and after, and carries a fingerprint of its questions at the provider: a run that was stopped at any moment finds
its batches again and buys nothing twice.
"""

import collections
import contextlib
import dataclasses
import datetime
import hashlib
import json
import time

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import consent, endpoints, images, models, replay
from ferlib.lmfm.answers import NoAnswer
from ferlib.lmfm.plans import unanswered
from ferlib.lmfm.progress import bar, tell

FOLDER = "batches"
LARGEST_BYTES = 12 * 2**20
"""Of the images of one batch; Gemini takes 20 MB in all, and base64 adds a third."""


def ask(plan, responses, *, connect=None, may_send=(), size=500, poll_s=30.0, budget=None, progress=True, **limits):
    """Answers to all questions of a plan, as `ferlib.lmfm.run.ask`, by the provider's batch API.

    Parameters
    ----------
    plan, responses, connect, may_send, budget, progress, **limits
        As in `ferlib.lmfm.run.ask`; of the limits, `concurrency` is the number of batches under way at a time, and
        `timeout_s` that of handing in and fetching.
    size : int
        Questions a batch at most.
    poll_s : float
        Seconds between two looks at what has become of the batches. A batch may take a day; to stop waiting with
        Ctrl-C loses nothing.

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
        model = connect(plan.model) if connect else plan.model
        consent.check(missing["dataset"], model=model, may_send=may_send)
        model = models.limited(model, **limits)
        client = models.client(model, timeout_s=model["timeout_s"])
        if not hasattr(client, "hand_in"):
            raise InputError(
                f"model {model['name']!r}: provider {model['provider']!r} has no batches. Ask it directly."
            )
        run = _Run(plan, responses, client, model, budget)
        try:
            with bar(f"{model['name']} (batch)", len(missing), shown=progress) as line, run.claims(missing):
                errors = run.all(run.parts(missing, size), poll_s=poll_s, line=line)
        except KeyboardInterrupt:
            tell(f"{model['name']}: stopped waiting. What was handed in is noted; run again to fetch its answers.")
            raise
        finally:
            client.close()
    return replay.tabulate(plan, responses, errors=errors)


class _Run:
    def __init__(self, plan, responses, client, model, budget):
        self.plan, self.responses, self.client, self.model, self.budget = plan, responses, client, model, budget
        self.rows = {row.response_id: row for row in plan.questions.itertuples()}
        self.folder = responses.folder / FOLDER

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

    def parts(self, missing, size):
        """Groups of questions: those of batches that were handed in before as they were, then the rest."""
        wanted, noted = set(missing["response_id"]), []
        for path in sorted(self.folder.glob("*.json")):
            keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
            if wanted & set(keys):
                noted.append(keys)
                wanted -= set(keys)
        left, part, read = [key for key in missing["response_id"] if key in wanted], [], 0
        for key in left:
            data, _ = images.payload(self.rows[key].path, sha256=self.rows[key].sha256)
            if part and (len(part) == size or read + len(data) > LARGEST_BYTES):
                noted.append(part)
                part, read = [], 0
            part, read = [*part, key], read + len(data)
        return [*noted, part] if part else noted

    def all(self, parts, *, poll_s, line):
        """Hand in all parts, some at a time, and store their answers; returns the errors by key."""
        errors, waiting, under_way, refusal = {}, collections.deque(parts), [], None
        while waiting or under_way:
            while waiting and len(under_way) < self.model["concurrency"]:
                try:
                    under_way.append(self.submit(waiting.popleft()))
                except InputError as error:  # no money for more, say; what is under way is fetched before that is told
                    refusal = error
                    waiting.clear()
            done = []
            for note in under_way:
                given = self.client.fetch(note["batch"], keys=note["keys"])
                if given is not None:
                    errors |= self.keep(note, given)
                    done.append(note)
                    line.update(sum(key in self.rows for key in note["keys"]))
            under_way = [note for note in under_way if note not in done]
            if under_way and not done:
                time.sleep(poll_s)
        if refusal:
            raise refusal
        return errors

    def submit(self, keys):
        """Hand a part in, unless that has been done; returns its note."""
        name = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
        path = self.folder / f"{name}.json"
        note = {"name": name, "keys": keys, "batch": None, "reserved": {}, "asked": {}}
        if path.is_file():
            note = json.loads(path.read_text(encoding="utf-8"))
            note["batch"] = note["batch"] or self.client.find(name)
        if note["batch"] is None:
            unknown = set(keys) - set(self.rows)
            if unknown:  # noted, never handed in, and no longer asked as a whole
                for entry in note["reserved"].values() if self.budget else ():
                    self.budget.settle(entry, None)
                path.unlink()
                return self.submit([key for key in keys if key not in unknown])
            questions = []
            for key in keys:
                row = self.rows[key]
                image, media_type = images.payload(row.path, sha256=row.sha256)
                text, settings = self.plan.text(row), self.plan.sent(row)
                if self.budget and key not in note["reserved"]:
                    note["reserved"][key] = self.budget.reserve(image, text, settings)
                note["asked"][key] = [self.plan.question(row), row.options]
                questions.append((key, image, media_type, text, settings))
            self._write(path, note)
            note["batch"] = self.client.hand_in(questions, name=name)
        self._write(path, note)
        return note

    def keep(self, note, given):
        """Store the answers of a batch that is done; returns the errors by key."""
        errors = {}
        for key in note["keys"]:
            answer = given.get(key, NoAnswer("the batch ended without an answer to it", retry=True, status=0))
            if isinstance(answer, Exception):
                errors[key] = str(answer)
            else:
                question, options = note["asked"][key]
                self.responses.put(question, dataclasses.asdict(answer), how=self._how(options, note))
            if self.budget and key in note["reserved"]:
                usage = None if isinstance(answer, Exception) else answer.usage
                self.budget.settle(note["reserved"][key], usage)
        (self.folder / f"{note['name']}.json").unlink()
        return errors

    def _how(self, options, note):
        return {
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "host": endpoints.host(self.model["base_url"]),
            "library": self.client.library,
            "prompt": f"{self.plan.prompt.name} version {self.plan.prompt.version}",
            "option_order": options,
            "batch": note["batch"],
        }

    def _write(self, path, note):
        tables.write_bytes(json.dumps(note).encode(), path)
