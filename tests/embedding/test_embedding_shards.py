"""What was computed is there after a kill -9, and what is damaged is not believed."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ferlib.embedding.files import Shards

RECIPE = {"backbone": "tiny", "weights_sha256": "0"}


def digest(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def vector(number):
    return np.full(8, number, dtype=np.float32)


def shard_of(shards, numbers):
    return shards.write([digest(n) for n in numbers], np.stack([vector(n) for n in numbers]))


def test_embeddings_come_back_by_image_wherever_they_lie(tmp_path):
    shards = Shards(tmp_path, RECIPE)
    shard_of(shards, [1, 2, 3])
    shard_of(shards, [4])
    found, damaged = shards.read([digest(n) for n in (4, 2, 9)])
    assert set(found) == {digest(2), digest(4)} and damaged == []
    np.testing.assert_array_equal(found[digest(2)], vector(2))


def test_another_recipe_finds_nothing(tmp_path):
    shard_of(Shards(tmp_path, RECIPE), [1])
    for name in RECIPE:
        other = Shards(tmp_path, {**RECIPE, name: "another"})
        assert other.read([digest(1)]) == ({}, [])


def test_the_same_content_gives_the_same_file(tmp_path):
    first, second = (shard_of(Shards(tmp_path / name, RECIPE), [1, 2]) for name in "ab")
    assert first.name == second.name and first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("harm", ["first byte", "header", "image", "vector", "last byte", "cut", "empty"])
def test_a_damaged_shard_is_removed_and_named_whatever_byte_it_is(tmp_path, harm):
    shards = Shards(tmp_path, RECIPE)
    whole, hurt = shard_of(shards, [1, 2]), shard_of(shards, [3, 4])
    data = bytearray(hurt.read_bytes())
    places = {
        "first byte": 0,
        "header": 20,
        "vector": -33,
        "image": data.index(bytes.fromhex(digest(3))),
        "last byte": -1,
    }
    if harm in places:
        data[places[harm]] ^= 1
    hurt.write_bytes({"cut": data[:-5], "empty": b""}.get(harm, data))
    found, damaged = shards.read([digest(n) for n in range(5)])
    assert set(found) == {digest(1), digest(2)} and damaged == [hurt]
    assert not hurt.exists() and whole.exists()
    assert shards.read([])[1] == []


def test_every_single_flipped_byte_is_noticed(tmp_path):
    shards = Shards(tmp_path, RECIPE)
    path = shard_of(shards, [1])
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        assert shards.read([digest(1)]) == ({}, [path])


WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_embedding_shards import RECIPE, digest, shard_of
from ferlib.embedding.files import Shards
shards = Shards(Path(sys.argv[1]), RECIPE)
missing = [n for n in range(400) if digest(n) not in shards.read([digest(n) for n in range(400)])[0]]
for begin in range(0, len(missing), 8):
    part = missing[begin : begin + 8]
    for number in part:
        print(number, flush=True)
        time.sleep(0.0005)
    shard_of(shards, part)
"""


def test_kill_9_at_any_moment_loses_at_most_one_shard(tmp_path):
    everything = {digest(number) for number in range(400)}
    kept = 0
    for attempt in range(3):
        command = [sys.executable, "-c", WORKER, str(tmp_path), os.path.dirname(__file__)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        computed = [process.stdout.readline()]
        time.sleep(0.013 * (attempt + 1))
        process.send_signal(signal.SIGKILL)
        computed += process.stdout.read().splitlines()
        process.wait()
        found, damaged = Shards(tmp_path, RECIPE).read(everything)
        assert damaged == [], "what has its name is whole"
        assert kept + len(computed) - 8 <= len(found) <= kept + len(computed)
        kept = len(found)
    assert 0 < kept < 400, "every attempt was to be killed on its way"


def test_what_could_not_be_brought_to_the_disk_has_no_name(tmp_path, monkeypatch):
    def full(_):
        raise OSError("no space left on device")

    shards = Shards(tmp_path, RECIPE)
    first = shard_of(shards, [1])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        shard_of(shards, [2])
    assert list(tmp_path.rglob("*.safetensors")) == [first]


def test_what_a_killed_process_left_unfinished_is_swept_away_when_it_is_old(tmp_path):
    shards = Shards(tmp_path, RECIPE)
    shards.folder.mkdir()
    old, young = shards.folder / ".x.1.partial", shards.folder / ".y.2.partial"
    old.touch(), young.touch()
    os.utime(old, (1, 1))
    shard_of(shards, [2])
    assert not old.exists() and young.exists()


def test_a_recipe_that_a_kill_kept_from_the_disk_is_written_with_the_next_shard(tmp_path):
    shards = Shards(tmp_path, RECIPE)
    shard_of(shards, [1])
    (shards.folder / "recipe.json").unlink()
    shard_of(shards, [2])
    assert json.loads((shards.folder / "recipe.json").read_text()) == RECIPE


def test_a_damaged_shard_in_a_folder_that_may_only_be_read_is_named_and_not_believed(tmp_path, monkeypatch):
    shards = Shards(tmp_path, RECIPE)
    whole, hurt = shard_of(shards, [1]), shard_of(shards, [2])
    hurt.write_bytes(hurt.read_bytes()[:-1])

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "unlink", refused)
    found, damaged = shards.read([digest(1), digest(2)])
    assert set(found) == {digest(1)} and damaged == [hurt] and whole.exists()


def test_a_shard_that_another_process_removes_meanwhile_is_as_if_it_had_not_been_there(tmp_path, monkeypatch):
    shards = Shards(tmp_path, RECIPE)
    shard_of(shards, [1])
    gone = shard_of(shards, [2])
    read = Path.read_bytes

    def removed_first(path):
        if path == gone:
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", removed_first)
    found, damaged = shards.read([digest(1), digest(2)])
    assert set(found) == {digest(1)} and damaged == []
