"""OpenAI's and Gemini's wire formats, as the stand-in server reads and writes them."""

import base64
import binascii
import re

from ferdemo.standin.readers import Reply

GEMINI_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
OPENAI_FINISH = {"blocked": "content_filter", "blocked-prompt": "content_filter", "truncated": "length"}
GEMINI_FINISH = {"blocked": "SAFETY", "truncated": "MAX_TOKENS"}
TOKEN = re.compile(r"\w+|[^\w\s]")
"""Each word and each mark of punctuation counts as one token."""


class Problem(Exception):
    """A request that is answered with an HTTP error."""

    def __init__(self, status, message, *, code=None, headers=()):
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, dict(headers)


class OpenAI:
    """One request to `POST /v1/chat/completions`.

    Parameters
    ----------
    body : dict
        The request's JSON.
    """

    def __init__(self, body):
        try:
            parts = [part for message in body["messages"] for part in message["content"]]
            urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
            self.prompt = " ".join(part["text"] for part in parts if part["type"] == "text")
        except (KeyError, TypeError):
            raise Problem(400, "the request lacks messages with a list of content parts") from None
        if len(urls) != 1 or not str(urls[0]).startswith("data:image/"):
            raise Problem(400, "send one image, as a data URL", code="invalid_image")
        self.model = body.get("model")
        self.image = decode(urls[0].partition(",")[2])
        self.limit = body.get("max_completion_tokens") or body.get("max_tokens")
        self.temperature, self.seed = float(body.get("temperature") or 0), body.get("seed")
        self.schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")

    @staticmethod
    def image_tokens(width, height):
        """As for GPT-4o: 85, and 170 a tile of 512 x 512 pixels."""
        return 85 + 170 * -(-width // 512) * -(-height // 512)

    def response(self, reply, version, read, written):
        """The response's JSON for a reply, with the tokens read and written."""
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        if reply.outcome == "refused":
            message |= {"content": None, "refusal": reply.text}
        finish = OPENAI_FINISH.get(reply.outcome, "stop")
        return {
            "id": "chatcmpl-demo",
            "object": "chat.completion",
            "created": 0,
            "model": version,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        }

    @staticmethod
    def error(problem):
        """The response's JSON for a problem."""
        kind = "invalid_request_error" if problem.status < 500 else "server_error"
        return {"error": {"message": problem.message, "type": kind, "param": None, "code": problem.code}}


class Responses(OpenAI):
    """One request to `POST /v1/responses`, OpenAI's newer protocol; as `OpenAI`."""

    def __init__(self, body):
        try:
            parts = [part for message in body["input"] for part in message["content"]]
            content = [
                {"type": "text", "text": part["text"]}
                if part["type"] == "input_text"
                else {"type": "image_url", "image_url": {"url": part["image_url"]}}
                for part in parts
            ]
        except (KeyError, TypeError):
            raise Problem(400, "the request lacks input with a list of content parts") from None
        form = (body.get("text") or {}).get("format") or {}
        chat = {"messages": [{"content": content}], "max_tokens": body.get("max_output_tokens")}
        chat |= {name: body.get(name) for name in ("model", "temperature", "seed")}
        super().__init__(chat | {"response_format": {"json_schema": {"schema": form.get("schema")}}})

    def response(self, reply, version, read, written):
        """The response's JSON for a reply, with the tokens read and written."""
        part = {"type": "output_text", "text": reply.text or "", "annotations": []}
        if reply.outcome == "refused":
            part = {"type": "refusal", "refusal": reply.text}
        reason = {"truncated": "max_output_tokens"}.get(reply.outcome, "content_filter")
        whole = reply.outcome in ("answered", "refused")
        message = {"id": "msg-demo", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        return {
            "id": "resp-demo",
            "object": "response",
            "created_at": 0,
            "model": version,
            "status": "completed" if whole else "incomplete",
            "incomplete_details": None if whole else {"reason": reason},
            "output": [message] if reply.text else [],
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": read,
                "output_tokens": written,
                "total_tokens": read + written,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }


class Gemini:
    """One request to `POST /v1beta/models/MODEL:generateContent`; as `OpenAI`, the model being named in the address."""

    def __init__(self, body, model):
        try:
            parts = [part for content in body["contents"] for part in content["parts"]]
            images = [(part.get("inlineData") or part["inline_data"])["data"] for part in parts if "text" not in part]
            self.prompt = " ".join(part["text"] for part in parts if "text" in part)
        except (KeyError, TypeError):
            raise Problem(400, "the request lacks contents with a list of parts") from None
        if len(images) != 1:
            raise Problem(400, "send one image, as inlineData")
        self.model = model
        self.image = decode(images[0])
        settings = body.get("generationConfig") or {}
        self.limit = settings.get("maxOutputTokens")
        self.temperature, self.seed = float(settings.get("temperature") or 0), settings.get("seed")
        self.schema = settings.get("responseJsonSchema") or settings.get("responseSchema")

    @staticmethod
    def image_tokens(width, height):
        """As for Gemini 2: 258 a tile of 768 x 768 pixels."""
        return 258 * -(-width // 768) * -(-height // 768)

    def response(self, reply, version, read, written):
        """The response's JSON for a reply, with the tokens read and written."""
        usage = {"promptTokenCount": read, "candidatesTokenCount": written, "totalTokenCount": read + written}
        answer = {"modelVersion": version, "usageMetadata": usage}
        if reply.outcome == "blocked-prompt":
            return answer | {"promptFeedback": {"blockReason": "SAFETY"}}
        candidate = {"index": 0, "finishReason": GEMINI_FINISH.get(reply.outcome, "STOP")}
        if reply.text is not None:
            candidate["content"] = {"role": "model", "parts": [{"text": reply.text}]}
        return answer | {"candidates": [candidate]}

    @staticmethod
    def error(problem):
        """The response's JSON for a problem."""
        status = GEMINI_STATUS.get(problem.status, "UNKNOWN")
        return {"error": {"code": problem.status, "message": problem.message, "status": status}}


def decode(data):
    """Bytes of base64 in either alphabet; google-genai sends the URL-safe one."""
    try:
        return base64.b64decode(data.translate(str.maketrans("-_", "+/")), validate=True)
    except (AttributeError, binascii.Error, ValueError):
        raise Problem(400, "the image is not in base64", code="invalid_image") from None


def tokens_read(request, image):
    """Tokens of a request: of its words, and of its image as the provider counts it."""
    return len(TOKEN.findall(request.prompt)) + request.image_tokens(image.width, image.height)


def cut(reply, limit):
    """A reply cut off at a number of tokens.

    Returns
    -------
    reply : ferdemo.standin.readers.Reply
        With the outcome `truncated` when it was longer.
    written : int
        Tokens written.
    """
    ends = [match.end() for match in TOKEN.finditer(reply.text or "")]
    if not limit or len(ends) <= limit or reply.outcome != "answered":
        return reply, len(ends)
    return Reply("truncated", reply.text[: ends[limit - 1]]), limit
