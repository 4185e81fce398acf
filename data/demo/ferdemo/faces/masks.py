"""Writes the regions of a set's Action Units: one mask for each person and Action Unit, and a table of them."""

import hashlib
import json

import numpy as np
import pandas as pd
from tqdm import tqdm

from ferdemo.faces import acting_regions, expression
from ferdemo.faces.face import Portrait
from ferdemo.faces.renderer import Renderer
from ferlib import tables
from ferlib.paths import relative

TABLE = "regions.csv"


def produce_masks(face_set, out, *, persons=None):
    """Draw the masks of a set whose people keep still; those that are there are kept.

    Parameters
    ----------
    face_set : Combinations
        With `still` set: one view for each person.
    out : pathlib.Path
        The set's folder: `masks/<subject_id>-<unit>.png`, one bit a pixel, set where the Action Unit acts; a mask
        "face" of all that shows the face; and `regions.csv`.
    persons : list of Person, optional
        When only a part of the set is wanted.

    Returns
    -------
    pathlib.Path
        The table.
    """
    persons = face_set.persons() if persons is None else persons
    done = _done(out)
    renderer, rows = None, []
    for who in tqdm(persons, unit="person", desc="masks"):
        seen, made_by = face_set.view_of(who), digest(face_set, who)
        if made_by in done:
            rows += done[made_by]
            continue
        renderer = renderer or Renderer(face_set.size)
        drawer = acting_regions.Regions(
            Portrait(who, renderer), frame=face_set.frame, yaw=seen["yaw_deg"], pitch=seen["pitch_deg"]
        )
        face, found = np.zeros((face_set.size,) * 2, bool), []
        for unit in expression.ACTION_UNITS:
            movement, lines, shown = drawer.draw(unit)
            face |= shown
            found.append((unit, acting_regions.region(movement, lines), movement.max(), lines.max()))
        for unit, mask, furthest, deepest in [*found, ("face", face, None, None)]:
            mask = mask & face  # a pixel at the edge that is mostly background is neither
            path, data = out / "masks" / f"{who.subject_id}-{unit}.png", acting_regions.encode(mask)
            tables.write_bytes(data, path)
            rows.append(
                {
                    "subject_id": who.subject_id,
                    "unit": unit,
                    "path": relative(path.resolve()),
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "area_share": mask.mean(),
                    "face_share": mask.sum() / face.sum(),
                    "greatest_movement_mm": furthest,
                    "greatest_lines_mm": deepest,
                    "movement_threshold": acting_regions.MOVED,
                    "lines_threshold": acting_regions.LINED,
                    "faint_lines_mm": 1000 * acting_regions.FAINT,
                    "yaw_deg": seen["yaw_deg"],
                    "pitch_deg": seen["pitch_deg"],
                    "recipe": made_by,
                }
            )
    return tables.write_csv(pd.DataFrame(rows), out / TABLE, sort_by=["subject_id", "unit"])


def digest(face_set, who):
    """Twelve hexadecimal digits that change whenever a person's masks could."""
    neutral = next(image for image in face_set.images_of(who) if image.kind == "neutral")
    rule = [
        acting_regions.MOVED,
        acting_regions.LINED,
        acting_regions.FAINT,
        acting_regions.HAIR_COVERS,
        acting_regions.COVERED,
        expression.ACTION_UNITS,
    ]
    text = json.dumps([neutral.digest(), rule])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _done(out):
    """Rows of the table by recipe, of people whose masks are all as they were written."""
    if not (out / TABLE).is_file():
        return {}
    frame = pd.read_csv(out / TABLE)
    whole = {}
    for made_by, rows in frame.groupby("recipe"):
        files = [out / "masks" / f"{row.subject_id}-{row.unit}.png" for row in rows.itertuples()]
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None for file in files]
        if digests == rows["sha256"].tolist():
            whole[made_by] = rows.to_dict("records")
    return whole
