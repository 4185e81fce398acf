"""A dataset is known by its conventions alone, and nothing else of the room depends on which are known."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import trees
import yaml
from PIL import Image

from ferlib import paths
from ferlib.datasets import conventions, known
from ferlib.errors import InputError


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


def lines_of(name):
    """The lines of Python in the README that are about a dataset."""
    text = (paths.ROOT / "data" / "raw" / "README.md").read_text(encoding="utf-8")
    (lines,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if name in block]
    return lines


@pytest.mark.parametrize("rated", [False, True, "tied"], ids=["FER2013", "FER+", "FER+ without a majority"])
def test_a_table_of_pixels_is_read_after_the_lines_of_the_readme(rated, tmp_path, monkeypatch):
    pixels = np.random.default_rng(3).integers(0, 256, (4, 48, 48))
    usage = ["Training", "Training", "PublicTest", "PrivateTest"]
    faces = pd.DataFrame({"emotion": [0, 3, 6, 4], "pixels": [" ".join(map(str, one.ravel())) for one in pixels]})
    faces.assign(Usage=usage).to_csv(tmp_path / "fer2013.csv", index=False)
    names = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
    if rated:
        votes = pd.DataFrame(np.eye(10, dtype=int)[[4, 1, 7, 9]] * 10, columns=names)
        if rated == "tied":
            votes.iloc[1] = [4, 4, 0, 0, 1, 0, 0, 1, 0, 0]  # no majority: nobody knows
        votes.insert(0, "Image name", "fer0000000.png")
        votes.insert(0, "Usage", usage)
        votes.to_csv(tmp_path / "fer2013new.csv", index=False)
    monkeypatch.chdir(tmp_path)
    exec(lines_of("fer2013"), {})
    reading = known.read("fer2013", raw_dir=tmp_path / "data" / "raw")
    found = reading.manifest.set_index("image_id")
    right = {"fer2013-TRAINING_0": "anger", "fer2013-TRAINING_1": "happy"}
    if not rated:
        right |= {"fer2013-PUBLICTEST_2": "neutral", "fer2013-PRIVATETEST_3": "sad"}
    if rated == "tied":
        del right["fer2013-TRAINING_1"]
    assert found["emotion"].to_dict() == right and len(reading.left_out) == 4 - len(right)
    kept = np.asarray(
        Image.open(tmp_path / "data/raw/fer2013/Training/{}/Training_0.png".format("anger" if rated else "angry"))
    )
    assert (kept == pixels[0]).all()


def test_labels_beside_photographs_from_the_web_are_read_after_the_lines_of_the_readme(tmp_path, monkeypatch):
    """The owners' own layout: one list of labels, and beside each photograph landmarks, then gender, race and age."""
    basic = tmp_path / "data" / "raw" / "raf-db" / "basic"
    (basic / "EmoLabel").mkdir(parents=True)
    (basic / "Annotation" / "manual").mkdir(parents=True)
    (basic / "EmoLabel" / "list_patition_label.txt").write_text("train_00001.jpg 5\ntest_0001.jpg 7\n")
    for name, told in {"train_00001": "1\n0\n2", "test_0001": "2\n2\n4"}.items():
        trees.save(basic / "Image" / "aligned" / f"{name}_aligned.jpg")
        landmarks = "\n".join(f"{x}.5\t{x}.25" for x in range(10, 15))
        (basic / "Annotation" / "manual" / f"{name}_manu_attri.txt").write_text(f"{landmarks}\n{told}\n")
    monkeypatch.chdir(tmp_path)
    exec(lines_of("raf-db"), {})
    reading = known.read(str(basic / "manifest.csv"), raw_dir=tmp_path)
    found = reading.manifest.set_index("image_id")[["emotion", "group", "age_band"]]
    assert found.loc["train_00001"].tolist() == ["sad", "Caucasian Female", "20-39"]
    assert found.loc["test_0001"].tolist() == ["neutral", "Asian unsure", "70+"]


def test_the_two_misnamed_files_of_kdef_are_left_out_with_the_reason(tmp_path):
    for name in ("AF01/AF01ANS.JPG", "AF31/AF31V.JPG", "AM31/AM31H.JPG"):
        trees.save(tmp_path / "kdef" / "KDEF" / name)
    reading = known.read("kdef", raw_dir=tmp_path)
    assert len(reading.manifest) == 1 and reading.left_out["reason"].str.contains("misnamed").all()


def test_images_that_are_numbered_anew_in_each_folder_are_images_of_their_own(tmp_path):
    """As those of AffectNet: not the same photograph because the name is the same; and no one label of two."""
    for number, name in enumerate(("train/1/0.jpg", "train/2/0.jpg", "val/1/0.jpg")):
        (tmp_path / "affectnet" / name).parent.mkdir(parents=True)
        trees.save(tmp_path / f"{number}.jpg").rename(tmp_path / "affectnet" / name)
    reading = known.read("affectnet", raw_dir=tmp_path)
    found = reading.manifest.set_index("image_id")
    assert found["emotion"].to_dict() == {
        "affectnet-0": "happy", "affectnet-0-train-2": "sad", "affectnet-0-val-1": "happy"
    }  # fmt: skip
    assert found["subject_id"].is_unique and reading.left_out.empty
    (tmp_path / "affectnet" / "val" / "3").mkdir()
    shutil.copy(tmp_path / "affectnet/train/1/0.jpg", tmp_path / "affectnet/val/3/0.jpg")
    with pytest.raises(InputError, match="one image with two labels"):
        known.read("affectnet", raw_dir=tmp_path)
