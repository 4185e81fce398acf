"""Where a network looks: how much each pixel speaks for an output, by the methods of zennit and captum.

A map is no evidence by itself: an untrained network has maps, too, and they may look convincing. Score the maps
(`ferlib.units.relevance`), and score those of an untrained network of the same shape beside them.
"""

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion
from torchvision.models.resnet import ResNet
from zennit.attribution import Gradient
from zennit.composites import EpsilonPlusFlat
from zennit.core import BasicHook, Stabilizer
from zennit.rules import ClampMod
from zennit.torchvision import ResNetCanonizer
from zennit.types import Convolution

from ferlib.errors import InputError

METHODS = ("lrp", "grad-cam", "integrated-gradients", "occlusion")
"""The ways to make a map; see `explain`."""

STEPS = 24
"""Points of the path of integrated gradients (Gauss-Legendre)."""

WINDOWS = 6
"""Occlusion covers the image with squares of a sixth of its side, each half over the next."""


def explain(model, images, targets, *, method, batch_size=32, layer=None, baseline=0.0):
    """Maps of how much each pixel speaks for one output of a network.

    Parameters
    ----------
    model : torch.nn.Module
        Takes images, gives logits (n, outputs). In evaluation mode.
    images : torch.Tensor, shape (n, 3, height, width), float32
        Preprocessed, on the model's device.
    targets : int or sequence of int, length n
        The output to be explained, for all images or for each.
    method : {"lrp", "grad-cam", "integrated-gradients", "occlusion"}
        - `lrp`: layer-wise relevance propagation (Bach et al. 2015), rules epsilon for linear layers, z-plus for
          convolutions, flat for the first (Kohlbrenner et al. 2020, as zennit's `EpsilonPlusFlat`), batch
          normalisation merged into the convolutions. torchvision's ResNets only. Shares of the logit: but for biases
          they add up to it.
        - `grad-cam`: Selvaraju et al. 2017, of the layer `layer`, brought to the image's size bilinearly. Not negative,
          in no unit.
        - `integrated-gradients`: Sundararajan et al. 2017. Shares of the logit above that of the baseline: they add up
          to it, up to the `STEPS` of the integral.
        - `occlusion`: Zeiler and Fergus 2014. By how much the logit falls when a square around the pixel is hidden,
          averaged over the squares that hide it.
    batch_size : int
        Images at a time; bounds the memory. It changes sums in their last bits at most.
    layer : torch.nn.Module, optional
        For `grad-cam`; the last stage of a torchvision ResNet if none is given.
    baseline : float
        What a pixel is when there is nothing to see, in preprocessed units; 0 is the mean colour of the preprocessing.

    Returns
    -------
    numpy.ndarray, shape (n, height, width), float32
        Summed over the colours. Negative where a pixel speaks against the output.

    Raises
    ------
    ValueError
        For an unknown method, a number of targets that is not that of the images, or a model in training mode.
    InputError
        When the method cannot explain this kind of network.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if model.training:
        raise ValueError("the model is in training mode, where its outputs depend on the batch: call model.eval()")
    targets = torch.as_tensor(targets, dtype=torch.long, device=images.device)
    if targets.ndim and len(targets) != len(images):
        raise ValueError(f"{len(targets)} targets for {len(images)} images: give one for all, or one for each")
    targets = targets.expand(len(images))
    if method == "grad-cam":
        layer = layer or _last_stage(model)
    maps = [np.empty((0, *images.shape[2:]), np.float32)]
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        found = _BY_METHOD[method](model, images[part], targets[part], layer=layer, baseline=baseline)
        maps.append(found.detach().sum(dim=1).cpu().numpy().astype(np.float32))
    return np.concatenate(maps)


def hiding(model, images, masks, targets, *, batch_size=64, baseline=0.0):
    """By how much a logit falls when regions of the image are hidden, one at a time.

    Parameters
    ----------
    model, images, targets, baseline
        As for `explain`.
    masks : array_like of bool, shape (n, regions, height, width)
        The regions of each image.
    batch_size : int

    Returns
    -------
    numpy.ndarray, shape (n, regions), float32
        Logit of the whole image minus that of the image with the region at `baseline`.
    """
    masks = torch.as_tensor(np.asarray(masks, dtype=bool), device=images.device)
    targets = torch.as_tensor(targets, dtype=torch.long, device=images.device).expand(len(images))
    falls = [np.empty((0, masks.shape[1]), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            whole, chosen = images[part], targets[part, None]
            logit, hidden = model(whole).gather(1, chosen), []
            for number in range(masks.shape[1]):
                covered = torch.where(masks[part, number, None], torch.full_like(whole, baseline), whole)
                hidden.append(model(covered).gather(1, chosen))
            falls.append((logit - torch.cat(hidden, dim=1)).float().cpu().numpy())
    return np.concatenate(falls)


def _lrp(model, images, targets, *, layer, baseline):
    if not isinstance(model, ResNet):
        raise InputError(
            f"method 'lrp': knows the rules for torchvision's ResNets only, and the model is a {type(model).__name__}. "
            f"Choose 'integrated-gradients' or 'occlusion'."
        )

    def start(logits):
        return torch.zeros_like(logits).scatter(1, targets[:, None], logits.gather(1, targets[:, None]))

    # The rules work on a copy of the input that records gradients; the model's weights are put back afterwards.
    composite = EpsilonPlusFlat(canonizers=[ResNetCanonizer()], layer_map=[(Convolution, _PlusOfPositive())])
    with Gradient(model, composite) as attributor:
        _, relevance = attributor(images.clone(), start)
    return relevance


class _PlusOfPositive(BasicHook):
    """The rule z-plus where no input is below 0, as in a ResNet after its first layer: the same maps, sooner.

    zennit's own has a second part for inputs below 0, which is reckoned in full and comes to 0 here.
    """

    def __init__(self):
        stable = Stabilizer(epsilon=1e-6)
        super().__init__(
            input_modifiers=[lambda values: values],
            param_modifiers=[ClampMod(min=0.0)],
            output_modifiers=[lambda values: values],
            gradient_mapper=lambda gradient, outputs: [gradient / stable(outputs[0])],
            reducer=lambda inputs, gradients: inputs[0] * gradients[0],
        )


def _grad_cam(model, images, targets, *, layer, baseline):
    found = LayerGradCam(model, layer).attribute(images, target=targets, relu_attributions=True)
    return LayerAttribution.interpolate(found, tuple(images.shape[2:]), interpolate_mode="bilinear")


def _integrated_gradients(model, images, targets, *, layer, baseline):
    return IntegratedGradients(model).attribute(
        images,
        baselines=baseline,
        target=targets,
        n_steps=STEPS,
        method="gausslegendre",
        internal_batch_size=max(len(images), 32),
    )


def _occlusion(model, images, targets, *, layer, baseline):
    height, width = images.shape[2:]
    window = (images.shape[1], max(1, height // WINDOWS), max(1, width // WINDOWS))
    strides = (images.shape[1], max(1, window[1] // 2), max(1, window[2] // 2))
    with torch.inference_mode():
        found = Occlusion(model).attribute(
            images,
            sliding_window_shapes=window,
            strides=strides,
            baselines=baseline,
            target=targets,
            perturbations_per_eval=max(1, 64 // len(images)),
        )
    # The squares hide all colours at once: captum tells the same fall three times.
    return found.mean(dim=1, keepdim=True)


_BY_METHOD = {
    "lrp": _lrp,
    "grad-cam": _grad_cam,
    "integrated-gradients": _integrated_gradients,
    "occlusion": _occlusion,
}


def _last_stage(model):
    if not isinstance(model, ResNet):
        raise InputError(
            f"method 'grad-cam': give the layer to look at, since the model is a {type(model).__name__} and no ResNet "
            f"of torchvision's. Usually it is the last one with height and width."
        )
    stages = [model.layer1, model.layer2, model.layer3, model.layer4]
    return next(stage for stage in reversed(stages) if any(True for _ in stage.parameters()))
