"""Hears what comes over the wire, whichever client library asked, and says what it is: an answer, or no answer.

The libraries write the requests; what they make of a response is not looked at. So there is one place for HTTP errors,
for bodies that are not of the protocol, and for leaving out keys, and a response can be as odd as it likes.
"""

import json
import re
import threading
import warnings

from ferlib.errors import InputError
from ferlib.lmfm import keys, meanings, services
from ferlib.lmfm.answers import UNREADABLE, Answer, NoAnswer
from ferlib.lmfm.complaints import as_json, complaint, retry_after_s, shortened

NO_RESPONSE = {
    "connect": "(ConnectError|ConnectTimeout|ConnectTimeoutError|PoolTimeout|NewConnectionError|NameResolutionError"
    "|ConnectionRefusedError|gaierror|ProxyError)",
    "timeout": r"\w*(Timeout|TimeoutError)",
    "dropped": "(RemoteProtocolError|ProtocolError|ReadError|WriteError|CloseError|RemoteDisconnected"
    "|ConnectionResetError|ConnectionAbortedError|BrokenPipeError|ChunkedEncodingError|ConnectionError"
    "|APIConnectionError|DecodingError)",
}
"""How the errors of HTTP libraries are called, by whether the request can have arrived."""


class Wire:
    """One model's connection, for a client library to be plugged into.

    Parameters
    ----------
    model : dict
        From `ferlib.lmfm.models.read`.
    """

    def __init__(self, model):
        self.model, self.key, self._heard = model, keys.key(model), threading.local()
        # What is meant for this machine must not leave it by a proxy, and what is meant for one host must not be passed
        # on to another by a redirection: permission is given for a host by name.
        self.trusts_environment = not services.is_loopback(model["base_url"])

    def options(self):
        """Arguments for an `httpx` client."""
        return {
            "trust_env": self.trusts_environment, "follow_redirects": False, "event_hooks": {"response": [self.hear]},
        }  # fmt: skip

    def hear(self, response, *_, **__):
        """Take note of a response; a hook of `httpx` or `requests`."""
        getattr(response, "read", lambda: None)()  # httpx has not read it yet
        headers = {name.casefold(): value for name, value in response.headers.items()}
        self._heard.response = response.status_code, headers, response.content.decode("utf-8", "replace")

    def response(self, request):
        """Status, headers and text that came over the wire while a client library made a request.

        Raises `NoAnswer` when nothing came, or not as a whole; `InputError` when the library could not write it.
        """
        self._heard.response = None
        try:
            request()
        except Exception as error:  # whatever it is: a response that came is read below, by us
            failure = None if self._heard.response else self._no_response(error)
        else:
            failure = None
        if failure:  # raised out here, the library's own exception is not attached to it: that one may hold the key
            raise failure
        if self._heard.response is None:
            raise InputError(f"model {self.model['name']!r}: its client library made no request.")
        return self._heard.response

    def ask(self, request, read):
        """Make a request and say what came of it; as `response` and `judge`."""
        return self.judge(*self.response(request), read)

    def fetched(self, request):
        """The JSON object that a request for something else than an answer brings, such as the state of a batch.

        Raises
        ------
        NoAnswer
        """
        status, headers, text = self.response(request)
        body = as_json(text)
        if status < 300 and isinstance(body, dict):
            return body
        raise self._error(status, headers, text)[0]

    def judge(self, status, headers, text, read):
        """The `Answer` in a response, in parts as `response` gives them; raises `NoAnswer` when there is none.

        `read(body)` returns a dict of `code`, `finish`, `text`, `version`, `usage` and `details`.
        """
        body = as_json(text)
        if not 200 <= status < 300 or (isinstance(body, dict) and body.get("error")):
            return self._from_error(status, headers, text)
        try:
            said = read(body)
        except UNREADABLE as error:
            outcome = meanings.decide(self.model, 200, ["unreadable"])
            message = self.redact(f"unreadable answer: {type(error).__name__} in {shortened(text) or 'an empty body'}")
            raise NoAnswer(message, outcome, raw=self.redact(text)) from None
        outcome = meanings.decide(self.model, 200, [said["code"]], finish=said["finish"])
        if outcome.status == "error":
            why = f"finish reason {said['finish']!r}, {said['code'].replace('_', ' ')}"
            if not outcome.known:
                why = f"unknown {why}: add a row to data/providers/outcomes.csv that says what it means"
                warnings.warn(f"model {self.model['name']!r}: {self.redact(why)}", stacklevel=2)
            message = self.redact(shortened(f"no answer in the response ({why}) {said.get('why') or ''}"))
            raise NoAnswer(message.strip(), outcome, usage=said["usage"], raw=self.redact(text))
        words, details = said["text"], {name: value for name, value in said["details"].items() if value}
        return Answer(
            outcome.status, None if words is None else self.redact(words), said["finish"], said["version"],
            said["usage"], json.loads(self.redact(json.dumps(details))), outcome.billed,
        )  # fmt: skip

    def judged(self, body, read, *, status=200):
        """As `judge`, of a body from a batch; the exception is returned."""
        try:
            return self.judge(status, {}, body if isinstance(body, str) else json.dumps(body), read)
        except NoAnswer as failure:
            return failure

    def results(self, request, batch):
        """Lines of the results of a batch, and the exception for all of them when the provider no longer has them."""
        status, headers, text = self.response(request)
        if status < 300:
            return [line for line in text.split("\n") if line], None
        failure = self._error(status, headers, text)[0]
        if failure.outcome.retry:
            raise failure
        return [], self.lost(f"the provider no longer has the results of batch {batch} ({failure})", ["results_gone"])

    def lost(self, message, codes):
        """The exception for a question that a batch brought no answer to."""
        return NoAnswer(self.redact(message), meanings.decide(self.model, "batch", codes, message=message))

    def redact(self, text):
        """Text without the key and without what looks like one."""
        return keys.redact(text, self.key)

    def _from_error(self, status, headers, text):
        failure, codes, details = self._error(status, headers, text)
        if failure.outcome.status == "error":
            raise failure
        finish = next((code for code in codes if isinstance(code, str)), str(failure))
        return Answer(failure.outcome.status, None, finish, None, {}, details, failure.outcome.billed)

    def _error(self, status, headers, text):
        codes, message, wait_s, details = complaint(as_json(text), text)
        inner = next((int(code) for code in codes if str(code).isdigit() and 400 <= int(code) < 600), None)
        http = (inner or "error") if 200 <= status < 300 else status
        wait_s = retry_after_s(headers) if retry_after_s(headers) is not None else wait_s
        codes = [*codes, "retry-after"] if wait_s is not None else codes
        outcome = meanings.decide(self.model, 200 if http == "error" else http, [*codes, http], message=message)
        words = self.redact(shortened(message)) or "no message"
        failure = NoAnswer(
            f"HTTP {status if http == 'error' else http}: {words}",
            outcome,
            wait_s=wait_s,
            status=None if http == "error" else http,
        )
        return failure, codes, json.loads(self.redact(json.dumps({"block": details} if details else {})))

    def _no_response(self, error):
        names = list(_names(error))
        for code, pattern in NO_RESPONSE.items():
            if any(re.fullmatch(pattern, name) for name in names):
                message = self.redact(shortened(f"{' from '.join(dict.fromkeys(names[:2]))}: {error}"))
                return NoAnswer(message, meanings.decide(self.model, "none", [code]))
        return InputError(
            f"model {self.model['name']!r}: its client library cannot send this request "
            f"({self.redact(shortened(f'{type(error).__name__}: {error}'))}). Change the settings of the model."
        )


def _names(error):
    """Names of an exception's classes and of those that it came from, outermost first."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield from (kind.__name__ for kind in type(error).__mro__[:3] if kind not in (Exception, BaseException, object))
        yield from (type(inner).__name__ for inner in error.args if isinstance(inner, BaseException))
        error = error.__cause__ or error.__context__
