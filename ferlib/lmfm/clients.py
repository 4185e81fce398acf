"""Models behind a provider's own client library, directly and by batches; here by `openai`.

The libraries write the requests; what comes back is read by `ferlib.lmfm.wire`. They are slow to import, so that each
is imported when it is needed.
"""

import base64
import json
import math
import re
from functools import partial

from ferlib.lmfm import services
from ferlib.lmfm.meanings import Answer, NoAnswer
from ferlib.lmfm.wire import Wire, as_json, complaint, typed


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
        return self._wire.judge(*self._wire.response(lambda: self._send(body)), self._read)

    def find(self, name, *, keys):
        """The provider's name of the batch that was handed in under a name; None when there is none."""
        named, cursor = self._page(None)
        while name not in named and cursor:
            named, cursor = self._page(cursor)
        return named.get(name)

    def fetch(self, batch, *, keys):
        """Answers of a batch by key, an exception for those that failed; None while it is under way."""
        if (results := self._results(batch)) is None:
            return None
        items, lost, promised = results
        given, keyless = {}, []
        for item in items:
            # By its key alone: without one, nobody knows whose answer it is, since they come in any order.
            key, answer = self._of_item(item) or (None, None)
            if key is None:
                keyless.append(item)
            elif not isinstance(given.get(str(key)), Answer):  # no failure takes the place of an answer
                given[str(key)] = answer
        usable = len(items) - sum(isinstance(item, str) for item in keyless)
        if usable < max(count(promised) or 0, bool(items)):
            raise self._wire.lost(f"{usable} of its {promised} answers came", ["unready"], raw=json.dumps(items))
        if keyless:
            without = f"{len(keyless)} answers of the batch came without a usable key and are not used"
            lost = self._wire.lost(without, ["no_key"], raw=json.dumps(keyless))
        return {key: given.get(key, lost) for key in keys}

    def _over(self, state):
        """Whether a batch in a state, in the provider's own word, is over; raises for an unknown one."""
        word, states = str(state).casefold().rpartition("state_")[2], services.content()["batch_states"]
        if word not in states["over"] + states["under_way"]:
            raise self._wire.lost(f"nobody knows what it means that the batch is {state!r}", ["unready"])
        return word in states["over"]

    def close(self):
        """Close the connections; older versions of some libraries do that by themselves."""
        getattr(self._client, "close", lambda: None)()

    def _answer(self, body, status=200):
        try:
            return self._wire.judge(status, {}, body if isinstance(body, str) else json.dumps(body), self._read)
        except NoAnswer as failure:
            return failure


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
        file = self._wire.fetched(lambda: send(file=("questions.jsonl", data), purpose="batch"), "id")
        how = {"endpoint": about["url"], "completion_window": "24h", "metadata": {"questions": name}}
        return self._wire.fetched(lambda: self._client.batches.create(input_file_id=file["id"], **how), "id")["id"]

    def _page(self, cursor):
        """Batches by name, and where the list goes on."""
        after = {"after": cursor} if cursor else {}
        page = self._wire.fetched(lambda: self._client.batches.list(limit=100, **after), "data")
        found = page.get("data") or []
        named = {typed(batch.get("metadata"), dict).get("questions"): batch["id"] for batch in found}
        return named, found[-1]["id"] if found and page.get("has_more") else None

    def _results(self, batch):
        """Lines of a batch that is over, what to say about questions that have none, and how many answers it has."""
        job = self._wire.fetched(lambda: self._client.batches.retrieve(batch), "status")
        status, faults = job["status"], typed(job.get("errors"), dict).get("data") or job.get("errors")
        if not self._over(status):
            return None
        codes, reason, *_ = complaint({"errors": faults}, "")
        lost = self._wire.lost(f"the batch is {status}: {reason}", [*codes, status, "missing"])
        if lost.outcome.cause == "queue":
            raise lost
        files = filter(None, (job.get("output_file_id"), job.get("error_file_id")))
        lines = [line for file in files for line in self._wire.results(partial(self._client.files.content, file))]
        return lines, lost, typed(job.get("request_counts"), dict).get("completed")

    def _of_item(self, line):
        """Key and answer in one line of a result file; None when it does not say whose it is."""
        item = typed(as_json(line), dict)
        key = item.get("custom_id") or next(iter(re.findall(r'"custom_id":\s*"([^"]+)"', line)), None)
        response, error = (typed(item.get(name), dict) for name in ("response", "error"))
        if not key:
            return None
        if error and not response:
            return key, self._wire.lost(f"{error.get('code')}: {error.get('message')}", [str(error.get("code"))])
        body = line if response.get("body") is None else response["body"]
        return key, self._answer(body, count(response.get("status_code")) or 200)

    @staticmethod
    def _read(body):
        usage, (choice, *_) = typed(body.get("usage"), dict), [*(body["choices"] or []), {}]
        of_input, of_output = (typed(usage.get(f"{kind}_tokens_details"), dict) for kind in ("prompt", "completion"))
        more = {name: of_input.get(name) for name in ("cached_tokens", "cache_write_tokens")}
        more["reasoning_tokens"] = of_output.get("reasoning_tokens")
        message, error, finish = choice.get("message") or {}, choice.get("error"), choice.get("finish_reason")
        content = words(message.get("content"))
        said = {
            "code": "text" if (content or "").strip() else "empty" if body["choices"] else "no_answer",
            "text": content, "finish": "error" if error else finish, "version": body.get("model"),
            "usage": tokens(*map(usage.get, ("prompt_tokens", "completion_tokens", "total_tokens")), more),
            "why": str(error.get("message") or "") if isinstance(error, dict) else "",
        }  # fmt: skip
        if message.get("refusal"):
            said |= {"code": "refusal", "text": words(message["refusal"]), "finish": finish}
        block = {
            "content_filter_results": message.get("content_filter_results") or choice.get("content_filter_results"),
            "prompt_filter_results": body.get("prompt_filter_results"),
        }
        block = {} if finish in ("stop", None) else {name: found for name, found in block.items() if found}
        return said | {"details": {"id": body.get("id"), "fingerprint": body.get("system_fingerprint"), "block": block}}


def words(content):
    """The words in an answer's content: a text, a list of texts and of parts, or what JSON it is; None for none."""
    if isinstance(content, list):
        parts = [{"text": part} if isinstance(part, str) else typed(part, dict) for part in content]
        return "".join(part.get("text") or "" for part in parts if part.get("type") in (None, "text", "output_text"))
    return content if content is None or isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def tokens(read, written, total, more):
    """Tokens as `ferlib.lmfm.meanings.Answer` counts them; empty where a provider reports none, or what cannot be."""
    read, written, total, *others = map(count, (read, written, total, *more.values()))
    more = {name: number for name, number in zip(more, others, strict=True) if number}
    if read is not None and total is not None:  # which holds thoughts that some leave out of what is written, and bill
        written = max(written or 0, total - read - more.get("thought_tokens", 0))
    found = {"input_tokens": read, "output_tokens": written} | more
    if None in found.values() or min(found.values()) < 0 or not read + written:
        return {}
    return found if more.get("cached_tokens", 0) + more.get("cache_write_tokens", 0) <= read else {}


def count(value):
    """A number, also one in a text; None for none, minus infinity for anything else."""
    try:
        return None if value is None else int(float(value))
    except (TypeError, ValueError, OverflowError):
        return -math.inf
