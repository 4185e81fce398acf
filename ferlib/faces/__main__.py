"""Command line: `python -m ferlib.faces people --out data/demo/people`."""

import argparse
import sys

from ferlib.errors import InputError
from ferlib.faces.sets import SETS


def main(arguments=None):
    """Render a set of demo faces; what is already there is kept."""
    parser = argparse.ArgumentParser(prog="python -m ferlib.faces", description=main.__doc__)
    parser.add_argument("set", choices=sorted(SETS), help="which set")
    parser.add_argument("--out", required=True, help="folder for images/ and manifest.csv")
    parser.add_argument("--part", default="0/1", help="k/n: every n-th person from the k-th on (default: all)")
    chosen = parser.parse_args(arguments)
    k, n = (int(number) for number in chosen.part.split("/"))
    try:
        from ferlib.faces.produce import produce

        manifest = produce(SETS[chosen.set], chosen.out, part=(k, n))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(manifest or "this part is done; the manifest is written when the other parts are done too")
    return 0


if __name__ == "__main__":
    sys.exit(main())
