"""Tables are written whole or not at all, and look the same from run to run."""

import os

import pandas as pd
import pytest

from ferlib import tables
from ferlib.errors import InputError


def test_floats_have_six_significant_digits_and_rows_are_sorted(tmp_path):
    frame = pd.DataFrame({"name": ["b", "a"], "value": [1 / 3, 123456.789]})
    path = tables.write_csv(frame, tmp_path / "t.csv", sort_by=["name"])
    assert path.read_text() == "name,value\na,123457\nb,0.333333\n"


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    path = tables.write_bytes(b"old", tmp_path / "t.csv")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        tables.write_bytes(b"new", path)
    assert path.read_bytes() == b"old"


def test_equal_bytes_leave_the_file_alone(tmp_path):
    path = tables.write_bytes(b"same", tmp_path / "t.csv")
    os.utime(path, (1, 1))
    tables.write_bytes(b"same", path)
    assert path.stat().st_mtime == 1


def test_parquet_is_the_same_bytes_twice(tmp_path):
    frame = pd.DataFrame({"image_id": ["a", "b"], "p": [0.1, None]})
    first = tables.write_parquet(frame, tmp_path / "1.parquet").read_bytes()
    assert first == tables.write_parquet(frame.iloc[[0, 1]], tmp_path / "2.parquet").read_bytes()
    pd.testing.assert_frame_equal(tables.read_parquet(tmp_path / "1.parquet"), frame)


@pytest.mark.parametrize(
    "content, columns, words",
    [
        (None, ["a"], ["t.csv", "no such file", "06_bias_stats"]),
        (b"", ["a"], ["t.csv", "cannot be read"]),
        (b"b,c\n1,2\n", ["a"], ["t.csv", "'a'", "It has: b, c"]),
    ],
)
def test_reading_complains_with_file_and_remedy(tmp_path, content, columns, words):
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        tables.read_csv(path, columns=columns, made_by="06_bias_stats")
    assert all(word in str(caught.value) for word in words), str(caught.value)
