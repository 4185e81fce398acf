"""The book of a run: its pages laid down as the repository lays them, and Sphinx, which makes them one.

Executed notebooks are taken as they are; Markdown files that a page links to become pages, and so does every file in
`data/teaching`. All of it opens from disk without a network.
"""

import html
import io
import re
import shutil

import nbformat
from bs4 import BeautifulSoup

from ferlib import paths, tables
from ferlib.errors import InputError

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)[^)]*\)")
HEADING = re.compile(r"^#+ +(.+)$", re.M)
NUMBER = re.compile(r"[-+−±]?\d*\.?\d+( ?%|e[-+]\d+)?( \[[^]]*\])?$|nan$")
LONG = 36
"""Letters from which the text of a cell is broken into lines."""

TEACHING = "data/teaching"
"""Folder whose Markdown files and notebooks are a part of the book when it is there, those as they are."""

FIRST = ("index", "README", "lessons")
"""Pages that stand before the others of their part."""

HIDDEN = "hide-input"
"""Tag with which MyST folds the code of a cell."""


def lay_down(run, executed, index):
    """Write the sources of the book; a source that is already so stays untouched, and its page need not be made anew.

    Parameters
    ----------
    run : ferlib.paths.Run
    executed : sequence of pathlib.Path
        The executed notebooks.
    index : callable
        Given the parts of the book, the first page as Markdown.

    Returns
    -------
    pathlib.Path
        Their folder.
    """
    folder = run.root / "book" / "source"
    texts = {f"notebooks/{path.stem}.ipynb": prepared(path) for path in executed}
    taught = [path for path in (paths.ROOT / TEACHING).glob("*.*") if path.suffix in (".md", ".ipynb")]
    taught.sort(key=lambda path: (path.stem not in FIRST, path.name))
    texts |= {paths.relative(path): path.read_text(encoding="utf-8") for path in taught}
    linked = _linked(texts)
    parts = [("The analysis", [name for name in texts if name.startswith("notebooks/")])]
    parts += [("Teaching", [paths.relative(path) for path in taught])] if taught else []
    parts += [("Data and models", sorted(name for name in linked if name.endswith(".md")))]
    texts |= {name: text for name, text in linked.items() if text is not None}
    files = {name: _without_folders(name, text).encode("utf-8") for name, text in texts.items()}
    files["index.md"] = index([part for part in parts if part[1]]).encode("utf-8")
    files |= {name: (paths.ROOT / name).read_bytes() for name, text in linked.items() if text is None}
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            tables.write_bytes(content, path)
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    return folder


def _linked(texts):
    """Files of the repository that pages link to, by way of others too: their text, or None for other than Markdown."""
    found, todo = {}, list(texts.items())
    while todo:
        name, text = todo.pop()
        for _, target in LINK.findall(_prose(text) if name.endswith(".ipynb") else text):
            path = (paths.ROOT / name).parent.joinpath(target).resolve()
            if "://" in target or not path.is_relative_to(paths.ROOT) or not path.is_file():
                continue
            path = paths.relative(path)
            if path not in texts and path not in found and not path.startswith("notebooks/"):
                text = (paths.ROOT / path).read_text(encoding="utf-8") if path.endswith(".md") else None
                found[path] = text
                todo += [(path, text)] if text is not None else []
    return found


def _without_folders(name, text):
    """A page whose links to folders are words: a browser shows no folder of the repository."""
    beside = (paths.ROOT / name).parent
    return LINK.sub(lambda found: found[1] if beside.joinpath(found[2]).resolve().is_dir() else found[0], text)


