"""Gemini models by `google-genai`, the maintained client."""

import importlib
import importlib.util

from google import genai
from google.genai import errors, types

from ferlib.errors import InputError
from ferlib.lmfm import answers, endpoints

ENDED = ("STOP", "FINISH_REASON_UNSPECIFIED", None)
"""Finish reasons of a complete answer."""

CONNECTION_ERRORS = tuple(
    importlib.import_module(name).TransportError for name in ("httpx", "httpx2") if importlib.util.find_spec(name)
)
"""google-genai lets the errors of its HTTP library through, and its versions differ in which one that is."""


def kind(finish):
    """What a finish reason of Gemini makes of an answer.

    Parameters
    ----------
    finish : str or None
        For example `STOP`, `MAX_TOKENS`, `SAFETY`. Whatever else ended the answer early counts as blocked; the reason
        is stored with the answer.

    Returns
    -------
    str
        `answered`, `truncated` or `blocked`.
    """
    return "answered" if finish in ENDED else "truncated" if finish == "MAX_TOKENS" else "blocked"


def retry_info_s(details):
    """Seconds that Gemini asks to wait: in the error's details, where other providers have a header.

    Parameters
    ----------
    details : dict
        The error's JSON, in which a `google.rpc.RetryInfo` says for example `"retryDelay": "7s"`.

    Returns
    -------
    float or None
    """
    error = details.get("error", details) if isinstance(details, dict) else {}
    for detail in error.get("details", []) if isinstance(error, dict) else []:
        delay = str(detail.get("retryDelay", "")).removesuffix("s") if isinstance(detail, dict) else ""
        if delay.replace(".", "", 1).isdigit():
            return float(delay)
    return None


def configuration(settings):
    """Settings in the words of google-genai, see `ferlib.lmfm.openai.Client.ask`."""
    options = {"temperature": settings["temperature"], "max_output_tokens": settings["max_tokens"]}
    if "schema" in settings:
        options |= {"response_mime_type": "application/json", "response_json_schema": settings["schema"]}
    return types.GenerateContentConfig(**options, seed=settings.get("seed"))


def contents(image, media_type, text):
    """An image and a text in the form of google-genai."""
    return [types.Part.from_bytes(data=image, mime_type=media_type), types.Part.from_text(text=text)]


class Client:
    """Asks one model; see `ferlib.lmfm.models.client`."""

    library = f"google-genai {genai.__version__}"

    def __init__(self, model, *, timeout_s):
        self._model = model
        self._key = endpoints.key(model)
        local = endpoints.is_loopback(model["base_url"])
        # What is meant for this machine must not leave it by a proxy, and what is meant for one host must not be passed
        # on to another by a redirection: permission is given for a host by name.
        transport = {"trust_env": not local, "follow_redirects": False}
        # Kept in an attribute: the client closes its connections as soon as nothing refers to it.
        self._client = genai.Client(
            api_key=self._key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=model["base_url"], timeout=round(timeout_s * 1000), client_args=transport
            ),
        )

    def ask(self, image, media_type, text, settings):
        """One question about one image; parameters and errors as for `ferlib.lmfm.openai.Client.ask`."""
        try:
            return self._answer(
                self._client.models.generate_content(
                    model=self._model["model"],
                    contents=contents(image, media_type, text),
                    config=configuration(settings),
                )
            )
        except errors.APIError as error:
            failure = self._failure(error)
        except CONNECTION_ERRORS as error:
            failure = answers.NoAnswer(self._redact(f"{type(error).__name__}: {error}"), retry=True)
        except answers.UNREADABLE as error:
            failure = answers.NoAnswer(self._redact(f"unreadable answer: {error}"), retry=True)
        # Raised out here, the library's own exception is not attached to it: that one may hold the key.
        raise failure

    def hand_in(self, questions, *, name):
        """Hand questions in as a batch; parameters as for `ferlib.lmfm.openai.Client.hand_in`."""
        requests = [
            types.InlinedRequest(
                contents=contents(image, media_type, text), config=configuration(settings), metadata={"key": key}
            )
            for key, image, media_type, text, settings in questions
        ]
        create, model = self._client.batches.create, self._model["model"]
        return self._try(lambda: create(model=model, src=requests, config={"display_name": name}).name)

    def find(self, name):
        """The provider's name of a batch that was handed in under a name; None when there is none."""
        batches = self._try(lambda: list(self._client.batches.list()))
        return next((batch.name for batch in batches if batch.display_name == name), None)

    def fetch(self, batch, *, keys):
        """Answers of a batch by key, an exception for those that failed; None while it is under way."""
        job = self._try(lambda: self._client.batches.get(name=batch))
        if not job.done:
            return None
        given = {}
        for key, item in zip(keys, (job.dest and job.dest.inlined_responses) or [], strict=False):
            error = item.error
            answer = (
                answers.NoAnswer(
                    self._redact(f"HTTP {error.code}: {error.message}"), retry=True, status=error.code or 0
                )
                if error
                else self._answer(item.response)
            )
            given[(item.metadata or {}).get("key", key)] = answer
        reason = job.error.message if job.error else ""
        state = job.state.value if job.state else "over"
        lost = answers.NoAnswer(self._redact(f"the batch is {state}: {reason}"), retry=True, status=0)
        return {key: given.get(key, lost) for key in keys}

    def close(self):
        """Close the connections."""
        self._client.close()

    def _try(self, request):
        """Result of a request that belongs to a batch; any error ends the run, and the batch is found again later."""
        try:
            return request()
        except errors.APIError as error:
            failure = self._failure(error)
        except (*CONNECTION_ERRORS, *answers.UNREADABLE) as error:
            failure = answers.NoAnswer(self._redact(f"{type(error).__name__}: {error}"), retry=True)
        if isinstance(failure, InputError):
            raise failure
        raise InputError(f"model {self._model['name']!r}: its batch cannot be reached ({failure}). Run again to go on.")

    def _answer(self, response):
        usage = response.usage_metadata
        tokens = {}
        if usage:
            tokens = {"input_tokens": usage.prompt_token_count, "output_tokens": usage.candidates_token_count}
            if usage.thoughts_token_count:
                tokens["thought_tokens"] = usage.thoughts_token_count
        feedback = response.prompt_feedback
        if feedback and feedback.block_reason:
            return answers.Answer("blocked", None, str(feedback.block_reason.value), response.model_version, tokens)
        candidate = response.candidates[0]
        finish = candidate.finish_reason.value if candidate.finish_reason else None
        parts = (candidate.content.parts or []) if candidate.content else []
        words = [part.text for part in parts if part.text and not part.thought]
        text = self._redact("".join(words)) if words else None
        return answers.Answer(kind(finish), text, finish, response.model_version, tokens)

    def _failure(self, error):
        headers = getattr(error.response, "headers", None) or {}
        wait_s = endpoints.retry_after_s(headers)
        if wait_s is None:
            wait_s = retry_info_s(error.details)
        return answers.failure(
            error.code, self._redact(error.message or error.status), model=self._model, wait_s=wait_s
        )

    def _redact(self, text):
        return endpoints.redact(text, self._key)
