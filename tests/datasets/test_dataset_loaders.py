"""RADIATE, CFD and Face Place are read from the names of their files, whole, or not without a word."""

import shutil

import pytest
import trees
from PIL import Image

from ferlib.datasets import conventions, known, manifest, published
from ferlib.errors import InputError


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """The three datasets as published; not to be changed."""
    return trees.all_three(tmp_path_factory.mktemp("raw"))


@pytest.fixture
def raw(tmp_path):
    """An empty place for a few files of a dataset; returns a writer."""

    def write(*names, grey=False):
        for name in names:
            trees.save(tmp_path / name, grey=grey)
        return tmp_path

    return write


@pytest.fixture
def radiate(complete, tmp_path):
    """A whole RADIATE to spoil, and a reader of it that requires the published composition."""
    shutil.copytree(complete / "radiate", tmp_path / "radiate")

    def read():
        reading = known.read_all(["radiate"], raw_dir=tmp_path)
        published.differences(published.compare(reading.manifest), reading.manifest, rule="require")
        _, rejected = manifest.keep_usable(manifest.check_images(reading.manifest))
        manifest.limit_rejected(rejected, n_images=len(reading.manifest), max_rejected=0.0, where="rejected.csv")
        return reading

    return read, tmp_path / "radiate" / "RADIATE_450_COLOR_BMP" / "RADIATE_COLOR_1"


def emotions(reading):
    return dict(zip(reading.manifest["image_id"], reading.manifest["emotion"], strict=True))


def test_the_three_datasets_have_the_published_composition(complete):
    reading = known.read_all(["radiate", "tarr", "cfd"], raw_dir=complete)
    assert reading.manifest["dataset"].value_counts().to_dict() == {"radiate": 1488, "tarr": 1053, "cfd": 1207}
    check = published.compare(reading.manifest)
    assert len(check) == 72 and check["difference"].eq(0).all()
    assert reading.left_out.empty and reading.manifest["image_id"].is_unique
    assert reading.manifest.groupby("dataset")["subject_id"].nunique()["radiate"] == 108


def test_the_original_files_are_not_touched(radiate):
    read, folder = radiate
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*.bmp")}
    read()
    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()
    } == before


@pytest.mark.parametrize("new", ["AF01_AC copy.bmp", "IMG_0001.bmp", "F01_AC.bmp"])
def test_a_renamed_file_is_named_with_the_pattern(radiate, new):
    read, folder = radiate
    (folder / "AF01" / "AF01_AC.bmp").rename(folder / "AF01" / new)
    with pytest.raises(InputError) as caught:
        read()
    for words in ("1 of 1488 images", new, "HF03_FO.bmp", "leave_out_files", "data/conventions/radiate.yaml"):
        assert words in str(caught.value)


def test_a_file_renamed_to_another_person_is_found_by_its_folder(radiate):
    read, folder = radiate
    (folder / "AF01" / "AF01_AC.bmp").rename(folder / "AF01" / "AF31_AC.bmp")
    with pytest.raises(InputError, match="AF31_AC.bmp: the name says person AF31, the folder AF01"):
        read()


def test_a_file_that_lost_its_ending_is_listed_and_missed(radiate):
    read, folder = radiate
    (folder / "AF01" / "AF01_AC.bmp").rename(folder / "AF01" / "AF01_AC.bmp.bak")
    with pytest.raises(InputError, match="1487 images read, 1488 published; 1 of 28 cells differ .Asian anger 43 inst"):
        read()
    listed = known.read("radiate", raw_dir=folder.parents[2]).left_out
    assert listed["reason"].tolist() == ["not an image, by its name"] and "AF01_AC.bmp.bak" in listed["path"].iloc[0]


def test_unknown_codes_are_all_listed_with_the_file_to_edit(radiate):
    read, folder = radiate
    (folder / "AF01" / "AF01_AC.bmp").rename(folder / "AF01" / "AF01_XX.bmp")
    (folder / "BM02" / "BM02_HO.bmp").rename(folder / "BM02" / "BM02_QQ.bmp")
    with pytest.raises(InputError) as caught:
        read()
    for words in ("2 codes", "emotion 'XX' (1 file, for example AF01_XX.bmp)", "'QQ'", "SUR", "radiate.yaml", "label"):
        assert words in str(caught.value)


def test_a_truncated_image_is_named(radiate):
    read, folder = radiate
    path = folder / "AF01" / "AF01_AC.bmp"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="1 of 1488 images cannot be used.*AF01_AC.bmp.*cannot be decoded"):
        read()


def test_a_missing_person_is_named_with_every_cell_that_differs(radiate):
    read, folder = radiate
    shutil.rmtree(folder / "AF03")
    with pytest.raises(InputError) as caught:
        read()
    for words in ("7 of 28 cells differ", "Asian anger 42 instead of 44", "AF03", "composition: report"):
        assert words in str(caught.value)


