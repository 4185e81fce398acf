"""The real notebooks, run once through the real Makefile on a few people, for all tests that look at a run."""

import json
import os
import signal

import pytest
from filelock import FileLock
from make_helpers import Make, hashes

from ferlib import paths

# A shell starts what it runs in the background with Ctrl-C ignored, and so do all programs that this starts: the tests
# that send it would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Share the tests between processes: those of the one run stay together, the rest go by file; the longest first."""
    for item in items:
        group = next((name for name in ("undisturbed", "smoke") if name in item.fixturenames), item.path.stem)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not {"undisturbed", "smoke"} & set(item.fixturenames))


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    return Make(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder of all the processes that share these tests."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def smoke(make, shared):
    """The finished run of the profile `smoke`, and what make printed."""
    with FileLock(shared / "smoke.lock"):
        done = make("run", "PROFILE=smoke")
        assert done.returncode == 0, done.stdout + done.stderr
        (shared / "smoke.json").write_text(json.dumps(hashes(paths.run(make.runs / "smoke"))))
    return paths.run(make.runs / "smoke"), done.stdout


@pytest.fixture
def undisturbed(shared, request):
    """How to have the hashes of the tables of `smoke`, by name, whichever process ran it; waits until it has."""

    def wait():
        with FileLock(shared / "smoke.lock"):
            made = (shared / "smoke.json").is_file()
        if not made:
            request.getfixturevalue("smoke")
        return json.loads((shared / "smoke.json").read_text())

    return wait
