"""Renders a set into a folder: images, then the manifest that makes them a set."""

import contextlib
import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as Picture
from tqdm import tqdm

from ferdemo.faces import recipe
from ferdemo.faces.face import Portrait
from ferdemo.faces.renderer import Renderer
from ferlib import provenance, tables
from ferlib.paths import relative

JOURNAL = "rendered.partial.csv"


def encode(pixels, quality):
    """WebP bytes of an image, array of uint8 (h, w, 3)."""
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()


def draw(images):
    """Render recipes, person by person.

    Parameters
    ----------
    images : iterable of Image
        Images of one person should follow one another: their mesh and textures are made once.

    Yields
    ------
    Image, numpy.ndarray of uint8, shape (size, size, 3)
    """
    renderer = portrait = None
    for image in images:
        if renderer is None or renderer.size != image.size:
            renderer, portrait = Renderer(image.size), None
        if portrait is None or portrait.who != image.who:
            portrait = Portrait(image.who, renderer)
        yield (
            image,
            portrait.draw(
                image.units,
                frame=image.frame,
                yaw=image.yaw_deg,
                pitch=image.pitch_deg,
                light=image.light,
                side=image.light_side,
            ),
        )


def produce(face_set, out, *, part=(0, 1), images=None):
    """Render what is missing of a set, and write its manifest when all images are there.

    Parameters
    ----------
    face_set : FaceSet
    out : str or pathlib.Path
        Folder: `images/<image_id>.webp` and `manifest.csv`.
    part : tuple of int
        (k, n): render every n-th person from the k-th on, so that n processes can share the work. The manifest is
        written by the process that finds all images done.
    images : list of Image, optional
        Recipes, when only a part of the set is wanted.

    Returns
    -------
    pathlib.Path or None
        The manifest, or None while other parts are missing.
    """
    out = Path(out)
    images = face_set.images() if images is None else images
    (out / "images").mkdir(parents=True, exist_ok=True)
    done = _done(out)
    number = {name: i for i, name in enumerate(dict.fromkeys(image.who.subject_id for image in images))}
    mine = [image for image in images if number[image.who.subject_id] % part[1] == part[0]]
    missing = [image for image in mine if done.get(image.image_id, ("", ""))[0] != image.digest()]
    journal = out / f"{part[0]}of{part[1]}.{JOURNAL}"
    if missing and (out / "manifest.csv").exists():
        # A manifest stands for a whole set: while images are being replaced there is none.
        with open(journal, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([name, *value] for name, value in done.items())
        (out / "manifest.csv").unlink(missing_ok=True)
    with tqdm(total=len(mine), initial=len(mine) - len(missing), unit="image", desc=face_set.name) as bar:
        for image, pixels in draw(missing):
            data = encode(pixels, face_set.quality)
            tables.write_bytes(data, out / "images" / f"{image.image_id}.webp")
            with open(journal, "a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([image.image_id, image.digest(), hashlib.sha256(data).hexdigest()])
            bar.update()
    done = _done(out)
    if any(done.get(image.image_id, ("", ""))[0] != image.digest() for image in images):
        return None
    rows = []
    for image in images:
        path = out / "images" / f"{image.image_id}.webp"
        file = {"path": relative(path.resolve()), "sha256": done[image.image_id][1]}
        rows.append(recipe.row(image, face_set) | file)
    frame = pd.DataFrame(rows)
    first = ["image_id", "dataset", "path", "sha256"]
    frame = frame[first + [column for column in frame.columns if column not in first]]
    tables.write_csv(frame, out / "manifest.csv", sort_by=["image_id"])
    for path in out.glob(f"*.{JOURNAL}"):
        path.unlink(missing_ok=True)
    return out / "manifest.csv"


def _done(out):
    """Images in the folder whose file is as it was written: image_id -> (recipe, sha256)."""
    told = []
    for path in sorted(out.glob(f"*.{JOURNAL}")):
        # Another part may finish the set meanwhile: it writes the manifest, then removes the journals.
        with contextlib.suppress(FileNotFoundError), open(path, newline="", encoding="utf-8") as file:
            told += [line for line in csv.reader(file) if len(line) == 3]
    if (out / "manifest.csv").is_file():
        frame = pd.read_csv(out / "manifest.csv", dtype=str)
        told += frame[["image_id", "recipe", "sha256"]].to_numpy().tolist()
    # A journal may tell of an older state of an image that another part has replaced: the file decides.
    files = {name: out / "images" / f"{name}.webp" for name in {name for name, *_ in told}}
    digests = {name: provenance.sha256(file) for name, file in files.items() if file.is_file()}
    return {name: (made_by, sha256) for name, made_by, sha256 in told if digests.get(name) == sha256}


def difference(pixels, path, *, quality):
    """How far a drawing is from an image on disk, once it has gone through the same compression.

    Parameters
    ----------
    pixels : array of uint8, shape (h, w, 3)
    path : str or pathlib.Path
    quality : int
        WebP quality of the image on disk.

    Returns
    -------
    float
        Mean absolute difference in grey levels of 255; 0 for the same bytes.
    """
    with Picture.open(path) as shipped, Picture.open(io.BytesIO(encode(pixels, quality))) as drawn:
        return float(np.abs(np.asarray(shipped.convert("RGB"), float) - np.asarray(drawn.convert("RGB"), float)).mean())
