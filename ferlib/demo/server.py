"""A stand-in for the providers' servers: OpenAI's and Gemini's wire formats, on this machine only.

Whatever it answers, it answers because the demo CLIP looked at the image that it was sent. It lets the notebooks and
the tests run the providers' real client libraries with no key, no network and no bill.
"""

import argparse
import collections
import io
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from ferlib.demo import readers, wire
from ferlib.demo.wire import Problem

FAILURES = ("429", "500", "drop")
LARGEST_BODY = 32 * 2**20
GEMINI_PATH = re.compile(r"/v1(?:beta)?/models/([^/:]+):generateContent")


def make_server(classify, *, models=readers.READERS, respond=readers.respond, versions=None, port=0, fail=()):
    """Stand-in server, bound to the loopback address but not yet serving.

    Parameters
    ----------
    classify : callable
        `classify(image, reader) -> (7,) probabilities` for a `PIL.Image.Image`; called by one thread at a time.
    models : dict of str to ferlib.demo.readers.Reader
        Models by name; any other name is answered with 404.
    respond : callable
        `respond(reader, probabilities) -> ferlib.demo.readers.Reply`.
    versions : dict of str to str, optional
        Version that each model reports; its name where none is given.
    port : int
        0 takes a free one; see `server.server_port`.
    fail : sequence of str
        What goes wrong with the first requests, one each: `429` (with `retry-after: 1`), `500`, or `drop` (the
        connection is closed without an answer).

    Returns
    -------
    http.server.ThreadingHTTPServer
        `server.requests` counts the requests per model, failed ones under `failed`.
    """
    server = _Server(("127.0.0.1", port), _Handler)
    server.classify, server.respond, server.models = classify, respond, dict(models)
    server.versions = {name: name for name in models} | dict(versions or {})
    server.failures = collections.deque(fail)
    server.requests = collections.Counter()
    server.looking = threading.Lock()
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
        protocol = wire.Gemini if gemini else wire.OpenAI
        try:
            body = self._body()
            if self._dropped():
                return
            if not gemini and self.path != "/v1/chat/completions":
                raise Problem(404, f"no such address: {self.path}", code="unknown_url")
            self._send(200, self._answer(wire.Gemini(body, gemini[1]) if gemini else wire.OpenAI(body)))
        except Problem as problem:
            self._send(problem.status, protocol.error(problem), problem.headers)

    def do_GET(self):
        self._send(404, wire.OpenAI.error(Problem(404, f"no such address: {self.path}", code="unknown_url")))

    def log_message(self, *_):
        """Say nothing: a line a request would bury the notebook's own messages."""

    def _body(self):
        try:
            length = int(self.headers.get("content-length", ""))
        except ValueError:
            raise Problem(400, "the request has no content-length") from None
        if length > LARGEST_BODY:
            self.close_connection = True
            raise Problem(413, f"the request has {length} bytes, more than {LARGEST_BODY}")
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            raise Problem(400, "the body of the request is not JSON") from None
        if not isinstance(body, dict):
            raise Problem(400, "the body of the request is not a JSON object")
        return body

    def _dropped(self):
        """Let this request go wrong, if that is its turn; returns whether to close the connection without an answer."""
        try:
            failure = self.server.failures.popleft()
        except IndexError:
            return False
        self.server.requests["failed"] += 1
        if failure == "drop":
            self.close_connection = True
            return True
        message = {"429": "too many requests; slow down", "500": "the server had an error"}[failure]
        raise Problem(int(failure), message, headers={"retry-after": "1"} if failure == "429" else {})

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
        with server.looking:
            server.requests[name] += 1
            probabilities = server.classify(image, server.models[name])
        reply, written = wire.cut(server.respond(server.models[name], probabilities), request.limit)
        return request.response(reply, server.versions[name], wire.tokens_read(request.prompt, image), written)

    def _send(self, status, content, headers=()):
        data = json.dumps(content).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def demo_classifier(weights, models=readers.READERS):
    """What the demo CLIP sees: a function for `make_server`.

    Parameters
    ----------
    weights : str
        Backbone for `ferlib.embed.load_backbone`, for example `local-dir:data/demo/models/demo-clip`.
    models : dict of str to ferlib.demo.readers.Reader

    Returns
    -------
    callable
        `classify(image, reader) -> (7,) probabilities`.
    """
    import torch

    from ferlib import embed, zeroshot

    torch.set_num_threads(1)
    backbone = embed.load_backbone(weights)
    classes = {name: zeroshot.class_embeddings(backbone, [reader.template]) for name, reader in models.items()}

    def classify(image, reader):
        seen = embed.embed_pil([image], backbone)
        return zeroshot.probabilities(seen, classes[reader.name], logit_scale=backbone.logit_scale)[0]

    return classify


def main(arguments=None):
    """Serve until the lifetime is over or standard input is closed; print the port as a line of JSON when ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, help="backbone, for example local-dir:PATH")
    parser.add_argument("--versions", type=json.loads, default={}, help="JSON object: model name -> version reported")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--lifetime-s", type=float, default=3600, help="seconds after which the server ends by itself")
    parser.add_argument("--fail", nargs="*", default=[], choices=FAILURES, help="failures of the first requests")
    options = parser.parse_args(arguments)
    server = make_server(
        demo_classifier(options.weights),
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
