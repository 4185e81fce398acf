"""Claude models by `anthropic`."""

import base64
import datetime

from ferlib.errors import InputError
from ferlib.lmfm.clients import Client, count, tokens, words
from ferlib.lmfm.wire import as_json, typed


class Anthropic(Client):
    """Asks one model; see `ferlib.lmfm.clients`."""

    LONGEST = 1024
    """Tokens of an answer where the settings leave that out: this protocol cannot do without."""

    HTTP = {"rate_limit_error": 429, "api_error": 500, "overloaded_error": 529, "timeout_error": 504}
    """Status that stands for a kind of error where a batch reports it; 400 for others."""

    def _connect(self, model, timeout_s):
        import anthropic

        if model.get("settings", {}).get("detail") is not None:
            raise InputError(f"model {model['name']!r}: the protocol of Anthropic knows no detail. Leave it out.")
        self.library = f"anthropic {anthropic.__version__}"
        self._client = anthropic.Anthropic(
            api_key=self._wire.key, base_url=model["base_url"], timeout=timeout_s, max_retries=0,
            http_client=anthropic.DefaultHttpxClient(**self._wire.options()),
        )  # fmt: skip

    def _body(self, image, media_type, text, settings):
        data = {"type": "base64", "media_type": media_type, "data": base64.b64encode(image).decode()}
        content = [{"type": "image", "source": data}, {"type": "text", "text": text}]
        body = {"model": self._model["model"], "messages": [{"role": "user", "content": content}]}
        body["max_tokens"] = settings.get("max_tokens", self.LONGEST)
        body |= {"temperature": settings["temperature"]} if "temperature" in settings else {}
        if settings.get("thinking_budget"):
            body["thinking"] = {"type": "enabled", "budget_tokens": settings["thinking_budget"]}
        wanted = {"effort": settings["reasoning_effort"]} if "reasoning_effort" in settings else {}
        wanted |= {"format": {"type": "json_schema", "schema": settings["schema"]}} if "schema" in settings else {}
        return body | ({"output_config": wanted} if wanted else {}) | settings.get("extra", {})

    def _send(self, body):
        self._client.post("/v1/messages", body=body, cast_to=object)

    def hand_in(self, questions, *, name):
        """Hand questions in as a batch; as for `ferlib.lmfm.clients.OpenAI`."""
        requests = [{"custom_id": key, "params": self._body(*question)} for key, *question in questions]
        return self._wire.fetched(lambda: self._client.messages.batches.create(requests=requests), "id")["id"]

    def find(self, name, *, keys):
        """The provider's name of a batch of these questions; None when there is none.

        Batches have no names here: of those of the last day, one that is over says by its results whose it is; one that
        is under way is taken to be ours when it holds as many questions. Its answers are matched by their keys alone.
        """
        page = self._wire.fetched(lambda: self._client.messages.batches.list(limit=100), "data")
        a_day_ago = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)).isoformat()
        for batch in page.get("data") or []:
            as_many = sum((batch.get("request_counts") or {}).values()) == len(keys)
            if as_many and str(batch.get("created_at")) >= a_day_ago:
                lines, *_ = self._results(batch["id"], batch) or [None]
                if lines is None or any(key in line for line in lines for key in keys):
                    return batch["id"]
        return None

    def _results(self, batch, job=None):
        """As for `ferlib.lmfm.clients.OpenAI`."""
        job = job or self._wire.fetched(lambda: self._client.messages.batches.retrieve(batch), "id")
        if not self._over(job.get("processing_status")):
            return None
        lines = self._wire.results(lambda: self._client.messages.batches.results(batch))
        lost = self._wire.lost("the batch ended without an answer to it", ["missing"])
        return lines, lost, typed(job.get("request_counts"), dict).get("succeeded")

    def _of_item(self, line):
        item = typed(as_json(line), dict)
        result = typed(item.get("result"), dict)
        kind, error = result.get("type"), result.get("error")
        if kind in ("expired", "canceled"):
            answer = self._wire.lost(f"the batch ended before it: {kind}", [kind])
        elif kind != "errored":
            answer = self._answer(result.get("message"))
        else:
            inner = error.get("error", error) if isinstance(error, dict) else error
            inner = inner if isinstance(inner, dict) and inner else {"type": "unknown", "message": str(inner or "")}
            answer = self._answer({"error": inner}, self.HTTP.get(str(inner.get("type")), 400))
        return (item["custom_id"], answer) if item.get("custom_id") else None

    @staticmethod
    def _read(body):
        usage, finish, text = typed(body.get("usage"), dict), body["stop_reason"], words(body["content"])
        read, *cache = (count(usage.get(f"{of}input_tokens")) for of in ("", "cache_read_", "cache_creation_"))
        more = dict(zip(("cached_tokens", "cache_write_tokens"), cache, strict=True))
        read = None if read is None else sum(filter(None, (read, *cache)))
        return {
            "code": "text" if (text or "").strip() else "empty", "text": text or None, "finish": finish,
            "version": body.get("model"),
            "usage": tokens(read, usage.get("output_tokens"), None, more),
            "details": {"id": body.get("id"), "block": body.get("stop_details") if finish == "refusal" else None},
        }  # fmt: skip
