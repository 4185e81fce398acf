"""Models behind a provider's own client library, directly and by batches; here by `openai`.

The libraries write the requests; what comes back is read by `ferlib.lmfm.wire`. They are slow to import, so that each
is imported when it is needed.
"""

import base64
import json
import re

from ferlib.lmfm import services
from ferlib.lmfm.wire import Wire, as_json


class Client:
    """Asks one model; what all providers have in common.

    `_body` makes a request of a question, `_send` sends it, and `_read` says what a response holds, for
    `ferlib.lmfm.wire.Wire.judge`; it raises when that is none of its protocol.
    """

    def __init__(self, model, *, timeout_s):
        self._model, self._wire = model, Wire(model)
        self._connect(model, timeout_s)

    def ask(self, image, media_type, text, settings):
        """The `Answer` to a question about an image (bytes of a media type), or raises `NoAnswer`.

        `settings` are any of `ferlib.lmfm.models.SETTINGS`, and `schema` (a JSON schema that the answer must keep).
        """
        body = self._body(image, media_type, text, settings)
        return self._wire.ask(lambda: self._send(body), self._read)

    def find(self, name, *, keys):
        """The provider's name of the batch that was handed in under a name; None when there is none."""
        named, cursor = self._page(None)
        while name not in named and cursor:
            named, cursor = self._page(cursor)
        return named.get(name)

    def fetch(self, batch, *, keys):
        """Answers of a batch by key, an exception for those that failed; None while it is under way."""
        results = self._results(batch)
        if results is None:
            return None
        items, lost = results
        # By its key alone: without one, nobody knows whose answer it is, since they come in any order.
        given = dict(filter(None, map(self._of_item, items)))
        if len(given) < len(items):
            without = f"{len(items) - len(given)} answers of the batch came without a usable key and are not used"
            lost = self._wire.lost(without, ["no_key"])
        return {key: given.get(key, lost) for key in keys}

    def close(self):
        """Close the connections; older versions of some libraries do that by themselves."""
        getattr(self._client, "close", lambda: None)()

    def _answer(self, body, status=200):
        return self._wire.judged(body, self._read, status=status)


