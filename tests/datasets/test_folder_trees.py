"""Any folder of images is read by a stated pattern; what it does not say has to be said."""

import pytest
import trees
import yaml

from ferlib.datasets import folder, known, manifest
from ferlib.errors import InputError

PATTERN = "{emotion}/{subject_id}_{race}_{gender}_*.jpg"


@pytest.fixture
def described(tmp_path):
    """Writes images and their description; returns the path of the description."""

    def write(names, **description):
        for name in names:
            trees.save(tmp_path / name)
        content = {"dataset": "mine", "pattern": PATTERN, **description}
        (tmp_path / "dataset.yaml").write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))
        return str(tmp_path / "dataset.yaml")

    return write


def test_a_tree_is_read_by_its_pattern(described):
    path = described(["anger/p7_Black_Female_01.jpg", "sad/p7_Black_Female_02.jpg", "sad/q1_White_Male_x.jpg"])
    reading = known.read(path)
    assert reading.manifest[["image_id", "subject_id", "emotion", "group"]].values.tolist() == [
        ["mine-anger/p7_Black_Female_01", "mine-p7", "anger", "Black Female"],
        ["mine-sad/p7_Black_Female_02", "mine-p7", "sad", "Black Female"],
        ["mine-sad/q1_White_Male_x", "mine-q1", "sad", "White Male"],
    ]
    assert reading.notes == () and set(reading.manifest["dataset"]) == {"mine"}
    assert reading.left_out["path"].str.endswith("dataset.yaml").tolist() == [True]


def test_every_image_is_taken_for_one_whatever_its_ending(described, tmp_path):
    endings = ["jfif", "avif", "pgm", "ppm", "JPG", "jpeg", "tif", "bmp", "webp", "jp2", "PNG", "gif", "heic"]
    for number, ending in enumerate(endings[:-1]):
        trees.save(tmp_path / "sad" / f"p{number}_Black_Female_x.{ending}", grey=ending == "pgm")
    (tmp_path / "sad" / "p12_Black_Female_x.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    for name in ("._p0_Black_Female_x.jpg", "Thumbs.db", ".DS_Store"):
        (tmp_path / "sad" / name).write_bytes(b"left behind")
    reading = known.read(described([], pattern="{emotion}/{subject_id}_{race}_{gender}_*"))
    assert len(reading.manifest) == len(endings) and len(reading.left_out) == 1
    _, rejected = manifest.keep_usable(manifest.check_images(reading.manifest))
    reasons = rejected["path"].str.rpartition(".")[2] + ": " + rejected["reason"]
    expected = "heic: cannot be decoded (HEIC is not read here: save it as JPEG or PNG): replace the file"
    assert reasons.tolist() == [expected]


def test_codes_are_translated_and_left_out_with_their_reason(described):
    path = described(
        ["angry/1_NO_f_a.jpg", "Happiness/1_NO_F_b.jpg", "contempt/1_NO_f_c.jpg"],
        emotion={"angry": "anger", "happiness": "happy", "contempt": {"leave_out": "not one of the seven"}},
        race={"NO": "Norse"},
        gender={"f": "Female", "m": "Male"},
    )
    reading = known.read(path)
    assert reading.manifest["emotion"].tolist() == ["happy", "anger"]
    assert set(reading.manifest["group"]) == {"Norse Female"}
    assert "not one of the seven" in reading.left_out["reason"].tolist()
    assert set(reading.codes["code"]) == {"ANGRY", "HAPPINESS", "CONTEMPT", "NO", "F"}


def test_a_code_that_is_not_listed_is_an_error_with_the_file_to_edit(described):
    path = described(["angry/1_B_F_a.jpg", "bored/1_B_F_b.jpg"], emotion={"angry": "anger"})
    with pytest.raises(InputError, match="dataset.yaml: emotion 'BORED' .*b.jpg.*Known there: emotion: ANGRY"):
        known.read(path)


def test_a_label_that_is_not_translated_is_an_error(described):
    with pytest.raises(InputError, match="unknown emotion 'angry'.*Allowed: anger"):
        known.read(described(["angry/1_B_F_a.jpg"]))


def test_a_path_that_does_not_follow_the_pattern_is_named(described):
    path = described(["anger/1_B_F_a.jpg", "anger/strange.jpg"])
    with pytest.raises(InputError, match="1 of 2 images .*anger/strange.jpg.*leave_out_files"):
        known.read(path)
    listed = known.read(described([], leave_out_files={"strange*": "a test card"})).left_out
    assert "a test card" in listed["reason"].tolist()


def test_without_ids_of_people_it_has_to_be_said_and_costs(described):
    images = ["anger/img1_Black_F.jpg", "sad/img2_Black_F.jpg"]
    pattern = "{emotion}/*_{race}_{gender}.jpg"
    with pytest.raises(InputError, match="subject_id: each image.*intervals come out too narrow"):
        known.read(described(images, pattern=pattern))
    reading = known.read(described(images, pattern=pattern, subject_id="each image"))
    assert reading.manifest["subject_id"].is_unique
    assert "every image counts as a person of its own" in reading.notes[0]


def test_labels_that_all_images_share_can_be_stated(described):
    path = described(["fear/KA.jpg"], pattern="{emotion}/{subject_id}.jpg", race="Asian", gender="Female")
    assert known.read(path).manifest["group"].tolist() == ["Asian Female"]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"pattern": None}, "needs a line `pattern"),
        ({"pattern": "{emotion}/{subject_id}_*.jpg"}, "no part {race}.*CSV manifest"),
        (
            {"pattern": "{emotion}/{subject_id}_*.jpg", "race": "Asian", "gender": "F"},
            "gender: unknown gender 'F'.*Female, Male",
        ),
        ({"subject_id": "{person}"}, "subject_id '{person}' needs parts that the pattern has .emotion, subject_id"),
        ({"emotion": {"a": "angry"}}, "emotion: a: unknown emotion 'angry'"),
        ({"emotion": {"a": {"lable": "anger"}}}, "needs either `label` or `leave_out`"),
        ({"emotion": {"a": {"label": "anger", "confidence": "sure"}}}, "unknown confidence 'sure'"),
        ({"emotion": ["anger"]}, "needs lines `CODE: label`"),
        ({"emotion": {"s": "sad", "S": "surprise"}}, "emotion: .: is given twice"),
        ({"leaveout_files": {"*": "x"}}, "'leaveout_files' is no line of such a file. Did you mean 'leave_out_files'"),
    ],
)
def test_an_incomplete_description_is_one_message_with_the_remedy(described, changes, words):
    with pytest.raises(InputError, match=words):
        known.read(described(["anger/p7_Black_Female_01.jpg"], **changes))


def test_a_description_without_images_says_so(described):
    with pytest.raises(InputError, match="mine: no images in"):
        known.read(described([]))


def test_codes_of_fixed_length_and_ids_of_several_parts(described):
    pattern = "**/{race:1}{gender:1}{number:2}-{session}_{emotion}.png"
    path = described(
        ["deep/er/BF07-s2_anger.png", "WM01-s1_sad.png"],
        pattern=pattern, subject_id="{race}{gender}{number}", race={"B": "Black", "W": "White"},
    )  # fmt: skip
    assert known.read(path).manifest["subject_id"].tolist() == ["mine-WM01", "mine-BF07"]
    assert folder.compile_pattern(pattern)[1] == ["race", "gender", "number", "session", "emotion"]
