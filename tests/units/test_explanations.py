"""Which images are asked about, and the maps of several networks and of untrained ones."""

import numpy as np
import pytest

from ferlib.errors import InputError
from ferlib.units import aunet, explanations, heatmaps


def test_the_first_images_of_each_person_that_show_the_unit_are_asked_about(network, faces):
    manifest, present, _ = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
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
    assert len(explanations.questions(network, manifest, present, ["au01"], per_person=2)) == 5
    with pytest.raises(
        InputError, match="unit 'au17': 'known' and the labels must both know it. Both know: au01, au12"
    ):
        explanations.questions(network, manifest, present, ["au17"])


def test_every_person_has_an_untrained_network_of_their_own(faces):
    manifest, present, pixels = faces
    network = aunet.AUNet("own", aunet.Shape(units=("au01", "au12"), size=16, stages=1), None)
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
    found = explanations.explain_untrained(network, pixels, asked, method="grad-cam", seed=7)
    for number, person in enumerate(("p0", "p1", "p2")):
        rows = (asked["subject_id"] == person).to_numpy()
        other = network.untrained(seed=7 + number)
        expected = explanations.explain(other, pixels, asked[rows], method="grad-cam")
        np.testing.assert_allclose(found[rows], expected, rtol=1e-5, atol=1e-7)
    assert not np.allclose(
        found[0], explanations.explain(network.untrained(seed=8), pixels, asked[:1], method="grad-cam")
    )


def test_several_networks_and_the_control_are_explained_as_each_is_alone(faces):
    manifest, present, pixels = faces
    shape = aunet.Shape(units=("au01", "au12"), size=16, stages=1)
    networks = {name: aunet.AUNet(name, shape, aunet.build(shape, seed=k).eval()) for k, name in enumerate("ab")}
    asked = explanations.questions(networks["a"], manifest, present, ("au01", "au12"))
    shown = {"a": pixels, "b": pixels.flip(2), "untrained": pixels}
    found = explanations.of_networks(networks, shown, asked, method="grad-cam", seed=3)
    assert list(found) == ["a", "b", "untrained"]
    for name, network in networks.items():
        alone = explanations.explain(network, shown[name], asked, method="grad-cam")
        np.testing.assert_allclose(found[name], alone, rtol=1e-5, atol=1e-7)
    control = explanations.explain_untrained(networks["a"], pixels, asked, method="grad-cam", seed=3)
    np.testing.assert_allclose(found["untrained"], control, rtol=1e-5, atol=1e-7)


def test_one_question_for_each_of_some_people_spread_over_all(network, faces):
    manifest, present, _ = faces
    asked = explanations.questions(network, manifest, present, ("au01", "au12"))
    assert explanations.one_for_each(asked, 2, seed=0)["subject_id"].to_list() == ["p0", "p2"]
    assert explanations.one_for_each(asked, 9, seed=0)["subject_id"].to_list() == ["p0", "p1", "p2"]


def test_every_method_explains_the_network_and_the_untrained_ones(faces):
    manifest, present, pixels = faces
    shape = aunet.Shape(units=("au01", "au12"), size=16, stages=1)
    network = aunet.AUNet("a", shape, aunet.build(shape, seed=1).eval())
    asked = explanations.questions(network, manifest, present, ("au12",))
    found = explanations.by_every_method(network, pixels, asked, seed=3)
    assert tuple(found) == heatmaps.METHODS
    for method, maps in found.items():
        alone = explanations.explain(network, pixels, asked, method=method)
        np.testing.assert_allclose(maps["trained"], alone, rtol=1e-4, atol=1e-6)
        assert maps["untrained"].shape == alone.shape and not np.allclose(maps["untrained"], alone)
