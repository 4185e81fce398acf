"""Sheets of the controlled sets: what changes along a row or a column, and what does not. Read images only."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from ferdemo.faces.contact import FAINT, INK, PAPER, png
from ferdemo.faces.expression import ACTION_UNITS, NAMES
from ferlib import paths, tables
from ferlib.labels import EMOTIONS

GAP = 3
RED = np.array([255.0, 40.0, 40.0])
MORE, LESS = np.array([230.0, 159.0, 0.0]), np.array([86.0, 180.0, 233.0])


def sheet(cells, out, *, columns, rows, cell, left, top=30):
    """Draw a grid of faces with labels, and write the ids shown as CSV beside it.

    Parameters
    ----------
    cells : list of tuple
        (row, column, image_id, picture): place from 0, id for the CSV, PIL image.
    out : str or pathlib.Path
        PNG file.
    columns, rows : list of str
        Labels; a row's may have several lines.
    cell : int
        Width and height of a face, pixels.
    left, top : int
        Room for the labels, pixels.

    Returns
    -------
    pathlib.Path
        Of the PNG.
    """
    size = (left + len(columns) * (cell + GAP), top + len(rows) * (cell + GAP))
    picture = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(picture)
    font, small = ImageFont.load_default(14), ImageFont.load_default(13)
    for number, label in enumerate(columns):
        draw.text((left + number * (cell + GAP) + cell / 2, top / 2), label, INK, font, anchor="mm", align="center")
    for number, label in enumerate(rows):
        draw.text((6, top + number * (cell + GAP) + cell / 2), label, FAINT, small, anchor="lm")
    for row, column, _, face in cells:
        tile = face.convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS)
        picture.paste(tile, (left + column * (cell + GAP), top + row * (cell + GAP)))
    out = Path(out)
    shown = pd.DataFrame([{"row": r + 1, "column": c + 1, "image_id": image_id} for r, c, image_id, _ in cells])
    tables.write_csv(shown, out.with_suffix(".csv"), sort_by=["row", "column"])
    return tables.write_bytes(png(picture), out)


def _open(path):
    with Image.open(paths.absolute(path)) as face:
        return face.convert("RGB")


def crossed_sheet(manifest, out, *, emotions=("neutral", "anger"), cell=112):
    """Six geometries against the skin tones, in two expressions; parameters and result as for `sheet`."""
    shown = manifest[manifest["subject_id"].str.endswith("01")].set_index(["subject_id", "skin_tone", "emotion"])
    subjects = sorted(shown.index.unique("subject_id"), key=lambda name: (name[-3], name))
    tones = sorted(shown.index.unique("skin_tone"))
    cells = []
    for row, subject in enumerate(subjects):
        for column, (emotion, tone) in enumerate((emotion, tone) for emotion in emotions for tone in tones):
            found = shown.loc[(subject, tone, emotion)]
            cells.append((row, column, found["image_id"], _open(found["path"])))
    columns = [f"{emotion}\nMonk {tone}" for emotion in emotions for tone in tones]
    groups = [shown.loc[(subject, tones[0], "neutral")]["group"] for subject in subjects]
    return sheet(cells, out, columns=columns, rows=[g.replace(" ", "\n") for g in groups], cell=cell, left=64, top=38)


def strengths_sheet(manifest, out, *, strengths=(0.4, 0.7, 1.0), cell=84):
    """Each group's expressions at some strengths, of whichever of its people come nearest; result as for `sheet`.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Of the set `people`.
    out : str or pathlib.Path
    strengths : tuple of float
        1 is the prototype.
    cell : int
        Width and height of a face, pixels.
    """
    emotions = [emotion for emotion in EMOTIONS if emotion != "neutral"]
    places = [(group, strength) for group in sorted(manifest["group"].unique()) for strength in strengths]
    cells = []
    for row, (group, strength) in enumerate(places):
        for column, emotion in enumerate(emotions):
            able = manifest[(manifest["group"] == group) & (manifest["emotion"] == emotion)]
            found = able.loc[(able["strength"] - strength).abs().idxmin()]
            cells.append((row, column, found["image_id"], _open(found["path"])))
    rows = [f"{group}\nstrength {strength:g}" for group, strength in places]
    return sheet(cells, out, columns=emotions, rows=rows, cell=cell, left=104)


def mended_sheet(manifest, earlier, out, *, cell=112):
    """Faces as an earlier version of the set drew them, and below as they are now; result as for `sheet`.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Of the set `people`.
    earlier : pathlib.Path
        Folder of the earlier images, `<image_id>.webp`.
    out : str or pathlib.Path
    cell : int
        Width and height of a face, pixels.
    """
    now = manifest.set_index("image_id")
    shown = sorted(file.stem for file in earlier.glob("*.webp"))
    cells = [(0, column, name, _open(earlier / f"{name}.webp")) for column, name in enumerate(shown)]
    cells += [(1, column, name, _open(now.loc[name, "path"])) for column, name in enumerate(shown)]
    told = [now.loc[name] for name in shown]
    columns = [f"{one['group']}\n{one['emotion']}, Monk {one['skin_tone']}" for one in told]
    return sheet(cells, out, columns=columns, rows=["as before", "as now"], cell=cell, left=74, top=38)


def light_pose_sheet(manifest, out, *, subjects=("pose-WF01", "pose-BM02"), emotion="happy", cell=96):
    """All lights and poses of two people's one expression; parameters and result as for `sheet`."""
    chosen = manifest[manifest["subject_id"].isin(subjects) & (manifest["emotion"] == emotion)]
    levels = {name: sorted(chosen[name].unique()) for name in ("light", "light_side", "yaw_deg", "pitch_deg")}
    down = [(light, pitch) for pitch in levels["pitch_deg"] for light in levels["light"]]
    across = [(who, side, yaw) for who in subjects for side in levels["light_side"] for yaw in levels["yaw_deg"]]
    indexed = chosen.set_index(["subject_id", "light", "light_side", "yaw_deg", "pitch_deg"])
    cells = []
    for row, (light, pitch) in enumerate(down):
        for column, (who, side, yaw) in enumerate(across):
            found = indexed.loc[(who, light, side, yaw, pitch)]
            cells.append((row, column, found["image_id"], _open(found["path"])))
    return sheet(
        cells,
        out,
        columns=[f"{'left' if side < 0 else 'right'}\nyaw {yaw:g}" for _, side, yaw in across],
        rows=[f"light {light:g}\npitch {pitch:g}" for light, pitch in down],
        cell=cell,
        left=64,
        top=38,
    )


