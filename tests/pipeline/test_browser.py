"""The book in a real browser, opened from disk: search, folding, a phone's width, paper, and what axe has to say."""

import os
import shutil

import pytest
from book_helpers import lay_out, make

from ferlib import paths

sync_api = pytest.importorskip("playwright.sync_api", reason="no browser is driven: pip install -e '.[browser]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: pip install -e '.[browser]'")

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed"),
    pytest.mark.xdist_group("browser"),
]
PHONE, PAPER = 390, 688
"""Widths in pixels: a phone, and the text of an A4 page between the margins that the style sets."""

CUT = """width => [...document.querySelectorAll('article table, article pre, article img, article p, article li')]
    .filter(one => one.getBoundingClientRect().right > width + 1
        || one.tagName == 'PRE' && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.tagName + ' ' + one.innerText.slice(0, 60))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("book")
    given = os.environ.get("BOOK")  # the folder of a whole report, to be looked at instead
    if given:
        return paths.absolute(given)
    for name in ("demo", "published"):
        (root / "data" / name).mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        run = lay_out(root, "```\n" + "a long line of text without an end " * 9 + "\n```")
        patch.setattr(paths, "ROOT", root)
        return make(run).parent


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as started:
        found = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser, folder):
    """Open a page of the book at a width; nothing may be asked of a network meanwhile."""
    asked, contexts = [], []

    def open_at(name, width=1280):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / name).as_uri())
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))


def test_contents_previous_and_next_lead_through_the_book(opened, folder):
    page = opened("index.html")
    page.click("aside a:has-text('01 ')")
    page.click("a.next-page")
    assert "/02_" in page.url
    page.click("a.prev-page")
    assert "/01_" in page.url


def test_search_finds_a_word_without_a_server(opened, folder):
    word = "design effect" if os.environ.get("BOOK") else "heliotrope"
    page = opened("index.html")
    page.fill("input[name=q]", word)
    page.press("input[name=q]", "Enter")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert any("notebooks/" in link.get_attribute("href") for link in page.query_selector_all("#search-results li a"))


def test_code_opens_at_a_click(opened):
    page = opened("notebooks/01_one.html" if not os.environ.get("BOOK") else "notebooks/01_data_prep.html")
    code = page.locator("details.hide pre").first
    assert not code.is_visible()
    page.locator("details.hide summary").first.click()
    assert code.is_visible()


def test_on_a_phone_no_page_is_wider_than_the_screen_and_wide_tables_scroll(opened, folder):
    scrolling = 0
    for name in names(folder):
        page = opened(name, PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, name
        scrolling += page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter(b => b.scrollWidth > b.clientWidth).length"
        )
    assert scrolling


@pytest.mark.parametrize("width", [1024, 1100, 1366])
def test_in_a_small_window_no_page_is_wider_than_the_screen(opened, folder, width):
    for name in names(folder):
        page = opened(name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_on_paper_nothing_is_cut_and_the_code_is_there(opened, folder):
    for name in names(folder):
        page = opened(name, PAPER)
        page.emulate_media(media="print")
        assert page.evaluate(CUT, PAPER) == [], name
        folded = page.evaluate("[...document.querySelectorAll('details.hide pre')].map(one => one.offsetHeight)")
        assert all(folded), name
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("width", [1280, PHONE])
def test_axe_finds_nothing_serious(opened, folder, width):
    for name in names(folder):
        page = opened(name, width)
        found = axe.Axe().run(page).response["violations"]
        serious = [
            (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
        ]
        assert not serious, (name, serious)


def test_axe_sees_a_picture_without_words(opened):
    page = opened("index.html")
    page.evaluate("document.querySelector('article').append(new Image(9, 9))")
    assert "image-alt" in {one["id"] for one in axe.Axe().run(page).response["violations"]}
