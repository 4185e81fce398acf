"""A stand-in server in this process, for the tests of all that asks models."""

import os
import threading

import pytest
from ferdemo.standin import server
from lmfm_helpers import Recording, classify

from ferlib.lmfm import pace


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(request, monkeypatch):
    """On a busy disk that takes a quarter of a second an answer; test_lmfm_durability.py looks at it."""
    if request.node.get_closest_marker("bench") is None:
        monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def stand_in():
    made = server.make_server(classify)
    made.RequestHandlerClass, made.seen = Recording, []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def quick(monkeypatch):
    """Retries that wait hundredths of a second."""
    monkeypatch.setattr(pace, "FIRST_WAIT_S", 0.01)
