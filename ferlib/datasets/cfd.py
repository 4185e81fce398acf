"""Chicago Face Database: `CFD-AF-200-228-N.jpg`, versions 2.0.3 and 3.0, with the extensions CFD-MR and CFD-INDIA.

The versions differ in their folders only. The extensions lie in the same folders as the set itself in version 3.0 and
are datasets of their own here, told apart by the race letter: `M` is CFD-MR, `I` is CFD-INDIA.
"""

import re
from dataclasses import replace

from ferlib.datasets import conventions, tree
from ferlib.datasets.radiate import check_person_folder

NAME = re.compile(
    r"CFD-(?P<race>[A-Z])(?P<gender>[A-Z])-(?P<target>\d+)-(?P<photo>\d+)(-(?P<replicate>\d+))?-(?P<emotion>[A-Z]+)",
    re.IGNORECASE,
)
PERSON = re.compile(r"[ABLWMI][FM]-\d+", re.IGNORECASE)
EXTENSIONS = {"M": "cfd-mr", "I": "cfd-india"}


def read(folder, part="cfd"):
    """Read one part of the database from a folder.

    Parameters
    ----------
    folder : pathlib.Path
    part : {"cfd", "cfd-mr", "cfd-india"}

    Returns
    -------
    ferlib.datasets.reading.Reading
        Files of the other parts are listed as left out.

    Raises
    ------
    MissingDataset
        When the folder has no image of this part.
    """
    convention = conventions.load("cfd")
    convention = replace(convention, about={**convention.about, "dataset": part})
    pattern = "CFD-{race}{gender}-{target}-{photo}-{code}.jpg, such as CFD-BM-019-002-N.jpg"
    reading = tree.read(folder, convention, lambda path: _parse(path, part), pattern=pattern)
    return reading


def _parse(path, part):
    match = NAME.fullmatch(path.stem)
    if match is None:
        return None
    name = path.stem.upper().removeprefix("CFD-")
    person = f"{match['race']}{match['gender']}-{match['target']}".upper()
    check_person_folder(path, person, PERSON)
    own = EXTENSIONS.get(match["race"].upper(), "cfd")
    return {
        "image_id": f"{own}-{name}",
        "subject_id": f"{own}-{person}",
        "reason": "" if own == part else f"belongs to {own}: name that in `datasets` to read it",
        **{field: match[field] for field in conventions.FIELDS},
    }