def test_of_a_colour_and_a_grey_copy_the_colour_one_is_kept_and_the_other_listed(radiate):
    read, folder = radiate
    grey = trees.save(folder.parents[1] / "RADIATE_450_BW_BMP" / "AF01" / "AF01_AC.bmp", grey=True)
    jpeg = trees.save(folder.parents[1] / "RADIATE_JPEGS1" / "AF01_AC.jpg")
    reading = read()
    kept = reading.manifest.set_index("image_id").loc["radiate-AF01_AC", "path"]
    assert kept.endswith("RADIATE_COLOR_1/AF01/AF01_AC.bmp") and len(reading.manifest) == 1488
    assert dict(zip(reading.left_out["path"], reading.left_out["reason"], strict=True)) == {
        str(grey): f"grey copy of {kept}",
        str(jpeg): f"colour copy of {kept}",
    }
    assert set(reading.left_out["cause"]) == {"copy"}


def test_a_colour_jpeg_goes_before_a_grey_bmp_and_a_whole_file_before_a_broken_one(raw):
    folder = raw("radiate/a/AF01_AC.bmp", "radiate/a/AF01_AO.bmp", grey=True)
    raw("radiate/b/AF01_AC.jpg", "radiate/b/AF01_AO.jpg")
    (folder / "radiate/b/AF01_AO.jpg").write_bytes(b"broken")
    reading = known.read("radiate", raw_dir=folder)
    assert [path.split("/")[-1] for path in reading.manifest["path"]] == ["AF01_AC.jpg", "AF01_AO.bmp"]
    assert sorted(reason.split(" copy")[0] for reason in reading.left_out["reason"]) == ["grey", "undecodable"]


def test_of_two_colour_copies_the_bmp_is_kept(raw):
    folder = raw("radiate/1/AF01_AC.jpg", "radiate/2/AF01_AC.png", "radiate/3/AF01_AC.bmp")
    reading = known.read("radiate", raw_dir=folder)
    assert reading.manifest["path"].tolist() == [str(folder / "radiate/3/AF01_AC.bmp")]
    assert len(reading.left_out) == 2


def test_radiate_leaves_out_calm_and_om01_and_says_so(raw):
    folder = raw("radiate/AF01_CC.bmp", "radiate/AF01_CO.bmp", "radiate/OM01_AC.bmp", "radiate/AF01_NO.bmp")
    reading = known.read("radiate", raw_dir=folder)
    assert emotions(reading) == {"radiate-AF01_NO": "neutral"}
    reasons = dict(zip(reading.left_out["image_id"], reading.left_out["reason"], strict=True))
    assert "calm" in reasons["radiate-AF01_CC"] and "calm" in reasons["radiate-AF01_CO"]
    assert "OM01" in reasons["radiate-OM01_AC"] and set(reading.left_out["cause"]) == {"rule"}


@pytest.mark.parametrize("code", ["SUR", "Sur", "sur", "SURin"])
def test_surprise_is_read_however_it_is_written(raw, code):
    reading = known.read("radiate", raw_dir=raw(f"radiate/AF02_{code}.jpg"))
    assert list(emotions(reading).values()) == ["surprise"]
    assert bool(reading.notes) == (code == "SURin")  # the one guess among the codes of RADIATE


def test_both_layouts_of_cfd_give_the_same_manifest(tmp_path):
    manifests = []
    for version in ("3.0", "2.0.3"):
        trees.cfd(tmp_path / version / "cfd", version=version)
        manifests.append(known.read("cfd", raw_dir=tmp_path / version).manifest.drop(columns="path"))
    assert len(manifests[0]) == 1207 and manifests[0].equals(manifests[1])


def test_the_extensions_of_cfd_are_datasets_of_their_own(raw):
    folder = raw(
        "cfd/Images/CFD/LF-200/CFD-LF-200-228-N.jpg", "cfd/Images/CFD-MR/CFD-MM-301-002-N.jpg",
        "cfd/Images/CFD-INDIA/CFD-IM-719-221-1-N.jpg", "cfd/Images/CFD-INDIA/sub/CFD-IF-601-519-N.jpg",
    )  # fmt: skip
    alone = known.read("cfd", raw_dir=folder)
    assert alone.manifest[["image_id", "race", "group"]].values.tolist() == [
        ["cfd-LF-200-228-N", "Hispanic", "Hispanic Female"]
    ]
    assert sorted(alone.left_out["reason"].str.split(":").str[0]) == ["belongs to cfd-india"] * 2 + [
        "belongs to cfd-mr"
    ]
    india = known.read("cfd-india", raw_dir=folder).manifest
    assert dict(zip(india["image_id"], india["subject_id"], strict=True)) == {
        "cfd-india-IF-601-519-N": "cfd-india-IF-601", "cfd-india-IM-719-221-1-N": "cfd-india-IM-719",
    }  # fmt: skip
    every = known.read_all(["cfd", "cfd-mr", "cfd-india"], raw_dir=folder)
    assert len(every.manifest) == 4 and every.left_out.empty
    assert every.manifest["dataset"].value_counts().to_dict() == {"cfd-india": 2, "cfd": 1, "cfd-mr": 1}


