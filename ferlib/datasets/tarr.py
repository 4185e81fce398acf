"""Face Place (Tarr lab): `CF0001_1101_00F.jpg`, person, four digits of the session, then a view or an expression.

Only the frontal view is used: the rule, and the expression codes that are guesses, are in `data/conventions/tarr.yaml`.
"""

import re

from ferlib.datasets import conventions, tree

NAME = re.compile(
    r"(?P<race>[A-Z])(?P<gender>[A-Z])(?P<number>\d{4})_(?P<session>\d{4})_(?P<emotion>[A-Z0-9]+)", re.IGNORECASE
)


def read(folder):
    """Read Face Place from a folder.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    ferlib.datasets.reading.Reading
    """
    convention = conventions.load("tarr")
    pattern = "{race}{gender}{number}_{session}_{view or expression}.jpg, such as CF0001_1101_00F.jpg"
    return tree.read(folder, convention, _parse, pattern=pattern)


def _parse(path):
    match = NAME.fullmatch(path.stem)
    if match is None:
        return None
    return {
        "image_id": f"tarr-{path.stem.upper()}",
        "subject_id": f"tarr-{path.stem.split('_')[0].upper()}",
        **{name: match[name] for name in conventions.FIELDS},
    }
