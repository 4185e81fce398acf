"""A dataset is known by its conventions alone, and nothing else of the room depends on which are known."""

import subprocess
import sys

import pytest
import trees
import yaml

from ferlib.datasets import conventions, known


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
    reading = known.by_file_names(tmp_path, conventions.load("tarr"), dataset="tarr")
    assert reading.manifest["subject_id"].tolist() == ["tarr-CF0002"]


SETS = {  # dataset: a file as it is really named, its person, its label; one that is left out
    "kdef": ("KDEF/AF01/AF01AFS.JPG", "F01", "fear", "unlabelled Female", "KDEF/AF01/AF01AFHL.JPG"),
    "faces": ("004_o_m_a_a.jpg", "004", "anger", "unlabelled Male", None),
    "nimstim": ("24M_SP_O.BMP", "24M", "surprise", "unlabelled Male", "24M_CA_C.BMP"),
    "jaffe": ("KA.AN1.39.tiff", "KA", "anger", "Japanese Female", None),
    "ckplus": ("CK+/sadness/S011_002_00000021.png", "S011", "sad", "unlabelled unknown",
        "CK+/contempt/S138_008_00000007.png"),
    "raf-db": ("DATASET/train/5/train_00012_aligned.jpg", "TRAIN_00012", "sad", "unlabelled unknown", None),
    "affectnet": ("train/6/image0007.jpg", "IMAGE0007", "anger", "unlabelled unknown", "train/7/image0000008.jpg"),
    "fer2013": ("test/angry/PrivateTest_88305.jpg", "PRIVATETEST_88305", "anger", "unlabelled unknown", None),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_a_set_in_use_is_read_by_its_name_and_its_limits_are_said(name, tmp_path):
    file, person, emotion, group, left_out = SETS[name]
    for path in filter(None, (file, left_out)):
        trees.save(tmp_path / name / path)
    reading = known.read(name, raw_dir=tmp_path)
    row = reading.manifest.squeeze()
    assert (row["subject_id"], row["emotion"], row["group"]) == (f"{name}-{person}", emotion, group)
    assert len(reading.left_out) == (left_out is not None)
    assert ("compare" in reading.notes[0]) and reading.notes[0].startswith(f"{name}: ")
