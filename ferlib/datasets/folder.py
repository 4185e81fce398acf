"""Any other dataset: a CSV manifest with images beside it, or a folder of images whose paths say who is on them."""

import difflib
import re
from dataclasses import replace
from pathlib import Path

from ferlib import labels, tables
from ferlib.datasets import conventions, covariates, manifest, tree
from ferlib.datasets.reading import Reading
from ferlib.errors import InputError
from ferlib.paths import absolute, relative

NO_PEOPLE = "each image"
"""What a description says for `subject_id` when the dataset does not tell who is who."""

ABOUT = ("dataset", "pattern", "images", "subject_id", *conventions.FIELDS, "leave_out_files",
         "title", "where", "terms", "reference", "note")  # fmt: skip
"""What a description of a folder may say."""

GENDER_CODES = {"F": "Female", "M": "Male", "FEMALE": "Female", "MALE": "Male"}
PLACEHOLDER = re.compile(r"\{(?P<name>\w+)(:(?P<length>\d+))?\}|(?P<any>\*\*/|\*)")


def read_csv(path):
    """Read a dataset described by a CSV manifest.

    Parameters
    ----------
    path : str or pathlib.Path
        The CSV, relative to the repository or absolute; its columns are described in `ferlib.datasets.manifest`. The
        images' paths in it are relative to the CSV's folder, or to the repository, or absolute.

    Returns
    -------
    ferlib.datasets.reading.Reading

    Raises
    ------
    InputError
        When the file is missing or its content cannot be used.
    """
    source = absolute(path)
    frame, as_written = tables.read_csv(source), {"dtype": str, "keep_default_na": False}
    text = tables.read_csv(source, usecols=lambda name: name in manifest.REQUIRED, **as_written)
    for name in text:  # NA is a person of JAFFE, 01 a code
        frame[name] = text[name].str.strip()
    if "path" in frame.columns:
        frame["path"] = [_locate(image, source.parent) if image else image for image in frame["path"]]
    whole = manifest.complete(frame, dataset=source.parent.name, source=source)
    notes = [] if whole["subject_id"].duplicated().any() else [_cost(whole["dataset"].iloc[0])]
    lost = [name for name in ("reason", *covariates.COLUMNS) if name in frame]
    if lost := lost + ["group"] * ("group" in frame and not set(frame["group"]) <= set(whole["group"])):
        notes.append(f"{relative(source)}: not used, for the audit makes its own: {', '.join(lost)}. Rename to keep.")
    return Reading(whole, notes=tuple(notes))


def _locate(image, folder):
    beside = folder / image
    return relative(beside) if beside.is_file() or not absolute(image).is_file() else Path(image).as_posix()


def read_tree(path):
    """Read a folder of images by a YAML file that states the pattern of their paths.

    Parameters
    ----------
    path : str or pathlib.Path
        YAML with the lines

        - `dataset`: a name;
        - `pattern`: the path of an image below the folder, such as `{emotion}/{subject_id}_{race}_{gender}_*.jpg`;
          `*` stands for anything in one name, `**/` for any folders, `{race:1}` for a code of one character;
        - `images`: the folder, relative to the YAML file; by default the one that it lies in;
        - `subject_id`: from which parts the person's id is made, by default `{subject_id}`; or `each image` when the
          dataset does not say who is who;
        - `emotion`, `race`, `gender`: what the codes mean, as in `data/conventions/`; or the one label of all images;
          without such a line, the codes are taken for the labels;
        - `leave_out_files`: patterns of file names that are no part of the set, each with the reason.

    Returns
    -------
    ferlib.datasets.reading.Reading
        Where there are no ids of people, `notes` says what that costs.

    Raises
    ------
    MissingDataset
        When the folder has no images.
    InputError
        When the description is incomplete, a path does not follow the pattern, or a code is unknown.
    """
    source = absolute(path)
    about = {"dataset": source.parent.name, "subject_id": "{subject_id}", **conventions.read_yaml(source)}
    fixed = {name: about.pop(name) for name in conventions.FIELDS if isinstance(about.get(name), str)}
    for name in about.keys() - ABOUT:
        (close,) = difflib.get_close_matches(name, ABOUT, n=1, cutoff=0) or [""]
        raise InputError(f"{relative(source)}: {name!r} is no line of such a file. Did you mean {close!r}?")
    pattern = about.get("pattern")
    if not pattern:
        raise InputError(f"{relative(source)}: needs a line `pattern: ...`, the path of an image below the folder.")
    matcher, names = compile_pattern(pattern)
    _check_parts(about["subject_id"], names, fixed, source)
    codes = conventions.codes_of(about, source)
    convention = conventions.Convention(file=source, about=about, codes=codes)

    def parse(image):
        match = matcher.fullmatch(image.as_posix())
        return None if match is None else _row(image, {**fixed, **match.groupdict()}, about, codes)

    reading = tree.read(source.parent / about.get("images", "."), convention, parse, pattern=pattern)
    if about["subject_id"] == NO_PEOPLE:
        return replace(reading, notes=(*reading.notes, _cost(about["dataset"])))
    return reading


