"""Local links of HTML pages that lead nowhere, and what pages take from a network."""

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.anchors, self.elements = [], [], {"", "top"}, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.elements.append((tag, given))
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        loaded = given.get("src") or (given.get("href") if tag == "link" else None)
        if loaded and not loaded.startswith("data:"):
            self.loads.append(loaded)


def pages(folder):
    """Every page of a folder by its path."""
    return {path.resolve(): Page(path) for path in folder.rglob("*.html")}


def dead(folder):
    """Links and assets of the pages in a folder that do not exist; list of (page, target)."""
    known, found = pages(folder), []
    for path, page in known.items():
        for target in page.links + page.loads:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            there = path.parent.joinpath(unquote(parts.path)).resolve() if parts.path else path
            anchored = there not in known or unquote(parts.fragment) in known[there].anchors
            if not there.is_file() or not anchored:
                found.append((path.name, target))
    return found


def from_network(folder):
    """Scripts, styles and pictures that would be fetched from elsewhere."""
    return [load for page in pages(folder).values() for load in page.loads if urlsplit(load).netloc]
