"""The last words on the terminal show every model, group and dataset, with intervals."""

import pandas as pd

from ferlib.pipeline import summary


def table(datasets):
    rows = [
        {
            "dataset": dataset, "by": by, "group": group, "model": model, "confidence": 0.9, "accuracy": 0.5,
            "ci_low": 0.25, "ci_high": 0.75, "n_images": 8, "n_subjects": 4,
        }
        for dataset in datasets
        for by, group in (("all", "all"), ("race", "Black"), ("group", "Black Female"))
        for model in ("one", "two")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_everybody_comes_first_then_the_groups_and_races_stay_out():
    shown = summary.headline(table(["d"]))
    assert shown.index.tolist() == ["all (8 images, 4 people)", "Black Female (8 images, 4 people)"]
    assert shown.loc["all (8 images, 4 people)", "two"] == "0.50 [0.25, 0.75]"


def test_two_datasets_stay_apart():
    shown = summary.headline(table(["d", "e"]))
    assert shown.index.str.startswith("d: ").sum() == shown.index.str.startswith("e: ").sum() == 2


def test_the_title_states_the_confidence_used():
    assert "90 % intervals" in summary.title(table(["d"]))