def compile_pattern(pattern):
    """Regular expression of a pattern of paths, and the names of its parts.

    Parameters
    ----------
    pattern : str
        As for `read_tree`.

    Returns
    -------
    re.Pattern, list of str

    Examples
    --------
    >>> matcher, names = compile_pattern("{emotion}/{subject_id}_{race:1}{gender:1}*.jpg")
    >>> matcher.fullmatch("sad/p7_BF_02.jpg").groupdict()
    {'emotion': 'sad', 'subject_id': 'p7', 'race': 'B', 'gender': 'F'}
    """
    expression, names, position = "", [], 0
    for part in PLACEHOLDER.finditer(pattern):
        expression += re.escape(pattern[position : part.start()])
        position = part.end()
        if part["any"]:
            expression += "(?:.*/)?" if part["any"] == "**/" else "[^/]*"
        elif part["name"] in names:
            expression += f"(?P={part['name']})"
        else:
            names.append(part["name"])
            times = f"{{{part['length']}}}" if part["length"] else "+?"
            expression += f"(?P<{part['name']}>[^/]{times})"
    return re.compile(expression + re.escape(pattern[position:]), re.IGNORECASE), names


def _check_parts(subject, names, fixed, source):
    for name in conventions.FIELDS:
        if name not in names and name not in fixed:
            raise InputError(
                f"{relative(source)}: the pattern has no part {{{name}}}. If all images share one, write "
                f"`{name}: label`. If the dataset does not say it, bring your own labels in a CSV manifest "
                f"(see data/raw/README.md): an audit by group needs them."
            )
        if name in fixed:
            conventions.check_label(fixed[name], name, f"{relative(source)}: {name}")
    absent = [name for name in re.findall(r"\{(\w+)\}", subject) if name not in names]
    if subject != NO_PEOPLE and (absent or "{" not in subject):
        raise InputError(
            f"{relative(source)}: subject_id {subject!r} needs parts that the pattern has ({', '.join(names)}). If the "
            f"dataset does not say who is who, write `subject_id: {NO_PEOPLE}`. That costs: people cannot be kept "
            f"apart between training and test, and intervals come out too narrow where somebody occurs twice."
        )


def _row(image, parts, about, codes):
    identity = f"{about['dataset']}-{image.with_suffix('').as_posix()}"
    anonymous = about["subject_id"] == NO_PEOPLE
    found = {name: parts[name] for name in conventions.FIELDS}
    for name, allowed in (("emotion", {label.upper(): label for label in labels.EMOTIONS}), ("gender", GENDER_CODES)):
        if name not in codes:
            found[name] = allowed.get(found[name].upper(), found[name])
    subject = identity if anonymous else f"{about['dataset']}-{about['subject_id'].format(**parts)}"
    return {"image_id": identity, "subject_id": subject, **found}


def _cost(dataset):
    return (
        f"{dataset}: every image counts as a person of its own, no id occurs twice. If somebody is there twice, "
        f"training and test share people, accuracy looks better than it is, and every interval is too narrow."
    )
