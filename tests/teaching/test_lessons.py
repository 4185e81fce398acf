"""Pages for teachers: the plan adds up, the guide knows every usual mistake, and links lead somewhere."""

import re

import pytest
from teaching_helpers import MISUNDERSTANDINGS, TEACHING

from ferlib.paths import ROOT

PAGES = sorted(TEACHING.glob("*.md"))


def text(name):
    return (TEACHING / name).read_text(encoding="utf-8")


def test_each_lesson_takes_90_minutes():
    lessons = [part for part in re.split(r"^## ", text("lessons.md"), flags=re.M) if part.startswith("Lesson ")]
    assert len(lessons) == 3
    for part in lessons:
        assert sum(map(int, re.findall(r"^\| (\d+) \|", part, re.M))) == 90, part.splitlines()[0]


def test_the_plan_gives_every_exercise_its_time():
    plan = text("lessons.md")
    for number, stem in enumerate(("exercises_1", "exercises_2", "exercises_3"), start=1):
        page = (TEACHING / f"{stem}.ipynb").read_text(encoding="utf-8")
        part = plan.split(f"## Lesson {number}:")[1].split("## ")[0]
        planned = set(re.findall(rf"\b{number}\.\d\b", part))
        assert planned == set(re.findall(rf"## ({number}\.\d) ", page))


def test_the_guide_lists_every_usual_mistake():
    listed = re.findall(r"^\| `(\w+)` \| (.+) \|$", text("guide.md").split("## Usual misunderstandings")[1], re.M)
    assert listed == [(name, each["believes"]) for name, mistakes in MISUNDERSTANDINGS.items() for each in mistakes]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:\s]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_readers_find_the_lessons():
    assert "(data/teaching/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.name == "README.md" or f"({page.name})" in text("README.md")
