"""Describe the compendium for machines: `codemeta.json`, from pyproject.toml, CITATION.cff and CHANGELOG.md."""

import json
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def released():
    """The newest version in the list of changes, and its date."""
    found = re.search(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    return found.groups() if found else ("", "")


def described():
    """The compendium in the words of CodeMeta 3.0, as text."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    about = {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": citation["title"],
        "identifier": project["name"],
        "description": project["description"],
        "version": project["version"],
        "datePublished": released()[1],
        "license": f"https://spdx.org/licenses/{citation['license']}",
        "programmingLanguage": "Python",
        "runtimePlatform": f"Python {project['requires-python']}",
        "softwareRequirements": project["dependencies"],
        "author": [{"@type": "Organization", "name": author["name"]} for author in citation["authors"]],
        "referencePublication": [work["url"] for work in citation["references"]],
    }
    return json.dumps(about, indent=1, ensure_ascii=False) + "\n"
