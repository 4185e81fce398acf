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
    shown["cell"] = [
        f"{accuracy:.2f} [{low:.2f}, {high:.2f}]"
        for accuracy, low, high in zip(shown["accuracy"], shown["ci_low"], shown["ci_high"], strict=True)
    ]
    shown["row"] = [
        f"{group} ({images} images, {people} people)"
        for group, images, people in zip(shown["group"], shown["n_images"], shown["n_subjects"], strict=True)
    ]
    if shown["dataset"].nunique() > 1:
        shown["row"] = shown["dataset"] + ": " + shown["row"]
    shown["order"] = shown["by"].map({"all": 0, "group": 1})
    wide = shown.pivot(index=["dataset", "order", "row"], columns="model", values="cell").sort_index()
    return wide.droplevel(["dataset", "order"]).fillna("").rename_axis(index=None, columns=None)


def title(table):
    """What the headline shows, with the confidence of its intervals."""
    return f"Accuracy by group and model, with {100 * table['confidence'].iloc[0]:g} % intervals"


def notes(run):
    """Warnings that the notebooks of a run left, each with the notebook's name."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(run.provenance.glob("*.json"))]
    return [f"{record['notebook']}: {message}" for record in records for message in record["warnings"]]


def text(run):
    """The summary of a run as lines of text.

    Parameters
    ----------
    run : ferlib.paths.Run

    Returns
    -------
    str
    """
    table = tables.read_csv(run.tables / "headline.csv", columns=COLUMNS, made_by="06_bias_stats")
    lines = ["", f"{title(table)}:", "", headline(table).to_string(), ""]
    lines += [f"Note: {note}" for note in notes(run)]
    lines += [f"{name:<8} {paths.relative(path)}" for name, path in _places(run)]
    return "\n".join(lines)


def _places(run):
    return ("Report", run.root / "report" / "index.html"), ("Tables", run.tables), ("Figures", run.figures)


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
