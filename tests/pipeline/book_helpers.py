"""A book of two small notebooks in a repository of its own, made in this process."""

import shutil

import nbformat

from ferlib import paths
from ferlib.pipeline import book

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HEADS = "".join(f"<th>column {number}</th>" for number in range(12))
CELLS = "".join(f"<td>0.{number}51 [0.1, 0.9]</td>" for number in range(12))
TABLE = (
    f'<table border="1" class="dataframe"><thead><tr><th></th>{HEADS}</tr></thead><tbody>'
    f"<tr><th>0</th>{CELLS}</tr><tr><th>1</th>{CELLS}</tr></tbody></table>"
)


def notebook(path, title, *markdown, outputs=()):
    """Write an executed notebook."""
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\nWhat is asked here?")]
    cells += [nbformat.v4.new_markdown_cell(text) for text in markdown]
    code = "a_long_name = 'one line of code that is longer than any page is wide'" + " + 'and longer'" * 12
    for data in outputs:
        output = nbformat.v4.new_output("execute_result", data=data)
        cells.append(nbformat.v4.new_code_cell(code, outputs=[output], execution_count=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    language = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=language), path)
    return path


def lay_out(root, *markdown):
    """A repository with a run of two notebooks, the second of which says something more; the run."""
    shutil.copytree(paths.ROOT / "data" / "report", root / "data" / "report")
    for name, text in {
        "data/README.md": "# The data\n\nSee [the code](notes.csv).",
        "data/notes.csv": "a,b\n1,2\n",
    }.items():
        (root / name).write_text(text)
    run = paths.Run(root / "data" / "runs" / "small")
    run.figures.mkdir(parents=True)
    shown = [{"text/html": TABLE}, {"image/png": PICTURE}]
    notebook(run.root / "executed" / "01_one.ipynb", "01 One", "## A wide table", outputs=shown)
    text = (
        "Back to [the first](01_one.ipynb), to [the data](../data/README.md).\n\n| | heliotrope |\n|---|---|\n| a | 1 |"
    )
    notebook(run.root / "executed" / "02_two.ipynb", "02 Two", text, *markdown)
    return run


def make(run):
    """The book of such a run."""
    executed = sorted((run.root / "executed").glob("*.ipynb"))

    def index(parts):
        trees = [f"```{{toctree}}\n:caption: {name}\n\n" + "\n".join(pages) + "\n```" for name, pages in parts]
        return "# The book\n\n" + "\n\n".join(trees)

    return book.build(run, book.lay_down(run, executed, index))
