"""How often two answers to the same image differ when one thing in the asking is changed."""

from itertools import combinations

import pandas as pd

COLUMNS = ("model", "changed", "n_images", "n_pairs", "other_label", "label_or_none", "differ", "share")


def table(answers):
    """Pairs of answers to one image that differ, by model and by what was changed between them.

    Parameters
    ----------
    answers : dict of str to pandas.DataFrame
        What was changed, to the answers as `ferlib.lmfm.replay.tabulate` gives them, which differ in that alone.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: pairs of answers in all, pairs in which both name a label but not the same (`other_label`),
        pairs in which one names a label and the other none (`label_or_none`), the sum of both, and its share of the
        pairs. Two answers without a label do not differ. Pairs with an answer that did not come (status `error`) are
        left out.
    """
    rows = []
    for changed, frame in answers.items():
        came = frame[frame["status"] != "error"]
        for model, own in came.groupby("model", sort=True):
            pairs = [
                pair
                for _, labels in own.groupby(["dataset", "image_id"])["predicted"]
                for pair in combinations([label if isinstance(label, str) else None for label in labels], 2)
            ]
            both = sum(a != b for a, b in pairs if a is not None and b is not None)
            one = sum((a is None) != (b is None) for a, b in pairs)
            share = (both + one) / len(pairs) if pairs else float("nan")
            rows.append((model, changed, own["image_id"].nunique(), len(pairs), both, one, both + one, share))
    return pd.DataFrame(rows, columns=list(COLUMNS))
