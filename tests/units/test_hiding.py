"""What hiding a region does: against a network known by hand."""

import numpy as np

from ferlib.units import explanations, hiding, regions


def test_hiding_the_region_lowers_the_logit_and_hiding_its_mirror_image_does_not(network, faces, masks):
    manifest, present, pixels = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
    table = hiding.hidden(network, pixels, asked, masks)
    whole = network.logits(pixels)[asked["row"], asked["output"]]
    np.testing.assert_allclose(table["value"], whole, atol=1e-6)
    np.testing.assert_allclose(table["mirror"], 0, atol=1e-6)
    assert (table["apart"] == 1).all()
    middle = regions.from_masks(
        ["p0", "p0", "p1", "p1"], ["au01", "face"] * 2, np.stack([masks.masks[2]] * 4), [False] * 4, by="subject_id"
    )
    none = hiding.hidden(network, pixels, asked, middle)
    assert none["value"].isna().all() and none["apart"].iloc[0] == 0


def test_each_network_is_a_family_and_the_fall_stands_beside_that_of_the_mirror_image(network, faces, masks):
    manifest, present, pixels = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
    rules = {"delta": 0.1, "min_people": 2, "draws": 100, "seed": 1}
    networks = {"a": network, "b": network}
    found = hiding.contrasts(networks, dict.fromkeys("ab", pixels), asked, masks, **rules)
    assert found["network"].to_list() == ["a", "a", "b", "b"] and found["unit"].to_list() == ["au01", "au12"] * 2
    falls = hiding.hidden(network, pixels, asked, masks).groupby("unit")["value"].mean()
    np.testing.assert_allclose(found["mean_a"][:2], falls, atol=1e-6)
    np.testing.assert_allclose(found["mean_b"], 0, atol=1e-6)
    assert (found["apart"] == 1).all()


def test_a_unit_without_a_control_says_so(network, faces, masks):
    manifest, present, pixels = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
    across = masks.masks.copy()
    across[masks.table["unit"] == "au12"] = masks.masks[2]  # the face, which is its own mirror image
    own = regions.from_masks(masks.table["owner"], masks.table["unit"], across, [False] * len(across), by=masks.by)
    rules = {"delta": 0.1, "min_people": 2, "draws": 100, "seed": 1}
    found = hiding.contrasts({"a": network}, {"a": pixels}, asked, own, **rules).set_index("unit")
    assert found["apart"].to_list() == [1, 0] and found["n_a"].to_list() == [3, 0]
    assert found.loc["au12", "reason"] == "only 0% of the region lies apart from its mirror image"
    assert "apart" not in found.loc["au01", "reason"]
    here = (masks.table["unit"] != "au12").to_numpy()
    known = masks.table[here]
    own = regions.from_masks(known["owner"], known["unit"], masks.masks[here], [False] * len(known), by=masks.by)
    found = hiding.contrasts({"a": network}, {"a": pixels}, asked, own, **rules).set_index("unit")
    assert found.loc["au12", "reason"] == "its region is not known in these images"


def test_a_region_and_its_mirror_are_of_one_size_and_apart_upside_down():
    random = np.random.default_rng(2)
    masks, faces = random.random((6, 15, 15)) > 0.6, random.random((6, 15, 15)) > 0.2
    for own, mirror in (hiding.mirrored(masks), hiding.mirrored(masks, faces)):
        np.testing.assert_array_equal(own.sum(axis=(1, 2)), mirror.sum(axis=(1, 2)))
        assert own.any() and not (own & ~masks).any() and not (mirror & masks).any()
        np.testing.assert_array_equal(own[:, ::-1], mirror)
    assert not (mirror & ~faces).any()
    brows = np.zeros((1, 10, 10), bool)
    brows[0, 2, 2:8] = True  # the same on the left and the right
    np.testing.assert_array_equal(np.flatnonzero(hiding.mirrored(brows)[1].any(axis=2)[0]), [7])
