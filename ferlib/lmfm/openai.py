"""GPT models, and any other behind OpenAI's chat protocol (vLLM, Ollama, OpenRouter ...), by the `openai` client."""

import base64
import json

import openai

from ferlib.errors import InputError
from ferlib.lmfm import answers, endpoints

FILTERED = ("content_filter", "content_policy_violation", "moderation_blocked")
"""Codes of an HTTP 400 by which a safety filter turns a question down: an outcome, not an error."""

CHAT = "/v1/chat/completions"

KINDS = {"content_filter": "blocked", "length": "truncated"}


class Client:
    """Asks one model; see `ferlib.lmfm.models.client`."""

    library = f"openai {openai.__version__}"

    def __init__(self, model, *, timeout_s):
        self._model = model
        self._key = endpoints.key(model)
        local = endpoints.is_loopback(model["base_url"])
        self._client = openai.OpenAI(
            api_key=self._key,
            base_url=model["base_url"],
            timeout=timeout_s,
            max_retries=0,  # ferlib.lmfm.run retries, alike for all providers
            # What is meant for this machine must not leave it by a proxy, and what is meant for one host must not be
            # passed on to another by a redirection: permission is given for a host by name.
            http_client=openai.DefaultHttpxClient(trust_env=not local, follow_redirects=False),
        )
        # OpenAI's own newer models reject the old name; servers that imitate the protocol may know only that.
        official = f".{endpoints.host(model['base_url'])}".endswith(".openai.com")
        self._limit = "max_completion_tokens" if official else "max_tokens"

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
            `temperature` and `max_tokens`; optionally `seed`, and `schema` (a JSON schema that the answer must keep).

        Returns
        -------
        ferlib.lmfm.answers.Answer

        Raises
        ------
        ferlib.lmfm.answers.NoAnswer
        ferlib.errors.InputError
            When every further question would fail alike.
        """
        try:
            return self._answer(self._client.chat.completions.create(**self._body(image, media_type, text, settings)))
        except openai.APIStatusError as error:
            if error.status_code == 400 and error.code in FILTERED:
                return answers.Answer("blocked", None, error.code, None)
            failure = self._failure(error)
        except openai.APIConnectionError as error:  # timeouts included
            cause = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
            failure = answers.NoAnswer(self._redact(f"{error}{cause}"), retry=True)
        except (openai.APIError, *answers.UNREADABLE) as error:
            failure = answers.NoAnswer(self._redact(f"unreadable answer: {error}"), retry=True)
        # Raised out here, the library's own exception is not attached to it: that one may hold the key.
        raise failure

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

        def send():
            file = self._client.files.create(file=("questions.jsonl", data), purpose="batch")
            more = {"endpoint": CHAT, "completion_window": "24h", "metadata": {"questions": name}}
            return self._client.batches.create(input_file_id=file.id, **more).id

        return self._try(send)

    def find(self, name):
        """The provider's name of a batch that was handed in under a name; None when there is none."""
        batches = self._try(lambda: list(self._client.batches.list(limit=100)))
        return next((batch.id for batch in batches if (batch.metadata or {}).get("questions") == name), None)

    def fetch(self, batch, *, keys):
        """Answers of a batch by key, an exception for those that failed; None while it is under way."""
        job = self._try(lambda: self._client.batches.retrieve(batch))
        if job.status not in ("completed", "failed", "expired", "cancelled"):
            return None
        given = {}
        for file in (job.output_file_id, job.error_file_id):
            text = self._try(lambda file=file: self._client.files.content(file).text) if file else ""
            for line in map(json.loads, text.splitlines()):
                given[line["custom_id"]] = self._of_batch(line)
        reasons = "; ".join(fault.message or "" for fault in (job.errors and job.errors.data) or [])
        lost = answers.NoAnswer(self._redact(f"the batch is {job.status}: {reasons}"), retry=True, status=0)
        return {key: given.get(key, lost) for key in keys}

    def close(self):
        """Close the connections."""
        self._client.close()

    def _of_batch(self, line):
        response = line.get("response") or {}
        body, status = response.get("body") or {}, response.get("status_code", 0)
        if status == 200:
            return self._answer(openai.types.chat.ChatCompletion.model_validate(body))
        error = body.get("error") or line.get("error") or {}
        if error.get("code") in FILTERED:
            return answers.Answer("blocked", None, error["code"], None)
        return answers.NoAnswer(self._redact(f"HTTP {status}: {error.get('message')}"), retry=True, status=status)

    def _try(self, request):
        """Result of a request that belongs to a batch; any error ends the run, and the batch is found again later."""
        try:
            return request()
        except openai.APIStatusError as error:
            failure = self._failure(error)
        except (openai.APIError, *answers.UNREADABLE) as error:
            failure = answers.NoAnswer(self._redact(f"{type(error).__name__}: {error}"), retry=True)
        if isinstance(failure, InputError):
            raise failure
        raise InputError(f"model {self._model['name']!r}: its batch cannot be reached ({failure}). Run again to go on.")

    def _body(self, image, media_type, text, settings):
        url = f"data:{media_type};base64,{base64.b64encode(image).decode()}"
        content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
        body = {"model": self._model["model"], "messages": [{"role": "user", "content": content}]}
        body |= {"temperature": settings["temperature"], self._limit: settings["max_tokens"]}
        if "seed" in settings:
            body["seed"] = settings["seed"]
        if "schema" in settings:
            schema = {"name": "answer", "strict": True, "schema": settings["schema"]}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _answer(self, completion):
        choice, usage = completion.choices[0], completion.usage
        kind = "refused" if choice.message.refusal else KINDS.get(choice.finish_reason, "answered")
        text = choice.message.refusal or choice.message.content
        return answers.Answer(
            kind,
            None if text is None else self._redact(text),
            choice.finish_reason,
            completion.model,
            {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens} if usage else {},
        )

    def _failure(self, error):
        message = error.body.get("message", "") if isinstance(error.body, dict) else str(error.body or "")
        wait_s = endpoints.retry_after_s(error.response.headers)
        return answers.failure(error.status_code, self._redact(message), model=self._model, wait_s=wait_s)

    def _redact(self, text):
        return endpoints.redact(text, self._key)
