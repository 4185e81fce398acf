"""From one CSV to tables, figures and a page that needs nothing else; as an auditor runs it, through make."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ferlib import paths
from ferlib.labels import EMOTIONS
from ferlib.pipeline import audit
from ferlib.provenance import sha256


def predictions_csv(path, *, people=6):
    """People of two races and genders, two images of each emotion; anger of Black people is read as disgust."""
    random = np.random.default_rng(5)
    rows = []
    for race in ("Black", "White"):
        for gender in ("Female", "Male"):
            for number in range(people):
                ease = random.beta(9, 1)
                for emotion in EMOTIONS:
                    for take in (1, 2):
                        predicted = emotion if random.random() < ease else random.choice(EMOTIONS)
                        planted = race == "Black" and emotion == "anger"
                        person = f"{race}{gender}{number}"
                        predicted = "disgust" if planted else predicted
                        rows.append((f"{person}-{emotion}-{take}", person, emotion, race, gender, predicted))
    names = ["image_id", "subject_id", "emotion", "race", "gender", "predicted"]
    table = pd.DataFrame(rows, columns=names).assign(status="ok")
    table.loc[::40, ["predicted", "status"]] = ["", "refused"]
    table.to_csv(path, index=False)
    return table


@pytest.fixture(scope="module")
def audited(make, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    table = predictions_csv(folder / "mine.csv")
    done = make("audit", f"PREDICTIONS={folder / 'mine.csv'}", f"OUT={folder / 'out'}", "DELTA=0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, table, done.stdout


def test_it_ends_with_the_verdicts_and_the_places(audited):
    folder, _, printed = audited
    assert re.search(r"\d+ inconclusive", printed) and re.search(r"\d+ different", printed)
    last = printed.strip().splitlines()[-3:]
    assert [line.split()[0] for line in last] == ["Report", "Tables", "Figures"]
    assert all(paths.absolute(line.split(maxsplit=1)[1]).exists() for line in last)


def test_the_tables_hold_what_the_csv_says(audited):
    folder, table, _ = audited
    made = pd.read_csv(folder / "out" / "tables" / "accuracy_by_group.csv")
    right = (table["status"] == "ok") & (table["emotion"] == table["predicted"])
    for race, expected in right.groupby(table["race"]).mean().items():
        row = made[(made["by"] == "race") & (made["group"] == race)].squeeze()
        assert row["accuracy"] == pytest.approx(expected, abs=1e-5) and row["n_subjects"] == 12
    disparities = pd.read_csv(folder / "out" / "tables" / "disparities.csv")
    different = disparities[(disparities["verdict"] == "different") & (disparities["measure"] == "confusion")]
    assert set(zip(different["true"], different["predicted"], strict=True)) == {("anger", "disgust")}
    assert {"gaps.csv", "bounds.csv", "omnibus.csv"} <= {path.name for path in (folder / "out" / "tables").iterdir()}


def test_the_report_is_one_page_that_needs_no_network_and_says_what_was_done(audited):
    folder, _, _ = audited
    page = (folder / "out" / "report.html").read_text()
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?!data:)", page)
    for words in ("mine.csv", sha256(folder / "mine.csv")[:16], "24 people", "anger → disgust", "±0.1", "family-wise"):
        assert words in page, words
    assert page.count("data:image/png;base64") >= 5 and "record.finish" not in page
    assert "Without people" not in page


def test_on_paper_nothing_scrolls_and_each_part_begins_a_page(audited):
    folder, _, _ = audited
    page = (folder / "out" / "report.html").read_text()
    printed = page[page.index("@media print") :]
    assert "overflow: visible !important" in printed and "max-height: 235mm" in printed
    assert page.count('<div class="new-page"></div>') == 2 and ".new-page { break-before: page }" in page
    assert "<th>risk_<wbr>difference</th>" in page and "<wbr>" not in re.sub(r"<th[^>]*>.*?</th>", "", page)


def test_without_people_the_report_says_what_that_costs(audited):
    folder, _, _ = audited
    run = paths.run(folder / "out")
    first = audit.cover(run, folder / "mine.csv", alpha=0.05, delta=0.1, cluster="none")
    assert "CLUSTER=none" in first and "too short" in first and "unknown people" in first


def test_a_bad_csv_gets_one_message_and_no_report(make, tmp_path):
    table = predictions_csv(tmp_path / "bad.csv", people=1)
    table.loc[3, "emotion"] = "bored"
    table.to_csv(tmp_path / "bad.csv", index=False)
    done = make("audit", f"PREDICTIONS={tmp_path / 'bad.csv'}", f"OUT={tmp_path / 'out'}")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "unknown emotion 'bored' in row 5" in done.stderr and not (tmp_path / "out").exists()


def test_make_says_what_it_needs(make):
    done = make("audit", "OUT=x")
    assert done.returncode != 0 and "PREDICTIONS=file.csv OUT=folder" in done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["no.csv"], "no.csv: no such file"),
        (["README.md", "--alpha", "5"], "alpha is 5.0: give a number between 0 and 1"),
        (["README.md", "--delta", "0"], "delta is 0.0"),
        (["README.md", "--cluster", "family"], "Allowed: person, none"),
    ],
)
def test_a_wrong_request_is_answered_with_the_right_one(monkeypatch, tmp_path, arguments, words):
    monkeypatch.setattr("sys.argv", ["audit", *arguments, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match=words):
        audit.main()
    assert not (tmp_path / "out").exists()


def test_an_audit_loads_nothing_of_the_models():
    script = (
        "import sys, ferlib.pipeline.audit, ferlib.predictions, ferlib.figures.rates\n"
        "import ferlib.figures.matrices, ferlib.figures.rates\n"
        "print(*sorted({'torch', 'torchvision', 'open_clip', 'openai', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
