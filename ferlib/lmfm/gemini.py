"""Gemini models by `google-genai`, the maintained client."""

from google import genai
from google.genai import types

from ferlib.lmfm.complaints import as_json
from ferlib.lmfm.wire import Wire

OVER = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")

OF_GRPC = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 13: 500, 14: 503, 16: 401}
"""HTTP status of an error in a batch, which may carry a gRPC code instead."""


class Client:
    """Asks one model; see `ferlib.lmfm.models.client`."""

    library = f"google-genai {genai.__version__}"

    def __init__(self, model, *, timeout_s):
        self._model, self._wire = model, Wire(model)
        # Kept in an attribute: the client closes its connections as soon as nothing refers to it.
        self._client = genai.Client(
            api_key=self._wire.key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=model["base_url"], timeout=round(timeout_s * 1000), client_args=self._wire.options()
            ),
        )

    def ask(self, image, media_type, text, settings):
        """One question about one image; parameters and errors as for `ferlib.lmfm.openai.Client.ask`."""
        how = {"contents": _contents(image, media_type, text), "config": configuration(settings)}
        return self._wire.ask(lambda: self._client.models.generate_content(model=self._model["model"], **how), read)

    def hand_in(self, questions, *, name):
        """Hand questions in as a batch; parameters as for `ferlib.lmfm.openai.Client.hand_in`."""
        requests = [
            types.InlinedRequest(
                contents=_contents(image, media_type, text), config=configuration(settings), metadata={"key": key}
            )
            for key, image, media_type, text, settings in questions
        ]
        create, how = self._client.batches.create, {"model": self._model["model"], "config": {"display_name": name}}
        return self._wire.fetched(lambda: create(src=requests, **how))["name"]

    def find(self, name, *, keys):
        """The provider's name of a batch that was handed in under a name; None when there is none."""
        token = None
        while True:
            how = {"page_size": 100, "page_token": token} if token else {"page_size": 100}
            page = self._wire.fetched(lambda how=how: self._client.batches.list(config=how))
            for batch in page.get("operations") or page.get("batches") or []:
                if (batch.get("metadata") or batch).get("displayName") == name:
                    return batch["name"]
            token = page.get("nextPageToken")
            if not token:
                return None

    def fetch(self, batch, *, keys):
        """Answers of a batch by key, an exception for those that failed; None while it is under way."""
        job = self._wire.fetched(lambda: self._client.batches.get(name=batch))
        about = job.get("metadata") or job
        state = str(about.get("state") or ("SUCCEEDED" if job.get("done") else "")).rpartition("STATE_")[2]
        if state not in OVER:
            return None
        error = job.get("error") or {}
        codes = [error.get("status"), state] if "SUCCEEDED" not in state else ["missing"]
        lost = self._wire.lost(f"the batch is {state}: {error.get('message', '')}", codes)
        output = job.get("response") or about.get("output") or job.get("dest") or {}
        items = output.get("inlinedResponses") or []
        items = items.get("inlinedResponses") or [] if isinstance(items, dict) else items
        file = output.get("responsesFile") or output.get("fileName")
        if file:
            lines, gone = self._wire.results(lambda: self._client.files.download(file=file), batch)
            items, lost = [as_json(line) or {} for line in lines], gone or lost
        given = {}
        for item in items:
            # By its key alone: without one, nobody knows whose answer it is, since they come in any order.
            about = item.get("metadata") or item if isinstance(item, dict) else None
            key = about.get("key") if isinstance(about, dict) else None
            if key:
                given[key] = self._of_item(item)
        without = len(items) - len(given)
        if without > 0:
            lost = self._wire.lost(
                f"{without} answers of the batch came without a usable key and are not used", ["no_key"]
            )
        return {key: given.get(key, lost) for key in keys}

    def close(self):
        """Close the connections; older versions of the library do that by themselves."""
        getattr(self._client, "close", lambda: None)()

    def _of_item(self, item):
        error = item.get("error")
        status = error.get("code") if isinstance(error, dict) else None
        if error:
            return self._wire.judged({"error": error}, read, status=OF_GRPC.get(status, status or 500))
        return self._wire.judged(item.get("response"), read)


def configuration(settings):
    """Settings in the words of google-genai, see `ferlib.lmfm.openai.Client.ask`."""
    options = {"temperature": settings.get("temperature"), "max_output_tokens": settings.get("max_tokens")}
    options["seed"] = settings.get("seed")
    if "schema" in settings:
        options |= {"response_mime_type": "application/json", "response_json_schema": settings["schema"]}
    thinking = {"thinking_budget": settings.get("thinking_budget"), "thinking_level": settings.get("reasoning_effort")}
    thinking = {name: value for name, value in thinking.items() if value is not None}
    options |= {"thinking_config": thinking} if thinking else {}
    options |= {"media_resolution": f"MEDIA_RESOLUTION_{settings['detail'].upper()}"} if "detail" in settings else {}
    options |= {"http_options": {"extra_body": settings["extra"]}} if settings.get("extra") else {}
    return types.GenerateContentConfig(**{name: value for name, value in options.items() if value is not None})


def read(body):
    """What a response of Gemini says, for `ferlib.lmfm.wire.Wire.judge`; it raises when that is none."""
    usage = body.get("usageMetadata") or {}
    tokens = {}
    if usage.get("promptTokenCount") is not None:
        tokens = {"input_tokens": usage["promptTokenCount"], "output_tokens": usage.get("candidatesTokenCount")}
        more = {"thought_tokens": "thoughtsTokenCount", "cached_tokens": "cachedContentTokenCount"}
        tokens |= {name: usage[field] for name, field in more.items() if usage.get(field)}
    feedback, candidates = body.get("promptFeedback") or {}, body.get("candidates") or []
    details = {"id": body.get("responseId")}
    said = {"text": None, "finish": None, "version": body.get("modelVersion"), "usage": tokens, "details": details}
    if feedback.get("blockReason"):
        details["block"] = feedback
        return said | {"code": "prompt_blocked", "finish": feedback["blockReason"]}
    if not candidates:
        body["usageMetadata"]  # without either it is no response of Gemini
        return said | {"code": "no_answer"}
    candidate = candidates[0]
    parts = (candidate.get("content") or {}).get("parts") or []
    words = [part["text"] for part in parts if part.get("text") and not part.get("thought")]
    finish = candidate.get("finishReason")
    block = {name: candidate[name] for name in ("safetyRatings", "finishMessage") if candidate.get(name)}
    details["block"] = block if finish not in ("STOP", "MAX_TOKENS", None) else {}
    text = "".join(words) if words else None
    return said | {"code": "text" if (text or "").strip() else "empty", "text": text, "finish": finish}


def _contents(image, media_type, text):
    return [types.Part.from_bytes(data=image, mime_type=media_type), types.Part.from_text(text=text)]
