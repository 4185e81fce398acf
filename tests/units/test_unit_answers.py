"""What networks answer: the signs of the logits, kinds of images, and the same faces with and without a mark."""

import pandas as pd
import pytest

from ferlib.errors import InputError
from ferlib.units import unit_answers
from ferlib.units.faces import Faces


def test_answers_are_the_signs_of_the_logits_and_unlabelled_images_are_left_out(network, faces):
    manifest, present, pixels = faces
    present.loc[4, "au12"] = pd.NA
    table = unit_answers.answers(network, pixels, manifest, present)
    assert len(table) == 11 and (table["found"] == table["present"]).all()
    assert table["found"].equals((table["score"] > 0).astype(int))
    with pytest.raises(InputError, match="none of them has a label"):
        unit_answers.answers(network, pixels, manifest, present.rename(columns={"au01": "au02", "au12": "au04"}))


def test_several_networks_answer_as_each_does_alone_and_rows_of_a_kind_are_its_images(network, faces):
    manifest, present, pixels = faces
    shown = Faces(manifest.assign(kind=["x", "y", "z"] * 2), present, [])
    found = unit_answers.of_networks({"a": network, "b": network}, dict.fromkeys("ab", pixels), shown)
    alone, keys = unit_answers.answers(network, pixels, manifest, present), ["image_id", "unit"]
    for name in "ab":
        own = found[found["network"] == name].drop(columns="network").sort_values(keys, ignore_index=True)
        pd.testing.assert_frame_equal(own, alone.sort_values(keys, ignore_index=True))
    rows = unit_answers.by_kind(found, shown, {"first": ["x", "z"], "second": ["y", "z"]})
    assert list(dict.fromkeys(zip(rows["network"], rows["kind"], strict=True))) == [
        ("a", "first"), ("a", "second"), ("b", "first"), ("b", "second")
    ]  # fmt: skip
    assert set(rows.query("kind == 'second'")["image_id"]) == set(manifest["image_id"][[1, 2, 4, 5]])


def test_only_units_that_some_image_shows_are_kept():
    table = pd.DataFrame({"unit": ["au01", "au01", "au12"], "present": [0, 1, 0]})
    assert unit_answers.that_occur(table)["unit"].to_list() == ["au01", "au01"]


def test_the_same_faces_are_counted_with_the_mark_and_without_it(network, faces):
    manifest, present, pixels = faces
    shown, bears = Faces(manifest, present, []), (present["au12"] == 1).to_numpy(bool)
    bright = pixels.clone()
    bright[bears, :, 12:14] = 250
    answered = unit_answers.of_networks({"a": network}, {"a": bright}, shown)
    found = unit_answers.without_mark({"a": network}, pixels, shown, answered, unit="au12", images=bears)
    assert found["the same faces"].to_list() == ["with the mark", "without it"]
    assert found["images"].to_list() == [3, 3] and found["people"].to_list() == [3, 3]
    assert found["recall"].to_list() == [1, 1]
    assert found["mean logit"].to_list() == pytest.approx([(250 / 255 - 0.5) / 0.5, (200 / 255 - 0.5) / 0.5])
