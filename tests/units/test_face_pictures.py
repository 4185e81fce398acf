"""What heatmaps are drawn on: the right people in each group, and the best and the worst maps."""

import numpy as np
import pandas as pd
import torch

from ferlib.units import face_pictures, mean_maps, regions

PEOPLE = pd.DataFrame({"subject_id": ["a", "b", "c"], "tone": ["light", "dark", "dark"]})


def test_groups_keep_their_order_and_mean_faces_are_of_their_people():
    groups = face_pictures.groups(PEOPLE, "tone", order=["light", "medium", "dark"])
    assert list(groups) == ["everybody", "light", "dark"] and groups["dark"].tolist() == [False, True, True]
    assert list(face_pictures.groups(PEOPLE, "tone")) == ["everybody", "dark", "light"]
    pixels = torch.tensor([0, 255, 51], dtype=torch.uint8)[:, None, None, None].expand(3, 3, 2, 2)
    grey = face_pictures.grey(pixels)
    found = face_pictures.mean_faces(grey, PEOPLE[["subject_id"]], PEOPLE, groups)
    np.testing.assert_allclose([found[name][0, 0] for name in groups], [0.4, 0, 0.6], atol=1e-6)


def test_mean_maps_of_groups_become_a_row_for_each_block():
    maps = np.random.default_rng(0).random((3, 2, 4, 4))
    groups = face_pictures.groups(PEOPLE, "tone")
    found = mean_maps.per_group(maps, groups, ["au01", "au12"], only=["au12"])
    assert len(found) == 3 * 16 and set(found["unit"]) == {"au12"}
    own = found.query("group == 'dark' and y == 3 and x == 1")["value"].item()
    assert np.isclose(own, maps[1:, 1, 3, 1].mean())


def test_differences_are_of_the_named_groups_and_units():
    maps = np.random.default_rng(1).random((6, 2, 3, 3))
    group_of, rules = np.array(["x", "y"] * 3), {"draws": 50, "seed": 1, "min_people": 2}
    found = mean_maps.contrasts({"n": maps}, group_of, ["au01", "au12"], only=["au12"], names=("y", "x"), **rules)
    assert len(found) == 9 and set(found["unit"]) == {"au12"} and set(found["network"]) == {"n"}
    expected = maps[1::2, 1].mean(axis=0) - maps[::2, 1].mean(axis=0)
    np.testing.assert_allclose(found["value"].to_numpy().reshape(3, 3), expected)


def test_the_extremes_are_those_farthest_above_and_below_an_even_map():
    pairs = [(0.5, 0.2), (0.1, 0.2), (0.9, 0.2), (0.8, 0.75)]  # the map's share, an even map's
    rows = [("n", f"i{k}", "p", "au01", "mass", value, "ok", even) for k, (value, even) in enumerate(pairs)]
    rows += [
        ("n", "i4", "p", "au01", "mass", np.nan, "no region", 0.2),
        ("other", "i5", "p", "au01", "mass", 1, "ok", 0),
    ]
    columns = ["network", "image_id", "subject_id", "unit", "measure", "value", "status", "even"]
    answered = pd.DataFrame({"network": "n", "image_id": [f"i{k}" for k in range(6)], "unit": "au01"})
    scores = pd.DataFrame(rows, columns=columns)
    found = face_pictures.extremes(scores, answered.assign(found=[1, 0] * 3), network="n", n=2)
    assert found["image_id"].to_list() == ["i2", "i0", "i1", "i3"] and found["place"].to_list() == [2, 0, 1, 3]
    assert found["title"].iloc[2] == "au01, missed\n10%, even 20%"


def test_outlines_are_of_the_persons_own_unit():
    masks = np.random.default_rng(2).random((3, 4, 4)) > 0.5
    own = regions.from_masks(["a", "b", "a"], ["au01", "au01", "au12"], masks, [False] * 3, by="subject_id")
    asked = pd.DataFrame({"subject_id": ["a", "b"], "unit": ["au12", "au01"]})
    np.testing.assert_array_equal(own.masks[own.which(asked, asked["unit"])], masks[[2, 1]])
    np.testing.assert_allclose(face_pictures.mean_outlines(own, ["au01"])["au01"], masks[:2].mean(axis=0))