def strength_sheet(table, out, *, cell=74, line=24):
    """How strongly each group shows each Action Unit, of the mean of all: white is equal, and ever more colour is not.

    Parameters
    ----------
    table : pandas.DataFrame
        `strength.csv`; the greatest intensity is drawn.
    out : str or pathlib.Path
    cell, line : int
        Width and height of a number's cell, pixels.

    Returns
    -------
    pathlib.Path
    """
    shown = table[table["intensity"] == table["intensity"].max()].pivot(index="unit", columns="group", values="value")
    left, top = 190, 44
    picture = Image.new("RGB", (left + len(shown.columns) * cell, top + len(shown) * line), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for column, group in enumerate(shown.columns):
        middle = left + (column + 0.5) * cell
        draw.text((middle, top / 2), group.replace(" ", "\n"), INK, font, anchor="mm", align="center")
    for row, unit in enumerate(shown.index):
        y = top + row * line
        draw.text((6, y + line / 2), f"{int(unit[2:])} {NAMES[unit]}", INK, font, anchor="lm")
        for column, value in enumerate(shown.loc[unit]):
            x = left + column * cell
            share, end = min(abs(value - 1) / 0.5, 1), MORE if value > 1 else LESS
            colour = tuple((255 - share * (255 - end)).astype(int))
            draw.rectangle((x, y, x + cell - 2, y + line - 2), fill=colour)
            draw.text((x + cell / 2, y + line / 2), f"{value:.2f}", INK, font, anchor="mm")
    out = Path(out)
    tables.write_csv(shown.reset_index(), out.with_suffix(".csv"), sort_by=["unit"])
    return tables.write_bytes(png(picture), out)


def units_sheet(manifest, regions, out, *, subject="unit-BF01", cell=126, across=8):
    """Each Action Unit alone at its greatest intensity, and below it the region where it acts, in red.

    Parameters
    ----------
    manifest, regions : pandas.DataFrame
        The set's two tables.
    out : str or pathlib.Path
    subject : str
        Who shows them.
    cell, across : int
        Width of a face, pixels; Action Units in a row.

    Returns
    -------
    pathlib.Path
    """
    own = manifest[(manifest["subject_id"] == subject) & (manifest["kind"] == "single")]
    masks = regions[regions["subject_id"] == subject].set_index("unit")["path"]
    down = -(-len(ACTION_UNITS) // across)
    line, pair = 20, 2 * (cell + GAP)
    picture = Image.new("RGB", (across * (cell + GAP), down * (line + pair)), PAPER)
    draw, font, rows = ImageDraw.Draw(picture), ImageFont.load_default(12), []
    for number, unit in enumerate(ACTION_UNITS):
        row, column = divmod(number, across)
        found = own.sort_values(unit).iloc[-1]
        face = _open(found["path"])
        with Image.open(paths.absolute(masks[unit])) as image:
            inside = np.asarray(image, bool)
        pixels = np.asarray(face, float)
        pixels[inside] = 0.5 * pixels[inside] + 0.5 * RED
        x, y = column * (cell + GAP), row * (line + pair)
        draw.text((x + cell / 2, y + line / 2), f"{int(unit[2:])} {NAMES[unit]}", INK, font, anchor="mm")
        for below, tile in enumerate((face, Image.fromarray(pixels.astype(np.uint8)))):
            tile = tile.resize((cell, cell), Image.Resampling.LANCZOS)
            picture.paste(tile, (x, y + line + below * (cell + GAP)))
        rows.append({"row": row + 1, "column": column + 1, "image_id": found["image_id"], "mask": masks[unit]})
    out = Path(out)
    tables.write_csv(pd.DataFrame(rows), out.with_suffix(".csv"), sort_by=["row", "column"])
    return tables.write_bytes(png(picture), out)
