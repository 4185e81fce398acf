"""Another way to ask: hand in questions as a batch, for half the price, and fetch the answers within a day.

Questions, addresses and store are those of `ferlib.lmfm.run`. What has been handed in is noted beside the answers,
before and after, and carries a fingerprint of its questions at the provider: a run that was stopped at any moment finds
its batches again and buys nothing twice.
"""

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
from ferlib.lmfm.progress import bar

FOLDER = "batches"
LARGEST_BYTES = 12 * 2**20
"""Of the images of one batch; Gemini takes 20 MB in all, and base64 adds a third."""


def ask(
    plan, responses, *, connect=None, may_send=(), size=500, poll_s=30.0, timeout_s=60.0, budget=None, progress=True
):
    """Answers to all questions of a plan, as `ferlib.lmfm.run.ask`, by the provider's batch API.

    Parameters
    ----------
    plan, responses, connect, may_send, timeout_s, budget, progress
        As in `ferlib.lmfm.run.ask`.
    size : int
        Questions a batch at most.
    poll_s : float
        Seconds between two looks at what has become of a batch. A batch may take a day; to stop waiting with Ctrl-C
        loses nothing.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        As there, and when the provider has no batches.
    """
    errors = {}
    missing = unanswered(plan, responses)
    if len(missing):
        model = connect(plan.model) if connect else plan.model
        consent.check(missing["dataset"], model=model, may_send=may_send)
        client = models.client(model, timeout_s=timeout_s)
        if not hasattr(client, "hand_in"):
            raise InputError(
                f"model {model['name']!r}: provider {model['provider']!r} has no batches. Ask it directly."
            )
        try:
            run = _Run(plan, responses, client, model, budget)
            with bar(f"{model['name']} (batch)", len(missing), shown=progress) as line:
                for part in run.parts(missing, size):
                    errors |= run.fetch(run.submit(part), poll_s=poll_s)
                    line.update(len(part))
        finally:
            client.close()
    return replay.tabulate(plan, responses, errors=errors)


class _Run:
    def __init__(self, plan, responses, client, model, budget):
        self.plan, self.responses, self.client, self.model, self.budget = plan, responses, client, model, budget
        self.rows = {row.response_id: row for row in plan.questions.itertuples()}
        self.folder = responses.folder / FOLDER

    def parts(self, missing, size):
        """Groups of questions: those of batches that were handed in before as they were, then the rest."""
        wanted, noted = set(missing["response_id"]), []
        for path in sorted(self.folder.glob("*.json")):
            keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
            if wanted & set(keys) and set(keys) <= set(self.rows):
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

    def submit(self, keys):
        """Hand a part in, unless that has been done; returns its note."""
        name = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
        path = self.folder / f"{name}.json"
        note = {"name": name, "keys": keys, "batch": None, "reserved": {}}
        if path.is_file():
            note = json.loads(path.read_text(encoding="utf-8"))
            note["batch"] = note["batch"] or self.client.find(name)
        if note["batch"] is None:
            questions = []
            for key in keys:
                row = self.rows[key]
                image, media_type = images.payload(row.path, sha256=row.sha256)
                text, settings = self.plan.text(row), self.plan.sent(row)
                if self.budget and key not in note["reserved"]:
                    note["reserved"][key] = self.budget.reserve(image, text, settings)
                questions.append((key, image, media_type, text, settings))
            self._write(path, note)
            note["batch"] = self.client.hand_in(questions, name=name)
        self._write(path, note)
        return note

    def fetch(self, note, *, poll_s):
        """Wait for a batch and store its answers; returns the errors by key."""
        while (given := self.client.fetch(note["batch"], keys=note["keys"])) is None:
            time.sleep(poll_s)
        errors = {}
        for key in note["keys"]:
            answer = given.get(key, NoAnswer("the batch ended without an answer to it", retry=True, status=0))
            if isinstance(answer, Exception):
                errors[key] = str(answer)
            else:
                self.responses.put(
                    self.plan.question(self.rows[key]), dataclasses.asdict(answer), how=self._how(key, note)
                )
            if self.budget and key in note["reserved"]:
                usage = None if isinstance(answer, Exception) else answer.usage
                self.budget.settle(note["reserved"][key], usage)
        (self.folder / f"{note['name']}.json").unlink()
        return errors

    def _how(self, key, note):
        return {
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "host": endpoints.host(self.model["base_url"]),
            "library": self.client.library,
            "prompt": f"{self.plan.prompt.name} version {self.plan.prompt.version}",
            "option_order": self.rows[key].options,
            "batch": note["batch"],
        }

    def _write(self, path, note):
        tables.write_bytes(json.dumps(note).encode(), path)
