"""Files as people have them: read rightly whatever program wrote them, with a note of every guess, or refused."""

import bz2
import gzip
import lzma
import re

import numpy as np
import pandas as pd
import pytest

from ferlib import labels, paths
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.stats import intake, sheets

CASES = paths.ROOT / "tests" / "recorded" / "intake"


def plain(people=2):
    rows = [
        (f"{race[0]}{gender[0]}{number}-{emotion}", f"{race[0]}{gender[0]}{number}", emotion, race, gender, emotion)
        for race in ("Black", "White")
        for gender in ("Female", "Male")
        for number in range(people)
        for emotion in EMOTIONS
    ]
    return pd.DataFrame(rows, columns=list(intake.REQUIRED))


def taken(tmp_path, table, **options):
    table.to_csv(tmp_path / "mine.csv", index=False)
    return intake.read(tmp_path / "mine.csv", **options)


@pytest.mark.parametrize(
    "case, people, groups, wrong, words",
    [
        ("06_excel_sep", 24, 4, 32, ()),
        ("06b_excel_sep_semicolon", 24, 4, 32, ("separated by ';'",)),
        ("16_decimal_comma_semicolon", 24, 4, 32, ("separated by ';'",)),
        ("31_adjectives", 24, 4, 32, ("emotion: read as", "predicted: read as", "surprised = surprise")),
        ("34_contempt_predicted", 24, 4, 47, ("count as wrong: 'contempt' (19)",)),
        ("36_no_face", 24, 4, 47, ()),
        ("45b_gender_case_by_person", 24, 4, 32, ("gender: 'male' (21 rows) was read as 'Male'",)),
        ("60b_leading_zeros_lost_in_half", 24, 4, 32, ("24 people, not 48",)),
        ("73c_capital_Dataset_column", 48, 4, 65, ("'Dataset' was taken for `dataset`",)),
        ("80_markup_in_labels", 24, 4, 32, ()),
    ],
)
def test_a_file_of_a_known_kind_is_read_and_every_guess_is_said(case, people, groups, wrong, words):
    """The wrong answers were counted with Python's own csv and nothing else."""
    manifest, predictions, notes = intake.read(CASES / f"{case}.csv")
    counted = manifest[["dataset", "subject_id"]].drop_duplicates()
    assert (len(counted), manifest["group"].nunique()) == (people, groups)
    right = predictions["predicted"].to_numpy() == manifest["emotion"].to_numpy()
    assert len(right) == (336 if people == 48 else 168) and (~right).sum() == wrong
    assert len(notes) == (2 if case == "31_adjectives" else len(words) > 0)
    assert all(word in " ".join(notes) for word in words)


@pytest.mark.parametrize(
    "case, words",
    [
        ("20d_open_quote", ["row 11 is never closed"]),
        ("22_two_open_quotes_swallow_rows", ["stray quotation mark in row 11", "one cell of 11 lines"]),
        ("42_race_NA_native_american", ["'race' may be empty or not: 'NA' in row 2, 3", "Native American", "unknown"]),
    ],
)
def test_a_file_that_would_be_read_wrong_is_refused(case, words):
    with pytest.raises(InputError) as caught:
        intake.read(CASES / f"{case}.csv")
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "leave" not in str(caught.value)


def test_no_face_and_foreign_labels_are_outcomes_of_their_own():
    _, predictions, _ = intake.read(CASES / "36_no_face.csv")
    assert (predictions["status"] == "no_face").sum() == 17
    _, predictions, _ = intake.read(CASES / "34_contempt_predicted.csv")
    assert (predictions["status"] == labels.OTHER_LABEL).sum() == 19 and predictions["predicted"].isna().sum() == 19


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=repr)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiter_and_encoding_are_found(tmp_path, delimiter, encoding):
    table = plain().assign(subject_id=lambda rows: rows["subject_id"] + "é", note="a,b;c|d")
    (tmp_path / "mine.csv").write_bytes(table.to_csv(index=False, sep=delimiter).encode(encoding))
    manifest, _, notes = intake.read(tmp_path / "mine.csv")
    assert (manifest["subject_id"].to_numpy() == table["subject_id"]).all()
    assert len(notes) == (delimiter != ",") + (encoding in ("utf-16", "cp1252"))


