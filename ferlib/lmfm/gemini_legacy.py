"""Gemini models by `google-generativeai`, the retired client that studies of 2024 commonly named.

Kept to find out whether the client changes an answer. It has no successor release (0.8.6 is the last); for anything new
use `ferlib.lmfm.gemini`.
"""

import warnings

import requests
from google.protobuf.json_format import ParseError

from ferlib.lmfm import answers, endpoints
from ferlib.lmfm.gemini import kind, retry_info_s

with warnings.catch_warnings():
    # On import it announces its end of life. That is known, said above, and the reason why it is not the default.
    warnings.filterwarnings("ignore", message=r"\s*All support for the `google.generativeai` package has ended")
    # Its foundation announces when it will drop this version of Python, which concerns no release that it can use.
    warnings.filterwarnings("ignore", message="You are using a Python version .* which Google will stop supporting")
    # And it would like a widget for a progress bar that it does not show here.
    warnings.filterwarnings("ignore", message="IProgress not found")
    import google.generativeai as genai
    from google.api_core import exceptions
    from google.generativeai.client import get_default_generative_client


class Client:
    """Asks one model; see `ferlib.lmfm.models.client`."""

    library = f"google-generativeai {genai.__version__}"

    def __init__(self, model, *, timeout_s):
        self._entry, self._timeout_s = model, timeout_s
        self._key = endpoints.key(model)
        genai.configure(
            api_key=self._key, transport="rest", client_options={"api_endpoint": model["base_url"].rstrip("/")}
        )
        self._model = genai.GenerativeModel(model["model"])
        # The library has one configuration for all; taking the connection now lets a second client have another.
        connection = get_default_generative_client()
        # What is meant for one host must not be passed on to another by a redirection, nor leave this machine by a
        # proxy.
        connection.transport._session.max_redirects = 0
        if endpoints.is_loopback(model["base_url"]):
            connection.transport._session.trust_env = False
        self._model._client = connection

    def ask(self, image, media_type, text, settings):
        """One question about one image; parameters and errors as for `ferlib.lmfm.openai.Client.ask`."""
        try:
            return self._answer(
                self._model.generate_content(
                    [{"mime_type": media_type, "data": image}, text],
                    generation_config=_configuration(settings),
                    request_options={"timeout": self._timeout_s, "retry": None},
                )
            )
        except exceptions.GoogleAPICallError as error:
            failure = self._failure(error)
        except requests.JSONDecodeError as error:
            failure = answers.NoAnswer(self._redact(f"unreadable answer: {error}"), retry=True)
        except (requests.RequestException, exceptions.GoogleAPIError) as error:
            failure = answers.NoAnswer(self._redact(f"{type(error).__name__}: {error}"), retry=True)
        except (ParseError, *answers.UNREADABLE) as error:
            failure = answers.NoAnswer(self._redact(f"unreadable answer: {error}"), retry=True)
        # Raised out here, the library's own exception is not attached to it: that one may hold the key.
        raise failure

    def close(self):
        """Close the connections."""
        self._model._client.transport.close()

    def _answer(self, response):
        usage = response.usage_metadata
        tokens = {"input_tokens": usage.prompt_token_count, "output_tokens": usage.candidates_token_count}
        version = response.model_version or None
        if response.prompt_feedback.block_reason:
            return answers.Answer("blocked", None, response.prompt_feedback.block_reason.name, version, tokens)
        finish = response.candidates[0].finish_reason.name
        try:
            text = self._redact(response.text)
        except ValueError:  # how this library says that the answer holds no words
            text = None
        return answers.Answer(kind(finish), text, finish, version, tokens)

    def _failure(self, error):
        details = _json(error.response)
        wait_s = endpoints.retry_after_s(getattr(error.response, "headers", None) or {})
        if wait_s is None:
            wait_s = retry_info_s(details)
        try:
            message = details["error"]["message"]
        except (KeyError, TypeError):
            message = error.message
        return answers.failure(error.code, self._redact(message), model=self._entry, wait_s=wait_s)

    def _redact(self, text):
        return endpoints.redact(text, self._key)


def _configuration(settings):
    """Settings in the words of this library, which has no seed and knows a smaller part of JSON schema."""
    options = {"temperature": settings["temperature"], "max_output_tokens": settings["max_tokens"]}
    if "schema" in settings:
        schema = {name: value for name, value in settings["schema"].items() if name != "additionalProperties"}
        options |= {"response_mime_type": "application/json", "response_schema": schema}
    return options


def _json(response):
    """The response's JSON; empty when there is none."""
    try:
        return response.json()
    except (AttributeError, ValueError):
        return {}
