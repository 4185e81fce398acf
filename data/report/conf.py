"""Sphinx's settings for the report of a run; `ferlib.pipeline.book` lays down its pages and starts it."""

import hashlib
import re
from pathlib import Path

project = "Audit of facial-expression recognition"
author = "the compendium"
copyright = "code MIT, demo faces CC0"  # noqa: A001
extensions = ["myst_nb"]
root_doc = "index"
exclude_patterns = ["figures"]

# What was executed stays as it is.
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Show code"
nb_code_prompt_hide = "Hide code"
nb_ipywidgets_js = {}
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

html_theme = "furo"
# When the settings change, so do all pages.
html_context = {"settings": hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}
html_title = project
html_static_path = ["static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sphinx = False
html_permalinks = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00528a", "color-brand-content": "#00528a"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f2", "color-brand-content": "#7cc4f2"},
}

PARTS = re.compile(
    r'<h[1-6]>(.*?)</h[1-6]>|<div class="table-wrapper[^"]*">\s*<table[^>]*>|<th class="[^"]*"(?:><p></p></th>)?', re.S
)


def named(app, pagename, templatename, context, doctree):
    """What a screen reader needs and Sphinx leaves out: names and scopes of Markdown's tables, levels of parts."""
    heading = ""

    def improved(found):
        nonlocal heading
        text = found[0]
        if text.startswith("<h"):
            heading = re.sub(r"<.*?>", "", found[1])
        elif text.endswith("</th>"):
            return "<td></td>"
        elif text.startswith("<th"):
            return text.replace("<th", '<th scope="row"' if "stub" in text else '<th scope="col"')
        else:
            text = text.replace("<div", f'<div tabindex="0" role="region" aria-label="Table: {heading}"', 1)
            return f'{text}<caption class="unseen">Table: {heading}</caption>'
        return text

    for name in ("body", "furo_navigation_tree"):
        shown = PARTS.sub(improved, context.get(name, ""))
        context[name] = shown.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app):
    app.connect("html-page-context", named, priority=900)
