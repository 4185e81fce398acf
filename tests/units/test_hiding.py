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
