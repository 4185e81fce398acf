"""What people said about the demo's faces, beside models: `python -m ferdemo.human_check answers-*.csv --out DIR`.

Reads the files that the page `data/demo/human_check/index.html` saved. Writes `people.csv`, which `make audit` takes,
with the models of a run on the very same faces, `people.parquet` in the form of a run's `predictions`, and
`by_group.csv`. With `--sample` the faces of the page are drawn anew instead.
"""

import argparse
from pathlib import Path

import pandas as pd

from ferdemo.human_check import rating
from ferlib import paths, tables
from ferlib import predictions as answers_of
from ferlib.stats.outcomes import CONFIGURATION


def main(arguments=None):
    """Draw the sample, or gather the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saved", nargs="*", type=Path, help="files that browsers saved")
    parser.add_argument("--out", type=Path, help="folder for the three tables")
    parser.add_argument(
        "--run", default="data/runs/demo", help="a finished run whose models stand beside (%(default)s)"
    )
    parser.add_argument("--sample", action="store_true", help="draw the faces of the page anew")
    given = parser.parse_args(arguments)
    if given.sample:
        print(paths.relative(rating.write_sample()))
        return
    if not given.saved or given.out is None:
        parser.error("name the saved files and a folder: answers-*.csv --out folder")
    manifest = tables.read_csv(paths.DEMO / "people" / "manifest.csv")
    saved = rating.read(given.saved)
    people = rating.predictions(saved)
    answers_of.check(people, source="the saved answers")
    table = rating.beside(people, models_of(paths.run(given.run)), manifest)
    groups = rating.by_group(saved, manifest)
    for path in (
        tables.write_csv(table, given.out / "people.csv", sort_by=[*CONFIGURATION, "image_id", "repeat"]),
        tables.write_parquet(people, given.out / "people.parquet"),
        tables.write_csv(groups, given.out / "by_group.csv"),
    ):
        print(paths.relative(path))
    print(groups.round(2).to_string(index=False))
    print(f"Beside the models: make audit PREDICTIONS={paths.relative(given.out / 'people.csv')} OUT=folder")


def models_of(run):
    """Answers of the models of a run to the ordinary set, the variant of the headline; none where there is no run."""
    headline = run.tables / "headline.csv"
    if not headline.is_file():
        print(f"{paths.relative(headline)}: not there, so people stand alone. `make demo` makes it.")
        return []
    chosen = tables.read_csv(headline, columns=CONFIGURATION)[list(CONFIGURATION)].drop_duplicates()
    found = [pd.read_parquet(path) for path in sorted(run.predictions.glob("*.parquet"))]
    return [part for one in found if len(part := one.merge(chosen.query("dataset == 'demo'")))]


if __name__ == "__main__":
    main()