def test_a_cfd_image_in_the_folder_of_another_target_is_an_error(raw):
    with pytest.raises(InputError, match="the name says person AF-201, the folder AF-200"):
        known.read("cfd", raw_dir=raw("cfd/AF-200/CFD-AF-201-228-N.jpg"))


def test_only_the_frontal_views_of_face_place_are_used(raw):
    views = ["90L", "60L", "45L", "30L", "30R", "45R", "60R", "90R"]
    folder = raw(*(f"tarr/Caucasian/CF0001_1101_{code}.jpg" for code in [*views, "00F", "HA"]))
    raw("tarr/Asian/AF0304_1101_NE.jpg", "tarr/Multiracial/MF0907_1100_HA.tiff")
    reading = known.read("tarr", raw_dir=folder)
    assert emotions(reading) == {
        "tarr-AF0304_1101_NE": "neutral", "tarr-CF0001_1101_00F": "neutral", "tarr-CF0001_1101_HA": "happy",
    }  # fmt: skip
    assert set(reading.manifest["race"]) == {"White", "Asian"} and reading.notes == ()
    reasons = reading.left_out["reason"].value_counts().to_dict()
    assert sorted(reasons.values()) == [1, 8] and any("frontal" in reason for reason in reasons)


def test_the_guessed_codes_of_face_place_are_read_with_a_warning(raw):
    reading = known.read("tarr", raw_dir=raw("tarr/CF0001_1101_AN.jpg"))
    assert emotions(reading) == {"tarr-CF0001_1101_AN": "anger"}
    assert "AN (anger, 1 file) is a guess" in reading.notes[0] and "data/conventions/" in reading.notes[0]


def test_what_was_seen_in_public_is_in_the_conventions():
    seen = {
        "radiate": {
            "AC": "anger",
            "AO": "anger",
            "FC": "fear",
            "FO": "fear",
            "HC": "happy",
            "HE": "happy",
            "NC": "neutral",
        },
        "cfd": {"N": "neutral", "A": "anger", "F": "fear", "HC": "happy", "HO": "happy"},
        "tarr": {"NE": "neutral", "HA": "happy"},
    }
    for name, codes in seen.items():
        table = conventions.load(name).codes["emotion"]
        assert {code: table[code]["label"] for code in codes} == codes
        assert all(table[code]["confidence"] == "high" and table[code]["source"] for code in codes)


@pytest.mark.parametrize("name", ["radiate", "tarr", "cfd", "cfd-mr", "cfd-india"])
def test_a_missing_dataset_says_where_to_get_it_its_terms_and_where_to_put_it(tmp_path, name):
    with pytest.raises(InputError) as caught:
        known.read(name, raw_dir=tmp_path)
    for words in (name, "https://", "Terms:", f"{tmp_path}/{name[:3] if name.startswith('cfd') else name}/", "skip_m"):
        assert words in str(caught.value)


def test_missing_datasets_can_be_skipped_and_what_they_leave_out_is_said(complete, tmp_path):
    (tmp_path / "cfd").symlink_to(complete / "cfd")
    reading = known.read_all(["radiate", "tarr", "cfd"], raw_dir=tmp_path, skip_missing=True)
    assert set(reading.manifest["dataset"]) == {"cfd"} and reading.missing["dataset"].tolist() == ["radiate", "tarr"]
    lost = published.only_there(reading.missing, reading.manifest).set_index("dataset")
    assert lost["n_images"].to_dict() == {"radiate": 1488, "tarr": 1053}
    assert "Hispanic: anger, disgust, fear, happy, sad, surprise" in lost.loc["radiate", "without_it"]
    assert "Black: disgust, sad, surprise" in lost.loc["tarr", "without_it"]


def test_with_none_of_the_datasets_there_is_nothing_to_skip_to(tmp_path):
    with pytest.raises(InputError, match="None of the datasets is there.*radiate.*tarr"):
        known.read_all(["radiate", "tarr"], raw_dir=tmp_path, skip_missing=True)


def test_what_the_system_left_behind_is_no_image(raw):
    folder = raw("radiate/AF01_AC.bmp", "radiate/__MACOSX/._AF01_AO.bmp", "radiate/._AF01_AC.bmp")
    (folder / "radiate" / "Thumbs.db").write_bytes(b"")
    reading = known.read("radiate", raw_dir=folder)
    assert len(reading.manifest) == 1 and reading.left_out.empty


def test_files_of_a_loader_can_be_decoded_as_they_are(complete):
    path = next((complete / "tarr").rglob("*.jpg"))
    with Image.open(path) as image:
        assert image.mode == "RGB"
