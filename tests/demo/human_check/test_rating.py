"""The page on which people judge faces, in a real browser; and what becomes of the answers that it saves."""

import json
import re
import shutil

import pandas as pd
import pytest
from ferdemo.human_check import __main__ as command
from ferdemo.human_check import rating

from ferlib import audit, predictions
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.paths import DEMO
from ferlib.stats import counts, outcomes
from ferlib.stats.accuracy import accuracy_by_group

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FACES = 42


@pytest.fixture(scope="module")
def manifest():
    return pd.read_csv(DEMO / "people" / "manifest.csv")


def cells():
    text = rating.SAMPLE.read_text(encoding="utf-8")
    return json.loads(text.removeprefix(rating.BEGINS).rstrip().removesuffix(";"))


def test_the_sample_has_as_many_faces_of_each_group_and_expression_and_is_drawn_by_code(manifest):
    kept = cells()
    drawn = rating.sample(manifest, per_cell=6, seed=1)
    assert rating.script(drawn, name="people-1") == rating.SAMPLE.read_text(encoding="utf-8")
    shown = pd.Series([name for cell in kept["cells"] for name in cell])
    counts = manifest[manifest["image_id"].isin(shown)].groupby(["group", "emotion"]).size()
    assert len(kept["cells"]) == len(counts) == FACES and set(counts) == {6} and shown.is_unique
    assert all((rating.FOLDER / f"{kept['folder']}{name}.webp").resolve().is_file() for name in shown)


def test_it_ships_without_answers():
    assert {path.name for path in rating.FOLDER.iterdir()} == {"README.md", "faces.js", "index.html"}


def saved(tmp_path, rows, rater="one"):
    table = pd.DataFrame(rows, columns=["image_id", "answer", "naturalness"])
    table = table.assign(rater=rater, trial=range(1, len(table) + 1), seconds=2.5, sample="people-1")
    path = tmp_path / f"answers-{rater}.csv"
    table[list(rating.SAVED)].to_csv(path, index=False, lineterminator="\r\n")
    return path


def test_people_stand_beside_models_on_the_very_faces_that_they_judged(tmp_path, manifest):
    """Two raters of all angry faces, who agree on every second one; the audit takes the file as it is."""
    angry = manifest.loc[manifest["emotion"] == "anger", "image_id"].tolist()
    first = [(name, "anger", 4) for name in angry]
    second = [(name, "anger" if k % 2 else "disgust", 2) for k, name in enumerate(angry)]
    files = [saved(tmp_path, first), saved(tmp_path, second, "two")]
    everything = pd.DataFrame({"dataset": "demo", "image_id": manifest["image_id"], "model": "net", "variant": "v"})
    everything = everything.assign(repeat=0, status="ok", predicted="sad")
    answers = rating.read(files)
    people = rating.predictions(answers)
    predictions.check(people, source="people")
    table = rating.beside(people, [everything], manifest)
    assert table["model"].value_counts().to_dict() == {"people": 2 * len(angry), "net": len(angry)}
    path = tmp_path / "people.csv"
    table.to_csv(path, index=False)
    taken = audit.read(path)
    rates = accuracy_by_group(counts.tally(outcomes.join(taken.predictions, taken.manifest)))
    rates = rates[rates["by"] == "all"].set_index("model")["accuracy"]
    assert rates["people"] == pytest.approx(0.75) and rates["net"] == 0
    groups = rating.by_group(answers, manifest).set_index("group")
    assert groups.loc["all", ["faces", "answers"]].tolist() == [len(angry), 2 * len(angry)]
    assert groups.loc["all", ["as_labelled", "agree", "naturalness"]].tolist() == pytest.approx([0.75, 0.5, 3])
    assert set(groups.index) == {"all", *manifest["group"]}
    assert rating.by_group(answers[answers["rater"] == "one"], manifest)["agree"].isna().all(), "nobody to agree with"


@pytest.mark.parametrize(
    "row, words",
    [
        (("demo-AF01-anger", "angry", 3), "row 2: answer 'angry', naturalness 3. Allowed: anger"),
        (("demo-AF01-anger", "anger", 6), "naturalness 6"),
    ],
)
def test_an_answer_that_is_none_is_named_with_its_row(tmp_path, row, words):
    with pytest.raises(InputError, match=words):
        rating.read([saved(tmp_path, [row])])


