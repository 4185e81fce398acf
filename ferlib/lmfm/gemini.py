"""Gemini models by `google-genai`, and by `google-generativeai`, the retired client that studies of 2024 often named.

The latter is kept to find out whether the client changes an answer. It has no successor release (0.8.6 is the last).
"""

import warnings

from ferlib.errors import InputError
from ferlib.lmfm.clients import Client, count, tokens
from ferlib.lmfm.wire import as_json, complaint, typed

OF_GRPC = dict(enumerate((500, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)))
"""HTTP status of an error in a batch, which may carry a gRPC code instead."""


class Gemini(Client):
    """Asks one model; see `ferlib.lmfm.clients`."""

    def _connect(self, model, timeout_s):
        from google import genai

        self.library = f"google-genai {genai.__version__}"
        http = {"base_url": model["base_url"], "timeout": round(timeout_s * 1000), "client_args": self._wire.options()}
        # Kept in an attribute: the client closes its connections as soon as nothing refers to it.
        self._client = genai.Client(api_key=self._wire.key, vertexai=False, http_options=http)

    def _body(self, image, media_type, text, settings):
        from google.genai import types

        names = {"thinking_budget": "thinking_budget", "thinking_level": "reasoning_effort"}
        thinking = {name: settings[ours] for name, ours in names.items() if ours in settings}
        config = {
            "temperature": settings.get("temperature"), "max_output_tokens": settings.get("max_tokens"),
            "seed": settings.get("seed"), "thinking_config": thinking or None,
            "media_resolution": f"MEDIA_RESOLUTION_{settings['detail'].upper()}" if "detail" in settings else None,
            "http_options": {"extra_body": settings["extra"]} if settings.get("extra") else None,
        }  # fmt: skip
        if "schema" in settings:
            config |= {"response_mime_type": "application/json", "response_json_schema": settings["schema"]}
        config = types.GenerateContentConfig(**{name: value for name, value in config.items() if value is not None})
        parts = [types.Part.from_bytes(data=image, mime_type=media_type), types.Part.from_text(text=text)]
        return {"contents": parts, "config": config}

    def _send(self, body):
        self._client.models.generate_content(model=self._model["model"], **body)

    def hand_in(self, questions, *, name):
        """Hand questions in as a batch; as for `ferlib.lmfm.clients.OpenAI`."""
        from google.genai.types import InlinedRequest

        requests = [InlinedRequest(**self._body(*question), metadata={"key": key}) for key, *question in questions]
        how = {"model": self._model["model"], "config": {"display_name": name}}
        return self._wire.fetched(lambda: self._client.batches.create(src=requests, **how), "name")["name"]

    def _page(self, cursor):
        how = {"page_size": 100} | ({"page_token": cursor} if cursor else {})
        page = self._wire.fetched(lambda: self._client.batches.list(config=how))
        found = page.get("operations") or page.get("batches") or []
        named = {(batch.get("metadata") or batch).get("displayName"): batch["name"] for batch in found}
        return named, page.get("nextPageToken")

    def _results(self, batch):
        """As for `ferlib.lmfm.clients.OpenAI`."""
        job = self._wire.fetched(lambda: self._client.batches.get(name=batch), "name")
        about = job.get("metadata") or job
        if not (job.get("done") or self._over(about.get("state"))):
            return None
        state = str(about.get("state", "over")).rpartition("STATE_")[2]
        codes, reason, *_ = complaint({"errors": job.get("error")}, "")
        lost = self._wire.lost(f"the batch is {state}: {reason}", [*codes, state, "missing"])
        output = job.get("response") or about.get("output") or job.get("dest") or {}
        items = output.get("inlinedResponses") or []
        items = items.get("inlinedResponses") or [] if isinstance(items, dict) else items
        file = output.get("responsesFile") or output.get("fileName")
        if file:
            items = self._wire.results(lambda: self._client.files.download(file=file))
        return items, lost, typed(about.get("batchStats"), dict).get("successfulRequestCount")

    def _of_item(self, item):
        item = typed(as_json(item) if isinstance(item, str) else item, dict)
        key = typed(item.get("metadata") or item, dict).get("key")
        if not key:
            return None
        if not (error := item.get("error")):
            return key, self._answer(item.get("response"))
        status = max(0, count(typed(error, dict).get("code")) or 0)
        return key, self._answer({"error": error}, OF_GRPC.get(status, status))

    @staticmethod
    def _read(body):
        usage, feedback, candidates = (body.get(name) for name in ("usageMetadata", "promptFeedback", "candidates"))
        usage, blocked = typed(usage, dict), (feedback or {}).get("blockReason")
        candidate, *_ = [*(candidates or []), {}]
        if not (candidates or blocked):
            body["usageMetadata"]  # without either it is no response of Gemini
        parts, finish = (candidate.get("content") or {}).get("parts") or [], candidate.get("finishReason")
        words = [part["text"] for part in parts if part.get("text") and not part.get("thought")]
        written = usage.get("candidatesTokenCount", None if words else 0)
        block = {name: candidate[name] for name in ("safetyRatings", "finishMessage") if candidate.get(name)}
        block = block if finish not in ("STOP", "MAX_TOKENS", None) else {}
        more = {"thought_tokens": "thoughtsTokenCount", "cached_tokens": "cachedContentTokenCount"}
        more = {name: usage.get(theirs) for name, theirs in more.items()}
        said = {
            "code": "text" if "".join(words).strip() else "empty" if candidates else "no_answer",
            "text": "".join(words) if words else None, "finish": finish, "version": body.get("modelVersion"),
            "usage": tokens(usage.get("promptTokenCount"), written, usage.get("totalTokenCount"), more),
            "details": {"id": body.get("responseId"), "block": feedback if blocked else block},
        }  # fmt: skip
        return said | ({"code": "prompt_blocked", "text": None, "finish": blocked} if blocked else {})


