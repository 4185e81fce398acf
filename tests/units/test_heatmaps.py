"""Maps of where a network looks: each method against what can be worked out by hand."""

import numpy as np
import pytest
import torch
from torchvision.models.resnet import BasicBlock, ResNet
from zennit.attribution import Gradient
from zennit.composites import EpsilonPlusFlat
from zennit.torchvision import ResNetCanonizer

from ferlib.errors import InputError
from ferlib.units import heatmaps


class Linear(torch.nn.Module):
    """Two logits that are known sums over the pixels."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1)))

    def forward(self, images):
        return torch.einsum("nchw,kchw->nk", images, self.weight)


@pytest.fixture(scope="module")
def linear():
    return Linear().eval()


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=4).eval()
    model.layer3 = model.layer4 = torch.nn.Identity()
    model.fc = torch.nn.Linear(128, 4, bias=False)
    return model


def pictures(size, n=3):
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(2))


def test_integrated_gradients_of_a_linear_network_are_weight_times_input(linear):
    images, targets = pictures(28), [0, 1, 1]
    maps = heatmaps.explain(linear, images, targets, method="integrated-gradients", batch_size=2)
    expected = (linear.weight[targets] * images).sum(dim=1).detach().numpy()
    np.testing.assert_allclose(maps, expected, atol=1e-5)


def test_integrated_gradients_add_up_to_the_logit_above_the_baselines(network):
    images = pictures(64)
    maps = heatmaps.explain(network, images, 2, method="integrated-gradients", baseline=0.3)
    with torch.inference_mode():
        above = network(images)[:, 2] - network(torch.full_like(images, 0.3))[:, 2]
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), above.numpy(), atol=0.05 * float(above.abs().max()))


def test_occlusion_of_a_linear_network_is_the_mean_over_the_squares_that_hide_a_pixel(linear):
    images = pictures(28)
    maps = heatmaps.explain(linear, images, 0, method="occlusion", baseline=0.5)
    contribution = (linear.weight[0] * (images - 0.5)).sum(dim=1).detach().numpy()
    total, times = np.zeros((3, 28, 28)), np.zeros((28, 28))
    for top in range(0, 25, 2):
        for left in range(0, 25, 2):
            square = (slice(top, top + 4), slice(left, left + 4))
            times[square] += 1
            total[:, *square] += contribution[:, *square].sum(axis=(1, 2))[:, None, None]
    np.testing.assert_allclose(maps, total / times, atol=1e-3)


def test_grad_cam_is_the_weighted_sum_of_the_last_stages_features(network):
    images = pictures(64)
    maps = heatmaps.explain(network, images, [1, 0, 3], method="grad-cam")
    until_pooling = torch.nn.Sequential(*list(network.children())[:-2])
    with torch.inference_mode():
        features = until_pooling(images)
    # The features are averaged, then weighted: that is the gradient of each of them, but for their number.
    weight = network.fc.weight[[1, 0, 3]].detach() / features[0, 0].numel()
    small = torch.einsum("nchw,nc->nhw", features, weight).relu()[:, None]
    expected = torch.nn.functional.interpolate(small, (64, 64), mode="bilinear")[:, 0]
    np.testing.assert_allclose(maps, expected.numpy(), atol=1e-6)


def test_relevance_is_conserved_from_the_logit_to_the_pixels(network):
    images = pictures(64)
    maps = heatmaps.explain(network, images, 1, method="lrp")
    with torch.inference_mode():
        logits = network(images)[:, 1].numpy()
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), logits, rtol=1e-3)


def test_relevance_follows_the_rules_worked_out_by_hand():
    """One block that passes on its input: flat in the first convolution, then z-plus, epsilon at the end."""
    torch.manual_seed(4)
    model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=2).eval()
    for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
        for name, parameter in stage.named_parameters():
            if "bn2.weight" in name or "bn2.bias" in name:
                torch.nn.init.zeros_(parameter)  # only the way around the block is left
    model.layer2 = model.layer3 = model.layer4 = torch.nn.Identity()
    model.fc = torch.nn.Linear(64, 2, bias=False)
    images = pictures(32, n=1)
    maps = heatmaps.explain(model, images, 1, method="lrp")
    with torch.no_grad():
        raw = torch.relu(model.bn1(model.conv1(images)))
        pooled, where = torch.nn.functional.max_pool2d(raw, 3, 2, 1, return_indices=True)
        of_pooled = pooled * model.fc.weight[1][None, :, None, None] / pooled[0, 0].numel()
        # Positions that are the maximum of several windows collect from all of them.
        of_raw = torch.zeros_like(raw).flatten(2).scatter_add_(2, where.flatten(2), of_pooled.flatten(2)).view_as(raw)
        ones = torch.ones_like(model.conv1.weight)
        share = of_raw / torch.nn.functional.conv2d(torch.ones_like(images), ones, stride=2, padding=3)
        expected = torch.nn.functional.conv_transpose2d(share, ones, stride=2, padding=3, output_padding=1)
    np.testing.assert_allclose(maps, expected.sum(dim=1).numpy(), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("method", heatmaps.METHODS)
def test_a_map_depends_on_neither_the_batch_nor_the_run_and_leaves_the_network_alone(network, method):
    images, before = pictures(32, n=5), {name: value.clone() for name, value in network.state_dict().items()}
    once = heatmaps.explain(network, images, [0, 1, 2, 3, 0], method=method, batch_size=2)
    again = heatmaps.explain(network, images, [0, 1, 2, 3, 0], method=method, batch_size=2)
    assert once.dtype == np.float32 and once.shape == (5, 32, 32)
    np.testing.assert_array_equal(once, again)
    whole = heatmaps.explain(network, images, [0, 1, 2, 3, 0], method=method, batch_size=5)
    np.testing.assert_allclose(once, whole, atol=1e-5)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not network.training and not images.requires_grad


def test_relevance_is_that_of_zennits_own_rules(network):
    images, targets = pictures(64), torch.tensor([0, 1, 2])
    ours = heatmaps.explain(network, images, targets, method="lrp")
    with Gradient(network, EpsilonPlusFlat(canonizers=[ResNetCanonizer()])) as attributor:
        chosen = torch.eye(4)[targets]
        _, theirs = attributor(images.clone(), lambda logits: chosen * logits)
    np.testing.assert_allclose(ours, theirs.sum(dim=1).detach().numpy(), rtol=1e-5, atol=1e-7)


def test_hiding_regions_takes_away_what_they_contributed(linear):
    images, masks = pictures(28), np.zeros((3, 2, 28, 28), bool)
    masks[0, 0, 3:9, 4:20], masks[1, 0], masks[2, 1, :5] = True, True, True
    falls = heatmaps.hiding(linear, images, masks, [0, 1, 1], batch_size=2, baseline=0.1)
    contribution = (linear.weight[[0, 1, 1]] * (images - 0.1)).sum(dim=1).detach().numpy()
    np.testing.assert_allclose(falls, (contribution[:, None] * masks).sum(axis=(2, 3)), atol=1e-3)
    assert falls[2, 0] == 0 and falls[0, 1] == 0


def test_no_images_give_no_maps(linear):
    assert heatmaps.explain(linear, pictures(28, n=0), 0, method="occlusion").shape == (0, 28, 28)
    assert heatmaps.hiding(linear, pictures(28, n=0), np.zeros((0, 2, 28, 28)), 0).shape == (0, 2)


def test_what_cannot_be_explained_is_said(linear, network):
    with pytest.raises(InputError, match="'lrp'.*Linear.*Choose 'integrated-gradients'"):
        heatmaps.explain(linear, pictures(28), 0, method="lrp")
    with pytest.raises(InputError, match="'grad-cam': give the layer"):
        heatmaps.explain(linear, pictures(28), 0, method="grad-cam")
    with pytest.raises(ValueError, match="method must be one of lrp, .*, got 'saliency'"):
        heatmaps.explain(network, pictures(32), 0, method="saliency")
    with pytest.raises(ValueError, match="2 targets for 3 images"):
        heatmaps.explain(network, pictures(32), [0, 1], method="lrp")
    with pytest.raises(ValueError, match="training mode"):
        heatmaps.explain(Linear(), pictures(28), 0, method="occlusion")
