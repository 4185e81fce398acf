"""Which images are asked about, what maps score, what hiding a region does: against a network known by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from ferlib.errors import InputError
from ferlib.units import aunet, looking, regions

SIZE = 16
UNITS = ("au01", "au12")


class Brows(torch.nn.Module):
    """au01 is the brightness of the rows 2 and 3, au12 that of the rows 12 and 13, each above 3 of 5 or so."""

    def forward(self, images):
        brow, mouth = images[:, :, 2:4].mean(dim=(1, 2, 3)), images[:, :, 12:14].mean(dim=(1, 2, 3))
        return torch.stack([brow, mouth], dim=1)


@pytest.fixture
def network():
    return aunet.AUNet("known", aunet.Shape(units=UNITS, size=SIZE), Brows().eval())


@pytest.fixture
def faces():
    """Three people with two images each; the unit's rows are bright where it is present."""
    rows = [(f"p{p}-{k}", f"p{p}", p != 1 or k == 0, k == 1) for p in range(3) for k in range(2)]
    frame = pd.DataFrame(rows, columns=["image_id", "subject_id", "au01", "au12"])
    present = frame[list(UNITS)].astype("Int8")
    pixels = torch.full((6, 3, SIZE, SIZE), 100, dtype=torch.uint8)
    for number, (brow, mouth) in enumerate(present.to_numpy()):
        pixels[number, :, 2:4] += 100 * int(brow)
        pixels[number, :, 12:14] += 100 * int(mouth)
    return frame[["image_id", "subject_id"]].assign(row=range(6)), present, pixels


@pytest.fixture
def masks():
    found = np.zeros((9, SIZE, SIZE), bool)
    found[0::3, 2:4] = found[1::3, 12:14] = found[2::3, 1:15] = True
    owners = np.repeat(["p0", "p1", "p2"], 3)
    return regions.of(owners, ["au01", "au12", "face"] * 3, found, [False] * 9, by="subject_id")


def test_answers_are_the_signs_of_the_logits_and_unlabelled_images_are_left_out(network, faces):
    manifest, present, pixels = faces
    present.loc[4, "au12"] = pd.NA
    table = looking.answers(network, pixels, manifest, present)
    assert len(table) == 11 and (table["found"] == table["present"]).all()
    assert table["found"].equals((table["score"] > 0).astype(int))
    with pytest.raises(InputError, match="none of them has a label"):
        looking.answers(network, pixels, manifest, present.rename(columns={"au01": "au02", "au12": "au04"}))


def test_the_first_images_of_each_person_that_show_the_unit_are_asked_about(network, faces):
    manifest, present, _ = faces
    asked = looking.questions(network, manifest, present, UNITS)
    expected = [
        ("p0-0", "au01"),
        ("p0-1", "au12"),
        ("p1-0", "au01"),
        ("p1-1", "au12"),
        ("p2-0", "au01"),
        ("p2-1", "au12"),
    ]
    assert list(zip(asked["image_id"], asked["unit"], strict=True)) == expected
    assert asked["output"].to_list() == [0, 1] * 3 and asked["row"].to_list() == [0, 1, 2, 3, 4, 5]
    assert len(looking.questions(network, manifest, present, ["au01"], per_person=2)) == 5
    with pytest.raises(
        InputError, match="unit 'au17': 'known' and the labels must both know it. Both know: au01, au12"
    ):
        looking.questions(network, manifest, present, ["au17"])


