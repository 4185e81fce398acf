"""Ask the outside networks about the demo's faces: `python -m ferdemo.outside [fer] [face-api]`.

Writes `data/demo/outside/<network>/answers.csv` and `record.json`. The same packages give the same bytes.
"""

import argparse
import json

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from ferdemo.outside.asking import FIXED, NETWORKS
from ferlib import tables
from ferlib.datasets.known import MANIFESTS
from ferlib.images import open_rgb
from ferlib.paths import DEMO, relative
from ferlib.provenance import sha256

FOLDER = DEMO / "outside"
NO_FACE = "unparsed"
"""The status of an image in which the package's detector finds no face: what it returns holds no emotion."""


def main(arguments=None):
    """Ask the networks named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), help=f"any of {', '.join(NETWORKS)}")
    torch.set_num_threads(1)
    manifest = pd.concat([tables.read_csv(path) for path in MANIFESTS.values()], ignore_index=True)
    manifest = manifest[["dataset", "image_id", "path"]]
    images = [np.asarray(open_rgb(path)) for path in tqdm(manifest.pop("path"), desc="opening", disable=None)]
    for name in parser.parse_args(arguments).networks:
        package, ask, labels = NETWORKS[name]
        answers = manifest.copy()
        for way, probabilities in ask(images).items():
            answers[way] = [NO_FACE if row is None else labels[int(row.argmax())] for row in probabilities]
        write(name, package(), answers)


def write(name, package, answers):
    """Write the answers of a network and the record of what gave them."""
    record = {
        "network": name,
        "package": f"{package.registry}: {package.name}",
        "version": package.version,
        "licence": package.licence,
        "weights": package.weights.name,
        "weights_bytes": package.weights.stat().st_size,
        "weights_sha256": sha256(package.weights),
        "fixed_crop": FIXED[name],
        "images": len(answers),
        "no_face": int((answers["detector"] == NO_FACE).sum()),
    }
    text = (json.dumps(record, indent=1) + "\n").encode()
    for path in (
        tables.write_csv(answers, FOLDER / name / "answers.csv", sort_by=["dataset", "image_id"]),
        tables.write_bytes(text, FOLDER / name / "record.json"),
    ):
        print(relative(path))


if __name__ == "__main__":
    main()
