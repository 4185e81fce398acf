"""What contributors read: links that lead somewhere, goals that make knows, a form that GitHub can show."""

import re
from itertools import pairwise

import pytest
import yaml

from ferlib.paths import ROOT

PAGES = ("CONTRIBUTING.md", "CHANGELOG.md")
FORM = ROOT / ".github" / "ISSUE_TEMPLATE" / "audit-surprises.yml"


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text(name)) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_goals_and_files_that_are_named_exist(name):
    goals = set(re.findall(r"^([a-z-]+)(?: [a-z-]+)*:(?!=).*?##", text("Makefile"), re.M)) | {"demo-models"}
    named = re.findall(r"(?:`|^)make ([a-z-]+)", text(name), re.M)
    files = re.findall(r"(?<![\w./-])((?:tests|data)/[\w./]+\w)", text(name))
    assert set(named) <= goals
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_changes_keep_to_the_form():
    kinds = re.findall(r"^### (.*)$", text("CHANGELOG.md"), re.M)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    heads = re.findall(r"^## (.*)$", text("CHANGELOG.md"), re.M)
    assert heads[0] == "[Unreleased]"
    versions = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", head).groups() for head in heads[1:]]
    order = [(*map(int, version[:3]), version[3]) for version in versions]
    assert order and all(newer > older for newer, older in pairwise(order))


def test_the_form_for_issues_is_one_that_github_can_show():
    form = yaml.safe_load(FORM.read_text(encoding="utf-8"))
    assert set(form) <= {"name", "description", "title", "labels", "body", "assignees", "projects", "type"}
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in asked} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert all(part["attributes"]["label"] for part in asked)
    assert len({part["id"] for part in asked}) == len(asked)
    assert all(
        isinstance(one, str) for part in asked if part["type"] == "dropdown" for one in part["attributes"]["options"]
    )


def test_the_form_asks_for_no_face_and_no_key():
    form = FORM.read_text(encoding="utf-8")
    assert "no face of a real person, no key" in form
    care = next(part for part in yaml.safe_load(form)["body"] if part.get("id") == "care")
    assert any(option.get("required") and "no key" in option["label"] for option in care["attributes"]["options"])