class OpenAI(Client):
    """GPT models, and any other behind OpenAI's chat protocol (Azure, vLLM, Ollama, OpenRouter ...)."""

    def _connect(self, model, timeout_s):
        import openai

        self.library = f"openai {openai.__version__}"
        self._client = openai.OpenAI(
            api_key=self._wire.key, base_url=model["base_url"], timeout=timeout_s,
            max_retries=0,  # ferlib.lmfm.pace asks again, alike for all providers
            http_client=openai.DefaultHttpxClient(**self._wire.options()),
        )  # fmt: skip

    def _body(self, image, media_type, text, settings):
        picture = {"url": f"data:{media_type};base64,{base64.b64encode(image).decode()}"}
        picture |= {"detail": settings["detail"]} if "detail" in settings else {}
        content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": picture}]
        body = {"model": self._model["model"], "messages": [{"role": "user", "content": content}]}
        plain = ("temperature", "seed", "reasoning_effort", "thinking_budget")
        body |= {name: settings[name] for name in plain if name in settings}
        body |= {services.of(self._model)["token_limit"]: settings["max_tokens"]} if "max_tokens" in settings else {}
        if "schema" in settings:
            schema = {"name": "answer", "strict": True, "schema": settings["schema"]}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body | settings.get("extra", {})

    def _send(self, body):
        self._client.post("/chat/completions", body=body, cast_to=object)

    def hand_in(self, questions, *, name):
        """Hand questions `(key, image, media_type, text, settings)` in as a batch; returns the provider's name of it.

        By `name`, `find` finds it again.
        """
        about = {"method": "POST", "url": "/v1/chat/completions"}
        lines = [about | {"custom_id": key, "body": self._body(*question)} for key, *question in questions]
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        send = self._client.files.create
        file = self._wire.fetched(lambda: send(file=("questions.jsonl", data), purpose="batch"))
        how = {"endpoint": about["url"], "completion_window": "24h", "metadata": {"questions": name}}
        return self._wire.fetched(lambda: self._client.batches.create(input_file_id=file["id"], **how))["id"]

    def _page(self, cursor):
        """Batches by name, and where the list goes on."""
        after = {"after": cursor} if cursor else {}
        page = self._wire.fetched(lambda: self._client.batches.list(limit=100, **after))
        found = page.get("data") or []
        named = {(batch.get("metadata") or {}).get("questions"): batch["id"] for batch in found}
        return named, found[-1]["id"] if found and page.get("has_more") else None

    def _results(self, batch):
        """Lines of a batch that is over, and what to say about questions that have none."""
        job = self._wire.fetched(lambda: self._client.batches.retrieve(batch))
        status, faults = job.get("status"), (job.get("errors") or {}).get("data") or []
        if status not in ("completed", "failed", "expired", "cancelled"):
            return None
        codes = [*(fault.get("code") for fault in faults), *([] if status == "completed" else [status])]
        reasons = "; ".join(str(fault.get("message")) for fault in faults)
        lost = self._wire.lost(f"the batch is {status}: {reasons}", codes or ["missing"])
        if lost.outcome.cause == "queue":
            raise lost
        lines = []
        for file in filter(None, (job.get("output_file_id"), job.get("error_file_id"))):
            found, gone = self._wire.results(lambda file=file: self._client.files.content(file), batch)
            lines, lost = lines + found, gone or lost
        return lines, lost

    def _of_item(self, line):
        """Key and answer in one line of a result file; None when it does not say whose it is."""
        item = as_json(line) if isinstance(as_json(line), dict) else {}
        key = item.get("custom_id") or next(iter(re.findall(r'"custom_id":\s*"([^"]+)"', line)), None)
        response, error = (found if isinstance(found, dict) else {} for found in map(item.get, ("response", "error")))
        if not key:
            return None
        if error and not response:
            return key, self._wire.lost(f"{error.get('code')}: {error.get('message')}", [error.get("code")])
        body = line if response.get("body") is None else response["body"]
        return key, self._answer(body, response.get("status_code") or 200)

    @staticmethod
    def _read(body):
        usage, (choice, *_) = body.get("usage") or {}, [*(body["choices"] or []), {}]
        inside = [usage.get(f"{kind}_tokens_details") or {} for kind in ("prompt", "completion")]
        more = {"cached_tokens": inside[0].get("cached_tokens"), "reasoning_tokens": inside[1].get("reasoning_tokens")}
        message, error, finish = choice.get("message") or {}, choice.get("error"), choice.get("finish_reason")
        content = message.get("content")
        if isinstance(content, list):  # parts, as some servers send
            content = "".join(part.get("text") or "" for part in content if part.get("type") in (None, "text"))
        said = {
            "code": "text" if (content or "").strip() else "empty" if body["choices"] else "no_answer",
            "text": content, "finish": "error" if error else finish, "version": body.get("model"),
            "usage": tokens(usage.get("prompt_tokens"), usage.get("completion_tokens"), more),
            "why": str(error.get("message") or "") if isinstance(error, dict) else "",
        }  # fmt: skip
        if message.get("refusal"):
            said |= {"code": "refusal", "text": message["refusal"], "finish": finish}
        block = {
            "content_filter_results": message.get("content_filter_results") or choice.get("content_filter_results"),
            "prompt_filter_results": body.get("prompt_filter_results"),
        }
        block = {} if finish in ("stop", None) else {name: found for name, found in block.items() if found}
        return said | {"details": {"id": body.get("id"), "fingerprint": body.get("system_fingerprint"), "block": block}}


def tokens(read, written, more):
    """Tokens as `ferlib.lmfm.meanings.Answer` counts them; empty where the provider reports none."""
    if read is None:
        return {}
    return {"input_tokens": read, "output_tokens": written} | {name: count for name, count in more.items() if count}
