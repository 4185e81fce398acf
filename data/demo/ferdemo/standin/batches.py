"""The stand-in's batches: OpenAI's files and batches, and Gemini's, as the providers' client libraries use them."""

import email
import email.policy
import itertools
import json
import re
import threading

from ferdemo.standin import wire
from ferdemo.standin.wire import Problem

POLLS = 2
"""How often a batch is said to be under way before it is done."""

CREATE = re.compile(r"/v1(?:beta)?/models/([^/:]+):batchGenerateContent")


class Batches:
    """Everything that was handed in, and what became of it; safe to be used by several threads."""

    def __init__(self, chance):
        self.chance = chance
        self.polls = POLLS
        self._files, self._openai, self._gemini = {}, {}, {}
        self._numbers, self._lock = itertools.count(1), threading.Lock()

    def upload(self, data, content_type):
        """`POST /v1/files`: a form with the file in it."""
        form = email.message_from_bytes(
            b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + data, policy=email.policy.HTTP
        )
        parts = [part for part in form.iter_parts() if part.get_filename()]
        if len(parts) != 1:
            raise Problem(400, "send one file")
        return self._keep(parts[0].get_payload(decode=True))

    def post(self, path, body, answer):
        """`POST` to one of the batch addresses; None for any other.

        Parameters
        ----------
        path : str
        body : dict
        answer : callable
            `answer(request) -> response` for one question of a batch; raises `Problem`.
        """
        gemini = CREATE.fullmatch(path.partition("?")[0])
        if gemini:
            return self._create_gemini(body, gemini[1], answer)
        return self._create_openai(body, answer) if path == "/v1/batches" else None

    def get(self, path):
        """`GET` of a batch, a list of batches, or the content of a file (bytes)."""
        path = path.partition("?")[0]
        for pattern, found in (
            (r"/v1/batches/(\w+)", lambda name: self._polled(self._openai, name, "status", "in_progress")),
            (r"/v1/files/([\w-]+)/content", lambda name: self._files[name]),
            (r"/v1(?:beta)?/(batches/\w+)", lambda name: self._running(self._gemini, name)),
        ):
            match = re.fullmatch(pattern, path)
            if match and (match[1] in self._openai or match[1] in self._files or match[1] in self._gemini):
                return found(match[1])
        if path == "/v1beta/batches" or (path == "/v1/batches" and self._gemini):
            return {"operations": list(self._gemini.values())}
        if path == "/v1/batches":
            jobs = list(self._openai.values())
            return {"object": "list", "data": [{**job, "status": "in_progress"} for job in jobs], "has_more": False}
        raise Problem(404, f"no such address: {path}", code="unknown_url")

    def _keep(self, data):
        name = f"file-{next(self._numbers)}"
        self._files[name] = data
        return {
            "id": name, "object": "file", "bytes": len(data), "created_at": 0, "filename": "file.jsonl",
            "purpose": "batch", "status": "processed",
        }  # fmt: skip

    def _create_openai(self, body, answer):
        lines = [json.loads(line) for line in self._files[body["input_file_id"]].splitlines()]
        good, bad = [], []
        for number, line in enumerate(lines):
            status, content = self._one(lambda line=line: answer(wire.OpenAI(line["body"])), wire.OpenAI)
            response = {"status_code": status, "request_id": f"r{number}", "body": content}
            (good if status == 200 else bad).append(
                {"id": f"b{number}", "custom_id": line["custom_id"], "response": response, "error": None}
            )
        files = {}
        for name, given in (("output_file_id", good), ("error_file_id", bad)):
            # The order of the answers is not that of the questions.
            data = "".join(json.dumps(line) + "\n" for line in reversed(given)).encode()
            files[name] = self._keep(data)["id"] if given else None
        name = f"batch_{next(self._numbers)}"
        with self._lock:
            self._openai[name] = {
                "id": name, "object": "batch", "endpoint": body["endpoint"], "input_file_id": body["input_file_id"],
                "completion_window": "24h", "status": "completed", "created_at": 0, "polls": 0,
                "metadata": body.get("metadata"), **files,
            }  # fmt: skip
        return {**self._openai[name], "status": "validating", "output_file_id": None, "error_file_id": None}

    def _create_gemini(self, body, model, answer):
        given = []
        for item in body["batch"]["inputConfig"]["requests"]["requests"]:
            status, content = self._one(lambda item=item: answer(wire.Gemini(item["request"], model)), wire.Gemini)
            outcome = {"response": content} if status == 200 else {"error": {"code": status, "message": "failed"}}
            given.append({**outcome, "metadata": item.get("metadata")})
        name = f"batches/b{next(self._numbers)}"
        with self._lock:
            self._gemini[name] = {
                "name": name,
                "polls": 0,
                "metadata": {
                    "displayName": body["batch"].get("displayName"),
                    "state": "BATCH_STATE_SUCCEEDED",
                    "output": {"inlinedResponses": {"inlinedResponses": given}},
                },
            }
        return {"name": name, "metadata": {"state": "BATCH_STATE_PENDING"}}

    def _one(self, answer, protocol):
        fate = self.chance.on_the_way()
        try:
            if fate in ("too_many", "failing"):
                raise Problem(429 if fate == "too_many" else 500, "this one failed")
            return 200, answer()
        except Problem as problem:
            return problem.status, protocol.error(problem)

    def _polled(self, jobs, name, field, running):
        with self._lock:
            jobs[name]["polls"] += 1
            job = jobs[name]
        if job["polls"] <= self.polls:
            return {**job, field: running, "output_file_id": None, "error_file_id": None}
        return job

    def _running(self, jobs, name):
        with self._lock:
            jobs[name]["polls"] += 1
            job = jobs[name]
        if job["polls"] <= self.polls:
            return {"name": name, "metadata": {**job["metadata"], "state": "BATCH_STATE_RUNNING", "output": None}}
        return job
