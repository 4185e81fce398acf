"""Several networks at once give what one after the other gives."""

import numpy as np
import pytest
import torch

from ferlib.units import aunet, heatmaps
from ferlib.units.side_by_side import each, each_half

SHAPE = aunet.Shape(units=("au01", "au12"), size=32, stages=2)


def test_maps_of_several_networks_are_those_of_one_after_the_other():
    networks = {name: aunet.AUNet(name, SHAPE, aunet.build(SHAPE, seed=k).eval()) for k, name in enumerate("abc")}
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def maps(name):
        return heatmaps.explain(networks[name].model, images, 1, method="lrp")

    threads = torch.get_num_threads()
    found = each(maps, networks)
    assert list(found) == ["a", "b", "c"] and torch.get_num_threads() == threads
    for name in networks:
        np.testing.assert_allclose(found[name], maps(name), rtol=1e-5, atol=1e-7)


def test_random_networks_built_at_once_are_those_of_their_seeds():
    found = each(lambda seed: aunet.build(SHAPE, seed=int(seed)).conv1.weight, [str(k) for k in range(12)])
    for seed, weight in found.items():
        assert torch.equal(weight, aunet.build(SHAPE, seed=int(seed)).conv1.weight)


def test_a_failure_is_raised():
    with pytest.raises(ZeroDivisionError):
        each(lambda name: 1 / (name != "b"), ["a", "b"])


def test_halves_are_every_second_image_and_come_in_order():
    rows = np.arange(7)
    found = each_half(lambda name, half: (name, rows[half].tolist()), ["a", "b"])
    assert found == {name: [(name, [0, 2, 4, 6]), (name, [1, 3, 5])] for name in "ab"}
