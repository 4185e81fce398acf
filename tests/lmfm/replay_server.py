"""A small server that replays responses of a table, by the three protocols, direct and as batches.

It knows nothing of the package under test, nor of the demo's stand-in: it says what it is told to say, and keeps an
invoice of what a provider would bill for it.
"""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROTOCOLS = {"gemini": "generate", "anthropic": "messages"}
USAGE = {"read": 1000, "written": 10}


def protocol(shape):
    """`chat`, `generate` or `messages`."""
    return PROTOCOLS.get(shape["service"], "chat")


def body(shape, model="m"):
    """Body of a shape's response, as text."""
    read, written = USAGE["read"], USAGE["written"]
    if "text" in shape:
        return shape["text"]
    if "chat" in shape:
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        content = {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "system_fingerprint": "fp_1"}
        content |= {"choices": [{"index": 0, **shape["chat"]}], "usage": usage, **shape.get("more", {})}
    elif "gemini" in shape:
        usage = {"promptTokenCount": read, "candidatesTokenCount": written, "totalTokenCount": read + written}
        usage |= {"thoughtsTokenCount": shape["thoughts"]} if "thoughts" in shape else {}
        content = {"candidates": [{"index": 0, **shape["gemini"]}], "usageMetadata": usage}
        content |= {"modelVersion": model, "responseId": "r1", **shape.get("more", {})}
    elif "claude" in shape:
        content = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, **shape["claude"]}
        content |= {"usage": {"input_tokens": read, "output_tokens": written}, **shape.get("more", {})}
    else:
        content = shape["body"]
    return json.dumps(content)


