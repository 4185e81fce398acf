"""Tables of Action Units as their makers write them, and the complaints about those that cannot be used."""

import pandas as pd
import pytest

from ferlib.errors import InputError
from ferlib.units import faces, unit_answers, unit_tables


def manifest():
    names = ["p1-a", "p1-b", "p2-a"]
    return pd.DataFrame(
        {
            "image_id": names,
            "path": [f"data/raw/photos/{name.upper()}.JPG" for name in names],
            "subject_id": ["p1", "p1", "p2"],
            "au01": [0.1, 0.3, 0.9],
            "au12": [0.0, 1.0, 0.29],
        }
    )


def saved(tmp_path, text, name="units.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def lists(frame):
    return {name: frame[name].to_list() for name in frame if unit_tables.unit_of(name)}


def test_openfaces_table_gives_presence_without_a_threshold_and_intensity_with_one(tmp_path):
    """OpenFace writes a blank after each comma, in the header too."""
    text = "filename, success, AU01_r, AU12_r, AU01_c, AU12_c\na.jpg, 1, 0.40, 3.10, 1, 0\nb.jpg, 1, 2.0, 0.0, 0, 1\n"
    path = saved(tmp_path, text)
    assert lists(unit_tables.read(path)) == {"au01": [1, 0], "au12": [0, 1]}
    assert lists(unit_tables.read(path, threshold=2)) == {"au01": [0, 1], "au12": [1, 0]}
    assert unit_tables.read(path)["image"].to_list() == ["a.jpg", "b.jpg"]


def test_openfaces_folder_of_one_file_an_image(tmp_path):
    for name, row in (("a", "1, 0.9, 4.2"), ("b", "1, 0.9, 0.2")):
        saved(tmp_path, f"face, confidence, AU04_r\n{row}\n", f"{name}.csv")
    assert unit_tables.read(tmp_path, threshold=1)["image"].to_list() == ["a", "b"]
    assert lists(unit_tables.read(tmp_path, threshold=1)) == {"au04": [1, 0]}
    saved(tmp_path, "face, AU04_r\n0, 1\n1, 2\n", "c.csv")
    with pytest.raises(InputError, match="c.csv: holds 2 rows.*Keep the row of the right face"):
        unit_tables.read(tmp_path, threshold=1)


def test_of_several_faces_the_surest_counts_and_none_is_said_to_be_none(tmp_path):
    """As OpenFace leaves a folder: a file without a row where it found no face."""
    head = "face, confidence, AU01_r, AU12_r, AU01_c, AU12_c, AU28_c\n"
    rows = {
        "smile": "0, 0.980, 0.68, 2.10, 0.00, 1.00, 0.00\n",
        "noface": "",
        "two": "0, 0.61, 0, 0, 1, 0, 0\n1, 0.95, 0, 0, 0, 1, 1\n",
        "unsure": "0, 0.03, 0.68, 2.10, 0.00, 1.00, 0.00\n",
        "nan": "0, 0.9, -nan(ind), nan, 0, -nan(ind), 1\n",
        "over": "0, 0.9, 5.02, 0, 1, 0, 0\n",
    }
    for name, text in rows.items():
        saved(tmp_path, head + text, f"{name}.csv")
    found = unit_tables.read(tmp_path).set_index("image").fillna(-1)
    expected = {"smile": [0, 1, 0], "noface": [-1] * 3, "two": [0, 1, 1], "unsure": [-1] * 3, "nan": [0, -1, 1]}
    assert {name: found.loc[name].to_list() for name in expected} == expected
    assert unit_tables.read(tmp_path, threshold=1).set_index("image").loc["over", "au01"] == 1


@pytest.mark.parametrize(
    "text, expected",
    [
        ("input,frame,FaceScore,AU01,AU12\na.jpg,0,0.99,0.71,0.20\na.jpg,0,0.61,0.10,0.90\n", [1, 0]),
        ("Filename,FaceScore,AU01,AU12\na.jpg,0.2,0.1,0.1\na.jpg,0.8,0.1,0.9\n", [0, 1]),
        ("image_id,facial_expression,au_1,au_12,au_1_intensity,au_12_intensity\na,Happiness,0,1,0.2,3.4\n", [0, 1]),
    ],
    ids=["py-feat", "Filename", "LibreFace"],
)
def test_tables_are_read_as_the_programs_write_them(tmp_path, text, expected):
    threshold = None if "au_1" in text else 0.5
    found = unit_tables.read(saved(tmp_path, text), threshold=threshold)
    assert [found["au01"].to_list(), found["au12"].to_list()] == [[value] for value in expected]


def test_the_same_name_in_two_folders_is_told_apart_by_the_folder():
    both = manifest().assign(path=["set/a/x.jpg", "set/b/x.jpg", "set/c/y.jpg"])
    found = pd.DataFrame({"image": ["b/x.jpg", "y"], "au12": pd.array([1, 0], dtype="Int8")})
    assert unit_tables.join(found, both, source="units.csv")["image_id"].to_list() == ["p1-b", "p2-a"]
    with pytest.raises(InputError, match="'x.jpg' stands for 2 images"):
        unit_tables.join(found.assign(image=["x.jpg", "y"]), both, source="units.csv")


def test_images_that_a_table_does_not_tell_about_are_counted_by_group(tmp_path):
    own = manifest().assign(group=["Black Female", "Black Female", "White Male"], au01=0, au12=0)
    own.to_csv(tmp_path / "manifest.csv", index=False)
    table = saved(tmp_path, "image_id,success,AU12_c\np1-a,1,1\np1-b,0,0\n")
    told = faces.read(tmp_path / "manifest.csv", threshold=None, table=table)
    assert [note.partition(": ")[2] for note in told.notes] == [
        "1 of 3 images are not in it: Black Female 0 of 2, White Male 1 of 1.",
        "1 of 2 images show no face that was found: Black Female 1 of 2.",
    ]
    assert faces.read(tmp_path / "manifest.csv", threshold=None).notes == ()


def test_a_programs_table_is_judged_as_a_networks_answers_are(tmp_path):
    own = manifest().assign(au01=[0, 1, 1], au12=[1, 1, 0])
    own.to_csv(tmp_path / "manifest.csv", index=False)
    shown = faces.read(tmp_path / "manifest.csv", threshold=None)
    table = saved(tmp_path, "image_id,success,AU12_c,AU45_c\np1-a,1,1,1\np1-b,0,1,1\n")
    found = unit_answers.of_tables({"openface": table}, shown, threshold=None)
    assert list(found) == ["network", *unit_answers.COLUMNS]
    assert found[["unit", "present", "found"]].to_numpy().tolist() == [["au12", 1, 1], ["au12", 1, 0], ["au12", 0, 0]]
    both = saved(tmp_path, "image_id,AU12_r,AU12_c\np1-a,0.9,0\np1-b,1.4,1\np2-a,0.2,0\n")
    found = unit_answers.of_tables({"openface": both}, shown, threshold=0.3)  # of the labels, which go from 0 to 1
    assert found["found"].tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="openface: no Action Unit of these tables has a label"):
        unit_answers.of_tables({"openface": saved(tmp_path, "image_id,AU45_c\np1-a,1\n")}, shown, threshold=None)


