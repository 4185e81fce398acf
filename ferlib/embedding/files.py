"""The embeddings of a run: one file a backbone, read by the notebooks that come after."""

import io
import json

import numpy as np

from ferlib.errors import InputError
from ferlib.paths import relative
from ferlib.tables import write_bytes


def save(path, *, image_ids, vectors, source, recipe):
    """Write embeddings to one file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        Ends in `.npz`.
    image_ids : sequence of str, length n
    vectors : numpy.ndarray, shape (n, d), float32
    source : sequence of str
        What `ferlib.embedding.backbones.load_backbone` was called with: the name, and the weights' tag or an empty
        text.
    recipe : dict
        What the embeddings depend on, see `ferlib.embedding.recipes.recipe`.

    Returns
    -------
    pathlib.Path
    """
    buffer = io.BytesIO()
    np.savez(
        buffer,
        image_id=np.asarray(image_ids, dtype=str),
        embedding=vectors.astype(np.float32),
        source=np.asarray(source, dtype=str),
        weights_sha256=np.asarray(recipe["weights_sha256"]),
        recipe=np.asarray(json.dumps(recipe, sort_keys=True)),
    )
    return write_bytes(buffer.getvalue(), path)


def load(path, *, image_ids):
    """Read embeddings in the order of the images wanted.

    Parameters
    ----------
    path : pathlib.Path
    image_ids : sequence of str, length n

    Returns
    -------
    numpy.ndarray, shape (n, d), float32

    Raises
    ------
    InputError
        When an image has no embedding in the file.
    """
    with np.load(path, allow_pickle=False) as file:
        row = {image_id: index for index, image_id in enumerate(file["image_id"].tolist())}
        missing = [image_id for image_id in image_ids if image_id not in row]
        if missing:
            raise InputError(
                f"{relative(path)}: no embedding for image_id {missing[0]!r} ({len(missing)} in all). "
                f"Execute notebook 02_embedding again."
            )
        return file["embedding"][[row[image_id] for image_id in image_ids]]


def source_of(path):
    """What the backbone of a file of embeddings was loaded with: its name, and its weights' tag or an empty text."""
    with np.load(path, allow_pickle=False) as file:
        return tuple(file["source"].tolist())
