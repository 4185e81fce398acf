"""Embeddings on disk in small files, written as they are computed: what a killed run had finished is still there.

A shard is named after the SHA-256 of its bytes, so that any byte that changed since is seen when it is read. It says
of which images it holds the embeddings, so that images may be added, removed and reordered freely.
"""

import contextlib
import hashlib
import json

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ferlib import tables
from ferlib.embedding.recipes import address


class Shards:
    """Embeddings of one recipe. Several processes may read and write them at the same time.

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
            except ValueError:
                with contextlib.suppress(OSError):
                    path.unlink()
                damaged.append(path)
                continue
            found |= {image: vector for image, vector in zip(images, vectors, strict=True) if image in wanted}
        return found, damaged

    def write(self, images, vectors):
        """Store a shard; it is on the disk, whole, when this returns.

        Parameters
        ----------
        images : sequence of str, length n
            SHA-256 of the image files.
        vectors : numpy.ndarray, shape (n, d), float32

        Returns
        -------
        pathlib.Path
            The same for the same content.
        """
        data = _packed(images, vectors)
        path = self.folder / f"{hashlib.sha256(data).hexdigest()}.safetensors"
        recipe = json.dumps(self.recipe, indent=1, sort_keys=True) + "\n"
        tables.write_bytes(recipe.encode(), self.folder / "recipe.json")
        return tables.write_bytes(data, path)


def _packed(images, vectors):
    digests = np.frombuffer(b"".join(bytes.fromhex(image) for image in images), dtype=np.uint8).reshape(-1, 32)
    return save({"image_sha256": digests, "embedding": np.ascontiguousarray(vectors, dtype=np.float32)})


def _unpacked(data, digest):
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError("the content does not match its checksum")
    try:
        arrays = load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return [row.tobytes().hex() for row in arrays["image_sha256"]], arrays["embedding"]
