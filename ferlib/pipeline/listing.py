"""What lies in `data/raw/`, for the Makefile: one file that changes when anything there is added, removed or changed.

The names of the files there belong to the datasets and may hold spaces, which make cannot handle; and a file deep in a
folder does not touch the folder's own time. Run as a script by any Python; imports nothing of ferlib.
"""

import hashlib
import os
import sys
from pathlib import Path


def state(folder):
    """Hash of the names, sizes and times of all files below a folder; no file is opened.

    Parameters
    ----------
    folder : str or pathlib.Path
        Links to folders are followed once; a folder that does not exist has no files.

    Returns
    -------
    str
    """
    digest, seen = hashlib.sha256(), set()
    for place, folders, names in os.walk(folder, followlinks=True):
        here = os.path.realpath(place)
        if here in seen:
            folders.clear()
            continue
        seen.add(here)
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            found = os.stat(path) if os.path.exists(path) else None
            size_and_time = (found.st_size, found.st_mtime_ns) if found else "broken link"
            digest.update(f"{path}\0{size_and_time}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def main(folder, listing):
    """Command line: bring the listing up to date, leave it untouched when nothing changed, and print its name."""
    listing = Path(listing)
    now = state(folder) + "\n"
    if not listing.is_file() or listing.read_text(encoding="utf-8") != now:
        listing.parent.mkdir(parents=True, exist_ok=True)
        partial = listing.with_name(f".{listing.name}.{os.getpid()}")
        partial.write_text(now, encoding="utf-8")
        os.replace(partial, listing)
    print(listing)


if __name__ == "__main__":
    main(*sys.argv[1:])