class Legacy(Gemini):
    """Asks one model by the retired client; it has no batches."""

    UNKNOWN = ("seed", "reasoning_effort", "thinking_budget", "detail", "extra")

    def _connect(self, model, timeout_s):
        unknown = [name for name in self.UNKNOWN if model.get("settings", {}).get(name) is not None]
        if unknown:
            raise InputError(f"model {model['name']!r}: google-generativeai knows no {unknown[0]}. Leave it out.")
        with warnings.catch_warnings():
            # It announces its end of life, which is said above; its foundation, when it will drop this version of
            # Python; and it would like a widget for a progress bar that it does not show here.
            warnings.filterwarnings("ignore", message=r"\s*All support for the `google.generativeai` package has ended")
            warnings.filterwarnings("ignore", message="You are using a Python version .* which Google will stop")
            warnings.filterwarnings("ignore", message="IProgress not found")
            import google.generativeai as genai
            from google.generativeai.client import get_default_generative_client
        self.library, self._timeout_s = f"google-generativeai {genai.__version__}", timeout_s
        address = {"api_endpoint": model["base_url"].rstrip("/")}
        genai.configure(api_key=self._wire.key, transport="rest", client_options=address)
        self._asks = genai.GenerativeModel(model["model"])
        # The library has one configuration for all; taking the connection now lets a second client have another.
        self._asks._client = get_default_generative_client()
        self._client = self._asks._client.transport
        self._client._session.max_redirects = 0
        self._client._session.trust_env = self._wire.trusts_environment
        self._client._session.hooks["response"].append(self._wire.hear)

    def _body(self, image, media_type, text, settings):
        names = {"temperature": "temperature", "max_tokens": "max_output_tokens"}
        options = {names[name]: value for name, value in settings.items() if name in names}
        if "schema" in settings:  # it knows a smaller part of JSON schema
            schema = {name: value for name, value in settings["schema"].items() if name != "additionalProperties"}
            options |= {"response_mime_type": "application/json", "response_schema": schema}
        return {"contents": [{"mime_type": media_type, "data": image}, text], "generation_config": options}

    def _send(self, body):
        self._asks.generate_content(**body, request_options={"timeout": self._timeout_s, "retry": None})
