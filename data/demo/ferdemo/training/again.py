"""The demo's questions, asked about other people: `python -m ferdemo.training.again split`, then `... collect`.

Nothing was planted in the balanced models, but they are trained, not perfect: what the audit calls *different* in them
may be chance among the demo's people, or a property of the model. People decide who have no part in the demo: three
times as many, made by the same recipe, read by the same notebooks (`data/demo/again.yaml`). A remedy is tried on three
thirds of them, each as large as the demo's set, since what it does depends on how many people it learns from.
"""

import argparse

import numpy as np
import pandas as pd
import yaml
from scipy.stats import norm

from ferlib import paths, tables
from ferlib.pipeline import judged
from ferlib.stats import scoreboard

FOUND, FACES = paths.DEMO / "again", paths.ROOT / "data" / "build" / "again"
THIRDS = 3
IN_THEM = ("01_data_prep", "02_embedding", "08_mitigation")
"""Notebooks that a third of the people is for."""

COLUMNS = [*scoreboard.AGAIN, "people_a", "people_b", "rate_a", "rate_b", "difference", "low", "high"]


def split():
    """Divide the people into thirds that are alike: a manifest and a parameter file for each."""
    whole = pd.read_csv(FACES / "manifest.csv")
    number = whole["subject_id"].str[-2:].astype(int) - 1
    each = (number.max() + 1) // THIRDS
    left_out = {file.stem: "See again.yaml." for file in (paths.ROOT / "notebooks").glob("[0-9]*.ipynb")}
    for third in range(THIRDS):
        name = f"again-{third + 1}"
        rows = whole[number // each == third].assign(dataset=f"demo-{name}")
        tables.write_csv(rows, FACES / f"{name}.csv", sort_by=["image_id"])
        sections = left_out | dict.fromkeys(IN_THEM, {})
        sections["01_data_prep"] = {"datasets": [paths.relative(FACES / f"{name}.csv")]}
        sections["08_mitigation"] = {"dataset": f"demo-{name}", "networks": {}}
        text = yaml.safe_dump({"all": {"seed": 20240827 + third + 1}} | sections)
        tables.write_bytes(text.encode(), FACES / f"{name}.yaml")


def different(run):
    """What the audit calls *different* between groups of people, in models whose truth is known.

    Parameters
    ----------
    run : ferlib.paths.Run

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`.
    """
    contrasts = judged.of_run(run)
    known = set(tables.read_csv(paths.DEMO / "declared.csv")["reader"])
    wanted = (contrasts["verdict"] == "different") & contrasts["attribute"].isin(scoreboard.ABOUT_PEOPLE)
    return contrasts.loc[wanted & contrasts["reader"].isin(known), COLUMNS]


def changed(runs, *, alpha=0.05):
    """Changes of accuracy by remedies and controls in the model without a fault, in the mean of several runs.

    Parameters
    ----------
    runs : sequence of ferlib.paths.Run
        Each tried the same remedies, on people of its own.
    alpha : float
        One minus the confidence of the intervals, those of the tables and that of the mean.

    Returns
    -------
    pandas.DataFrame
        `model`, `remedy`, `way`, `by`, `group`, `people` (of all runs), the means of `rate_before`, `rate_after` and
        `change`, and `low`, `high`, the interval of the mean change. It holds chance among the people who are judged;
        that among those who are learnt from shows in `sd_runs`, the standard deviation from one run to the next.
    """
    keys = ["model", "remedy", "way", "by", "group"]
    read = [tables.read_csv(run.tables / "mitigation_changes.csv", made_by="08_mitigation") for run in runs]
    rows = pd.concat(read).query("measure == 'accuracy' and model == 'sound'")
    rows["variance"] = ((rows["ci_high"] - rows["ci_low"]) / 2 / norm.isf(alpha / 2)) ** 2
    each = rows.groupby(keys)
    mean = each[["rate_before", "rate_after", "change", "variance"]].mean()
    margin = norm.isf(alpha / 2) * np.sqrt(mean.pop("variance") / len(runs))
    mean.insert(0, "people", each["subjects"].sum())
    ends = {"low": mean["change"] - margin, "high": mean["change"] + margin}
    return mean.assign(**ends, sd_runs=each["change"].std()).reset_index()


def main(arguments=None):
    """Command line: divide the people, or keep what the runs about them found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("split", "collect"))
    if parser.parse_args(arguments).step == "split":
        return split()
    thirds = [paths.run(paths.RUNS / f"again-{third + 1}") for third in range(THIRDS)]
    contrasts, remedies = different(paths.run(paths.RUNS / "again")), changed(thirds)
    tables.write_csv(contrasts, FOUND / "contrasts.csv", sort_by=list(scoreboard.AGAIN))
    tables.write_csv(remedies, FOUND / "remedies.csv", sort_by=list(remedies.columns[:5]))
    print(*(paths.relative(file) for file in sorted(FOUND.glob("*.csv"))), sep="\n")


if __name__ == "__main__":
    main()
