"""The audit of one CSV: notebooks 06 and 10 with parameters, and one page that holds their results.

`make audit PREDICTIONS=file.csv OUT=dir` calls it. The folder gets what a run has: manifest, predictions, tables,
figures, executed notebooks, provenance; and `report.html`, which needs no other file and no network.
"""

import argparse
import html
import os
import re
import sys
from pathlib import Path
from string import Template

import nbformat
import pandas as pd
from nbconvert import HTMLExporter
from papermill.exceptions import PapermillExecutionError

from ferlib import paths, tables
from ferlib.errors import InputError
from ferlib.pipeline import execution, report, summary
from ferlib.provenance import sha256
from ferlib.stats import intake
from ferlib.stats.disparities import FAMILY
from ferlib.stats.outcomes import check_options

NOTEBOOKS = ("06_bias_stats", "10_figures")
NAME = "audit"
"""Name under which the answers enter the run, as if a notebook of this name had made them."""

COVER = Template("""# Audit of $name

**$answers answers** of $models about **$images images** of **$people people** in $groups groups of race and gender.
Confidence of intervals $confidence %; family-wise error of verdicts $alpha; differences inside ±$delta count as none.
The family: $family.

$cost## What was found

$verdicts

$different

$headline

*Groups are labels of a dataset. A difference tells about the model on these images; what causes it, an audit does not
say.* Below: how each number came about, step by step, and the figures. Input: `$name`, sha256 `$digest`.
""")

WITHOUT_PEOPLE = """> **Without people.** `CLUSTER=none`: each image was taken for another person. Where one person \
appears in several images, every interval here is too short and every p-value too small, and nothing in the file can \
tell by how much. Read *different* as *possibly different*.

"""

PRINT = """<style>
body { max-width: 62rem; margin: 0 auto !important }
.jp-InputArea-prompt, .jp-OutputArea-prompt { display: none }
table { font-size: 85%; overflow-x: auto }
@page { size: A4; margin: 16mm 14mm }
@media print {
  body { max-width: none; font-size: 10pt }
  main, div, pre { overflow: visible !important; max-height: none !important; height: auto !important }
  .jp-Cell, .jp-OutputArea-child, .jp-Cell-outputWrapper, .jp-Cell-inputWrapper { display: block !important }
  .jp-Cell { padding: 0 !important; margin-bottom: 3mm }
  .jp-RenderedHTMLCommon table { font-size: 7pt; max-width: 100% }
  .jp-RenderedHTMLCommon table:has(th:nth-child(12)) { font-size: 6pt }
  .jp-RenderedHTMLCommon :is(th, td) { padding: 2pt 4pt !important; white-space: normal !important; max-width: none }
  .jp-RenderedHTMLCommon img { width: auto; height: auto; max-width: 100% !important; max-height: 235mm }
  pre { word-break: normal !important; overflow-wrap: anywhere }
  .new-page { break-before: page }
  h1, h2, h3 { break-after: avoid }
  h1, h2, h3, img, tr, pre, blockquote, p { break-inside: avoid; orphans: 3; widows: 3 }
  thead { display: table-header-group }
  .anchor-link { display: none !important }
}
</style></head>"""
"""On paper nothing scrolls: what is wide is set small, what is tall is made to fit a page."""


def prepare(file, out, *, cluster):
    """Check the CSV and lay it down as a run whose answers are there.

    Parameters
    ----------
    file, out : pathlib.Path
    cluster : {"person", "none"}

    Returns
    -------
    ferlib.paths.Run

    Raises
    ------
    InputError
        See `ferlib.stats.intake.read`.
    """
    manifest, predictions = intake.read(file, cluster=cluster)
    run = paths.run(out.resolve())
    (out / "report.html").unlink(missing_ok=True)
    tables.write_parquet(manifest, run.manifest)
    answers = tables.write_parquet(predictions, run.predictions / f"{NAME}.parquet")
    tables.write_bytes(f"{paths.relative(answers)}\n".encode(), run.provenance / f"{NAME}.outputs")
    return run


def parameters(out, *, alpha, delta, cluster):
    """Parameters of each notebook of an audit."""
    shared = {"run_dir": str(out.resolve())}
    choices = {"predictions_from": [NAME], "alpha": alpha, "delta": delta, "cluster": cluster}
    return {"06_bias_stats": {**shared, **choices, "main_variants": {}, "planted": {}}, "10_figures": shared}


