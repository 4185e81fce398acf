"""GPT models, and any other behind OpenAI's chat protocol (Azure, vLLM, Ollama, OpenRouter ...), by `openai`."""

import base64
import json
import re

import openai

from ferlib.lmfm import services
from ferlib.lmfm.complaints import as_json
from ferlib.lmfm.wire import Wire

CHAT = "/v1/chat/completions"

OVER = ("completed", "failed", "expired", "cancelled")


class Client:
    """Asks one model; see `ferlib.lmfm.models.client`."""

    library = f"openai {openai.__version__}"

    def __init__(self, model, *, timeout_s):
        self._model, self._wire = model, Wire(model)
        self._client = openai.OpenAI(
            api_key=self._wire.key,
            base_url=model["base_url"],
            timeout=timeout_s,
            max_retries=0,  # ferlib.lmfm.run retries, alike for all providers
            http_client=openai.DefaultHttpxClient(**self._wire.options()),
        )

    def ask(self, image, media_type, text, settings):
        """One question about one image.

        Parameters
        ----------
        image : bytes
        media_type : str
            For example `image/webp`.
        text : str
            The prompt.
        settings : dict
            Any of `ferlib.lmfm.models.SETTINGS`, and `schema` (a JSON schema that the answer must keep).

        Returns
        -------
        ferlib.lmfm.answers.Answer

        Raises
        ------
        ferlib.lmfm.answers.NoAnswer
        """
        body = self._body(image, media_type, text, settings)
        return self._wire.ask(
            lambda: self._client.chat.completions.create(
                model=body.pop("model"), messages=body.pop("messages"), extra_body=body
            ),
            read,
        )

    def hand_in(self, questions, *, name):
        """Hand questions in as a batch.

        Parameters
        ----------
        questions : list of tuple
            `(key, image, media_type, text, settings)`.
        name : str
            By which `find` finds it again.

        Returns
        -------
        str
            The provider's name of the batch.
        """
        lines = [
            {"custom_id": key, "method": "POST", "url": CHAT, "body": self._body(*question)}
            for key, *question in questions
        ]
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        send = self._client.files.create
        file = self._wire.fetched(lambda: send(file=("questions.jsonl", data), purpose="batch"))
        how = {"endpoint": CHAT, "completion_window": "24h", "metadata": {"questions": name}}
        return self._wire.fetched(lambda: self._client.batches.create(input_file_id=file["id"], **how))["id"]

    def find(self, name, *, keys):
        """The provider's name of a batch that was handed in under a name; None when there is none."""
        after = openai.NOT_GIVEN
        while True:
            page = self._wire.fetched(lambda after=after: self._client.batches.list(limit=100, after=after))
            for batch in page.get("data") or []:
                if (batch.get("metadata") or {}).get("questions") == name:
                    return batch["id"]
            if not page.get("has_more") or not page["data"]:
                return None
            after = page["data"][-1]["id"]

    def fetch(self, batch, *, keys):
        """Answers of a batch by key, an exception for those that failed; None while it is under way."""
        job = self._wire.fetched(lambda: self._client.batches.retrieve(batch))
        if job.get("status") not in OVER:
            return None
        faults = ((job.get("errors") or {}).get("data")) or []
        codes = [*(fault.get("code") for fault in faults), *([] if job["status"] == "completed" else [job["status"]])]
        reasons = "; ".join(str(fault.get("message")) for fault in faults)
        lost = self._wire.lost(f"the batch is {job['status']}: {reasons}", codes or ["missing"])
        if lost.outcome.cause == "queue":
            raise lost
        given = {}
        for file in filter(None, (job.get("output_file_id"), job.get("error_file_id"))):
            lines, gone = self._wire.results(lambda file=file: self._client.files.content(file), batch)
            lost = gone or lost
            for line in lines:
                given |= self._of_line(line)
        return {key: given.get(key, lost) for key in keys}

    def close(self):
        """Close the connections."""
        self._client.close()

    def _of_line(self, line):
        """Key and answer in one line of a result file, as a dict; empty when the line does not say whose it is."""
        item = as_json(line) if isinstance(as_json(line), dict) else {}
        named = item.get("custom_id") or (re.findall(r'"custom_id":\s*"([^"]+)"', line) or [None])[0]
        response, error = item.get("response"), item.get("error")
        response = response if isinstance(response, dict) else {}
        if not named:
            return {}
        if isinstance(error, dict) and error and not response:
            return {named: self._wire.lost(f"{error.get('code')}: {error.get('message')}", [error.get("code")])}
        body = line if response.get("body") is None else response["body"]
        return {named: self._wire.judged(body, read, status=response.get("status_code") or 200)}

    def _body(self, image, media_type, text, settings):
        picture = {"url": f"data:{media_type};base64,{base64.b64encode(image).decode()}"}
        picture |= {"detail": settings["detail"]} if "detail" in settings else {}
        content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": picture}]
        body = {"model": self._model["model"], "messages": [{"role": "user", "content": content}]}
        for name in ("temperature", "seed", "reasoning_effort", "thinking_budget"):
            body |= {name: settings[name]} if name in settings else {}
        body |= {services.of(self._model)["token_limit"]: settings["max_tokens"]} if "max_tokens" in settings else {}
        if "schema" in settings:
            schema = {"name": "answer", "strict": True, "schema": settings["schema"]}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body | settings.get("extra", {})


def read(body):
    """What a chat completion says, for `ferlib.lmfm.wire.Wire.judge`.

    Raises
    ------
    KeyError, TypeError and others
        When it is none.
    """
    usage = body.get("usage") or {}
    inside = [usage.get(name) or {} for name in ("prompt_tokens_details", "completion_tokens_details")]
    tokens = {}
    if usage.get("prompt_tokens") is not None:
        tokens = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage.get("completion_tokens")}
        more = {"cached_tokens": inside[0].get("cached_tokens"), "reasoning_tokens": inside[1].get("reasoning_tokens")}
        tokens |= {name: number for name, number in more.items() if number}
    details = {"id": body.get("id"), "fingerprint": body.get("system_fingerprint")}
    if not body["choices"]:
        return _said("no_answer", None, None, body, tokens, details)
    choice = body["choices"][0]
    message, error = choice.get("message") or {}, choice.get("error")
    content, finish = message.get("content"), choice.get("finish_reason")
    if isinstance(content, list):  # parts, as some servers send
        content = "".join(part.get("text") or "" for part in content if part.get("type") in (None, "text"))
    block = {
        name: found[name] for name in ("content_filter_results",) for found in (choice, message) if found.get(name)
    }
    block |= {"prompt_filter_results": body["prompt_filter_results"]} if body.get("prompt_filter_results") else {}
    details["block"] = block if finish not in ("stop", None) else {}
    if message.get("refusal"):
        return _said("refusal", message["refusal"], finish, body, tokens, details)
    finish = "error" if error else finish
    said = _said("text" if (content or "").strip() else "empty", content, finish, body, tokens, details)
    return said | {"why": str(error.get("message") or "") if isinstance(error, dict) else ""}


def _said(code, text, finish, body, usage, details):
    version = body.get("model")
    return {"code": code, "text": text, "finish": finish, "version": version, "usage": usage, "details": details}
