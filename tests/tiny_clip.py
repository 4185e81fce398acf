"""An untrained CLIP of open_clip's own class, small enough for a test, and images for it."""

import json

import numpy as np
import open_clip
import pandas as pd
import torch
from PIL import Image
from safetensors.torch import save_file

from ferlib.provenance import sha256

CONFIG = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"},
}


def save_model(folder, *, seed=0, config=CONFIG):
    """Write a model folder; returns the name that `ferlib.embedding.backbones.load_backbone` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def save_images(folder, number, *, seed=0):
    """Write images of noise; returns a manifest of them."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    rows = []
    for index in range(number):
        path = folder / f"{index}.png"
        Image.fromarray(random.integers(0, 255, (40, 30, 3), dtype=np.uint8)).save(path)
        rows.append({"image_id": f"image-{index}", "path": str(path), "sha256": sha256(path)})
    return pd.DataFrame(rows)
