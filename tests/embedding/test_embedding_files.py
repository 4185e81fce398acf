"""A run's file of embeddings: what is written comes back, in any order asked for."""

import json

import numpy as np
import pytest

from ferlib.embedding import files
from ferlib.errors import InputError

RECIPE = {"backbone": "x", "weights_sha256": "0", "dtype": "float32"}


def test_saved_embeddings_come_back_in_the_order_asked_for(tmp_path):
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    path = tmp_path / "tiny.npz"
    files.save(path, image_ids=["a", "b", "c"], vectors=vectors, source=("local-dir:x", ""), recipe=RECIPE)
    np.testing.assert_array_equal(files.load(path, image_ids=["c", "a"]), vectors[[2, 0]])
    assert files.source_of(path) == ("local-dir:x", "")
    with np.load(path, allow_pickle=False) as file:
        assert json.loads(file["recipe"].item()) == RECIPE and file["weights_sha256"].item() == "0"
    with pytest.raises(InputError, match="no embedding for image_id 'z'"):
        files.load(path, image_ids=["a", "z"])


def test_saving_twice_gives_the_same_bytes(tmp_path):
    for name in ("1.npz", "2.npz"):
        vectors = np.ones((1, 2), dtype=np.float32)
        files.save(tmp_path / name, image_ids=["a"], vectors=vectors, source=("x", ""), recipe=RECIPE)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
