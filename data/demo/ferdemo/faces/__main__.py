"""Command line: `python -m ferdemo.faces people --out FOLDER`, or `... demo` for all shipped sets."""

import argparse
import dataclasses
import re
import sys
from pathlib import Path

from ferdemo.faces.contact import contact_sheet, tone_strip
from ferdemo.faces.sets import SETS, SHIPPED
from ferdemo.faces.sheets import (
    crossed_sheet,
    light_pose_sheet,
    mended_sheet,
    strength_sheet,
    strengths_sheet,
    units_sheet,
)
from ferlib import paths, tables
from ferlib.errors import InputError

FIGURES = paths.ROOT / "figures" / "demo"


def main(arguments=None):
    """Render sets of demo faces; images that are already there are kept. Or draw the contact sheets of shipped sets."""
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.command == "contact-sheet":
            draw_sheets(chosen.data, chosen.out)
        elif chosen.command == "strength":
            measure(paths.DEMO)
        elif chosen.command == "demo":
            for name in SHIPPED:
                render(SETS[name], paths.DEMO / name)
            measure(paths.DEMO)
            draw_sheets(paths.DEMO, FIGURES)
        else:
            face_set = dataclasses.replace(SETS[chosen.command], size=chosen.size)
            k, n = (int(number) for number in chosen.part.split("/"))
            render(face_set, Path(chosen.out), part=(k, n), only=chosen.only)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m ferdemo.faces", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, face_set in SETS.items():
        command = commands.add_parser(name, help=f"render the set {name!r}")
        command.add_argument("--out", required=True, help="folder for images/ and manifest.csv")
        command.add_argument("--size", type=int, default=face_set.size, help="pixels (default: %(default)s)")
        command.add_argument("--part", default="0/1", help="k/n: every n-th person from the k-th on (default: all)")
        command.add_argument("--only", default="", help="regular expression: image ids that are wanted (default: all)")
    commands.add_parser("demo", help=f"render all shipped sets ({', '.join(SHIPPED)}) and their contact sheets")
    commands.add_parser("strength", help="measure how strongly each Action Unit moves each face of the set 'people'")
    command = commands.add_parser("contact-sheet", help="draw contact sheets of the shipped sets that are there")
    command.add_argument("--data", default=paths.DEMO, type=Path, help="folder of the sets (default: data/demo)")
    command.add_argument("--out", default=FIGURES, type=Path, help="folder for the PNG and CSV files")
    return parser


def render(face_set, out, *, part=(0, 1), only=""):
    """Render a set's images and, where its people keep still, the masks of their Action Units.

    Parameters
    ----------
    face_set : FaceSet
    out : pathlib.Path
    part : tuple of int
        (k, n), as for `produce`.
    only : str
        Regular expression of the image ids wanted; empty for all.
    """
    from ferdemo.faces.masks import produce_masks
    from ferdemo.faces.produce import produce

    images = [image for image in face_set.images() if re.search(only, image.image_id)]
    manifest = produce(face_set, out, part=part, images=images)
    print(manifest or "this part is done; the manifest is written when the other parts are done too")
    if manifest and getattr(face_set, "still", False):
        wanted = {image.who.subject_id for image in images}
        persons = [who for who in face_set.persons() if who.subject_id in wanted]
        print(produce_masks(face_set, out, persons=persons))


def measure(data):
    """Write the tables of the strengths of Action Units beside the set `people`; no image is drawn."""
    from ferdemo.faces.strength import produce

    print(*produce(SETS["people"].persons(), data / "people"), sep="\n")


def draw_sheets(data, out):
    """Draw the contact sheets of the shipped sets in a folder; a set that is not there is left out."""
    found = {name: data / name / "manifest.csv" for name in SHIPPED if (data / name / "manifest.csv").is_file()}
    if not found:
        raise InputError(f"{data}: holds none of the sets {', '.join(SHIPPED)}. Run `make demo-faces` first.")
    manifests = {name: tables.read_csv(path, columns=("image_id", "path", "group")) for name, path in found.items()}
    if "people" in manifests:
        print(contact_sheet(manifests["people"], out / "contact_sheet.png"))
        print(tone_strip(manifests["people"], out / "skin_tones.png"))
        print(strengths_sheet(manifests["people"], out / "strengths.png"))
        if (earlier := data / "people" / "earlier").is_dir():
            print(mended_sheet(manifests["people"], earlier, out / "mended.png"))
    strengths = data / "people" / "strength.csv"
    if strengths.is_file():
        print(strength_sheet(tables.read_csv(strengths, columns=("unit", "group", "value")), out / "strength.png"))
    if "crossed" in manifests:
        print(crossed_sheet(manifests["crossed"], out / "crossed.png"))
    if "light_pose" in manifests:
        print(light_pose_sheet(manifests["light_pose"], out / "light_pose.png"))
    if "action_units" in manifests:
        regions = tables.read_csv(data / "action_units" / "regions.csv", columns=("subject_id", "unit", "path"))
        print(units_sheet(manifests["action_units"], regions, out / "action_units.png"))


if __name__ == "__main__":
    sys.exit(main())
