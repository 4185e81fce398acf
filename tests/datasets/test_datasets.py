"""A manifest is checked before anything is computed from it; nothing is dropped without a word."""

import pandas as pd
import pytest
from PIL import Image

from ferlib import provenance
from ferlib.datasets import folder, known, manifest, reading
from ferlib.errors import InputError
from ferlib.stats import intake

ROWS = [
    ("a1", "a1.png", "p1", "anger", "Black", "Female"),
    ("a2", "a2.png", "p1", "sad", "Black", "Female"),
    ("b1", "b1.png", "p2", "anger", "White", "Male"),
]


@pytest.fixture
def dataset(tmp_path):
    """A folder with three images and their manifest; returns a writer that changes cells of it."""
    for name, *_ in ROWS:
        Image.new("RGB", (8, 8), (ord(name[0]), 40 * int(name[1]), 60)).save(tmp_path / f"{name}.png")

    def write(changes=(), drop=()):
        frame = pd.DataFrame(ROWS, columns=manifest.REQUIRED).drop(columns=list(drop))
        for row, column, value in changes:
            frame.loc[row, column] = value
        frame.to_csv(tmp_path / "manifest.csv", index=False)
        return str(tmp_path / "manifest.csv")

    return write


def test_a_good_manifest_gets_its_group_dataset_and_paths(dataset, tmp_path):
    frame = known.read(dataset()).manifest
    assert frame["group"].tolist() == ["Black Female", "Black Female", "White Male"]
    assert set(frame["dataset"]) == {tmp_path.name}
    assert frame["path"].tolist() == [str(tmp_path / f"{name}.png") for name in ("a1", "a2", "b1")]


@pytest.mark.parametrize(
    "changes, drop, words",
    [
        ([(1, "image_id", "a1")], [], ["duplicate image_id 'a1'", "row 2, 3", "id of its own"]),
        ([(2, "emotion", "angry")], [], ["unknown emotion 'angry'", "row 4", "anger, disgust", "Rename"]),
        ([(0, "gender", "F")], [], ["unknown gender 'F'", "row 2", "Female, Male"]),
        ([(1, "race", "White")], [], ["'p1'", "more than one race", "Black, White", "row 2, 3", "one label"]),
        ([(1, "path", "a1.png")], [], ["one file in several rows", "a1.png", "row 2, 3", "one label"]),
        ([(1, "subject_id", None)], [], ["empty subject_id", "row 3"]),
        ([(1, "path", None)], [], ["empty path", "row 3"]),
        (
            [(0, "race", "NA"), (1, "race", "NA")],
            [],
            ["'race' may be empty or not", "write the name in full"],
        ),
        ([], ["race"], ["lacks the column 'race'", "needs: image_id"]),
        ([], ["path"], ["lacks the column 'path'"]),
    ],
)
def test_a_bad_manifest_gets_one_message_with_file_row_value_and_remedy(dataset, changes, drop, words):
    with pytest.raises(InputError) as caught:
        known.read(dataset(changes, drop))
    assert all(word in str(caught.value) for word in ["manifest.csv", *words]), str(caught.value)


@pytest.mark.parametrize("name", ["megaface", "data/raw/nobody/manifest.csv", "data/raw/nobody/dataset.yaml"])
def test_an_unknown_dataset_is_named_with_what_can_be_given(name):
    with pytest.raises(InputError) as caught:
        known.read(name)
    assert name in str(caught.value) and "'demo'" in str(caught.value) and "data/raw/README.md" in str(caught.value)


@pytest.mark.parametrize("gender", ["unsure", "unknown", "Non-binary"])
def test_a_gender_that_is_unsure_is_a_value_like_any_other(dataset, gender):
    reading = known.read_all([dataset([(2, "gender", gender)])])
    assert reading.manifest["group"].tolist() == ["Black Female", "Black Female", f"White {gender}"]
    table = reading.manifest.drop(columns="group").assign(predicted=reading.manifest["emotion"])
    taken = intake.read(table)
    assert set(taken.manifest["gender"]) == {"Female", gender} and "3 images of 2 people in 2 groups" in taken.summary


def test_one_race_in_two_spellings_is_noted(dataset):
    notes = known.read_all([dataset([(2, "race", "black")])]).notes
    assert len(notes) == 1 and "'Black', 'black'" in notes[0]
    assert known.read_all([dataset()]).notes == ()


def test_a_set_in_which_nobody_occurs_twice_is_noted(dataset):
    (note,) = known.read_all([dataset([(1, "subject_id", "p3")])]).notes
    assert "every image counts as a person of its own" in note and "too narrow" in note


def test_columns_of_ones_own_that_the_audit_overwrites_are_named(dataset):
    path = dataset()
    frame = pd.read_csv(path)
    for own, lost in (
        ({"group": "control", "brightness": 7, "camera": "A"}, "brightness, group"),
        ({"reason": "pilot"}, "reason"),
        ({"group": frame["race"] + " " + frame["gender"], "age": 30}, None),
    ):
        frame.assign(**own).to_csv(path, index=False)
        notes = known.read_all([path]).notes
        assert len(notes) == (lost is not None) and all(f"makes its own: {lost}. Rename" in note for note in notes)
        assert set(own) & {"camera", "age"} <= set(known.read(path).manifest)


def test_a_long_look_at_images_shows_how_far_it_is(dataset, capsys):
    manifest.check_images(known.read(dataset()).manifest)
    assert "images: 100%" in capsys.readouterr().err


def test_the_same_image_under_two_people_or_two_labels_is_noted(dataset, tmp_path):
    path = dataset()
    assert manifest.same_bytes(manifest.check_images(known.read(path).manifest)) == ()
    (tmp_path / "b1.png").write_bytes((tmp_path / "a1.png").read_bytes())
    (note,) = manifest.same_bytes(manifest.check_images(known.read(path).manifest))
    assert "2 files" in note and "a1.png (p1, anger, Black Female)" in note and "b1.png (p2, anger, White Male)" in note


