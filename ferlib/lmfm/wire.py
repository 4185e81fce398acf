"""Hears what comes over the wire, whichever client library asked, and says what it is: an answer, or no answer.

The libraries write the requests; what they make of a response is not looked at. So there is one place for HTTP errors,
for bodies that are not of the protocol, and for leaving out keys, and a response can be as odd as it likes.
"""

import contextlib
import datetime
import email.utils
import json
import math
import re
import threading
import time
import warnings

from ferlib.errors import InputError
from ferlib.lmfm import meanings, permissions, services
from ferlib.lmfm.meanings import Answer, NoAnswer

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""What reading a body raises that is not of its protocol."""

LONGEST_MESSAGE = 300
"""Letters of a provider's words that are repeated."""


class Wire:
    """One model's connection, for a client library to be plugged into."""

    def __init__(self, model):
        self.model, self.key, self._heard = model, permissions.key(model), threading.local()
        # What is meant for this machine must not leave it by a proxy, and what is meant for one host must not be passed
        # on to another by a redirection: permission is given for a host by name.
        self.trusts_environment = not services.is_loopback(model["base_url"])

    def options(self):
        """Arguments for an `httpx` client."""
        hooks = {"response": [self.hear]}
        return {"trust_env": self.trusts_environment, "follow_redirects": False, "event_hooks": hooks}

    def hear(self, response, *_, **__):
        """Take note of a response; a hook of `httpx` or `requests`."""
        getattr(response, "read", lambda: None)()  # httpx has not read it yet
        headers = {name.casefold(): value for name, value in response.headers.items()}
        self._heard.response = response.status_code, headers, response.content.decode("utf-8-sig", "replace")

    def response(self, request):
        """Status, headers and text that came over the wire while a client library made a request.

        Raises `NoAnswer` when nothing came, or not as a whole; `InputError` when the library could not write it.
        """
        self._heard.response = failure = None
        try:
            request()
        except Exception as error:  # whatever it is: a response that came is read below, by us
            failure = None if self._heard.response else self._no_response(error)
        if failure:  # raised out here, the library's own exception is not attached to it: that one may hold the key
            raise failure
        if self._heard.response is None:
            raise InputError(f"model {self.model['name']!r}: its client library made no request.")
        return self._heard.response

    def fetched(self, request, has=None):
        """The JSON object, with a field `has`, that a request for something else than an answer brings."""
        status, headers, text = self.response(request)
        body = as_json(text)
        if status < 300 and isinstance(body, dict) and has in (None, *body):
            return body
        raise self._error(status, headers, text)[0]

    def results(self, request):
        """Lines of the results of a batch; raises when the last one is cut, as by a connection that broke."""
        status, headers, text = self.response(request)
        if status >= 300:
            raise self._error(status, headers, text)[0]
        lines = [line for line in text.split("\n") if line.strip()]
        if lines and not text.endswith("\n") and as_json(lines[-1]) is None:
            raise self.lost(f"the results of the batch are cut: ... {lines[-1][-40:]}", ["unready"], raw=text)
        return lines

    def lost(self, message, codes, raw=""):
        """The exception for what a batch did not bring; `raw` is what came instead."""
        outcome = meanings.decide(self.model, "batch", codes, message=message)
        return NoAnswer(self.redact(message), outcome, raw=self.redact(raw))

    def judge(self, status, headers, text, read):
        """The `Answer` in a response, in parts as `response` gives them; raises `NoAnswer` when there is none.

        `read(body)` returns a dict of `code`, `finish`, `text`, `version`, `usage`, `details` and perhaps `why`.
        """
        body = as_json(text)
        if not 200 <= status < 300 or (isinstance(body, dict) and _fault(body)):
            failure, codes, details = self._error(status, headers, text)
            if failure.outcome.status == "error":
                raise failure
            finish = next((code for code in codes if isinstance(code, str)), str(failure))
            return Answer(failure.outcome.status, None, finish, None, {}, details, failure.billed)
        try:
            said = read(body)
        except UNREADABLE as error:
            outcome = meanings.decide(self.model, 200, ["unreadable"])
            message = self.redact(f"unreadable answer: {type(error).__name__} in {shortened(text) or 'an empty body'}")
            raise NoAnswer(message, outcome, raw=self.redact(text)) from None
        words, finish = said["text"], said["finish"]
        outcome = meanings.decide(self.model, 200, [said["code"]], finish=finish)
        if outcome.status == "error":
            why = f"finish reason {finish!r}, {said['code'].replace('_', ' ')}"
            if not outcome.known:
                why = f"unknown {why}: add a row to data/providers/outcomes.csv that says what it means"
                warnings.warn(f"model {self.model['name']!r}: {self.redact(why)}", stacklevel=2)
            message = self.redact(shortened(f"no answer in the response ({why}) {said.get('why') or ''}"))
            raise NoAnswer(message, outcome, usage=said["usage"], raw=self.redact(text))
        details = json.loads(self.redact(json.dumps({name: value for name, value in said["details"].items() if value})))
        words = None if words is None else self.redact(words)
        return Answer(outcome.status, words, finish, said["version"], said["usage"], details, outcome.billed)

    def redact(self, text):
        """Text without the key and without what looks like one."""
        return permissions.redact(text, self.key)

    def _error(self, status, headers, text):
        """The exception in the response of an error, with its codes and what a block was for."""
        codes, message, wait_s, details = complaint(body := as_json(text), text)
        inner = next((int(code) for code in codes if re.fullmatch("[45][0-9]{2}", str(code))), None)
        http = inner if 200 <= status < 300 else status  # None: an error that came as if it were an answer
        kind = http or ("error" if isinstance(body, dict) and (_fault(body) or body.get("errors")) else "unreadable")
        wait_s = wait_s if retry_after_s(headers) is None else retry_after_s(headers)
        codes = [*codes, "retry-after"] if wait_s is not None else codes
        outcome = meanings.decide(self.model, http or 200, [*codes, kind], message=message)
        words = self.redact(shortened(message)) or "no message"
        failure = NoAnswer(f"HTTP {http or status}: {words}", outcome, wait_s=wait_s, status=http)
        return failure, codes, json.loads(self.redact(json.dumps({"block": details} if details else {})))

    def _no_response(self, error):
        names = list(_names(error))
        for code, patterns in services.content()["no_response"].items():
            if any(re.fullmatch("|".join(patterns), name) for name in names):
                message = self.redact(shortened(f"{' from '.join(dict.fromkeys(names[:2]))}: {error}"))
                return NoAnswer(message, meanings.decide(self.model, "none", [code]))
        return InputError(
            f"model {self.model['name']!r}: its client library cannot send this request "
            f"({self.redact(shortened(f'{type(error).__name__}: {error}'))}). Change the settings of the model."
        )


