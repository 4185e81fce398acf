"""The composition of the datasets as the study printed it, and how far the images at hand agree with it."""

import re

import pandas as pd

from ferlib import tables
from ferlib.errors import InputError
from ferlib.paths import PUBLISHED

COMPOSITION = PUBLISHED / "composition.csv"
CELL = ["dataset", "race", "emotion"]
CHECK = (*CELL, "n_published", "n_read", "difference")
RULES = ("report", "require")

NUMBERED_WITHOUT_GAPS = ("radiate",)
"""Datasets in which the people of a group are numbered from 01 on, so that a missing person shows."""


def composition():
    """Images of each race and emotion in each dataset, as published.

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `race`, `emotion`, `percent_as_printed`, `n_images`, `n_total`; see
        `data/published/README.md`. Source: arXiv 2408.14842.
    """
    return tables.read_csv(COMPOSITION, columns=(*CELL, "percent_as_printed", "n_images", "n_total"))


def possible_totals(percents, *, largest=5000):
    """Totals for which every printed share is a whole number of images.

    Parameters
    ----------
    percents : sequence of float
        Shares in percent, printed with two decimals.
    largest : int
        Totals up to this are tried.

    Returns
    -------
    list of int
        Totals for which the nearest whole numbers of images give back every printed share, and add up to the total.

    Examples
    --------
    >>> possible_totals([33.33, 66.67], largest=5)
    [3]
    """
    shares = [round(100 * percent) for percent in percents]  # hundredths of a percent: whole numbers, exact
    found = []
    for total in range(1, largest + 1):
        counts = [round(share * total / 1e4) for share in shares]
        exact = all(
            abs(count * 10_000 - share * total) <= total / 2 for count, share in zip(counts, shares, strict=True)
        )
        if exact and sum(counts) == total:
            found.append(total)
    return found


def compare(manifest):
    """Count the images of a manifest and set the published numbers beside them.

    Returns
    -------
    pandas.DataFrame
        Columns `CHECK`, a row for each cell that was published or read, of the datasets in the manifest that have a
        published composition; sorted.
    """
    published = composition()
    published = published[published["dataset"].isin(manifest["dataset"])]
    own = manifest[manifest["dataset"].isin(published["dataset"])]
    read = own.astype({name: "object" for name in CELL}).groupby(CELL).size().rename("n_read").reset_index()
    both = published[[*CELL, "n_images"]].rename(columns={"n_images": "n_published"}).merge(read, on=CELL, how="outer")
    counts = both[["n_published", "n_read"]].fillna(0).astype(int)
    both = both.assign(**counts, difference=counts["n_read"] - counts["n_published"])
    return both[list(CHECK)].sort_values(CELL, ignore_index=True)


def differences(check, manifest, *, rule="report", where=""):
    """What to say about the cells that differ from the published composition.

    Parameters
    ----------
    check : pandas.DataFrame
        As `compare` returns.
    manifest : pandas.DataFrame
        The manifest that was compared, for a hint at people who may be missing.
    rule : {"report", "require"}
    where : str
        File that holds `check`, for the message.

    Returns
    -------
    list of str
        A message for each dataset that differs.

    Raises
    ------
    InputError
        When a dataset differs and the rule is `require`.
    """
    if rule not in RULES:
        raise InputError(f"composition: unknown rule {rule!r}. Allowed: {', '.join(RULES)}.")
    messages = []
    for dataset, cells in check.groupby("dataset"):
        wrong = cells[cells["difference"] != 0]
        if wrong.empty:
            continue
        rows = [f"{row.race} {row.emotion} {row.n_read} instead of {row.n_published}" for row in wrong.itertuples()]
        messages.append(
            f"{dataset}: {cells['n_read'].sum()} images read, {cells['n_published'].sum()} published; "
            f"{len(wrong)} of {len(cells)} cells differ ({'; '.join(rows)}).{_gaps(dataset, manifest)}"
        )
    if messages and rule == "require":
        raise InputError(
            f"{' '.join(messages)} All cells: {where}. Complete the files, or mend the conventions of the dataset in "
            f"data/conventions/; if your copy is known to differ, set `composition: report` to go on with a warning."
        )
    return messages


def _gaps(dataset, manifest):
    if dataset not in NUMBERED_WITHOUT_GAPS:
        return ""
    people = manifest.loc[manifest["dataset"] == dataset, "subject_id"].unique()
    numbers = {}
    for person in people:
        prefix, number = re.fullmatch(r"(.*?)(\d+)", person).groups()
        numbers.setdefault(prefix, set()).add(int(number))
    absent = [
        f"{prefix.removeprefix(f'{dataset}-')}{number:02d}"
        for prefix, own in sorted(numbers.items())
        for number in sorted(set(range(1, max(own))) - own)
    ]
    return f" No images at all of {', '.join(absent)}: is a folder missing?" if absent else ""


def only_there(missing, manifest):
    """What the missing datasets (of a `Reading`) would have brought and none of those at hand has.

    Returns
    -------
    pandas.DataFrame
        A row for each missing dataset: `dataset`, `n_images` as published (0 when the study does not use it), and
        `without_it`, the cells of race and emotion of which no image is left.
    """
    published = composition()
    at_hand = set(zip(manifest["race"], manifest["emotion"], strict=True))
    rows = []
    for dataset in missing["dataset"]:
        own = published[(published["dataset"] == dataset) & (published["n_images"] > 0)]
        lost = own[[pair not in at_hand for pair in zip(own["race"], own["emotion"], strict=True)]]
        words = [f"{race}: {', '.join(cells)}" for race, cells in lost.groupby("race")["emotion"]]
        rows.append((dataset, int(own["n_images"].sum()), "; ".join(words) or "no cell is lost, but images and people"))
    return pd.DataFrame(rows, columns=["dataset", "n_images", "without_it"])
