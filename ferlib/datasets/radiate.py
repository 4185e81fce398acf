"""RADIATE: `AF01_AC.bmp`, the person and the expression in the name of the file, in any folders.

The study drops the expression calm and the one model of race Other; both rules are in `data/conventions/radiate.yaml`.
The images come in colour and black-and-white, as BMP and as JPEG: `ferlib.datasets.tree.resolve_copies` keeps one.
"""

import re

from ferlib.datasets import conventions, tree
from ferlib.errors import InputError

NAME = re.compile(r"(?P<race>[A-Z])(?P<gender>[A-Z])(?P<number>\d{2})_(?P<emotion>[A-Z]+)", re.IGNORECASE)
PERSON = re.compile(r"[ABHWO][FM]\d{2}", re.IGNORECASE)


def read(folder):
    """Read RADIATE from a folder.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    ferlib.datasets.reading.Reading
    """
    convention = conventions.load("radiate")
    pattern = "{race}{gender}{number}_{code}.bmp or .jpg, such as HF03_FO.bmp"
    return tree.read(folder, convention, _parse, pattern=pattern)


def _parse(path):
    match = NAME.fullmatch(path.stem)
    if match is None:
        return None
    person = path.stem.split("_")[0].upper()
    check_person_folder(path, person, PERSON)
    return {
        "image_id": f"radiate-{path.stem.upper()}",
        "subject_id": f"radiate-{person}",
        **{name: match[name] for name in conventions.FIELDS},
    }


def check_person_folder(path, person, pattern):
    """Raise when an image lies in the folder of another person than the one its name says.

    Parameters
    ----------
    path : pathlib.Path
    person : str
        As the name of the file says.
    pattern : re.Pattern
        How folders of one person are named; other folders say nothing.
    """
    folder = path.parent.name.upper()
    if pattern.fullmatch(folder) and folder != person:
        raise InputError(
            f"{path.as_posix()}: the name says person {person}, the folder {folder}. Give the file its own name back, "
            f"or move it to the folder of its person."
        )
