"""A dataset is known by its conventions alone, and nothing else of the room depends on which are known."""

import subprocess
import sys

import pytest
import trees
import yaml

from ferlib.datasets import conventions, file_names, known


def test_looking_at_the_published_numbers_loads_no_reader():
    code = "import sys, ferlib.datasets.published; print(*[name for name in sys.modules if 'datasets' in name])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.startswith("ferlib")] == ["ferlib.datasets", "ferlib.datasets.published"]


def test_a_new_dataset_takes_a_file_of_conventions_and_a_line(tmp_path, monkeypatch):
    (tmp_path / "new.yaml").write_text(
        yaml.safe_dump(
            {
                "dataset": "new",
                "file_name": "(?P<image_id>(?P<subject_id>(?P<gender>[FM])\\d)(?P<race>)(?P<emotion>..))",
                "looks_like": "F1HA.jpg",
                "emotion": {"HA": "happy"},
                "race": {"": "Asian"},
                "gender": {"F": "Female", "M": "Male"},
            }
        )
    )
    trees.save(tmp_path / "raw" / "new" / "sub" / "f1ha.jpg")
    monkeypatch.setattr(conventions, "FOLDER", tmp_path)
    monkeypatch.setitem(known.CONVENTIONS, "new", "new")
    manifest = known.read("new", raw_dir=tmp_path / "raw").manifest
    assert manifest[["image_id", "subject_id", "emotion", "group"]].values.tolist() == [
        ["new-F1HA", "new-F1", "happy", "Asian Female"]
    ]


@pytest.mark.parametrize("name", known.CONVENTIONS)
def test_conventions_say_all_that_their_reader_needs(name):
    about = conventions.load(known.CONVENTIONS[name]).about
    assert {"dataset", "title", "where", "terms", "file_name", "looks_like"} <= set(about)
    assert all(f"(?P<{part}>" in about["file_name"] for part in ("image_id", "subject_id", *conventions.FIELDS))


def test_a_dataset_may_name_no_folder_of_a_person(tmp_path):
    trees.save(tmp_path / "CF0001" / "CF0002_1101_HA.jpg")
    reading = file_names.read(tmp_path, conventions.load("tarr"), dataset="tarr")
    assert reading.manifest["subject_id"].tolist() == ["tarr-CF0002"]