def cover(run, file, *, alpha, delta, cluster):
    """First page of the report, as Markdown.

    Parameters
    ----------
    run : ferlib.paths.Run
    file : pathlib.Path
        The CSV that was audited.
    alpha, delta : float
    cluster : {"person", "none"}

    Returns
    -------
    str
    """
    manifest = tables.read_parquet(run.manifest)
    answers = tables.read_parquet(run.predictions / f"{NAME}.parquet")
    table = tables.read_csv(run.tables / "disparities.csv", keep_default_na=False, na_values=[""])
    headline = tables.read_csv(run.tables / "headline.csv", columns=summary.COLUMNS)
    names = sorted(answers["model"].unique())
    verdicts = table.groupby(["dataset", "model", "variant", "verdict"]).size().unstack(fill_value=0)
    return COVER.substitute(
        name=html.escape(file.name),
        digest=sha256(file)[:16],
        answers=len(answers),
        models=html.escape(names[0] if len(names) == 1 else f"{len(names)} models"),
        images=len(manifest),
        people=len(manifest[["dataset", "subject_id"]].drop_duplicates()) if cluster != "none" else "unknown",
        groups=manifest["group"].nunique(),
        confidence=f"{100 * (1 - alpha):g}",
        alpha=f"{alpha:g}",
        delta=f"{delta:g}",
        family=FAMILY,
        cost=WITHOUT_PEOPLE if cluster == "none" else "",
        verdicts=verdicts.rename_axis(columns=None).reset_index().to_html(index=False, border=0),
        different=_different(table),
        headline=f"{summary.title(headline)}:\n\n{summary.headline(headline).to_html(border=0)}",
    )


def _different(table):
    found = table[table["verdict"] == "different"].sort_values(["p_adjusted", "p_cluster"], kind="stable")
    if found.empty:
        return (
            "No contrast is *different*. That is no proof of fairness: the column `min_detectable` of "
            "`tables/disparities.csv` says how large a difference must be before this design can find it."
        )
    shown = pd.DataFrame(
        {
            "model": found["model"] + " (" + found["variant"].astype(str) + ")",
            "measure": [_words(row) for row in found.itertuples()],
            "groups": found["group_a"] + " / " + found["group_b"],
            "rates": [f"{row.rate_a:.2f} / {row.rate_b:.2f}" for row in found.itertuples()],
            "difference": [f"{r.risk_difference:+.2f} [{r.rd_low:+.2f}, {r.rd_high:+.2f}]" for r in found.itertuples()],
            "p adjusted": found["p_adjusted"].map("{:.2g}".format),
        }
    )
    more = f"\n\n... and {len(shown) - 30} more in `tables/disparities.csv`." if len(shown) > 30 else ""
    return f"{len(found)} contrasts are *different*:\n\n{shown.head(30).to_html(index=False, border=0)}{more}"


def _words(row):
    return {"recall": f"recall of {row.true}", "confusion": f"{row.true} → {row.predicted}"}.get(
        row.measure, row.measure.replace("_", " ")
    )


def write_report(run, first_page):
    """One self-contained page: the cover, then the executed notebooks without their code."""
    cells = [nbformat.v4.new_markdown_cell(first_page, id="cover")]
    for name in NOTEBOOKS:
        notebook = nbformat.read(run.root / "executed" / f"{name}.ipynb", as_version=4)
        notebook.cells[0].source = f'<div class="new-page"></div>\n\n{notebook.cells[0].source}'
        for cell in notebook.cells:
            cell["id"] = f"{name[:2]}-{cell['id']}"
            cells.append(cell)
    exporter = HTMLExporter(
        embed_images=True, exclude_input=True, require_js_url="", jquery_url="", mathjax_url="", mermaid_js_url=""
    )
    body, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata))
    body = re.sub(r'<script src="">\s*</script>', "", body)
    # A heading such as risk_difference may be broken after the underscore, so that wide tables fit a page.
    body = re.sub(r"<th[^>]*>[^<]*</th>", lambda found: re.sub(r"_(?=[a-z0-9]+[^>]*</)", "_<wbr>", found[0]), body)
    body = body.replace("</head>", report.WRAP, 1).replace("</head>", PRINT, 1)
    return tables.write_bytes(body.encode("utf-8"), run.root / "report.html")


def main():
    """Command line: audit one CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--delta", type=float, default=0.05)
    parser.add_argument("--cluster", default="person")
    given = parser.parse_args()
    choices = {"alpha": given.alpha, "delta": given.delta, "cluster": given.cluster}
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    try:
        check_options(**choices, min_people=2, draws=100)
        run = prepare(given.predictions, given.out, cluster=given.cluster)
        for name, values in parameters(given.out, **choices).items():
            print(f"Executing {name} ...")
            output = run.root / "executed" / f"{name}.ipynb"
            execution.execute(paths.ROOT / "notebooks" / f"{name}.ipynb", values, output)
    except InputError as error:
        sys.exit(f"Error: {error}")
    except PapermillExecutionError as error:
        sys.exit(execution.complaint(error, output.with_name(f"failed-{output.name}")))
    page = write_report(run, cover(run, given.predictions, **choices))
    table = tables.read_csv(run.tables / "disparities.csv", columns=["verdict"])
    print(", ".join(f"{count} {name}" for name, count in table["verdict"].value_counts().items()))
    for name, place in (("Report", page), ("Tables", run.tables), ("Figures", run.figures)):
        print(f"{name:<8} {paths.relative(place)}")


if __name__ == "__main__":
    main()
