"""The colour-seeing stand-in as a process of its own: prints its port; for each line it reads, what it has counted."""

import json
import sys
import threading

from ferdemo.standin import dials, server
from lmfm_helpers import classify

if __name__ == "__main__":
    made = server.make_server(classify, dials=dials.Dials(**json.loads(sys.argv[1])))
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    print(made.server_port, flush=True)
    for _ in sys.stdin:
        print(json.dumps({**made.requests, **made.chance.drawn}), flush=True)
