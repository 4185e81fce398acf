"""The last words on the terminal: the main result as a small table, and where everything lies."""

import argparse
import json
from pathlib import Path

from ferlib import paths, tables

COLUMNS = (
    "dataset", "by", "group", "model", "confidence", "accuracy", "ci_low", "ci_high", "n_images", "n_subjects",
)  # fmt: skip


def headline(table):
    """Accuracy of each model, overall and by race-gender group, as text.

    Parameters
    ----------
    table : pandas.DataFrame
        As `tables/headline.csv`: a row for each model and group.

    Returns
    -------
    pandas.DataFrame
        Rows are groups with their number of images and people (and the dataset, when there are several), columns are
        models, cells read `0.91 [0.86, 0.94]`.
    """
    shown = table[table["by"].isin(["all", "group"])].copy()
    shown["cell"] = tables.bracketed(shown, ["accuracy", "ci_low", "ci_high"], ".2f")
    shown["row"] = [f"{row.group} ({row.n_images} images, {row.n_subjects} people)" for row in shown.itertuples()]
    if shown["dataset"].nunique() > 1:
        shown["row"] = shown["dataset"] + ": " + shown["row"]
    wide = shown.pivot(index=["dataset", "by", "row"], columns="model", values="cell").sort_index()  # all, then group
    return wide.droplevel(["dataset", "by"]).fillna("").rename_axis(index=None, columns=None)


def title(table):
    """What the headline shows, with the confidence of its intervals."""
    return f"Accuracy by group and model, with {100 * table['confidence'].iloc[0]:g} % intervals"


def notes(run):
    """Warnings that the notebooks of a run left, each with the notebook's name."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(run.provenance.glob("*.json"))]
    return [f"{record['notebook']}: {message}" for record in records for message in record["warnings"]]


def text(run):
    """The summary of a run as lines of text."""
    table = tables.read_csv(run.tables / "headline.csv", columns=COLUMNS, made_by="06_bias_stats")
    lines = ["", f"{title(table)}:", "", headline(table).to_string(), ""]
    lines += [f"Note: {note}" for note in notes(run)]
    places = {"Report": run.root / "report" / "index.html", "Tables": run.tables, "Figures": run.figures}
    return "\n".join(lines + [f"{name:<8} {paths.relative(path)}" for name, path in places.items()])


def main():
    """Command line: print the summary of a run, and before it whether anything had to be done for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    run = paths.run(parser.parse_args().run_dir.resolve())
    if not run.changed.exists():
        print(f"Nothing to do: {paths.relative(run.root)} is up to date.")
    run.changed.unlink(missing_ok=True)
    print(text(run))


if __name__ == "__main__":
    main()
