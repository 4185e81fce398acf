"""Networks that find Action Units: a folder with weights, units and preprocessing; nothing in it is executed."""

import json
import threading
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from ferlib import tables
from ferlib.errors import InputError
from ferlib.images import open_rgb
from ferlib.paths import absolute, relative

CONFIG, WEIGHTS = "config.json", "model.safetensors"
BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}
KEYS = ("block", "layers", "stages", "units", "size", "mean", "std")

# The seed of torch's random numbers is one for all threads.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Shape:
    """What a network is, without its weights; the content of `config.json`.

    Attributes
    ----------
    units : tuple of str
        The Action Units, in the order of the outputs.
    size : int
        Height and width, in pixels, that images are brought to.
    block : {"basic", "bottleneck"}
    layers : tuple of int
        Blocks of each of the four stages of torchvision's ResNet; [2, 2, 2, 2] of basic ones is its ResNet-18.
    stages : int
        Stages that are used; those after are left out.
    mean, std : float
        Taken from, then divided into, pixels of 0 to 1.
    """

    units: tuple
    size: int
    block: str = "basic"
    layers: tuple = (1, 1, 1, 1)
    stages: int = 4
    mean: float = 0.5
    std: float = 0.5


@dataclass(frozen=True)
class AUNet:
    """A network that finds Action Units.

    Attributes
    ----------
    name : str
    shape : Shape
    model : torchvision.models.ResNet
        In evaluation mode; images (n, 3, size, size) to logits (n, units).
    """

    name: str
    shape: Shape
    model: ResNet

    def prepare(self, pixels):
        """Bytes, as `read_pixels` gives them, as the model takes them; float32."""
        return (torch.as_tensor(pixels).float() / 255 - self.shape.mean) / self.shape.std

    def logits(self, pixels, *, batch_size=64):
        """Logit of each unit.

        Parameters
        ----------
        pixels : torch.Tensor, shape (n, 3, size, size), uint8
        batch_size : int

        Returns
        -------
        numpy.ndarray, shape (n, units), float32
            Above 0: the unit is more likely there than not.
        """
        with torch.inference_mode():
            parts = [self.model(self.prepare(pixels[i : i + batch_size])) for i in range(0, len(pixels), batch_size)]
        return torch.cat(parts).numpy() if parts else np.empty((0, len(self.shape.units)), np.float32)

    def untrained(self, *, seed):
        """A network of the same shape with random weights: the control of every heatmap."""
        return AUNet(f"{self.name}-untrained", self.shape, build(self.shape, seed=seed).eval())


def build(shape, *, seed):
    """A torchvision ResNet of a shape, with random weights; changes no other random numbers."""
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ResNet(BLOCKS[shape.block], list(shape.layers), num_classes=len(shape.units))
        for stage in range(shape.stages + 1, 5):
            setattr(model, f"layer{stage}", torch.nn.Identity())
        width = 64 * 2 ** (shape.stages - 1) * BLOCKS[shape.block].expansion
        if width != model.fc.in_features:
            model.fc = torch.nn.Linear(width, len(shape.units))
    return model


def read_pixels(paths, shape, *, frame=(0, 0, 1, 1)):
    """Images as the networks of a shape take them, but for the scale.

    Parameters
    ----------
    paths : sequence of str or pathlib.Path
        Relative to the repository, or absolute.
    shape : Shape
    frame : tuple of float
        Left, top, right and bottom of the part that is taken, as shares of width and height: a network that learnt on
        faces in a tight view is to see others as tightly.

    Returns
    -------
    torch.Tensor, shape (n, 3, size, size), uint8
        Brought to a square by a box filter, whatever the sides were.

    Raises
    ------
    InputError
        When the frame is none.
    """
    left, top, right, bottom = frame
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InputError(f"frame {list(frame)}: give left, top, right, bottom from 0 to 1, left < right, top < bottom.")
    pixels = np.empty((len(paths), shape.size, shape.size, 3), np.uint8)
    for number, path in enumerate(paths):
        image = open_rgb(path)
        box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
        pixels[number] = image.resize((shape.size,) * 2, Image.Resampling.BOX, box=box)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def write(model, shape, folder):
    """Write weights (half precision) and configuration; returns the paths."""
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    config = {key: getattr(shape, key) for key in KEYS}
    return [
        tables.write_bytes((json.dumps(config, indent=1) + "\n").encode(), folder / CONFIG),
        tables.write_bytes(save(state, {"format": "pt"}), folder / WEIGHTS),
    ]


def load(folder):
    """Load a network: one of the demo's, or one's own in the same form.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds `config.json` (see `Shape`) and `model.safetensors` with the names of torchvision's ResNet. Relative to
        the repository or absolute. Pickled weights (`.pt`, `.pth`) are not read: they can execute anything.

    Returns
    -------
    AUNet

    Raises
    ------
    InputError
        When a file is missing, a setting is missing or unknown, or the weights are not those of the configuration.
    """
    folder = absolute(folder)
    config, weights = folder / CONFIG, folder / WEIGHTS
    for path in (config, weights):
        if not path.is_file():
            raise InputError(
                f"{relative(path)}: no such file. A network's folder holds {CONFIG} and {WEIGHTS}; save weights of "
                f"PyTorch with safetensors.torch.save_file(model.state_dict(), ...)."
            )
    shape = _shape(config)
    model = build(shape, seed=0)
    try:
        state = {
            name: value.float() if value.is_floating_point() else value for name, value in load_file(weights).items()
        }
        model.load_state_dict(state)
    except (SafetensorError, RuntimeError) as error:
        first = str(error).strip().splitlines()[:3]
        raise InputError(
            f"{relative(weights)}: not the weights of the network that {CONFIG} describes ({' '.join(first)})."
        ) from error
    # Convolutions take about half the time in this order of memory.
    return AUNet(folder.name, shape, model.eval().to(memory_format=torch.channels_last))


def _shape(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{relative(path)}: is no JSON ({error}).") from error
    missing, unknown = [key for key in KEYS if key not in content], sorted(set(content) - set(KEYS))
    if missing or unknown:
        raise InputError(
            f"{relative(path)}: lacks {', '.join(missing) or 'nothing'}, and {', '.join(unknown) or 'nothing'} is "
            f"unknown. It holds: {', '.join(KEYS)}."
        )
    whole = [content["size"], content["stages"], *content["layers"]]
    if content["block"] not in BLOCKS or len(content["layers"]) != 4 or not 1 <= content["stages"] <= 4:
        raise InputError(
            f"{relative(path)}: block {content['block']!r}, layers {content['layers']}, stages {content['stages']}: "
            f"block is one of {', '.join(BLOCKS)}, layers has four numbers, stages is 1 to 4."
        )
    if not all(isinstance(value, int) and value > 0 for value in whole):
        raise InputError(f"{relative(path)}: size, stages and layers are whole numbers above 0, got {whole}.")
    return Shape(**content | {"units": tuple(content["units"]), "layers": tuple(content["layers"])})
