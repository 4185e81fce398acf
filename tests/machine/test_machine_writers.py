"""Several processes at one place: nobody fails, what has a name is whole, and a kill leaves nothing for ever."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ferlib import tables
from ferlib.embedding.files import Shards
from ferlib.lmfm import attachments

WRITERS, WRITES = 8, 40
RECIPE = {"backbone": "tiny"}

TASKS = """
import hashlib, json, os, signal, sys, time
from pathlib import Path
import numpy as np
from ferlib import paths, provenance, tables
from ferlib.embedding.recipes import Known
from ferlib.embedding.files import Shards
from ferlib.lmfm.attachments import Sent

kind, folder, writers, writes, killed = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])

def write(writer, number):
    if kind == "one file":
        tables.write_bytes(bytes([writer * writes + number & 255]) * 100_000, folder / "t.csv")
    elif kind == "own files":
        tables.write_bytes(bytes([writer]) * 100_000, folder / f"{writer}-{number}.csv")
    elif kind == "shards":  # every second one is the same for all
        digest = hashlib.sha256(str(number if number % 2 else (writer, number)).encode()).hexdigest()
        Shards(folder, {"backbone": "tiny"}).write([digest], np.full((1, 512), number, dtype=np.float32))
    elif kind == "known":
        known = Known(folder)
        known.put({"source": number}, {"recipe": number}, files=[Path(tables.__file__)])
        assert known.get({"source": number}) == {"recipe": number}
    elif kind == "sent":
        Sent(folder).add([(f"{writer * writes + number:064x}", "png", f"{number:064x}")])
    else:
        record = provenance.start("02_embedding", run=paths.Run(folder), seed=writer)
        record.finish(reads=[], writes=[])

provenance.commit, provenance.versions = lambda: "any", dict  # slow, and not what is asked about
start, go = os.pipe()
children = []
for writer in range(writers):
    child = os.fork()
    if not child:
        os.close(go)
        os.read(start, 1)  # ends for all at once, when the last other end is closed
        failed = 0
        for number in range(writes):
            try:
                write(writer, number)
            except Exception as error:
                failed += 1
                print(repr(error), file=sys.stderr)
        os._exit(failed)
    children.append(child)
os.close(go)
for child in children[:killed]:
    time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]))
"""


def side_by_side(kind, folder, *, killed=0):
    """Exit codes of processes that write at the same time: how many writes failed, or -9."""
    command = [sys.executable, "-c", TASKS, kind, str(folder), str(WRITERS), str(WRITES), str(killed)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def partials(folder):
    return [path for path in folder.rglob(".*") if path.name.endswith(".partial")]


@pytest.mark.parametrize("kind", ["one file", "own files", "shards", "known", "sent", "provenance"])
def test_of_many_writes_side_by_side_none_fails(tmp_path, kind):
    assert side_by_side(kind, tmp_path) == [0] * WRITERS
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert partials(tmp_path) == []
    if kind == "one file":
        (whole,) = files
        assert len(data := whole.read_bytes()) == 100_000 and len(set(data)) == 1
    elif kind == "own files":
        assert len(files) == WRITERS * WRITES and {path.stat().st_size for path in files} == {100_000}
    elif kind == "shards":
        assert len(files) == WRITES // 2 + WRITERS * WRITES // 2 + 1
        assert Shards(tmp_path, RECIPE).read([])[1] == []
    elif kind == "known":
        assert len(files) == WRITES
    elif kind == "sent":
        assert len(tables.read_csv(tmp_path / attachments.FILE)) == WRITERS * WRITES
    else:
        assert json.loads((tmp_path / "provenance" / "02_embedding.json").read_text())["seed"] in range(WRITERS)


@pytest.mark.parametrize("kind", ["one file", "shards"])
def test_a_kill_9_among_them_spoils_nothing_and_what_it_leaves_is_swept(tmp_path, kind):
    ends = side_by_side(kind, tmp_path, killed=WRITERS // 2)
    assert ends[WRITERS // 2 :] == [0] * (WRITERS - WRITERS // 2)
    # A kill in the middle of a write is rare; one is left here in any case.
    folder = Shards(tmp_path, RECIPE).folder if kind == "shards" else tmp_path
    (folder / ".1-left.partial").touch()
    for path in partials(tmp_path):
        os.utime(path, (1, 1))
    tables._swept.clear()
    tables.write_bytes(b"x", folder / "next")
    assert partials(tmp_path) == []
    if kind == "shards":
        assert Shards(tmp_path, RECIPE).read([])[1] == []
    else:
        assert len(set((tmp_path / "t.csv").read_bytes())) == 1


def test_a_process_that_is_killed_in_the_middle_of_a_write_leaves_the_old_file_and_a_partial_one(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from ferlib import tables; "
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL); tables.write_bytes(b'new', Path(sys.argv[1]))"
    )
    path = tables.write_bytes(b"old", tmp_path / "t.csv")
    done = subprocess.run([sys.executable, "-c", script, str(path)])
    assert done.returncode == -signal.SIGKILL and path.read_bytes() == b"old"
    (left,) = partials(tmp_path)
    os.utime(left, (1, 1))
    tables._swept.clear()
    tables.write_bytes(b"new", path)
    assert path.read_bytes() == b"new" and sorted(tmp_path.iterdir()) == [Path(path)]
