"""Bounds: how much of an accuracy gap depends on what is done with the images that got no answer."""

import numpy as np
import pandas as pd

from ferlib.stats.arrays import ratio, whole
from ferlib.stats.groups import pairs_of
from ferlib.stats.outcomes import CONFIGURATION

COLUMNS = (
    *CONFIGURATION, "attribute", "group_a", "group_b", "n_a", "unanswered_a", "n_b", "unanswered_b", "gap_wrong",
    "gap_right", "gap_excluded", "gap_lowest", "gap_highest", "sign",
)  # fmt: skip


def bounds(all_counts):
    """Accuracy of a minus accuracy of b under every treatment of missing answers: the table `bounds.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `unanswered` are images that got no label at all. `gap_wrong`, `gap_right`,
        `gap_excluded`: all of them wrong (as in `accuracy_by_group.csv`), all right, or left out of both numbers.
        `gap_lowest` and `gap_highest` let them be wrong in one group and right in the other: whatever the model
        would have answered, the gap lies between them (Manski 1989). `sign` is `a higher`, `b higher` or `open`.
    """
    frames = [_of_one(counts, attribute) for counts in all_counts for attribute in counts.scope.attributes]
    return pd.concat(frames, ignore_index=True)[list(COLUMNS)]


def _of_one(counts, attribute):
    members = counts.members(attribute)
    inside = members.to_numpy(float)
    right, images = inside @ counts.right, inside @ counts.images
    silent = images - inside @ counts.answered
    wrong_rate, right_rate = ratio(right, images), ratio(right + silent, images)
    answered_rate = ratio(right, np.where(images - silent > 1e-9, images - silent, 0))
    a, b = pairs_of(len(members))
    table = pd.DataFrame({"group_a": members.index[a], "group_b": members.index[b]})
    for side, chosen in (("a", a), ("b", b)):
        table[f"n_{side}"], table[f"unanswered_{side}"] = whole(images[chosen]), whole(silent[chosen])
    table["gap_wrong"] = wrong_rate[a] - wrong_rate[b]
    table["gap_right"] = right_rate[a] - right_rate[b]
    table["gap_excluded"] = answered_rate[a] - answered_rate[b]
    table["gap_lowest"] = wrong_rate[a] - right_rate[b]
    table["gap_highest"] = right_rate[a] - wrong_rate[b]
    table["sign"] = np.where(
        table["gap_lowest"] > 1e-9, "a higher", np.where(table["gap_highest"] < -1e-9, "b higher", "open")
    )
    return table.assign(attribute=attribute, **counts.configuration)