def test_py_feats_table_names_files_and_shares(tmp_path):
    path = saved(tmp_path, "input,AU01,AU12\nphotos/P1-A.JPG,0.71,0.2\nphotos/P2-A.JPG,0.5,\n")
    found = unit_tables.read(path, threshold=0.5)
    assert lists(found) == {"au01": [1, 1], "au12": [0, pd.NA]}
    joined = unit_tables.join(found, manifest(), source=path)
    assert joined["subject_id"].to_list() == ["p1", "p2"] and lists(joined) == lists(found)


def test_our_own_table_and_manifest_agree(tmp_path):
    own = manifest()
    path = tmp_path / "manifest.csv"
    own.to_csv(path, index=False)
    of_manifest = unit_tables.labels(own, threshold=0.3)
    assert lists(of_manifest) == {"au01": [0, 1, 1], "au12": [0, 1, 0]} == lists(unit_tables.read(path, threshold=0.3))


def test_where_no_face_was_found_nothing_is_said(tmp_path):
    path = saved(tmp_path, "image_id,success,AU01_c\np1-a,1,1\np1-b,0,0\n")
    assert lists(unit_tables.read(path)) == {"au01": [1, pd.NA]}


@pytest.mark.parametrize("name", ["p1-b", "P1-B.JPG", "P1-B", "elsewhere/P1-B.JPG", "data/raw/photos/P1-B.JPG"])
def test_an_image_is_known_by_its_id_its_path_or_its_file(name):
    found = pd.DataFrame({"image": [name], "au12": pd.array([1], dtype="Int8")})
    joined = unit_tables.join(found, manifest(), source="units.csv")
    assert joined["image_id"].to_list() == ["p1-b"]
    assert "au01" not in joined, "a unit that the table does not know must not come from the manifest"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,AU01\np1-a,0.4\n", "column 'AU01', row 2: '0.4' is neither 0 nor 1.*threshold"),
        ("image_id,AU01_c\np1-a,1\np1-b,0.4\n", "column 'AU01_c', row 3: '0.4' is neither 0 nor 1. Mend it"),
        ("image_id,AU01_c\np1-a,2\n", r"column 'AU01_c', row 2: '2' is off the scale: 0 \(absent\) or 1 \(present\)"),
        ("image_id,AU01_r\np1-a,5.5\n", "column 'AU01_r', row 2: '5.5' is off the scale: 0 to 1, or 0 to 5"),
        ("image_id,AU01\np1-a,-0.1\n", "column 'AU01', row 2: '-0.1' is off the scale"),
        ("image_id,AU01\np1-a,yes\n", "column 'AU01', row 2: 'yes' is no number"),
        ("image_id,smile\np1-a,1\n", "has no column of an Action Unit.*It has: image_id, smile"),
        ("face,AU01\n0,1\n", "lacks a column that says which image.*Add one with the image_id"),
        ("image_id,AU01\np1-a,1\np1-a,0\n", "column 'image_id', row 2: 'p1-a' is there more than once.*2 such rows"),
        ("image_id,AU01\n,1\n", "column 'image_id', row 2: nan is empty"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_file_column_row_and_value(tmp_path, text, message):
    with pytest.raises(InputError, match=f"units.csv: {message}"):
        unit_tables.read(saved(tmp_path, text))


def test_images_that_cannot_be_found_are_named():
    found = pd.DataFrame({"image": ["p1-a", "p9-a"], "au12": pd.array([1, 0], dtype="Int8")})
    with pytest.raises(InputError, match=r"units.csv: image 'p9-a' is not in the manifest \(1 of 2 rows.*'p1-a'"):
        unit_tables.join(found, manifest(), source="units.csv")
    twin = pd.concat([manifest(), manifest().assign(image_id=["q1", "q2", "q3"])], ignore_index=True)
    with pytest.raises(InputError, match="'P1-A.JPG' stands for 2 images"):
        unit_tables.join(found.assign(image=["P1-A.JPG", "p2-a"]), twin, source="units.csv")
    with pytest.raises(InputError, match="two rows are about the image 'p1-a'"):
        unit_tables.join(found.assign(image=["P1-A.JPG", "p1-a"]), manifest(), source="units.csv")