@pytest.mark.parametrize("kind", ["parquet", "parquet of numbers", "gzip", "gzip of parquet", "frame"])
def test_what_a_file_is_its_content_says(tmp_path, kind):
    table, path = plain(), tmp_path / "mine.csv"
    if kind == "parquet of numbers":
        table["subject_id"] = pd.factorize(table["subject_id"])[0]
        table["repeat"] = 0.0
    table.to_parquet(path) if "parquet" in kind else table.to_csv(path, index=False)
    if "gzip" in kind:
        path.write_bytes(gzip.compress(path.read_bytes()))
    manifest, predictions, _ = intake.read(table if kind == "frame" else path)
    assert (manifest["subject_id"].to_numpy() == table["subject_id"].astype(str)).all()
    assert (predictions["predicted"].to_numpy() == table["predicted"]).all() and (predictions["repeat"] == 0).all()


@pytest.mark.parametrize(
    "content, words",
    [
        (b"PK\x03\x04...", "a workbook"),
        (b"PAR1...", "is damaged"),
        (b"\x1f\x8b123", "is damaged"),
        (b"\x00\x81", "text"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, words):
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(InputError, match=words):
        sheets.read(tmp_path / "mine.csv")


def test_a_remark_over_several_lines_is_no_fault(tmp_path):
    table = plain().assign(remark="first, second\nthird")
    assert len(taken(tmp_path, table).manifest) == len(table)


@pytest.mark.parametrize("twin", ["black", "BLACK ", "Black\u200b", "\ufeffBlack", "Bla\u00adck"])
def test_twins_of_a_group_are_one_group_and_it_is_said(tmp_path, twin):
    table = plain()
    table.loc[table["subject_id"] == "BF0", "race"] = twin
    manifest, _, notes = taken(tmp_path, table)
    assert set(manifest["race"]) == {"Black", "White"} and len(notes) == 1 and "race: " in notes[0]


@pytest.mark.parametrize("spelling", ["001", "1.0", "01"])
def test_one_number_is_one_person(tmp_path, spelling):
    table = plain()
    table["subject_id"] = (pd.factorize(table["subject_id"])[0] + 1).astype(str)
    table.loc[table.index[(table["subject_id"] == "1")][:3], "subject_id"] = spelling
    manifest, _, notes = taken(tmp_path, table)
    assert manifest["subject_id"].nunique() == 8 and "8 people, not 9" in notes[0]
    table.loc[table["subject_id"] == spelling, ["race", "gender"]] = ["White", "Male"]
    manifest, _, notes = taken(tmp_path, table)
    assert manifest["subject_id"].nunique() == 9 and "left apart" in notes[0]


def test_one_person_with_most_images_of_a_group_is_named(tmp_path):
    table = plain(6)
    more = table[table["subject_id"] == "WM0"]
    again = [more.assign(image_id=more["image_id"] + f"-{take}") for take in range(300)]
    *_, notes = taken(tmp_path, pd.concat([table, *again]))
    assert notes == (
        "White Male (data): 98% of the images are of one of 6 people; for a rate the group is worth about 1.0 people.",
    )


def test_other_names_of_columns_are_understood_and_two_candidates_are_asked_about(tmp_path):
    names = {"image_id": "File Name", "subject_id": "Person", "emotion": "y_true", "predicted": "dominant_emotion"}
    manifest, _, notes = taken(tmp_path, plain().rename(columns=names))
    assert len(manifest) == 56 and len(notes) == 4
    unclear = plain().rename(columns={"emotion": "label"}).assign(target="anger")
    with pytest.raises(InputError, match="'label' and 'target' could each be the column 'emotion'. Say which: COLUMNS"):
        taken(tmp_path, unclear)
    assert len(taken(tmp_path, unclear, columns={"emotion": "label"}).manifest) == 56
    with pytest.raises(InputError, match="COLUMNS: emotion=nothing: give one of"):
        taken(tmp_path, unclear, columns={"emotion": "nothing"})


def test_another_column_can_stand_for_one_that_is_there(tmp_path):
    table = plain().assign(age=lambda rows: np.where(rows["subject_id"].str.endswith("0"), "old", "young"))
    manifest, _, notes = taken(tmp_path, table, columns={"race": "age"})
    assert set(manifest["race"]) == {"old", "young"} and notes == ("As COLUMNS says, `race` is the column 'age'.",)


def test_numbers_of_classes_need_their_order(tmp_path):
    table = plain()
    order = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral", "contempt")
    numbers = {labels.words()["emotions"].get(name, name): str(number) for number, name in enumerate(order)}
    coded = table.assign(emotion=table["emotion"].map(numbers), predicted=table["predicted"].map(numbers))
    coded.loc[0, "predicted"] = "7"
    with pytest.raises(InputError, match="CLASSES="):
        taken(tmp_path, coded)
    manifest, predictions, notes = taken(tmp_path, coded, classes=order)
    assert (manifest["emotion"].to_numpy() == table["emotion"]).all() and "'contempt' (1)" in " ".join(notes)
    assert (predictions["predicted"][1:].to_numpy() == table["predicted"][1:]).all()


def test_the_most_probable_label_is_the_prediction(tmp_path):
    table = plain().drop(columns="predicted")
    random = np.random.default_rng(0).random((len(table), 8))
    names = ["p_angry", "p_disgust", "p_fear", "p_happy", "p_neutral", "p_sad", "p_surprise", "p_contempt"]
    table[names] = random / random.sum(axis=1, keepdims=True)
    _, predictions, notes = taken(tmp_path, table.assign(p_value=-7))
    best = np.array([*EMOTIONS, None], dtype=object)[random.argmax(axis=1)]
    assert all(one == other or (other is None) for one, other in zip(predictions["predicted"], best, strict=True))
    assert (predictions["status"] == labels.OTHER_LABEL).sum() == (random.argmax(axis=1) == 7).sum() > 0
    assert "p_contempt" in notes[0] and "p_value" not in notes[0]


def test_the_summary_counts_what_was_read(tmp_path):
    table = plain().assign(model="one")
    other = table.iloc[3:].assign(model="two", predicted="No face")
    expected = "109 rows: 56 images of 8 people in 4 groups, 2 model(s); 53 without an answer, 3 not asked"
    assert taken(tmp_path, pd.concat([table, other])).summary == expected


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_packed_files_are_opened_and_others_are_named(tmp_path, pack):
    path = tmp_path / "mine.csv"
    path.write_bytes(pack(plain().to_csv(index=False).encode()))
    assert len(intake.read(path).manifest)
    for begin, kind in sheets.KINDS.items():
        path.write_bytes(begin + b"\0" * 300)
        with pytest.raises(InputError, match=re.escape(f"mine.csv: is {kind}, not a CSV")):
            intake.read(path)
    with pytest.raises(InputError, match="is a folder"):
        intake.read(tmp_path)


def test_a_frame_keeps_its_named_index_and_huge_numbers(tmp_path):
    frame = plain().set_index("image_id").assign(unused=1e20)
    assert intake.read(frame).manifest["image_id"].tolist() == plain()["image_id"].tolist()
    frame.to_parquet(tmp_path / "mine.parquet")
    assert len(intake.read(tmp_path / "mine.parquet").manifest) == plain()["image_id"].nunique()
    with pytest.raises(InputError, match="two columns are called 'race'"):
        intake.read(plain().assign(**{"race ": "other"}))
