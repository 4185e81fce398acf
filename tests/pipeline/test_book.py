"""The book of a run: every link leads somewhere, nothing comes from a network, and tables and pictures have names."""

import os

import page_links
import pytest
from book_helpers import TABLE, lay_out, make, notebook
from bs4 import BeautifulSoup

from ferlib import paths
from ferlib.pipeline import book

LATER = 4_000_000_000
"""A time after any source's: whoever keeps it was not written again."""

pytest.importorskip("sphinx", reason="Sphinx makes the book: pip install -e '.[lab]'")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A small repository that stands in for this one."""
    for name in ("demo", "published"):
        (tmp_path / "data" / name).mkdir(parents=True)
    run = lay_out(tmp_path)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return run


def test_links_between_notebooks_cards_and_files_lead_somewhere_and_nothing_comes_from_a_network(root):
    folder = make(root).parent
    assert not page_links.dead(folder) and not page_links.from_network(folder)
    second = page_links.Page(folder / "notebooks" / "02_two.html")
    assert {"01_one.html", "../data/README.html"} <= set(second.links)
    assert any(link.endswith("notes.csv") for link in page_links.Page(folder / "data" / "README.html").links)


def test_the_check_of_links_sees_dead_ones(root):
    folder = make(root).parent
    (folder / "data" / "README.html").unlink()
    page = folder / "notebooks" / "02_two.html"
    page.write_text(page.read_text().replace("</article>", '<a href="01_one.html#nowhere">x</a></article>'))
    assert {target for _, target in page_links.dead(folder)} >= {"../data/README.html", "01_one.html#nowhere"}


def test_a_link_to_nowhere_is_named_with_its_place_and_one_to_a_folder_is_words(root, capsys):
    notebook(root.root / "executed" / "02_two.ipynb", "02 Two", "To [nowhere](99_gone.ipynb), [a folder](../data/).")
    folder = make(root).parent
    said = capsys.readouterr().out
    assert "02_two.ipynb" in said and "99_gone" in said and "../data/" not in said
    assert {target for _, target in page_links.dead(folder)} == {"#99_gone.ipynb"}


def test_tables_have_captions_and_scopes_and_pictures_words(root):
    make(root)
    for name in ("01_one", "02_two"):
        page = BeautifulSoup((root.root / "report" / "notebooks" / f"{name}.html").read_text(), "html.parser")
        for table in page.find_all("table"):
            assert table.caption.get_text(strip=True) and table.find_parent(attrs={"role": "region", "tabindex": "0"})
            assert all(cell.get("scope") and cell.get_text(strip=True) for cell in table.find_all("th"))
        for picture in page.find_all("img"):
            assert "section" in picture["alt"]
    assert page.find("table")


def test_code_is_folded(root):
    make(root)
    page = BeautifulSoup((root.root / "report" / "notebooks" / "01_one.html").read_text(), "html.parser")
    assert {box.find_parent("details") is not None for box in page.find_all(class_="cell_input")} == {True}


def test_row_numbers_that_pandas_counts_go_and_names_of_rows_stay():
    shown = BeautifulSoup(book.table_for_all(TABLE, "x"), "html.parser")
    assert [cell.get_text() for cell in shown.tbody.find_all("th")] == ["0.051 [0.1, 0.9]"] * 2
    assert len(shown.thead.find_all(["th", "td"])) == 12
    named = TABLE.replace("<th>0</th>", "<th>Asian</th>").replace("<th></th>", "<th>race</th>")
    assert [cell.get_text() for cell in BeautifulSoup(book.table_for_all(named, "x"), "html.parser").tbody("th")] == [
        "Asian",
        "1",
    ]
    tones = TABLE.replace("<th></th>", "<th>skin_tone</th>")
    assert len(BeautifulSoup(book.table_for_all(tones, "x"), "html.parser").tbody("th")) == 2


def test_teaching_is_a_part_when_it_is_there(root):
    assert "Teaching" not in (make(root)).read_text()
    folder = paths.ROOT / book.TEACHING
    folder.mkdir()
    (folder / "index.md").write_text("# Three lessons\n\nRead [one](../../notebooks/01_one.ipynb).\n")
    (folder / "exercises.md").write_text("# Exercises\n\n[Plan](index.md)\n")
    notebook(folder / "tasks.ipynb", "Tasks", "## One", outputs=[{"text/plain": "1"}])
    first = make(root)
    links = page_links.Page(first).links
    assert "Teaching" in first.read_text() and not page_links.dead(first.parent)
    tasks = BeautifulSoup((first.parent / "data" / "teaching" / "tasks.html").read_text(), "html.parser")
    assert tasks.find(class_="cell_input") and not tasks.find("details", class_="hide")
    assert links.index("data/teaching/index.html") < links.index("data/teaching/exercises.html")


def test_only_what_changed_is_made_anew(root):
    folder = make(root).parent / "notebooks"
    for page in folder.glob("*.html"):
        os.utime(page, (LATER, LATER))
    notebook(root.root / "executed" / "02_two.ipynb", "02 Two", "Another text.")
    make(root)
    assert (
        folder.joinpath("01_one.html").stat().st_mtime == LATER
        and "Another" in folder.joinpath("02_two.html").read_text()
    )
