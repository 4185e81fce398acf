"""Command line: `python -m ferlib.faces people --out data/demo/people`."""

import argparse
import dataclasses
import re
import sys
from pathlib import Path

from ferlib import paths, tables
from ferlib.errors import InputError
from ferlib.faces.contact import contact_sheet, tone_strip
from ferlib.faces.sets import SETS

FIGURES = paths.ROOT / "figures" / "demo"


def main(arguments=None):
    """Render a set of demo faces; images that are already there are kept. Or draw the contact sheets of a set."""
    parser = argparse.ArgumentParser(prog="python -m ferlib.faces", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, face_set in SETS.items():
        command = commands.add_parser(name, help=f"render the set {name!r}")
        command.add_argument("--out", required=True, help="folder for images/ and manifest.csv")
        command.add_argument("--size", type=int, default=face_set.size, help="pixels (default: %(default)s)")
        command.add_argument("--part", default="0/1", help="k/n: every n-th person from the k-th on (default: all)")
        command.add_argument("--only", default="", help="regular expression: image ids that are wanted (default: all)")
    command = commands.add_parser("contact-sheet", help="draw contact sheets of images that are there")
    command.add_argument("--manifest", default=paths.DEMO / "people" / "manifest.csv", type=Path)
    command.add_argument("--out", default=FIGURES, type=Path, help="folder for the PNG and CSV files")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "contact-sheet":
            manifest = tables.read_csv(chosen.manifest, columns=("image_id", "path", "group", "skin_tone", "strength"))
            print(contact_sheet(manifest, chosen.out / "contact_sheet.png"))
            print(tone_strip(manifest, chosen.out / "skin_tones.png"))
            return 0
        from ferlib.faces.masks import produce_masks
        from ferlib.faces.produce import produce

        face_set = dataclasses.replace(SETS[chosen.command], size=chosen.size)
        k, n = (int(number) for number in chosen.part.split("/"))
        images = [image for image in face_set.images() if re.search(chosen.only, image.image_id)]
        manifest = produce(face_set, chosen.out, part=(k, n), images=images)
        if manifest and getattr(face_set, "still", False):
            wanted = {image.who.subject_id for image in images}
            print(
                produce_masks(
                    face_set, Path(chosen.out), persons=[p for p in face_set.persons() if p.subject_id in wanted]
                )
            )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(manifest or "this part is done; the manifest is written when the other parts are done too")
    return 0


if __name__ == "__main__":
    sys.exit(main())
