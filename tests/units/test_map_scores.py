"""What maps score beside their controls: against a network known by hand."""

import numpy as np
import pandas as pd
import pytest

from ferlib.units import explanations, map_scores, means, regions


def test_a_map_of_what_the_network_reads_lies_in_the_region_and_the_controls_are_what_they_say(network, faces, masks):
    manifest, present, pixels = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"), per_person=2)
    maps = explanations.explain(network, pixels, asked, method="integrated-gradients")
    table = map_scores.scored(maps, asked, masks).set_index("measure")
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
    asked = explanations.questions(network, manifest, present, ("au01", "au12"), per_person=2)
    same = np.random.default_rng(0).random((len(manifest), 16, 16))[asked["row"]]
    mass = map_scores.scored(same, asked, masks).query("measure == 'mass'").dropna(subset="other_unit")
    assert len(mass) == 4
    np.testing.assert_allclose(mass["value"], mass["other_unit"])


def test_maps_without_a_region_or_a_face_have_a_status(network, faces, masks):
    manifest, present, _ = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
    maps = np.ones((len(asked), 16, 16))
    maps[0] = np.nan
    maps[1] = -1
    some = regions.from_masks(
        ["p0", "p0", "p1"], ["au01", "au12", "au01"], masks.masks[:3], [False] * 3, by="subject_id"
    )
    table = map_scores.scored(maps, asked, some).query("measure == 'mass'")
    statuses = ["not finite", "no positive relevance", "ok", "no region", "no region", "no region"]
    assert table["status"].to_list() == statuses
    assert table["even"].iloc[2] == pytest.approx(14 * 16 / 16**2)
    assert map_scores.scored(maps, asked, some).query("measure == 'outside_face'")["value"].isna().all()
    nobody = regions.from_masks([], [], np.empty((0, 16, 16), bool), [], by="subject_id")
    assert (map_scores.scored(maps, asked, nobody)["status"] == "no region").all()


def test_each_network_stands_beside_the_three_controls_of_the_same_images(network, faces, masks):
    manifest, present, pixels = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"), per_person=2)
    right = explanations.explain(network, pixels, asked, method="integrated-gradients")
    maps = {"right": right, "untrained": np.ones_like(right)}
    scores = map_scores.of_networks(maps, asked, masks)
    rules = {"delta": 0.1, "min_people": 2, "draws": 100, "seed": 1}
    found = map_scores.against_controls(scores, **rules)
    pairs = list(dict.fromkeys(zip(found["network"], found["control"], strict=True)))
    controls = [("right", "even"), ("right", "other unit"), ("right", "untrained")]
    assert pairs == [*controls, ("untrained", "even"), ("untrained", "other unit")]
    assert set(found.query("control == 'other unit'")["measure"]) == {"mass"}
    own = found.query("network == 'right' and control == 'untrained' and measure == 'mass'")
    assert (own["mean_a"] == 1).all() and own["mean_b"].to_list() == pytest.approx([2 / 16] * 2)
    people = manifest[["subject_id"]].drop_duplicates()
    summed = means.by_group(scores.query("network == 'right'"), people, attributes=[]).assign(network="right")
    drawn = map_scores.beside_controls(summed, found, scores)
    assert drawn["even"].to_list() == pytest.approx([2 / 14] * 2) and drawn["untrained"].equals(
        own["mean_b"].set_axis([0, 1])
    )
    assert len(map_scores.a_row_each(scores.assign(method="x"))) == 2 * len(asked)


def test_methods_are_contrasted_with_the_untrained_network_by_the_same_method(network, faces, masks):
    manifest, present, pixels = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
    right = explanations.explain(network, pixels, asked, method="integrated-gradients")
    by_method = {
        "good": {"trained": right, "untrained": np.ones_like(right)},
        "poor": {"trained": np.ones_like(right), "untrained": right},
    }
    rules = {"delta": 0.1, "min_people": 2, "draws": 100, "seed": 1}
    found = map_scores.of_methods(by_method, asked, masks, **rules).set_index("method")
    assert found["mass"].to_dict() == pytest.approx({"good": 1, "poor": 2 / 16})
    assert found["untrained"].to_dict() == pytest.approx({"good": 2 / 16, "poor": 1})


def test_what_lies_outside_the_face_is_drawn_for_one_unit_and_attribute():
    columns = ["network", "unit", "by", "group", "measure", "mean", "reason"]
    rows = [("a", "au12", "tone", "dark", "outside_face", 0.4, ""), ("a", "au12", "tone", "dark", "mass", 0.3, "")]
    rows += [("a", "au04", "tone", "dark", "outside_face", 0.1, ""), ("a", "au12", "all", "", "outside_face", 0.2, "")]
    found = map_scores.outside_face(pd.DataFrame(rows, columns=columns), unit="au12", attribute="tone")
    assert found["mean"].to_list() == [0.4] and "au12" in found["question"].item() and "reason" not in found
