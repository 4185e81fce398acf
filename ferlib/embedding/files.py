"""Embeddings on disk: in shards as they are computed, for all runs; and one file a backbone, which a run keeps."""

import contextlib
import hashlib
import io
import json

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as tensors

from ferlib.embedding.recipes import address
from ferlib.errors import InputError
from ferlib.paths import relative
from ferlib.tables import write_bytes


class Shards:
    """Embeddings of one recipe in small files, written as they are computed: what a killed run had finished is there.

    A shard is named after the SHA-256 of its bytes, so that any byte that changed since is seen when it is read. It
    says of which images it holds the embeddings, so that images may be added, removed and reordered freely. Several
    processes may read and write shards at the same time.

    Parameters
    ----------
    folder : pathlib.Path
        Where the shards of all recipes lie, each in a folder of its own.
    recipe : dict
        See `ferlib.embedding.recipes.recipe`.
    """

    def __init__(self, folder, recipe):
        self.recipe = recipe
        self.folder = folder / f"{recipe['backbone']}-{address(recipe)[:16]}"

    def read(self, wanted):
        """Embeddings of the images wanted, as far as they are there.

        Every shard is checked against its name. One that does not match is removed, where the folder can be written to.

        Parameters
        ----------
        wanted : iterable of str
            SHA-256 of image files.

        Returns
        -------
        found : dict of str to numpy.ndarray, shape (d,), float32
        damaged : list of pathlib.Path
            Shards that did not match. What they held is to be computed again.
        """
        wanted, found, damaged = set(wanted), {}, []
        for path in sorted(self.folder.glob("*.safetensors")):
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # removed by another process meanwhile
                continue
            try:
                images, vectors = _unpacked(data, path.stem)
            except (ValueError, SafetensorError):
                with contextlib.suppress(OSError):
                    path.unlink()
                damaged.append(path)
                continue
            found |= {image: vector for image, vector in zip(images, vectors, strict=True) if image in wanted}
        return found, damaged

    def write(self, images, vectors):
        """Store a shard and return its path, the same for the same content; it is on the disk, whole, by then.

        Parameters
        ----------
        images : sequence of str, length n
            SHA-256 of the image files.
        vectors : numpy.ndarray, shape (n, d), float32
        """
        digests = np.frombuffer(b"".join(bytes.fromhex(image) for image in images), dtype=np.uint8).reshape(-1, 32)
        kept = {"image_sha256": digests, "embedding": np.ascontiguousarray(vectors, dtype=np.float32)}
        data = tensors.save(kept)
        path = self.folder / f"{hashlib.sha256(data).hexdigest()}.safetensors"
        recipe = json.dumps(self.recipe, indent=1, sort_keys=True) + "\n"
        write_bytes(recipe.encode(), self.folder / "recipe.json")
        return write_bytes(data, path)


def _unpacked(data, digest):
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError("the content does not match its checksum")
    arrays = tensors.load(data)
    return [row.tobytes().hex() for row in arrays["image_sha256"]], arrays["embedding"]


def save(path, *, image_ids, vectors, source, recipe):
    """Write embeddings to one file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        Ends in `.npz`.
    image_ids : sequence of str, length n
    vectors : numpy.ndarray, shape (n, d), float32
    source, recipe
        As for `ferlib.embedding.collection.collect`, and as it returns it.

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
