"""Numbers in the Markdown cells of a notebook that somebody typed."""

import json
import re

UNITS = "one|two|three|four|five|six|seven|eight|nine"
LARGER = (
    "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|"
    "seventy|eighty|ninety|hundred|thousand|million|dozen"
)
NUMBER = re.compile(
    r"(?<![\w.])(?:\d[\d,]*\d|\d)(?:\.\d+)?(?!\w)|(?<![\w.])\.\d+"  # 12, 1,488, 0.05 and .05; then: one face in five
    rf"|\b(?<!few )(?:{LARGER})\b"
    rf"|\b(?:{UNITS})\b(?: [\w-]+){{0,2}}? (?:in|of|out of) (?:every )?(?!one\b)(?:{UNITS}|{LARGER})\b"
    rf"|\b(?:a|{UNITS})[ -](?:third|quarter|fifth|sixth|seventh|eighth|ninth|tenth|twentieth)s?\b"
    r"(?= of| more| less| as| stronger)"
    rf"|\b(?:{UNITS}) (?:points?|per cent)\b",
    re.IGNORECASE,
)
"""A number in digits or in words; small ones in words (*two networks*) are language, unless they say a rate."""

NO_NUMBER = re.compile(r"0|1|(?:19|20)\d\d")
"""The ends of a scale, and years."""

PASSED_OVER = (
    r"```.*?```|`[^`]*`",  # code
    r"\]\([^)]*\)|https?://\S+|arXiv \d{4}\.\d{5}",  # addresses
    r"\*\*Takes\*\*[^\n]*",  # a duration is an estimate, and says so
    r"^# \d\d |\[\d\d\b|\b[Nn]otebooks? \d\d\b(?:(?:, | and )\d\d\b)*|\(\d\d\)",  # notebooks
    r"^\s*\d\. ",  # numbered lists
    r"\]\S*",
)


def typed(notebook, *, allowed=()):
    """Numbers in the prose of a notebook, each as `(cell, number, words around it)`.

    Parameters
    ----------
    notebook : pathlib.Path
    allowed : sequence of str
        Passages that are passed over.
    """
    found = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        text = "".join(cell["source"]).partition("## References")[0]
        for pattern in PASSED_OVER:
            text = re.sub(pattern, " ", text, flags=re.DOTALL | re.MULTILINE)
        text = " ".join(re.sub(r"^> ?", "", text, flags=re.MULTILINE).split())
        for passage in allowed:
            text = text.replace(passage, "…")
        for match in NUMBER.finditer(text):
            if not NO_NUMBER.fullmatch(match.group()):
                found.append((cell["id"], match.group(), text[max(0, match.start() - 40) : match.end() + 30]))
    return found


def prose(notebook):
    """All prose of a notebook as one line, to look for a passage in."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return " ".join(" ".join(re.sub(r"^> ?", "", text, flags=re.MULTILINE).split()) for text in texts)
