"""Say what whoever reruns the demo should get: `codecheck.yml`, from the numbers behind the figures of the demo.

The form is that of CODECHECK's configuration file, version 1.0, with the hash of each file besides. Who checked it, and
the certificate, are added by whoever does: nobody has yet.
"""

import json

import codemeta
import yaml
from codemeta import ROOT

from ferlib.provenance import sha256

FIGURES = ROOT / "figures" / "demo"


def described():
    """The tables behind the demo's figures, each with what it shows and its hash, as text."""
    about = json.loads(codemeta.described())
    manifest = []
    for table in sorted(FIGURES.glob("*.csv")):
        words = table.with_suffix(".txt")
        shown = words.read_text(encoding="utf-8") if words.is_file() else f"Faces shown in {table.stem}.png"
        file = table.relative_to(ROOT).as_posix()
        manifest.append({"file": file, "comment": " ".join(shown.split()), "sha256": sha256(table)})
    whole = {
        "version": "https://codecheck.org.uk/spec/config/1.0/",
        "paper": {"title": about["name"], "authors": [{"name": author["name"]} for author in about["author"]]},
        "manifest": manifest,
    }
    advice = (
        "# What `make demo` gives in data/runs/demo/figures. Made by `make release`. How far other processors may\n"
        "# differ, data/README.md says. Codecheckers add themselves (codechecker, report, certificate, check_time).\n"
    )
    return "---\n" + advice + yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=120)