def test_a_file_given_twice_another_table_and_a_strange_face_are_refused(tmp_path, manifest):
    path = saved(tmp_path, [("demo-AF01-anger", "anger", 3)])
    with pytest.raises(InputError, match="one judged demo-AF01-anger twice"):
        rating.read([path, path])
    other = tmp_path / "other.csv"
    other.write_text("image_id,answer\n")
    with pytest.raises(InputError, match="has the columns image_id, answer, not image_id, rater"):
        rating.read([other])
    strange = rating.predictions(rating.read([saved(tmp_path, [("mine-1", "anger", 3)], "two")]))
    with pytest.raises(InputError, match="'mine-1' is not among the faces"):
        rating.beside(strange, [], manifest)


@pytest.fixture(scope="module")
def browser():
    reason = "no browser is driven: pip install -e '.[browser]'"
    sync_api = pytest.importorskip("playwright.sync_api", reason=reason)
    if BROWSER is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as started:
        found = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser):
    """The page as opened from disk; it may ask for nothing but its own files."""
    context, asked = browser.new_context(accept_downloads=True), []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto((rating.FOLDER / "index.html").as_uri())
    yield page
    context.close()
    assert asked and all(url.startswith(("file:", "blob:")) for url in asked)


def begin(page, code):
    page.fill("#rater", code)
    page.press("#rater", "Enter")


def download(page, tmp_path):
    with page.expect_download() as waiting:
        page.click("text=Save my answers")
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_clicks_through_all_faces_end_in_a_file_that_the_analysis_reads(page, tmp_path, manifest, capsys):
    begin(page, "click-1")
    for number in range(FACES):
        assert page.inner_text("h1") == f"Face {number + 1} of {FACES}"
        page.wait_for_function(
            "document.getElementById('face').complete && document.getElementById('face').naturalWidth"
        )
        page.click(f"input[value={EMOTIONS[number % 7]}]")
        page.click(f"input[name=naturalness][value='{1 + number % 5}']")
        page.click("text=Next")
    path = download(page, tmp_path)
    assert path.name == "answers-click-1.csv"
    answers = rating.read([path])
    assert answers["answer"].tolist() == [EMOTIONS[k % 7] for k in range(FACES)]
    assert answers["naturalness"].tolist() == [1 + k % 5 for k in range(FACES)]
    cell = manifest.set_index("image_id").loc[answers["image_id"], ["group", "emotion"]]
    assert not cell.duplicated().any(), "a face of each group and expression"
    command.main([str(path), "--out", str(tmp_path / "out"), "--run", str(tmp_path / "no-run")])
    assert "so people stand alone" in capsys.readouterr().out
    assert len(pd.read_parquet(tmp_path / "out" / "people.parquet")) == FACES
    assert len(audit.read(tmp_path / "out" / "people.csv").predictions) == FACES


def test_a_keyboard_is_enough_and_one_may_stop_at_any_time(page, tmp_path):
    begin(page, "keys-1")
    for answer, natural in (("3", "2"), ("7", "5")):
        page.keyboard.press(answer)
        page.keyboard.press("Tab")
        page.keyboard.press(natural)
        page.keyboard.press("Enter")
    page.focus("#stop")
    page.keyboard.press("Enter")
    answers = rating.read([download(page, tmp_path)])
    assert answers[["answer", "naturalness"]].to_numpy().tolist() == [["fear", 2], ["surprise", 5]]
    assert (answers["seconds"] >= 0).all()


def test_no_face_is_passed_without_both_answers(page):
    begin(page, "half-1")
    page.keyboard.press("1")
    page.click("text=Next")
    assert page.inner_text("h1").startswith("Face 1 of")
    assert page.locator("input[name=naturalness]").first.evaluate("input => !input.checkValidity()")


def test_what_is_said_to_a_screen_reader_names_every_choice_and_gives_no_answer_away(page):
    """Groups and choices have names, the title of each face takes the focus, and no text tells the label."""
    begin(page, "ears-1")
    told = page.locator("main").aria_snapshot()
    assert len(re.findall(r"- radio ", told)) == 7 + 5 and 'group "It shows"' in told
    assert 'group "The picture looks"' in told and f'img "Face 1 of {FACES}"' in told
    assert page.evaluate("document.activeElement.id") == "title"
    assert not re.search(r"demo-\w+", told)


def test_the_same_code_draws_the_same_faces_and_another_code_others(browser):
    drawn = []
    for code in ("same", "same", "other"):
        page = browser.new_page()
        page.goto((rating.FOLDER / "index.html").as_uri())
        drawn.append(page.evaluate("code => draw(code)", code))
        page.close()
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0]) & set(drawn[2])) < FACES / 2


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(page, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: pip install -e '.[browser]'")
    page.set_viewport_size({"width": width, "height": 800})
    for step in (lambda: None, lambda: begin(page, "axe-1"), lambda: page.click("#stop")):
        step()
        assert axe.Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