class Server(ThreadingHTTPServer):
    """Bound to this machine; `shape_of(number, request)` says how each request is answered.

    `faults` are the HTTP statuses of the next looks at batches, which are under way for `waits` more; `odd(text)`
    becomes of their results, and `instead` are the bodies that posts to paths with some ends get.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, shape_of):
        super().__init__(("127.0.0.1", 0), Handler)
        self.shape_of, self.requests, self.files, self.batches = shape_of, [], {}, {}
        self.lock, self.invoice, self.faults, self.keyless = threading.Lock(), [], [], False
        self.odd, self.instead, self.waits = None, {}, 0
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Clients hang up; that is what some of these tests are about."""

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Silent."""

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, server = self.path.partition("?")[0], self.server
        for end in filter(path.endswith, server.instead):
            return self._send(200, json.dumps(server.instead[end]))
        if path == "/v1/files":
            name = f"file-{len(server.files)}"
            server.files[name] = re.search(rb"\r\n\r\n(\{.*\n)\r\n--", data, re.DOTALL)[1].decode()
            return self._send(200, json.dumps({"id": name, "object": "file"}))
        content = json.loads(data)
        if path == "/v1/batches":
            return self._created(self._openai_batch(content))
        if path.endswith(":batchGenerateContent"):
            return self._created(self._gemini_batch(content))
        if path == "/v1/messages/batches":
            return self._created(self._claude_batch(content))
        with server.lock:
            number = len(server.requests)
            server.requests.append((dict(self.headers), content))
        shape = server.shape_of(number, content)
        if shape.get("slow"):
            time.sleep(1.0)
        if shape.get("drop") or shape.get("slow"):
            self.close_connection = True
            return None
        if shape["right"][1] == "usage":
            with server.lock:
                server.invoice.append(shape)
        return self._send(shape.get("http", 200), body(shape), shape.get("headers", {}))

    def do_GET(self):
        path, server = self.path.partition("?")[0], self.server
        if server.faults and (status := server.faults.pop(0)):
            return self._send(status, '{"error": {"message": "try later", "code": null}}')
        if path.startswith("/v1/files/") or path.endswith("/results"):
            found = server.files.get(path.split("/")[3 if path.startswith("/v1/files/") else 4])
            if found is None:
                return self._send(404, '{"error": {"message": "No such File"}}')
            return self._send(200, server.odd(found) if server.odd else found)
        name = next((name for name in server.batches if path.endswith(name)), None)
        if name:
            server.waits -= (waits := server.waits > 0)
            early = {"status": "in_progress", "processing_status": "in_progress", "done": False, "metadata": {}}
            return self._send(200, json.dumps({**server.batches[name], **(early if waits else {})}))
        every = list(server.batches.values())
        return self._send(200, json.dumps({"data": every, "operations": every, "has_more": False}))

    def _created(self, name):
        return self._send(200, json.dumps(self.server.batches[name]))

    def _answers(self, requests):
        """Each request of a batch with the shape that answers it."""
        for key, content in requests:
            with self.server.lock:
                number = len(self.server.requests)
                self.server.requests.append(({}, content))
            yield key, self.server.shape_of(number, content)

    def _openai_batch(self, content):
        lines = []
        sent = [json.loads(line) for line in self.server.files[content["input_file_id"]].splitlines()]
        for key, shape in self._answers([(line["custom_id"], line["body"]) for line in sent]):
            if "text" in shape and shape.get("http", 200) == 200:  # the line itself is cut
                lines.append(
                    f'{{"id": "b", "custom_id": "{key}", "response": {{"status_code": 200, "body": {shape["text"]}'
                )
                continue
            text = body(shape)
            inner = json.loads(text) if "text" not in shape else text
            response = {"status_code": shape.get("http", 200), "request_id": "r", "body": inner}
            lines.append(json.dumps({"id": "b", "custom_id": key, "response": response, "error": None}))
        name, file = f"batch_{len(self.server.batches)}", f"file-{len(self.server.files)}"
        self.server.files[file] = "\n".join(reversed(lines)) + "\n"
        self.server.batches[name] = {
            "id": name, "object": "batch", "status": "completed", "metadata": content["metadata"], "endpoint": "x",
            "output_file_id": file, "error_file_id": None, "input_file_id": "x", "completion_window": "24h",
            "created_at": 1, "request_counts": {"total": len(sent), "completed": len(sent), "failed": 0},
        }  # fmt: skip
        return name

    def _gemini_batch(self, content):
        items = []
        sent = content["batch"]["inputConfig"]["requests"]["requests"]
        for key, shape in self._answers([(one["metadata"]["key"], one["request"]) for one in sent]):
            inner = json.loads(body(shape))
            item = {"error": inner["error"]} if shape.get("http", 200) != 200 else {"response": inner}
            items.append(item | ({} if self.server.keyless else {"metadata": {"key": key}}))
        name = f"batches/b{len(self.server.batches)}"
        self.server.batches[name] = {
            "name": name, "done": True, "response": {"inlinedResponses": {"inlinedResponses": items[::-1]}},
            "metadata": {"displayName": content["batch"]["displayName"], "state": "BATCH_STATE_SUCCEEDED",
            "batchStats": {"requestCount": str(len(items)), "successfulRequestCount": str(len(items))}},
        }  # fmt: skip
        return name

    def _claude_batch(self, content):
        lines = []
        for key, shape in self._answers([(one["custom_id"], one["params"]) for one in content["requests"]]):
            inner = json.loads(body(shape))
            good = {"type": "succeeded", "message": inner}
            lines.append(
                {"custom_id": key, "result": good if "claude" in shape else {"type": "errored", "error": inner}}
            )
        name = f"msgbatch_{len(self.server.batches)}"
        self.server.files[name] = "".join(json.dumps(line) + "\n" for line in lines[::-1])
        self.server.batches[name] = {
            "id": name, "type": "message_batch", "processing_status": "ended",
            "results_url": f"{self.server.url}/v1/messages/batches/{name}/results",
            "request_counts": {"succeeded": len(lines)}, "created_at": "2999-01-01T00:00:00Z",
        }  # fmt: skip
        return name

    def _send(self, status, text, headers=()):
        data = text.encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **dict(headers)}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
