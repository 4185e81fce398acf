"""The audit of one file of predictions, in three verbs: `read` it, `judge` it, `report` it.

`make audit PREDICTIONS=file.csv OUT=dir` calls them. The folder gets what a run has: manifest, predictions, tables (CSV
and JSON), figures, executed notebooks, provenance; and `report.html`, which needs no other file and no network. All
numbers are made by notebooks 06 and 10, so that they are the same whoever calls.

Examples
--------
>>> from ferlib import audit
>>> taken = audit.read("answers.csv")  # or a data frame             # doctest: +SKIP
>>> tables = audit.judge(taken, "out")["disparities"]                # doctest: +SKIP
>>> audit.report(taken, "out", name="answers.csv")                   # doctest: +SKIP
"""

import argparse
import base64
import os
import sys
from pathlib import Path

from ferlib import paths, tables
from ferlib.errors import InputError
from ferlib.pipeline import execution, judged, summary
from ferlib.pipeline.comparing import listed, paired, with_options
from ferlib.pipeline.report import TEMPLATES, described
from ferlib.provenance import discard, sha256
from ferlib.stats import counts, intake, metrics, outcomes
from ferlib.stats.outcomes import CONFIGURATION, check_options
from ferlib.stats.scope import Scope
from ferlib.stats.verdicts import VERDICTS

NAME = "audit"
"""Name under which the answers enter the run, as if a notebook of this name had made them."""

CHOICES = {"alpha": 0.05, "delta": 0.05, "min_people": 5, "cluster": "person"}
"""What is decided before looking at the results; see the parameters of notebook 06."""

DRAWS = 2000  # as notebook 06 has it

read = intake.read


def judge(taken, out, **choices):
    """Compute every table and figure of an audit; what an earlier audit left in the folder is removed first.

    Parameters
    ----------
    taken : ferlib.stats.intake.Taken
    out : str or pathlib.Path
    **choices
        Any of `CHOICES`.

    Returns
    -------
    dict of str to pandas.DataFrame
        The tables by name, as in `out/tables/`; see the data dictionary.

    Raises
    ------
    InputError
        For a choice that cannot be followed.
    papermill.exceptions.PapermillExecutionError
        When a notebook fails.
    """
    choices = CHOICES | choices
    check_options(**choices, draws=DRAWS)
    run = _lay_down(taken, Path(out))
    given = {
        "06_bias_stats": {"predictions_from": [NAME], "main_variants": {}, "planted": {}, **choices},
        "10_figures": {},
    }
    for name, values in given.items():
        notebook = paths.ROOT / "notebooks" / f"{name}.ipynb"
        output = run.root / "executed" / f"{name}.ipynb"
        execution.execute(notebook, {"run_dir": str(run.root), **values}, output)
    all_counts = counts.tally(outcomes.join(taken.predictions, taken.manifest))
    by_group = metrics.by_group(all_counts, alpha=choices["alpha"])
    made = {"metrics": by_group, "metric_gaps": metrics.between(by_group)}
    made = [tables.write_csv(table, run.tables / f"{name}.csv") for name, table in made.items()]
    tables.write_bytes("".join(f"{path}\n" for path in made).encode(), run.provenance / "metrics.outputs")
    found = {}
    for path in sorted(run.tables.glob("*.csv")):
        found[path.stem] = tables.read_csv(path, keep_default_na=False, na_values=[""])
        text = found[path.stem].to_json(orient="records", double_precision=6, indent=1, force_ascii=False)
        tables.write_bytes(text.encode("utf-8"), path.with_suffix(".json"))
    return found


def _lay_down(taken, out):
    """The answers as a run whose notebooks 06 and 10 are still to do."""
    run = paths.run(out.resolve())
    for record in sorted(run.provenance.glob("*.outputs")):
        for path in discard(record.stem, run=run):
            path.with_suffix(".json").unlink(missing_ok=True)
    (run.root / "report.html").unlink(missing_ok=True)
    tables.write_parquet(taken.manifest, run.manifest)
    answers = tables.write_parquet(taken.predictions, run.predictions / f"{NAME}.parquet")
    tables.write_bytes(f"{paths.relative(answers)}\n".encode(), run.provenance / f"{NAME}.outputs")
    return run


