"""Gemini models by `google-generativeai`, the retired client that studies of 2024 commonly named.

Kept to find out whether the client changes an answer. It has no successor release (0.8.6 is the last); for anything new
use `ferlib.lmfm.gemini`, which reads the responses for it.
"""

import warnings

from ferlib.errors import InputError
from ferlib.lmfm.gemini import read
from ferlib.lmfm.wire import Wire

with warnings.catch_warnings():
    # It announces its end of life, which is said above; its foundation, when it will drop this version of Python; and
    # it would like a widget for a progress bar that it does not show here.
    warnings.filterwarnings("ignore", message=r"\s*All support for the `google.generativeai` package has ended")
    warnings.filterwarnings("ignore", message="You are using a Python version .* which Google will stop supporting")
    warnings.filterwarnings("ignore", message="IProgress not found")
    import google.generativeai as genai
    from google.generativeai.client import get_default_generative_client

UNKNOWN = ("seed", "reasoning_effort", "thinking_budget", "detail", "extra")


class Client:
    """Asks one model; see `ferlib.lmfm.models.client`."""

    library = f"google-generativeai {genai.__version__}"

    def __init__(self, model, *, timeout_s):
        self._wire, self._timeout_s = Wire(model), timeout_s
        unknown = [name for name in UNKNOWN if model.get("settings", {}).get(name) is not None]
        if unknown:
            raise InputError(f"model {model['name']!r}: google-generativeai knows no {unknown[0]}. Leave it out.")
        address = {"api_endpoint": model["base_url"].rstrip("/")}
        genai.configure(api_key=self._wire.key, transport="rest", client_options=address)
        self._model = genai.GenerativeModel(model["model"])
        # The library has one configuration for all; taking the connection now lets a second client have another.
        self._model._client = get_default_generative_client()
        session = self._model._client.transport._session
        session.max_redirects, session.trust_env = 0, self._wire.trusts_environment
        session.hooks["response"].append(self._wire.hear)

    def ask(self, image, media_type, text, settings):
        """One question about one image; parameters and errors as for `ferlib.lmfm.openai.Client.ask`."""
        names = {"temperature": "temperature", "max_tokens": "max_output_tokens"}
        options = {names[name]: value for name, value in settings.items() if name in names}
        if "schema" in settings:  # it knows a smaller part of JSON schema
            schema = {name: value for name, value in settings["schema"].items() if name != "additionalProperties"}
            options |= {"response_mime_type": "application/json", "response_schema": schema}
        content, patience = (
            [{"mime_type": media_type, "data": image}, text],
            {"timeout": self._timeout_s, "retry": None},
        )
        ask = self._model.generate_content
        return self._wire.ask(lambda: ask(content, generation_config=options, request_options=patience), read)

    def close(self):
        """Close the connections."""
        self._model._client.transport.close()