def test_two_datasets_may_not_share_an_image_id(dataset):
    path = dataset()
    with pytest.raises(InputError, match="'a1' occurs in more than one"):
        known.read_all([path, path])


def test_images_that_cannot_be_used_are_listed_with_the_reason(dataset, tmp_path):
    path = dataset([(2, "sha256", "0" * 64)])
    (tmp_path / "a1.png").write_bytes(b"not an image")
    (tmp_path / "a2.png").unlink()
    checked = manifest.check_images(known.read(path).manifest)
    usable, rejected = manifest.keep_usable(checked)
    reasons = dict(zip(rejected["image_id"], rejected["reason"], strict=True))
    assert len(usable) == 0 and set(reasons) == {"a1", "a2", "b1"}
    assert "cannot be decoded" in reasons["a1"] and "no such file" in reasons["a2"] and "differs" in reasons["b1"]


def test_a_single_pixel_is_no_face_and_a_turned_photograph_is_one(dataset, tmp_path):
    path, exif = dataset(), Image.Exif()
    Image.new("RGB", (1, 1)).save(tmp_path / "a1.png")
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(tmp_path / "a2.png", exif=exif)
    _, rejected = manifest.keep_usable(manifest.check_images(known.read(path).manifest))
    assert rejected[["image_id", "reason"]].values.tolist() == [["a1", "is a single pixel: replace the file"]]


def test_a_truncated_image_is_not_taken_for_a_good_one(dataset, tmp_path):
    path = dataset()
    whole = (tmp_path / "b1.png").read_bytes()
    (tmp_path / "b1.png").write_bytes(whole[: len(whole) // 2])
    checked = manifest.check_images(known.read(path).manifest)
    assert checked.set_index("image_id")["reason"].ne("").to_dict() == {"a1": False, "a2": False, "b1": True}


def test_too_many_bad_images_stop_the_study_and_the_message_names_the_first(dataset, tmp_path):
    path = dataset()
    (tmp_path / "a1.png").write_bytes(b"not an image")
    _, rejected = manifest.keep_usable(manifest.check_images(known.read(path).manifest))
    limit = {"n_images": 3, "where": "data/runs/mine/rejected.csv"}
    manifest.limit_rejected(rejected, max_rejected=0.34, **limit)
    words = (
        r"1 of 3 images .* max_rejected = 0.1 .*a1.png .*cannot be decoded.*All of them: data/runs/mine/rejected.csv"
    )
    with pytest.raises(InputError, match=words):
        manifest.limit_rejected(rejected, max_rejected=0.1, **limit)


def test_hashes_are_filled_in_where_the_manifest_has_none(dataset, tmp_path):
    checked = manifest.check_images(known.read(dataset()).manifest)
    assert checked["sha256"].iloc[0] == provenance.sha256(tmp_path / "a1.png")


def test_taking_the_first_people_keeps_all_their_images(dataset):
    frame = folder.read_csv(dataset([(2, "race", "Black"), (2, "gender", "Female")])).manifest
    taken = manifest.take_people(frame, per_group=1)
    assert taken["image_id"].tolist() == ["a1", "a2"]
    assert len(manifest.take_people(frame, per_group=0)) == 3


def test_the_first_people_are_taken_of_each_dataset(dataset):
    frame = folder.read_csv(dataset()).manifest
    both = pd.concat([frame, frame.assign(dataset="second", subject_id="z" + frame["subject_id"])], ignore_index=True)
    assert len(manifest.take_people(both, per_group=1)) == len(both)


def test_ids_that_look_like_numbers_stay_text(dataset):
    changes = [(0, "subject_id", "007"), (1, "subject_id", "007"), (2, "subject_id", "12")]
    frame = known.read(dataset(changes)).manifest
    assert frame["subject_id"].tolist() == ["007", "007", "12"]


def test_codes_and_ids_stay_the_text_that_they_are(dataset):
    """A person of JAFFE is called NA; codes of groups may begin with 0."""
    whole = [(row, "subject_id", "NA") for row in (0, 1)] + [(row, "race", "00") for row in (0, 1)]
    manifest_ = known.read(dataset(whole)).manifest
    assert manifest_["subject_id"].tolist() == ["NA", "NA", "p2"] and manifest_["race"][0] == "00"


def test_a_hash_counts_however_it_is_written(dataset, tmp_path):
    digests = [f" {provenance.sha256(tmp_path / f'{name}.png').upper()}" for name in ("a1", "a2", "b1")]
    read = known.read(dataset([(row, "sha256", digest) for row, digest in enumerate(digests)]))
    assert (manifest.check_images(read.manifest)["reason"] == "").all()


def test_two_columns_of_one_name_are_refused(dataset, tmp_path):
    path = dataset()
    frame = pd.read_csv(path)
    pd.concat([frame, frame[["emotion"]]], axis=1).to_csv(path, index=False)
    with pytest.raises(InputError, match="two columns are called 'emotion'"):
        known.read(path)


def test_people_in_two_spellings_are_told_and_those_of_two_groups_in_two_sets_refused(dataset, tmp_path):
    assert "'P1', 'p1' differ in capitals" in " ".join(known.read_all([dataset([(0, "subject_id", "P1")])]).notes)
    own = known.read(dataset())
    other = own.manifest.assign(image_id="x-" + own.manifest["image_id"], race="Asian", dataset="other")
    with pytest.raises(InputError, match="person 'p1' is of two groups"):
        reading.combine([own, reading.Reading(other)])
