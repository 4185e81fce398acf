"""The report of a run: each executed notebook as HTML that opens without a network, and an index."""

import argparse
import html
import re
from pathlib import Path
from string import Template

import nbformat
from nbconvert import HTMLExporter

from ferlib import paths, tables
from ferlib.pipeline import summary

PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Audit of facial-expression recognition: $profile</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child { text-align: left }
figure { margin: 2rem 0 } img { max-width: 100% } figcaption, small { color: #555 }
li { margin: .4rem 0 }
</style></head><body>
<h1>Audit of facial-expression recognition: $profile</h1>
<h2>$title</h2>
$headline
$notes
<h2>Notebooks</h2>
<ol>$notebooks</ol>
<h2>Figures</h2>
$figures
</body></html>
""")


WRAP = "<style>.jp-CodeCell pre, .jp-OutputArea pre { white-space: pre-wrap } table { overflow-x: auto }</style></head>"
"""Long lines of code are shown whole."""


def convert(executed, folder):
    """Convert an executed notebook to HTML, when it is newer than the HTML there.

    Parameters
    ----------
    executed, folder : pathlib.Path

    Returns
    -------
    pathlib.Path
    """
    page = folder / f"{executed.stem}.html"
    if page.is_file() and page.stat().st_mtime > executed.stat().st_mtime:
        return page
    exporter = HTMLExporter(embed_images=True, require_js_url="", jquery_url="", mathjax_url="", mermaid_js_url="")
    body, _ = exporter.from_filename(str(executed))
    return tables.write_bytes(body.replace("</head>", WRAP, 1).encode("utf-8"), page)


def title_and_question(executed):
    """First heading of a notebook and the first paragraph below it, as plain text."""
    cell = nbformat.read(executed, as_version=4).cells[0].source
    heading, _, rest = cell.partition("\n")
    paragraph = rest.strip().split("\n\n")[0].replace("\n", " ")
    return heading.lstrip("# "), re.sub(r"[*`]|\[([^]]*)\]\([^)]*\)", r"\1", paragraph)


def index(run, executed):
    """Index page of a report, as HTML.

    Parameters
    ----------
    run : ferlib.paths.Run
    executed : sequence of pathlib.Path
        The executed notebooks.

    Returns
    -------
    str
    """
    table = tables.read_csv(run.tables / "headline.csv", columns=summary.COLUMNS, made_by="06_bias_stats")
    items = []
    for path in executed:
        title, question = map(html.escape, title_and_question(path))
        items.append(f'<li><a href="{path.stem}.html">{title}</a><br><small>{question}</small></li>')
    return PAGE.substitute(
        profile=html.escape(run.root.name),
        title=html.escape(summary.title(table)),
        headline=summary.headline(table).to_html(border=0),
        notes="".join(f"<p>Note: {html.escape(note)}</p>" for note in summary.notes(run)),
        notebooks="\n".join(items),
        figures="\n".join(_figure(path, run) for path in sorted(run.figures.glob("*.png"))),
    )


def _figure(path, run):
    alternative = path.with_suffix(".txt")
    words = html.escape(alternative.read_text(encoding="utf-8").strip() if alternative.is_file() else path.stem)
    source = f"../{path.relative_to(run.root).as_posix()}"
    numbers = f'<a href="{source[:-4]}.csv">numbers drawn</a>'
    return f'<figure><img src="{source}" alt="{words}"><figcaption>{words} ({numbers})</figcaption></figure>'


def main():
    """Command line: make the report of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    run = paths.run(parser.parse_args().run_dir.resolve())
    executed = sorted(path for path in (run.root / "executed").glob("[0-9]*.ipynb"))
    for path in executed:
        convert(path, run.root / "report")
    page = tables.write_bytes(index(run, executed).encode("utf-8"), run.root / "report" / "index.html")
    page.touch()


if __name__ == "__main__":
    main()
