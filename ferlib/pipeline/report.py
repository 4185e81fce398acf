"""The report of a run: a book of its executed notebooks that opens without a network, findings first."""

import argparse
from pathlib import Path

import jinja2
import nbformat

from ferlib import paths, tables
from ferlib.pipeline import book, judged, summary
from ferlib.stats import scoreboard
from ferlib.stats.verdicts import POWER

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(paths.ROOT / "data" / "report"), autoescape=True, undefined=jinja2.StrictUndefined
)
"""Pages; whatever is put into them is shown as text."""


def title_and_question(executed):
    """First heading of a notebook and the first paragraph below it, as plain text."""
    cell = nbformat.read(executed, as_version=4).cells[0].source
    heading, _, rest = cell.partition("\n")
    paragraph = rest.strip().split("\n\n")[0].replace("\n", " ")
    return heading.lstrip("# "), book.plain(paragraph)


def index(run, executed, parts):
    """First page of a report, as Markdown.

    Parameters
    ----------
    run : ferlib.paths.Run
    executed : sequence of pathlib.Path
        The executed notebooks.
    parts : sequence of (str, sequence of str)
        Name and pages of each part of the book.

    Returns
    -------
    str
    """
    table = tables.read_csv(run.tables / "headline.csv", columns=summary.COLUMNS, made_by="06_bias_stats")
    return TEMPLATES.get_template("index.md").render(
        profile=run.root.name,
        front=book.table_for_all(front(run), ""),
        title=summary.title(table),
        headline=book.table_for_all(summary.headline(table).to_html(), summary.title(table)),
        notes=summary.notes(run),
        notebooks=[(path.stem, *title_and_question(path)) for path in executed],
        figures=[(path.stem, words) for path, words in described(run.figures)],
        vectors={path.stem for path in run.figures.glob("*.svg")},
        parts=parts,
    )


def front(run):
    """What the first page says: the scoreboard where the truth is known, the strongest findings where it is not.

    Writes `tables/scoreboard.csv` in the first case.

    Parameters
    ----------
    run : ferlib.paths.Run

    Returns
    -------
    str
        HTML.
    """
    contrasts = judged.of_run(run)
    scores, alpha = judged.score(run, contrasts), judged.alphas(run)
    shown = TEMPLATES.get_template("front.html")
    effects = scoreboard.effects(scores).query("result != 'not read'")
    if effects.empty:
        found = judged.strongest(contrasts)
        pages = [f"notebooks/{judged.SOURCES[name][0]}.html" for name in found["table"]]
        words = [judged.sentence(row) for row in found.itertuples()]
        return shown.render(effects=[], strongest=list(zip(words, pages, strict=True)))
    tables.write_csv(scores, run.tables / "scoreboard.csv")
    count = effects["result"].value_counts().reindex(["found", "missed"], fill_value=0)
    found = set(effects[effects["result"] == "found"][["model", "mechanism", "reader"]].itertuples(index=False))
    spots = [row for row in scores.query("kind == 'planted' and result == 'missed'").itertuples()]
    rules = scores.query("result == 'explained'").groupby(["reader", "rule"]).size().reset_index(name="findings")
    controls = set(scores.loc[scores["kind"] == "control", "model"]) - set(effects["model"])
    balanced = sorted(set(scores.loc[scores["model"].isin(controls), "reader"]) & set(contrasts["reader"]))
    unplanned = scores.rename(columns=scoreboard.VALUES | {"group": "group_a"})
    invented, seen_again = (unplanned[unplanned["result"] == result] for result in ("invented", "replicated"))
    of_others = contrasts[(contrasts["dataset"] != "") & ~contrasts["reader"].isin(scores["reader"])]
    of_others = of_others.assign(findings=of_others["verdict"] == "different").groupby("reader")["findings"]
    chance = scoreboard.chance(contrasts, balanced, alpha=alpha)
    return shown.render(
        effects=effects.to_dict("records"),
        count=count,
        strong=len(effects.query(f"result == 'missed' and power >= {POWER}")),
        missed_spots=[row for row in spots if (row.model, row.mechanism, row.reader) in found],
        invented=[(judged.sentence(row), row.expected) for row in invented.itertuples()],
        replicated=[judged.sentence(row) for row in seen_again.itertuples()],
        explained=[row | {"words": scoreboard.RULES[row["rule"]]} for row in rules.to_dict("records")],
        balanced=balanced,
        alpha=" or ".join(f"{value:g}" for value in sorted(set(alpha.values()))),
        chance=chance | {"seen": int(invented["reader"].isin(balanced).sum())},
        outside=of_others.agg(findings="sum", contrasts="size").reset_index().to_dict("records"),
    )


def described(folder):
    """The pictures of a folder, each with what `ferlib.figures.save` wrote beside it for those who cannot see it."""
    texts = {path: path.with_suffix(".txt") for path in sorted(folder.glob("*.png"))}
    return [(path, text.read_text("utf-8").strip() if text.is_file() else path.stem) for path, text in texts.items()]


def main():
    """Command line: make the report of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    run = paths.run(parser.parse_args().run_dir.resolve())
    executed = sorted(path for path in (run.root / "executed").glob("[0-9]*.ipynb"))
    source = book.lay_down(run, executed, lambda parts: index(run, executed, parts))
    book.build(run, source).touch()


if __name__ == "__main__":
    main()