def as_json(text):
    """The JSON in a text, halves of characters replaced, since no file can hold them; None when it holds none."""
    try:
        whole = json.dumps(json.loads(text), ensure_ascii=False)
        return json.loads(whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        return None


def complaint(body, text):
    """What the body of an error says, as JSON (if it is any) and text, in any provider's form.

    Returns `codes` (everything in it that names the error), `message`, `wait_s` (seconds that it asks to wait, or
    None) and `details` (what a block was for, as it came).
    """
    body = body[0] if isinstance(body, list) and body else body
    if not isinstance(body, dict):
        return [], text, None, {}
    found = _fault(body) or body.get("errors") or body
    found = found[0] if isinstance(found, list) else found
    error = typed(found, dict)
    metadata, inner = (typed(error.get(name), dict) for name in ("metadata", "innererror"))
    more = [item for item in typed(error.get("details"), list) if isinstance(item, dict)]
    codes = [error.get(name) for name in ("code", "type", "status", "status_code")]
    codes += [body.get("code"), inner.get("code"), metadata.get("error_type"), *(item.get("reason") for item in more)]
    codes += ["moderation"] if metadata.get("reasons") or metadata.get("flagged_input") else []
    codes += ["per_day"] if any("PerDay" in json.dumps(item.get("violations")) for item in more) else []
    words = [source.get(name) for source in (error, body) for name in ("message", "detail", "status_msg")]
    said = next(filter(None, words), "" if error else found)
    said = metadata["raw"] if metadata.get("raw") and "provider returned error" in str(said).casefold() else said
    said = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    delays = [_seconds(str(item["retryDelay"]).removesuffix("s")) for item in more if "retryDelay" in item]
    details = {**metadata, **inner, **{name: error[name] for name in ("content_filter_result",) if name in error}}
    return [code for code in codes if isinstance(code, str | int)], said, next(iter(delays), None), details


def shortened(text):
    """A message in one line of bounded length; of an HTML page its title alone."""
    if re.search(r"<(?:!doctype|html|head|body)\b", text[:500], re.IGNORECASE):
        title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = f"an HTML page ({title[1]})" if title else "an HTML page"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 4]} ..."


def retry_after_s(headers):
    """Seconds that a response asks to wait: `retry-after-ms`, or `retry-after`, a number or date (RFC 9110, 10.2.3)."""
    milliseconds = _seconds(headers.get("retry-after-ms"))
    return _seconds(headers.get("retry-after")) if milliseconds is None else milliseconds / 1000


def _seconds(value):
    """Seconds from now, of a number or a date; None for anything else."""
    with contextlib.suppress(TypeError, ValueError):
        return max(0.0, float(value)) if math.isfinite(float(value)) else None
    with contextlib.suppress(TypeError, ValueError, AttributeError):
        date = email.utils.parsedate_to_datetime(value)
        # The form of C's asctime says no zone; HTTP means UTC.
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=datetime.UTC)).timestamp() - time.time())
    return None


def typed(value, kind):
    """A value where it is of a kind; else an empty one of that kind."""
    return value if isinstance(value, kind) else kind()


def _fault(body):
    """The error in a body, where it says anything; MiniMax's, with a code of 0 for none, is always there."""
    found = body.get("error") or body.get("base_resp")
    empty = isinstance(found, dict) and (found.get("status_code") == 0 or not any(found.values()))
    return None if empty else found


def _names(error):
    """Names of an exception's classes and of those that it came from, outermost first."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield from (kind.__name__ for kind in type(error).__mro__[:3] if kind not in (Exception, BaseException, object))
        yield from (type(inner).__name__ for inner in error.args if isinstance(inner, BaseException))
        error = error.__cause__ or error.__context__