def report(taken, out, *, name, digest="", **choices):
    """Write the page of an audit that `judge` has made: `out/report.html`.

    Parameters
    ----------
    taken : ferlib.stats.intake.Taken
    out : str or pathlib.Path
    name : str
        What was audited, for the heading.
    digest : str
        SHA-256 of the file.
    **choices
        As given to `judge`.

    Returns
    -------
    pathlib.Path
    """
    choices, run = CHOICES | choices, paths.run(Path(out).resolve())
    table = tables.read_csv(run.tables / "disparities.csv", keep_default_na=False, na_values=[""])
    headline = tables.read_csv(run.tables / "headline.csv", columns=summary.COLUMNS, keep_default_na=False)
    verdicts = table.groupby([*CONFIGURATION, "verdict"]).size().unstack(fill_value=0)
    different = table[table["verdict"] == "different"].sort_values("p_adjusted", kind="stable")
    gaps = tables.read_csv(run.tables / "metric_gaps.csv", keep_default_na=False, na_values=[""])
    scope = Scope.of(taken.manifest)
    gaps = gaps[(gaps["by"] == scope.attributes[-1]) & (gaps["metric"].isin([*metrics.MACRO, "equalized_odds"]))]
    ends = {name: [name, f"{name}_low", f"{name}_high"] for name in ("difference", "ratio")}
    gaps["metric"] = gaps["metric"].str.replace("_", " ") + (" of " + gaps["label"].astype("string")).fillna("")
    gaps["model"] += " (" + gaps["variant"] + ")"
    gaps = gaps.assign(**{name: tables.bracketed(gaps, columns, ".2f") for name, columns in ends.items()})
    wide = summary.headline(headline).rename_axis("group").reset_index()
    shown = TEMPLATES.get_template("audit.html").render(
        name=name,
        digest=digest[:16],
        summary=taken.summary,
        notes=taken.notes + tuple(note.partition(": ")[2] for note in summary.notes(run)),
        n_contrasts=len(table),
        n_different=len(different),
        different=[judged.cells(one) for one in judged.alike(different.head(30), "disparities").itertuples()],
        verdicts=verdicts.reset_index().to_dict("records"),
        title=summary.title(headline),
        headline=wide.to_dict("records"),
        gaps=gaps[["model", "metric", "lowest", "highest", "difference", "ratio"]].to_dict("records"),
        figures=[
            {"name": path.stem, "words": words, "data": base64.b64encode(path.read_bytes()).decode()}
            for path, words in described(run.figures)
        ],
        confidence=f"{100 * (1 - choices['alpha']):g}",
        family=scope.family,
        divided=" and ".join(scope.base),
        **choices,
    )
    return tables.write_bytes(shown.encode("utf-8"), run.root / "report.html")


def main():
    """Command line: audit one file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", type=Path)
    with_options(parser, CHOICES).add_argument("--reference", type=paired, default={})
    for name in ("labels", "attributes", "measures", "fail-on"):
        parser.add_argument(f"--{name}", type=listed, default=[])
    given = parser.parse_args()
    choices = {name: getattr(given, name) for name in CHOICES}
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    try:
        check_options(**choices, draws=DRAWS)
        if unknown := set(given.fail_on) - set(VERDICTS):
            raise InputError(f"FAIL_ON is {unknown.pop()!r}. Allowed: {', '.join(VERDICTS)}.")
        understood = ("cluster", "columns", "classes", "labels", "attributes", "measures", "reference")
        taken = read(given.predictions, **{name: getattr(given, name) for name in understood})
        print(f"{given.predictions.name}: {taken.summary}", *taken.notes, sep="\n  Note: ", flush=True)
        found = judge(taken, given.out, **choices)
    except InputError as error:
        sys.exit(f"Error: {error}")
    except execution.PapermillExecutionError as error:
        failed = max((given.out / "executed").glob("failed-*.ipynb"), key=os.path.getmtime)
        sys.exit(execution.complaint(error, failed.resolve()))
    page = report(taken, given.out, name=given.predictions.name, digest=sha256(given.predictions), **choices)
    times = found["disparities"]["verdict"].value_counts()
    print(", ".join(f"{count} {name}" for name, count in times.items()))
    run = paths.run(given.out.resolve())
    for name, place in (("Report", page), ("Tables", run.tables), ("Figures", run.figures)):
        print(f"{name:<8} {paths.relative(place)}")
    if failing := sum(times.get(name, 0) for name in given.fail_on):
        sys.exit(f"FAIL_ON: {failing} contrasts are {' or '.join(given.fail_on)}.")


if __name__ == "__main__":
    main()
