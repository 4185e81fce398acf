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
        pairs. Two answers without a label do not differ. Answers that did not come (`error`) are left out.
    """
    rows = []
    for changed, frame in answers.items():
        for model, own in frame[frame["status"] != "error"].groupby("model", sort=True):
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


def on_temperature(table, models):
    """Sentences about models that are sent no temperature, or whose repeats above 0 never differ.

    Parameters
    ----------
    table : pandas.DataFrame
        From `table`, with lines `repeat at temperature ...`.
    models : sequence of dict
        From `ferlib.lmfm.models.read`.
    """
    said, left_out = [], {m["name"] for m in models if m["settings"].get("temperature", 0) is None}
    for model, own in table.groupby("model", sort=True):
        warm = own[own["changed"].str.startswith("repeat at temperature ") & ~own["changed"].str.endswith(" 0")]
        if model in left_out:
            said.append(f"{model}: is sent no temperature; its lines on temperatures are one and the same question")
        elif warm["n_pairs"].sum() and not warm["differ"].sum():
            said.append(
                f"{model}: above temperature 0 none of {warm['n_pairs'].sum()} pairs of repeats differ; it may ignore "
                f"the temperature, or be sure of itself"
            )
    return said
