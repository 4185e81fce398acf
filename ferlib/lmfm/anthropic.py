"""Claude models by `anthropic`."""

import base64
import datetime

import anthropic

from ferlib.errors import InputError
from ferlib.lmfm.complaints import as_json
from ferlib.lmfm.wire import Wire

MOST_TOKENS = 1024
"""Longest answer where the settings leave it out: this protocol cannot do without."""


HTTP = {"rate_limit_error": 429, "api_error": 500, "overloaded_error": 529, "timeout_error": 504}
"""Status that stands for a kind of error where a batch reports it; 400 for others."""


class Client:
    """Asks one model; see `ferlib.lmfm.models.client`."""

    library = f"anthropic {anthropic.__version__}"

    def __init__(self, model, *, timeout_s):
        if model.get("settings", {}).get("detail") is not None:
            raise InputError(f"model {model['name']!r}: the protocol of Anthropic knows no detail. Leave it out.")
        self._model, self._wire = model, Wire(model)
        self._client = anthropic.Anthropic(
            api_key=self._wire.key,
            base_url=model["base_url"],
            timeout=timeout_s,
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(**self._wire.options()),
        )

    def ask(self, image, media_type, text, settings):
        """One question about one image; parameters and errors as for `ferlib.lmfm.openai.Client.ask`."""
        body = self._body(image, media_type, text, settings)
        named = {name: body.pop(name) for name in ("model", "messages", "max_tokens")}
        return self._wire.ask(lambda: self._client.messages.create(**named, extra_body=body), read)

    def hand_in(self, questions, *, name):
        """Hand questions in as a batch; parameters as for `ferlib.lmfm.openai.Client.hand_in`."""
        requests = [{"custom_id": key, "params": self._body(*question)} for key, *question in questions]
        return self._wire.fetched(lambda: self._client.messages.batches.create(requests=requests))["id"]

    def find(self, name, *, keys):
        """The provider's name of a batch of these questions; None when there is none.

        Batches have no names here: of those of the last day, one that is over says by its results whose it is; one that
        is under way is taken to be ours when it holds as many questions. Its answers are matched by their keys alone.
        """
        page = self._wire.fetched(lambda: self._client.messages.batches.list(limit=100))
        a_day_ago = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)).isoformat()
        for batch in page.get("data") or []:
            counts = batch.get("request_counts") or {}
            if sum(counts.values()) != len(keys) or str(batch.get("created_at")) < a_day_ago:
                continue
            if batch.get("processing_status") != "ended" or set(self._results(batch["id"])[0]) & set(keys):
                return batch["id"]
        return None

    def fetch(self, batch, *, keys):
        """Answers of a batch by key, an exception for those that failed; None while it is under way."""
        job = self._wire.fetched(lambda: self._client.messages.batches.retrieve(batch))
        if job.get("processing_status") != "ended":
            return None
        given, lost = self._results(batch)
        return {key: given.get(key, lost) for key in keys}

    def close(self):
        """Close the connections."""
        self._client.close()

    def _results(self, batch):
        """Answers by key, and what to say about questions that have none."""
        lines, gone = self._wire.results(lambda: self._client.messages.batches.results(batch), batch)
        items = [item for item in map(as_json, lines) if isinstance(item, dict) and item.get("custom_id")]
        lost = gone or self._wire.lost("the batch ended without an answer to it", ["missing"])
        return {item["custom_id"]: self._of_item(item) for item in items}, lost

    def _of_item(self, item):
        result = item.get("result") if isinstance(item.get("result"), dict) else {}
        kind, error = result.get("type"), result.get("error")
        if kind in ("expired", "canceled"):
            return self._wire.lost(f"the batch ended before it: {kind}", [kind])
        if kind != "errored":
            return self._wire.judged(result.get("message"), read)
        inner = error.get("error", error) if isinstance(error, dict) else error
        inner = inner if isinstance(inner, dict) and inner else {"type": "unknown", "message": str(inner or "")}
        return self._wire.judged({"error": inner}, read, status=HTTP.get(inner.get("type"), 400))

    def _body(self, image, media_type, text, settings):
        data = {"type": "base64", "media_type": media_type, "data": base64.b64encode(image).decode()}
        content = [{"type": "image", "source": data}, {"type": "text", "text": text}]
        body = {"model": self._model["model"], "messages": [{"role": "user", "content": content}]}
        body["max_tokens"] = settings.get("max_tokens", MOST_TOKENS)
        body |= {"temperature": settings["temperature"]} if "temperature" in settings else {}
        if settings.get("thinking_budget"):
            body["thinking"] = {"type": "enabled", "budget_tokens": settings["thinking_budget"]}
        wanted = {"effort": settings["reasoning_effort"]} if "reasoning_effort" in settings else {}
        if "schema" in settings:
            wanted["format"] = {"type": "json_schema", "schema": settings["schema"]}
        return body | ({"output_config": wanted} if wanted else {}) | settings.get("extra", {})


def read(body):
    """What a message of Claude says, for `ferlib.lmfm.wire.Wire.judge`; it raises when that is none."""
    usage, finish = body.get("usage") or {}, body["stop_reason"]
    words = "".join(part.get("text") or "" for part in body["content"] or [] if part.get("type") == "text")
    tokens = {}
    if usage.get("input_tokens") is not None:
        cached, written = (usage.get(f"cache_{way}_input_tokens") or 0 for way in ("read", "creation"))
        tokens = {"input_tokens": usage["input_tokens"] + cached + written, "output_tokens": usage.get("output_tokens")}
        more = {"cached_tokens": cached, "cache_write_tokens": written}
        tokens |= {name: number for name, number in more.items() if number}
    details = {"id": body.get("id"), "block": body.get("stop_details") if finish == "refusal" else None}
    code = "text" if words.strip() else "empty"
    said = {"code": code, "text": words or None, "finish": finish, "version": body.get("model"), "usage": tokens}
    return said | {"details": details}
