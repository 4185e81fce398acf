"""Tables of Action Units as their makers write them, and the complaints about those that cannot be used."""

import pandas as pd
import pytest

from ferlib.errors import InputError
from ferlib.units import unit_tables


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
    saved(tmp_path, "face, confidence, AU04_r\n0, 0.9, 1\n1, 0.8, 2\n", "c.csv")
    with pytest.raises(InputError, match="c.csv: holds 2 rows.*Keep the row of the right face"):
        unit_tables.read(tmp_path, threshold=1)


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