def test_a_map_of_what_the_network_reads_lies_in_the_region_and_the_controls_are_what_they_say(network, faces, masks):
    manifest, present, pixels = faces
    asked = looking.questions(network, manifest, present, UNITS, per_person=2)
    maps = looking.explain(network, pixels, asked, method="integrated-gradients")
    table = looking.scored(maps, asked, masks).set_index("measure")
    assert (table.loc["mass", "value"] == 1).all() and (table["status"] == "ok").all()
    assert table.loc["mass", "even"].unique() == pytest.approx([2 / 14])
    assert table.loc["outside_face", "even"].unique() == pytest.approx([2 / 16])
    assert (table.loc["outside_face", "value"] == 0).all()
    several = table.loc["mass"].groupby("image_id")["unit"].transform("size") > 1
    assert several.any() and (table.loc["mass", "other_unit"][several.to_numpy()] == 0).all()
    assert table.loc["mass", "other_unit"][~several.to_numpy()].isna().all()
    assert table.loc["rank", "other_unit"].isna().all()


def test_maps_for_any_unit_that_are_the_same_map_do_not_pass_the_control_of_another_unit(faces, masks, network):
    manifest, present, _ = faces
    asked = looking.questions(network, manifest, present, UNITS, per_person=2)
    same = np.random.default_rng(0).random((len(manifest), SIZE, SIZE))[asked["row"]]
    mass = looking.scored(same, asked, masks).query("measure == 'mass'").dropna(subset="other_unit")
    assert len(mass) == 4
    np.testing.assert_allclose(mass["value"], mass["other_unit"])


def test_maps_without_a_region_or_a_face_have_a_status(network, faces, masks):
    manifest, present, _ = faces
    asked = looking.questions(network, manifest, present, UNITS)
    maps = np.ones((len(asked), SIZE, SIZE))
    maps[0] = np.nan
    maps[1] = -1
    some = regions.of(["p0", "p0", "p1"], ["au01", "au12", "au01"], masks.masks[:3], [False] * 3, by="subject_id")
    table = looking.scored(maps, asked, some).query("measure == 'mass'")
    statuses = ["not finite", "no positive relevance", "ok", "no region", "no region", "no region"]
    assert table["status"].to_list() == statuses
    assert table["even"].iloc[2] == pytest.approx(14 * SIZE / SIZE**2)
    assert looking.scored(maps, asked, some).query("measure == 'outside_face'")["value"].isna().all()
    nobody = regions.of([], [], np.empty((0, SIZE, SIZE), bool), [], by="subject_id")
    assert (looking.scored(maps, asked, nobody)["status"] == "no region").all()


def test_hiding_the_region_lowers_the_logit_and_hiding_its_mirror_image_does_not(network, faces, masks):
    manifest, present, pixels = faces
    asked = looking.questions(network, manifest, present, UNITS)
    table = looking.hidden(network, pixels, asked, masks)
    whole = network.logits(pixels)[asked["row"], asked["output"]]
    np.testing.assert_allclose(table["value"], whole, atol=1e-6)
    np.testing.assert_allclose(table["mirror"], 0, atol=1e-6)
    assert (table["apart"] == 1).all()
    middle = regions.of(
        ["p0", "p0", "p1", "p1"], ["au01", "face"] * 2, np.stack([masks.masks[2]] * 4), [False] * 4, by="subject_id"
    )
    none = looking.hidden(network, pixels, asked, middle)
    assert none["value"].isna().all() and none["apart"].iloc[0] == 0


def test_every_person_has_an_untrained_network_of_their_own(faces):
    manifest, present, pixels = faces
    network = aunet.AUNet("own", aunet.Shape(units=UNITS, size=SIZE, stages=1), None)
    asked = looking.questions(network, manifest, present, UNITS)
    found = looking.explain_untrained(network, pixels, asked, method="grad-cam", seed=7)
    for number, person in enumerate(("p0", "p1", "p2")):
        rows = (asked["subject_id"] == person).to_numpy()
        other = network.untrained(seed=7 + number)
        expected = looking.explain(other, pixels, asked[rows], method="grad-cam")
        np.testing.assert_allclose(found[rows], expected, rtol=1e-5, atol=1e-7)
    assert not np.allclose(found[0], looking.explain(network.untrained(seed=8), pixels, asked[:1], method="grad-cam"))