def _prose(notebook):
    cells = nbformat.reads(notebook, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def prepared(executed):
    """An executed notebook (a path) for the book, as text: its code folded, its tables named and apt to be scrolled."""
    content = nbformat.read(executed, as_version=4)
    heading, number = "", 0
    for cell in content.cells:
        if cell.cell_type == "markdown":
            heading = (HEADING.findall(re.sub(r"```.*?```", "", cell.source, flags=re.S)) or [heading])[-1]
            continue
        cell.metadata["tags"] = [*(tag for tag in cell.metadata.get("tags", []) if tag != HIDDEN), HIDDEN]
        cell.metadata.pop("papermill", None)
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data and "text/html" not in data:
                alt = html.escape(f"Figure of the section “{plain(heading)}”", quote=True)
                data["text/html"] = f'<img src="data:image/png;base64,{data.pop("image/png").strip()}" alt="{alt}">'
            shown = data.get("text/html", "")
            if "<table" in shown:
                number += 1
                output["data"]["text/html"] = table_for_all(shown, f"Table {number}: {plain(heading)}")
    content.metadata.pop("papermill", None)
    return nbformat.writes(content)


def plain(text):
    """A line of Markdown without its marks."""
    return re.sub(r"[*`]|\[([^]]*)\]\([^)]*\)", r"\1", text)


def table_for_all(shown, caption):
    """HTML tables that a screen reader can tell and a phone can show: caption, scopes, and a box that scrolls.

    Row numbers that pandas counts are left out: they say nothing.

    Parameters
    ----------
    shown : str
        HTML with one or more tables, as pandas writes it.
    caption : str
        For a table that has none.
    """
    page = BeautifulSoup(shown, "html.parser")
    for old in page.find_all("style", scoped=True):
        old.decompose()
    for table in page.find_all("table"):
        del table["border"]
        if table.caption is None:
            table.insert(0, page.new_tag("caption"))
            table.caption.string = caption
        rows = table.tbody.find_all("tr") if table.tbody else []
        firsts = [row.find(["th", "td"]) for row in rows]
        counted = bool(rows) and [first.get_text() for first in firsts] == [str(number) for number in range(len(rows))]
        if counted and not any(row.find("th").get_text(strip=True) for row in table.thead.find_all("tr")):
            for row in table.find_all("tr"):
                row.find(["th", "td"]).decompose()
            for row in rows:
                row.find("td").name = "th"
        for cell in table.find_all(["th", "td"]):
            text = cell.get_text(" ", strip=True)
            head, spans = cell.find_parent("thead"), [cell.get(name, "1") != "1" for name in ("colspan", "rowspan")]
            if cell.name == "th" and text:
                cell["scope"] = ("col" if head else "row") + ("group" if spans[0 if head else 1] else "")
            else:
                cell.name = "td"
            cell["class"] = "number" if NUMBER.match(text) else "words" if len(text) > LONG else "word"
        heads = table.thead.find_all("tr") if table.thead else []
        if len(heads) == 1 and rows:
            for head, cell in zip(heads[0].find_all(["th", "td"]), rows[0].find_all(["th", "td"]), strict=False):
                head["class"] = cell["class"]
        box = page.new_tag("div", attrs={"class": "scroll", "role": "region", "tabindex": "0"})
        box["aria-label"] = table.caption.get_text(" ", strip=True)
        table.wrap(box)
    return str(page)


def build(run, source):
    """Make the pages that changed, and say on the terminal which of them have faults, such as a link to nowhere.

    Parameters
    ----------
    run : ferlib.paths.Run
    source : pathlib.Path
        As from `lay_down`.

    Returns
    -------
    pathlib.Path
        The first page.

    Raises
    ------
    InputError
        When there can be no book.
    """
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    said, out, doctrees = io.StringIO(), run.root / "report", run.root / "book" / "doctrees"
    places = source, paths.ROOT / "data" / "report", out, doctrees
    try:
        with patch_docutils(), docutils_namespace():
            Sphinx(*places, "html", status=None, warning=said).build()
    except SphinxError as error:
        raise InputError(f"{paths.relative(source)}: no book ({error}). Delete {paths.relative(doctrees)}.") from error
    for fault in re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).splitlines():
        print(f"Note: {fault}")
    shutil.copytree(run.figures, out / "figures", dirs_exist_ok=True)
    return out / "index.html"
