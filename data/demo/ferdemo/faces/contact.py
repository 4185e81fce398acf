"""Contact sheets of shipped faces: one row a person, one column an expression. Reads images only; needs no renderer."""

import io
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from ferlib import labels, paths, tables

INK, PAPER, FAINT = (20, 20, 20), (255, 255, 255), (110, 110, 110)


def choose(manifest):
    """One person for each group: one whose weakest expression is strong, so that all seven can be read.

    The weakest strength counts to one decimal; among equals the highest number is taken.

    Parameters
    ----------
    manifest : pandas.DataFrame

    Returns
    -------
    list of str
        Subject ids in the order of the groups.
    """
    posed = manifest[manifest["emotion"] != "neutral"]
    weakest = posed.groupby(["group", "subject_id"])["strength"].min().reset_index()
    weakest["strength"] = weakest["strength"].round(1)
    best = weakest.sort_values(["group", "strength", "subject_id"], ascending=[True, False, False])
    return best.drop_duplicates("group")["subject_id"].tolist()


def contact_sheet(manifest, out, *, subjects=None, cell=172):
    """Draw people against expressions, labelled with group, Monk tone and expression.

    Parameters
    ----------
    manifest : pandas.DataFrame
        Of a set; see DESIGN for the columns. Paths are relative to the repository.
    out : str or pathlib.Path
        PNG file; a CSV with the image ids shown, by row and column, is written beside it.
    subjects : list of str, optional
        Subject ids, one a row; by default `choose(manifest)`.
    cell : int
        Width and height of a face, pixels.

    Returns
    -------
    pathlib.Path
        Of the PNG.
    """
    subjects = choose(manifest) if subjects is None else subjects
    shown = manifest[manifest["subject_id"].isin(subjects)].set_index(["subject_id", "emotion"])
    left, top, gap = 150, 34, 4
    width = left + len(labels.EMOTIONS) * (cell + gap)
    sheet = Image.new("RGB", (width, top + len(subjects) * (cell + gap)), PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(18), ImageFont.load_default(15)
    for column, emotion in enumerate(labels.EMOTIONS):
        draw.text((left + column * (cell + gap) + cell / 2, top / 2), emotion, INK, large, anchor="mm")
    rows = []
    for row, subject in enumerate(subjects):
        y = top + row * (cell + gap)
        person = shown.loc[(subject, "neutral")]
        race, gender = person["group"].split(" ", 1)
        draw.text((10, y + cell / 2 - 24), race, INK, large, anchor="lm")
        draw.text((10, y + cell / 2), gender, INK, large, anchor="lm")
        draw.text((10, y + cell / 2 + 26), f"Monk tone {person['skin_tone']}", FAINT, small, anchor="lm")
        for column, emotion in enumerate(labels.EMOTIONS):
            found = shown.loc[(subject, emotion)]
            with Image.open(paths.absolute(found["path"])) as face:
                tile = face.convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS)
            sheet.paste(tile, (left + column * (cell + gap), y))
            rows.append(
                {
                    "row": row + 1,
                    "column": column + 1,
                    "image_id": found["image_id"],
                    "group": found["group"],
                    "skin_tone": found["skin_tone"],
                    "emotion": emotion,
                    "strength": found["strength"],
                }
            )
    out = Path(out)
    tables.write_csv(pd.DataFrame(rows), out.with_suffix(".csv"), sort_by=["row", "column"])
    return tables.write_bytes(png(sheet), out)


def tone_strip(manifest, out, *, cell=132):
    """Draw one neutral face for each Monk tone, lightest first, labelled; PNG and CSV as for `contact_sheet`."""
    neutral = manifest[manifest["emotion"] == "neutral"].sort_values(["skin_tone", "image_id"])
    picked, used = [], {}
    for tone in sorted(neutral["skin_tone"].unique()):
        people = neutral[neutral["skin_tone"] == tone]
        times = people["group"].map(used).fillna(0)
        person = people.assign(times=times).sort_values(["times", "image_id"]).iloc[0]
        used[person["group"]] = used.get(person["group"], 0) + 1
        picked.append(person)
    gap, bottom = 4, 46
    sheet = Image.new("RGB", (len(picked) * (cell + gap) - gap, cell + bottom), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, person in enumerate(picked):
        x = column * (cell + gap)
        with Image.open(paths.absolute(person["path"])) as face:
            sheet.paste(face.convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS), (x, 0))
        middle = x + cell / 2
        draw.text((middle, cell + 14), f"Monk {person['skin_tone']}", INK, ImageFont.load_default(16), anchor="mm")
        draw.text((middle, cell + 33), person["group"], FAINT, ImageFont.load_default(13), anchor="mm")
    out = Path(out)
    columns = ["image_id", "group", "skin_tone"]
    tables.write_csv(pd.DataFrame(picked)[columns], out.with_suffix(".csv"), sort_by=["skin_tone"])
    return tables.write_bytes(png(sheet), out)


def png(sheet):
    """PNG bytes of an image with seven bits a channel: a fifth smaller, and no difference to see."""
    buffer = io.BytesIO()
    sheet.point(lambda value: value & 254).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
