"""The eyes of the stand-in server: the demo CLIP, looking at an image as each reader does."""

import hashlib

from ferlib import embed, zeroshot
from ferlib.demo import readers

REMEMBERED = 4096
"""Images whose embedding is kept: both readers see the same one, whatever they are asked and however often."""


def demo_classifier(weights, models=readers.READERS):
    """What the demo CLIP sees: a function for `ferlib.demo.server.make_server`.

    Parameters
    ----------
    weights : str
        Backbone for `ferlib.embed.load_backbone`, for example `local-dir:data/demo/models/demo-clip-skewed`.
    models : dict of str to ferlib.demo.readers.Reader

    Returns
    -------
    callable
        `classify(image, reader) -> (7,) probabilities`; to be called by one thread at a time.
    """
    import torch

    torch.set_num_threads(1)
    backbone = embed.load_backbone(weights)
    classes = {name: zeroshot.class_embeddings(backbone, [reader.template]) for name, reader in models.items()}
    seen = {}

    def classify(image, reader):
        key = hashlib.sha256(image.tobytes()).digest()
        if key not in seen:
            if len(seen) >= REMEMBERED:
                seen.pop(next(iter(seen)))
            seen[key] = embed.embed_pil([image], backbone)
        return zeroshot.probabilities(seen[key], classes[reader.name], logit_scale=backbone.logit_scale)[0]

    return classify
