"""The real notebooks, run once through the real Makefile on a few people, for all tests that look at a run."""

import signal

import pytest
from make_helpers import Make

from ferlib import paths

# A shell starts what it runs in the background with Ctrl-C ignored, and so do all programs that this starts: the tests
# that send it would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Share the tests between processes: those of the one run stay together and come first, the rest go by file."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("run" if "smoke" in item.fixturenames else item.path.stem))
    items.sort(key=lambda item: "smoke" not in item.fixturenames)


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    return Make(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def smoke(make):
    """The finished run of the profile `smoke`, and what make printed."""
    done = make("run", "PROFILE=smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    return paths.run(make.runs / "smoke"), done.stdout
