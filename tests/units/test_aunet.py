"""Networks for Action Units in a folder: what is written is what is read, and nothing else is."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.models import resnet18

from ferlib.errors import InputError
from ferlib.units import aunet

SHAPE = aunet.Shape(units=("au01", "au12"), size=32, stages=1)


@pytest.fixture
def folder(tmp_path):
    aunet.write(aunet.build(SHAPE, seed=1), SHAPE, tmp_path)
    return tmp_path


def test_a_network_comes_back_as_it_was_written(folder):
    found = aunet.load(folder)
    assert found.shape == SHAPE and not found.model.training
    pixels = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        model = aunet.build(SHAPE, seed=1).half().float().eval()
        expected = model((pixels / 255 - 0.5) / 0.5).numpy()
    np.testing.assert_allclose(found.logits(pixels, batch_size=2), expected, atol=1e-4)
    assert found.logits(pixels[:0]).shape == (0, 2)


def test_ones_own_resnet18_is_read_by_torchvisions_names(tmp_path):
    torch.manual_seed(0)
    own = resnet18(num_classes=2).eval()
    save_file(own.state_dict(), tmp_path / "model.safetensors")
    config = {"block": "basic", "layers": [2, 2, 2, 2], "stages": 4, "units": ["au04", "au12"], "size": 40}
    (tmp_path / "config.json").write_text(json.dumps(config | {"mean": 0.0, "std": 1.0}))
    pixels = torch.randint(0, 256, (2, 3, 40, 40), dtype=torch.uint8)
    with torch.inference_mode():
        expected = own(pixels / 255).numpy()
    np.testing.assert_allclose(aunet.load(tmp_path).logits(pixels), expected, atol=1e-5)


def test_the_untrained_control_has_the_shape_but_not_the_weights(folder):
    trained = aunet.load(folder)
    control, again = trained.untrained(seed=5), trained.untrained(seed=5)
    same = [torch.equal(a, b) for a, b in zip(control.model.parameters(), again.model.parameters(), strict=True)]
    assert all(same) and control.shape == trained.shape
    assert not torch.equal(control.model.conv1.weight, trained.model.conv1.weight)


def test_building_a_network_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    aunet.build(SHAPE, seed=9)
    assert torch.equal(torch.rand(2), expected)


def test_images_are_brought_to_the_networks_size(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    found = aunet.read_pixels([tmp_path / "one.png"], SHAPE)
    means = pixels.reshape(32, 2, 32, 3, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    assert found.shape == (1, 3, 32, 32) and np.abs(found[0].numpy() - means).max() <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": 2}, "model.safetensors: not the weights of the network that config.json describes"),
        ({"units": ["au01"]}, "model.safetensors: not the weights"),
        ({"stages": 5}, "config.json: block 'basic'.*stages is 1 to 4"),
        ({"block": "dense"}, "block is one of basic, bottleneck"),
        ({"layers": [1, 1]}, "layers has four numbers"),
        ({"size": 0}, "whole numbers above 0"),
        ({"colour": "grey"}, "lacks nothing, and colour is unknown"),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder, change, message):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message):
        aunet.load(folder)


def test_pickled_weights_are_not_read(folder):
    torch.save(aunet.build(SHAPE, seed=1).state_dict(), folder / "model.pt")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="model.safetensors: no such file.*safetensors.torch.save_file"):
        aunet.load(folder)
    (folder / "model.pt").rename(folder / "model.safetensors")
    with pytest.raises(InputError, match="not the weights"):
        aunet.load(folder)


def test_a_frame_is_cut_out_before_the_image_is_brought_to_size(tmp_path):
    whole = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    Image.fromarray(whole).save(tmp_path / "whole.png")
    Image.fromarray(whole[16:48, 32:96]).save(tmp_path / "part.png")
    framed = aunet.read_pixels([tmp_path / "whole.png"], SHAPE, frame=(0.25, 0.25, 0.75, 0.75))
    assert torch.equal(framed, aunet.read_pixels([tmp_path / "part.png"], SHAPE))
    with pytest.raises(InputError, match="frame .*: give left, top, right, bottom from 0 to 1"):
        aunet.read_pixels([tmp_path / "whole.png"], SHAPE, frame=(0.25, 0, 0.25, 1))
