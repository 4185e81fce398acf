"""The real notebooks, run once through the real Makefile on a few people, for all tests that look at a run."""

import pytest
from make_helpers import Make

from ferlib import paths


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    return Make(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def smoke(make):
    """The finished run of the profile `smoke`, and what make printed."""
    done = make("run", "PROFILE=smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    return paths.run(make.runs / "smoke"), done.stdout
