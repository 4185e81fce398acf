"""The expression network of npm's package `@vladmandic/face-api`, with the 8-bit weights that the package brings."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

LABELS = ("neutral", "happy", "sad", "anger", "fear", "disgust", "surprise")
"""The network's outputs, in its own order."""

SIZE = 112
"""Pixels of a side of the face that it is shown."""

MEAN = (122.782, 117.001, 104.298)
WIDTHS = (32, 64, 128, 256)

STORED = {
    "filters": ("weight", (3, 2, 0, 1)), "depthwise_filter": ("0.weight", (2, 3, 0, 1)),
    "pointwise_filter": ("1.weight", (3, 2, 0, 1)), "weights": ("weight", (1, 0)), "bias": ("bias", (0,)),
}  # fmt: skip
"""The package's name of an array: torch's name within the layer, and the order of the axes that torch wants."""


class Separable(nn.Sequential):
    """A 3 x 3 filter for each channel, then a mixture of the channels."""

    def __init__(self, inputs, outputs, stride=1):
        depthwise = nn.Conv2d(inputs, inputs, 3, stride, padding=0 if stride == 2 else 1, groups=inputs, bias=False)
        super().__init__(depthwise, nn.Conv2d(inputs, outputs, 1))


class Dense(nn.Module):
    """Four convolutions, each of which reads the sum of those before; the first halves the size."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv0 = nn.Conv2d(inputs, outputs, 3, 2) if inputs == 3 else Separable(inputs, outputs, 2)
        self.conv1, self.conv2, self.conv3 = (Separable(outputs, outputs) for _ in range(3))

    def forward(self, x):
        total = F.relu(self.conv0(F.pad(x, (0, 1, 0, 1))))  # every size is even: the padding goes to the end
        for layer in (self.conv1, self.conv2):
            total = total + layer(F.relu(total))
        return F.relu(total + self.conv3(F.relu(total)))


class ExpressionNet(nn.Module):
    """Colours from 0 to 255, shape (n, 3, 112, 112), to a probability for each of `LABELS`, shape (n, 7)."""

    def __init__(self):
        super().__init__()
        for i, (inputs, outputs) in enumerate(zip((3, *WIDTHS), WIDTHS, strict=False)):
            self.add_module(f"dense{i}", Dense(inputs, outputs))
        self.fc = nn.Linear(WIDTHS[-1], len(LABELS))

    def forward(self, x):
        x = (x - torch.tensor(MEAN).view(3, 1, 1)) / 255
        for i in range(len(WIDTHS)):
            x = getattr(self, f"dense{i}")(x)
        return self.fc(x.mean((2, 3))).softmax(1)


def load(manifest):
    """The network with the weights of a file, ready to answer.

    Parameters
    ----------
    manifest : str or pathlib.Path
        `face_expression_model-weights_manifest.json` of the package; the weights lie beside it.

    Returns
    -------
    ExpressionNet
    """
    manifest, state, place = Path(manifest), {}, 0
    (part,) = json.loads(manifest.read_text(encoding="utf-8"))
    data = b"".join((manifest.parent / name).read_bytes() for name in part["paths"])
    network = ExpressionNet()
    names = dict(network.named_modules())
    for entry in part["weights"]:
        count, quantised = int(np.prod(entry["shape"])), entry.get("quantization")
        stored = np.frombuffer(data, quantised["dtype"] if quantised else "float32", count, place)
        place += stored.nbytes
        if quantised:
            stored = stored * np.float32(quantised["scale"]) + np.float32(quantised["min"])
        layer, name = entry["name"].replace("/", ".").rsplit(".", 1)
        within, order = STORED[name]
        if name == "bias" and isinstance(names[layer], Separable):
            within = "1.bias"
        values = torch.from_numpy(stored.astype("float32").reshape(entry["shape"]))
        state[f"{layer}.{within}"] = values.permute(order)
    network.load_state_dict(state)
    return network.eval()


def square(pixels):
    """What the network is shown of a crop: padded with black to a square and resized, as the package does it.

    Parameters
    ----------
    pixels : numpy.ndarray, shape (height, width, 3), uint8

    Returns
    -------
    torch.Tensor, shape (3, 112, 112), float32
    """
    height, width = pixels.shape[:2]
    missing = abs(height - width)
    ends = (missing - (missing + 1) // 2, (missing + 1) // 2)
    padded = np.pad(pixels, (ends if height < width else (0, 0), ends if width < height else (0, 0), (0, 0)))
    weights = _bilinear(len(padded))
    return torch.einsum("yh,hwc,xw->cyx", weights, torch.from_numpy(padded).float(), weights)


def _bilinear(size):
    """Weights of a resize whose first pixels coincide, shape (112, size): no half pixel is added."""
    at = np.arange(SIZE, dtype="float32") * np.float32(size / SIZE)
    low = at.astype(int)
    high, part = np.minimum(low + 1, size - 1), at - low
    weights = np.zeros((SIZE, size), dtype="float32")
    np.add.at(weights, (np.arange(SIZE), low), 1 - part)
    np.add.at(weights, (np.arange(SIZE), high), part)
    return torch.from_numpy(weights)
