"""A dataset that is known by name: the names of its files say who and what is on them, by a rule in its conventions.

The folders do not matter, since versions of a set differ in little else. Extensions that lie in the same folder as the
set, such as CFD-MR and CFD-INDIA, are datasets of their own, told apart by the code of the race.
"""

import re
from dataclasses import replace

from ferlib.datasets import conventions, tree
from ferlib.errors import InputError


def read(folder, convention, *, dataset):
    """Read one dataset, or one extension of it.

    Parameters
    ----------
    folder : pathlib.Path
    convention : ferlib.datasets.conventions.Convention
        Its `about` says `file_name`, a regular expression of the name without its ending, in capitals, with the groups
        `image_id`, `subject_id`, `emotion`, `race` and `gender`; `looks_like`, the same for people; and optionally
        `person_folder`, a regular expression of folders that hold one person, and `extensions`, code of the race to
        dataset.
    dataset : str
        Which of the datasets in the folder; files of the others are listed as left out.

    Returns
    -------
    ferlib.datasets.reading.Reading

    Raises
    ------
    MissingDataset
        When the folder has no image of this dataset.
    InputError
        When a name does not follow the rule, a code is unknown, or an image lies in the folder of another person.
    """
    about = convention.about
    convention = replace(convention, about={**about, "dataset": dataset})

    def parse(path):
        match = re.fullmatch(about["file_name"], path.stem.upper())
        return None if match is None else _row(path, match.groupdict(), about, dataset)

    return tree.read(folder, convention, parse, pattern=about["looks_like"])


def _row(path, parts, about, dataset):
    person, folder = parts["subject_id"], path.parent.name.upper()
    if folder != person and re.fullmatch(about.get("person_folder", "(?!)"), folder):
        raise InputError(
            f"{path.as_posix()}: the name says person {person}, the folder {folder}. Give the file its own name back, "
            f"or move it to the folder of its person."
        )
    own = about.get("extensions", {}).get(parts["race"], about["dataset"])
    return {
        "image_id": f"{own}-{parts['image_id']}",
        "subject_id": f"{own}-{person}",
        "reason": "" if own == dataset else f"belongs to {own}: name that in `datasets` to read it",
        **{field: parts[field] for field in conventions.FIELDS},
    }
