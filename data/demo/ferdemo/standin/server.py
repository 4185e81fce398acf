"""A stand-in for the providers' servers: OpenAI's and Gemini's wire formats, on this machine only.

Whatever it answers, it answers because a demo PaliGemma looked at the image that it was sent. It lets the notebooks and
the tests run the providers' real client libraries with no key, no network and no bill.
"""

import argparse
import collections
import io
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from ferdemo.standin import readers, wire
from ferdemo.standin.batches import CREATE, Batches
from ferdemo.standin.dials import Chance, Dials
from ferdemo.standin.wire import Problem

FAILURES = {"429": "too_many", "500": "failing", "drop": "dropped"}
LARGEST_BODY = 32 * 2**20
OPENAI_PATHS = {"/v1/chat/completions": wire.OpenAI, "/v1/responses": wire.Responses}
GEMINI_PATH = re.compile(r"/v1(?:beta)?/models/([^/:]+):generateContent")


def make_server(
    classify, *, models=readers.MANNERS, respond=readers.respond, versions=None, port=0, fail=(), dials=None
):
    """Stand-in server, bound to the loopback address but not yet serving.

    Parameters
    ----------
    classify : callable
        `classify(image, reader, asked) -> ferdemo.standin.readers.Thought` for a `PIL.Image.Image`; called by several
        threads at a time.
    models : dict of str to ferdemo.standin.readers.Reader
        Models by name; any other name is answered with 404.
    respond : callable
        `respond(reader, thought, asked) -> ferdemo.standin.readers.Reply`.
    versions : dict of str to str, optional
        Version that each model reports; its name where none is given.
    port : int
        0 takes a free one; see `server.server_port`.
    fail : sequence of str
        What goes wrong with the first requests, one each: `429` (with `retry-after: 1`), `500`, or `drop` (the
        connection is closed without an answer).
    dials : ferdemo.standin.dials.Dials, optional
        What goes wrong with the requests after these, and how often.

    Returns
    -------
    http.server.ThreadingHTTPServer
        `server.requests` counts the requests per model, failed ones under `failed`.
    """
    server = _Server(("127.0.0.1", port), _Handler)
    server.classify, server.respond, server.models = classify, respond, dict(models)
    server.versions = {name: name for name in models} | dict(versions or {})
    server.failures, server.chance = collections.deque(fail), Chance(dials or Dials())
    server.batches = Batches(server.chance)
    server.requests = collections.Counter()
    server.counting = threading.Lock()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Nothing is wrong here when the other side has hung up, for example because it would not wait longer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: two would wait for each other's acknowledgement, 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self):
        gemini = GEMINI_PATH.fullmatch(self.path.partition("?")[0])
        batch = self.path == "/v1/batches" or bool(CREATE.fullmatch(self.path.partition("?")[0]))
        protocol = wire.Gemini if gemini or ":" in self.path else wire.OpenAI
        try:
            if self.path == "/v1/files":
                self._send(200, self.server.batches.upload(self._bytes(), self.headers["content-type"]))
                return
            body = self._body()
            if batch:
                self._send(200, self.server.batches.post(self.path, body, self._answer))
                return
            fate = self._fate()
            if fate == "dropped":
                self.close_connection = True
                return
            if not gemini and self.path not in OPENAI_PATHS:
                raise Problem(404, f"no such address: {self.path}", code="unknown_url")
            time.sleep(self.server.chance.dials.latency_s)
            answer = self._answer(wire.Gemini(body, gemini[1]) if gemini else OPENAI_PATHS[self.path](body))
            self._send(200, answer, fate=fate)
        except Problem as problem:
            self._send(problem.status, protocol.error(problem), problem.headers)

    def do_GET(self):
        try:
            self._send(200, self.server.batches.get(self.path))
        except Problem as problem:
            self._send(problem.status, wire.OpenAI.error(problem))

    def log_message(self, *_):
        """Say nothing: a line a request would bury the notebook's own messages."""

    def _bytes(self):
        try:
            length = int(self.headers.get("content-length", ""))
        except ValueError:
            raise Problem(400, "the request has no content-length") from None
        if length > LARGEST_BODY:
            self.close_connection = True
            raise Problem(413, f"the request has {length} bytes, more than {LARGEST_BODY}")
        return self.rfile.read(length)

    def _body(self):
        try:
            body = json.loads(self._bytes())
        except ValueError:
            raise Problem(400, "the body of the request is not JSON") from None
        if not isinstance(body, dict):
            raise Problem(400, "the body of the request is not a JSON object")
        return body

    def _fate(self):
        """What goes wrong with this request: `dropped`, `slow`, `malformed` or None; an HTTP error is raised."""
        server = self.server
        try:
            fate = FAILURES[server.failures.popleft()]
        except IndexError:
            fate = server.chance.on_the_way()
        if fate is None or fate == "slow":
            return fate
        with server.counting:
            server.requests["failed"] += 1
        if fate == "too_many":
            seconds = f"{server.chance.dials.retry_after_s:g}"
            raise Problem(429, "too many requests; slow down", headers={"retry-after": seconds})
        if fate == "failing":
            raise Problem(500, "the server had an error")
        return fate

    def _answer(self, request):
        """What the model that was asked says about the image that it was sent."""
        server, name = self.server, request.model
        if name not in server.models:
            known = ", ".join(server.models)
            raise Problem(404, f"the model {name!r} does not exist; it is one of {known}", code="model_not_found")
        try:
            image = Image.open(io.BytesIO(request.image)).convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError):
            raise Problem(400, "the image cannot be decoded", code="invalid_image") from None
        asked = readers.Asked(
            request.prompt,
            schema=request.schema,
            temperature=request.temperature,
            seed=request.seed,
            image=request.image,
        )
        with server.counting:
            server.requests[name] += 1
        thought = server.classify(image, server.models[name], asked)
        reply = server.chance.reply(request.image, request.prompt, request.seed)
        reply = reply or server.respond(server.models[name], thought, asked)
        reply, written = wire.cut(reply, request.limit)
        return request.response(reply, server.versions[name], wire.tokens_read(request, image), written)

    def _send(self, status, content, headers=(), *, fate=None):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        if fate == "malformed":
            data = data[: len(data) // 2]
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        for byte in data if fate == "slow" else ():
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(self.server.chance.dials.slow_s / len(data))
        self.wfile.write(b"" if fate == "slow" else data)


def main(arguments=None):
    """Serve until the lifetime is over or standard input is closed; print the port as a line of JSON when ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, help="folder that holds the demo PaliGemmas")
    parser.add_argument("--versions", type=json.loads, default={}, help="JSON object: model name -> version reported")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--lifetime-s", type=float, default=3600, help="seconds after which the server ends by itself")
    parser.add_argument("--fail", nargs="*", default=[], choices=list(FAILURES), help="failures of the first requests")
    parser.add_argument("--dials", type=json.loads, default={}, help="JSON object: fields of ferdemo.standin.Dials")
    options = parser.parse_args(arguments)
    from ferdemo.standin.sight import networks  # takes seconds to import: not before the options are checked

    server = make_server(
        networks(options.weights),
        models=readers.READERS,
        dials=Dials(**options.dials),
        versions=options.versions,
        port=options.port,
        fail=options.fail,
    )
    end = threading.Timer(options.lifetime_s, server.shutdown)
    end.daemon = True
    end.start()
    # Whoever started this holds the other end of standard input: if they die, however suddenly, it closes.
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
    os._exit(0)  # nothing is left to be kept, and to take PyTorch apart in order lasts two seconds
