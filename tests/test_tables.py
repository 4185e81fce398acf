"""Tables are written whole or not at all, and look the same from run to run."""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferlib import tables
from ferlib.errors import InputError


def test_floats_have_six_significant_digits_and_rows_are_sorted(tmp_path):
    frame = pd.DataFrame({"name": ["b", "a"], "value": [1 / 3, 123456.789]})
    path = tables.write_csv(frame, tmp_path / "t.csv", sort_by=["name"])
    assert path.read_text() == "name,value\na,123457\nb,0.333333\n"


def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tables.write_bytes(b"old", tmp_path / "t.csv")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        tables.write_bytes(b"new", path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_the_bytes_are_on_the_disk_before_they_take_the_name(tmp_path, monkeypatch):
    fsync, replace, steps = os.fsync, os.replace, []

    def noted_fsync(handle):
        fsync(handle)
        (partial,) = tmp_path.glob(".*")
        steps.append(("fsync", os.fstat(handle).st_ino == partial.stat().st_ino, partial.read_bytes()))

    def noted_replace(partial, path):
        steps.append(("replace", partial.parent == path.parent, partial.read_bytes()))
        replace(partial, path)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    tables.write_bytes(b"whole", tmp_path / "t.csv")
    assert steps == [("fsync", True, b"whole"), ("replace", True, b"whole")]


def test_equal_bytes_leave_the_file_alone(tmp_path):
    path = tables.write_bytes(b"same", tmp_path / "t.csv")
    os.utime(path, (1, 1))
    tables.write_bytes(b"same", path)
    assert path.stat().st_mtime == 1
    tables.write_bytes(b"another", path)
    assert path.stat().st_mtime > 1 and path.read_bytes() == b"another"


def test_a_file_that_another_process_removes_meanwhile_is_written(tmp_path, monkeypatch):
    path = tables.write_bytes(b"same", tmp_path / "t.csv")
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: (self.unlink(), read(self))[1])
    tables.write_bytes(b"same", path)
    monkeypatch.undo()
    assert path.read_bytes() == b"same"


def test_the_folders_above_are_made(tmp_path):
    assert tables.write_bytes(b"x", tmp_path / "a" / "b" / "t.csv").read_bytes() == b"x"


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".csv")
    assert tables.write_bytes(b"x", path).read_bytes() == b"x"


@pytest.mark.parametrize("age, stays", [(tables.ABANDONED_S + 60, False), (tables.ABANDONED_S - 60, True)])
def test_what_a_killed_process_left_is_swept_by_the_next_when_it_is_old(tmp_path, age, stays, monkeypatch):
    left = tmp_path / ".12-abc.partial"
    left.touch()
    os.utime(left, (time.time() - age,) * 2)
    others = [tmp_path / name for name in (".hidden", "t.partial", "old.csv")]
    for other in others:
        other.touch()
        os.utime(other, (1, 1))
    tables.write_bytes(b"x", tmp_path / "t.csv")
    assert left.exists() == stays and all(other.exists() for other in others)


def test_a_long_process_sweeps_again_and_not_at_each_write(tmp_path, monkeypatch):
    swept, now = [], [1e9]
    monkeypatch.setattr(tables, "sweep", lambda folder, pattern: swept.append((folder, pattern)))
    monkeypatch.setattr(time, "time", lambda: now[0])
    for step in (0, 1, 1, tables.ABANDONED_S):
        now[0] += step
        tables.write_bytes(b"x", tmp_path / "t.csv")
    assert swept == [(tmp_path, ".*.partial")] * 2


def test_an_unfinished_file_that_another_process_sweeps_first_is_no_failure(tmp_path, monkeypatch):
    for name in (".1.partial", ".2.partial"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda self: (unlink(self), unlink(self)))  # as if gone already
    tables.sweep(tmp_path, ".*.partial")
    assert list(tmp_path.iterdir()) == []


ACUTE = "\u0301"


@pytest.mark.parametrize(
    "names, words",
    [
        (["A", "b", "a"], ["'A' and 'a'", "same file"]),
        (["Jose" + ACUTE, "Jos\u00e9"], ["same file"]),
        (["STRASSE", "stra\u00dfe"], ["same file"]),
        (["openai/clip"], ["'openai/clip'", "a file's name"]),
        (["a\\b"], ["a file's name"]),
        (["c:d"], ["a file's name"]),
        ([""], ["a file's name"]),
        ([".hidden"], ["a file's name"]),
        (["x\0"], ["a file's name"]),
    ],
)
def test_names_that_cannot_each_be_a_file_s_everywhere_are_refused(names, words):
    with pytest.raises(InputError) as caught:
        tables.file_names(names, what="model")
    assert all(word in str(caught.value) for word in ["model", *words]), str(caught.value)


def test_names_with_spaces_and_accents_are_allowed():
    names = ["clip b32", "Gr\u00f6\u00dfe", "Jose" + ACUTE, "a-b_c.d", "a"]
    assert tables.file_names(names, what="model") == names


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


def test_a_table_to_look_at_has_no_row_numbers_and_no_p_of_zero():
    frame = pd.DataFrame({"model": ["m"], "n": [1008.0], "rate": [0.12345], "p": [0.0], "p_adjusted": [0.04]})
    page = tables.shown(frame.assign(low=float("nan"))).to_html()
    for words in (">1,008<", ">0.123<", "0.001", ">0.04<"):
        assert words in page, words
    assert ">0.0<" not in page and "nan" not in page and "row_heading" not in page


def test_a_value_without_an_interval_is_written_without_brackets():
    table = pd.DataFrame({"a": [0.25, 0.5, np.nan], "low": [0.1, np.nan, 0], "high": [0.4, np.nan, 1]})
    assert tables.bracketed(table, ["a", "low", "high"], ".0%") == ["25% [10%, 40%]", "50%", ""]
