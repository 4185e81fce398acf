"""From one CSV to tables, figures and a page that needs nothing else; as an auditor runs it, through make."""

import html
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from ferlib import audit, figures, paths, tables
from ferlib.labels import EMOTIONS
from ferlib.pipeline import report
from ferlib.provenance import sha256
from ferlib.stats import counts, disparities, metrics, outcomes

MODELS = ("<script>alert(1)</script>\"onload='x'", "x/y", "x y")


CASE = str(paths.ROOT / "tests" / "recorded" / "intake" / "31_adjectives.csv")


def predictions_csv(path, *, people=6):
    """People of two races and genders, two images of each emotion; anger of Black people is read as disgust."""
    random = np.random.default_rng(5)
    rows = []
    for race in ("Black</td><b>", "White"):
        for gender in ("Female", "Male"):
            for number in range(people):
                ease = random.beta(9, 1)
                for emotion in EMOTIONS:
                    for take in (1, 2):
                        predicted = emotion if random.random() < ease else random.choice(EMOTIONS)
                        planted = race != "White" and emotion == "anger"
                        person = f"{race[0]}{gender}{number}"
                        predicted = "disgust" if planted else predicted
                        rows.append((f"{person}-{emotion}-{take}", person, emotion, race, gender, predicted))
    names = ["image_id", "subject_id", "emotion", "race", "gender", "predicted"]
    table = pd.DataFrame(rows, columns=names).assign(status="ok")
    table.loc[::40, ["predicted", "status"]] = ["", "refused"]
    table = pd.concat([table.assign(model=model) for model in MODELS], ignore_index=True)
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
    table = table[table["model"] == "x y"]
    right = (table["status"] == "ok") & (table["emotion"] == table["predicted"])
    for race, expected in right.groupby(table["race"]).mean().items():
        row = made[(made["by"] == "race") & (made["group"] == race) & (made["model"] == "x y")].squeeze()
        assert row["accuracy"] == pytest.approx(expected, abs=1e-5) and row["n_subjects"] == 12
    disparities = pd.read_csv(folder / "out" / "tables" / "disparities.csv")
    different = disparities[(disparities["verdict"] == "different") & (disparities["measure"] == "confusion")]
    assert set(zip(different["true"], different["predicted"], strict=True)) == {("anger", "disgust")}
    assert {"gaps.csv", "bounds.csv", "omnibus.csv"} <= {path.name for path in (folder / "out" / "tables").iterdir()}


class Elements(HTMLParser):
    """Every element and attribute of a page, as a browser would see them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {(name, (value or "")[:11]) for name, value in attributes}


def test_the_report_is_one_page_that_needs_no_network_and_says_what_was_done(audited):
    folder, _, _ = audited
    page = (folder / "out" / "report.html").read_text()
    assert {value for name, value in Elements(page).attributes if name in ("src", "href")} == {"data:image/"}
    for words in (
        "mine.csv",
        sha256(folder / "mine.csv")[:16],
        "24 people",
        "anger → disgust",
        "±0.1",
        "person, not the",
    ):
        assert words in page, words
    assert page.count("data:image/png;base64") >= 5 and "Without people" not in page


def test_findings_come_first_and_nothing_speaks_of_the_demo_or_of_this_machine(audited):
    folder, _, _ = audited
    page = (folder / "out" / "report.html").read_text()
    words = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"demo|planted|spoilt|Predict\.|/tmp|/home|/work|/root", words)
    parts = [
        words.index(part) for part in ("What was found", "are <em>different</em>", "Accuracy by group", "<figure>")
    ]
    assert parts == sorted(parts)


def test_what_comes_from_the_file_is_shown_as_text(audited):
    folder, _, _ = audited
    page = (folder / "out" / "report.html").read_text()
    seen = Elements(page)
    assert "script" not in seen.tags and "svg" not in seen.tags and "b" not in seen.tags
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert MODELS[0] in html.unescape(page) and "Black</td><b>" in html.unescape(page)


PAYLOADS = [
    wrap.replace("X", call)
    for call in ("alert(1)", "fetch('//x')", "document.title=1", "eval(name)", "location='//x'")
    for wrap in (
        "<script>X</script>", "<img src=x onerror=X>", "<svg/onload=X>", "\" onmouseover=\"X", "' onfocus='X' x='",
        "</td></table><iframe src=javascript:X>", "<a href=javascript:X>a</a>", "{{ X }}", "{% X %}", "<!--><b>X-->",
    )
]  # fmt: skip


def test_none_of_fifty_payloads_is_alive_wherever_it_stands():
    def filled(text):
        row, figure = {text: text}, {"data": "", "words": text, "name": text}
        names = (
            "name",
            "summary",
            "delta",
            "title",
            "confidence",
            "alpha",
            "family",
            "digest",
            "min_people",
            "divided",
        )
        lists = dict.fromkeys(("different", "verdicts", "headline", "gaps"), [row])
        return report.TEMPLATES.get_template("audit.html").render(
            **dict.fromkeys(names, text), **lists, cluster="none", n_different=40, n_contrasts=9, notes=[text],
            figures=[figure],
        )  # fmt: skip

    assert len(PAYLOADS) == 50
    plain = Elements(filled("plain"))
    for payload in PAYLOADS:
        seen = Elements(filled(payload))
        assert seen.tags == plain.tags and {name for name, _ in seen.attributes} == {n for n, _ in plain.attributes}


def test_two_models_whose_names_differ_in_signs_only_keep_their_figures(audited):
    folder, _, _ = audited
    made = {path.stem for path in (folder / "out" / "figures").glob("mistakes_*.png")}
    assert made == {"mistakes_data_x-y", "mistakes_data_x-y-2", figures.name_of("mistakes", "data", MODELS[0])}


def test_the_metrics_are_those_of_scikit_learn_and_in_the_report(audited):
    folder, table, _ = audited
    made = pd.read_csv(folder / "out" / "tables" / "metrics.csv", keep_default_na=False)
    own = table[(table["model"] == "x y") & (table["race"] == "White") & (table["gender"] == "Male")]
    expected = recall_score(own["emotion"], own["predicted"], average="macro", labels=EMOTIONS)
    row = made[
        (made["model"] == "x y") & (made["group"] == "White Male") & (made["metric"] == "macro_recall")
    ].squeeze()
    assert float(row["value"]) == pytest.approx(expected, abs=1e-5) and int(row["n_subjects"]) == 6
    page = (folder / "out" / "report.html").read_text()
    assert (
        "macro recall" in page
        and "equalized odds of anger" in page
        and ">accuracy<" in page
        and not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", page))
        and "four-fifths" in page
    )


def test_python_make_and_the_notebook_give_the_same_numbers(audited):
    folder, _, _ = audited
    taken = audit.read(folder / "mine.csv")
    tallied = counts.tally(outcomes.join(taken.predictions, taken.manifest))
    named = [*outcomes.CONFIGURATION, "attribute", "measure", "true", "predicted", "group_a", "group_b"]
    here = disparities.disparities(tallied, delta=0.1, seed=20240827).sort_values(named, kind="stable")
    made = pd.read_csv(folder / "out" / "tables" / "disparities.csv", keep_default_na=False, na_values=[""])
    assert (made["verdict"].to_numpy() == here["verdict"].to_numpy()).all()
    for name in ("risk_difference", "sim_low", "sim_high", "p_cluster", "p_adjusted"):
        np.testing.assert_allclose(made[name], here[name], rtol=1e-5)
    by_group = metrics.by_group(tallied)
    made = pd.read_csv(folder / "out" / "tables" / "metrics.csv", keep_default_na=False, na_values=[""])
    np.testing.assert_allclose(made["ci_low"], by_group["ci_low"], rtol=1e-5)


def test_json_stands_beside_each_table(audited):
    folder, _, _ = audited
    for path in (folder / "out" / "tables").glob("*.csv"):
        beside = json.loads(path.with_suffix(".json").read_text())
        table = pd.read_csv(path, keep_default_na=False, na_values=[""])
        assert len(beside) == len(table) and list(beside[0]) == list(table)


def test_without_people_the_report_says_what_that_costs(audited):
    folder, _, _ = audited
    taken = audit.read(folder / "mine.csv", cluster="none")
    page = audit.report(taken, folder / "out", name="mine.csv", cluster="none").read_text()
    assert "CLUSTER=none" in page and "too short" in page


def test_figures_and_tables_of_an_earlier_audit_go_and_nothing_else(tmp_path):
    run, taken = paths.run(tmp_path), audit.read(predictions_csv(tmp_path / "mine.csv"))
    for path in (run.figures / "old.png", run.figures / "own.png", run.tables / "old.csv", run.tables / "old.json"):
        tables.write_bytes(b"x", path)
    tables.write_bytes(f"{run.figures}/old.png\n{run.tables}/old.csv\n".encode(), run.provenance / "x.outputs")
    audit._lay_down(taken, tmp_path)
    left = {path.name for path in tmp_path.rglob("*.*") if path.parent.name in ("figures", "tables")}
    assert left == {"own.png"} and run.manifest.is_file()


def test_a_misspelt_variable_is_named(make):
    for wrong in ("cluster=none", "DELTAA=0.1"):
        done = make("audit", "PREDICTIONS=x.csv", "OUT=x", wrong)
        assert done.returncode != 0 and f"unknown variable {wrong.partition('=')[0]}. Known: " in done.stderr


def test_every_variable_that_may_be_set_is_known():
    text = (paths.ROOT / "Makefile").read_text()
    known = re.search(r"^OPTIONS := (.*)", text, re.M)[1].split()
    assert set(known) == set(re.findall(r"^([A-Z_]+) *[?:]=", text.partition("OPTIONS :=")[0], re.M))


def test_the_width_of_a_terminal_is_no_map_of_columns():
    environment = {**os.environ, "COLUMNS": "7777", "MODEL": "of another program"}
    for goal in ("audit", "plan"):
        command = ["make", "-n", goal, "PREDICTIONS=a.csv", "OUT=out"]
        printed = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True, check=True)
        assert "7777" not in printed.stdout and "of another program" not in printed.stdout


def test_a_verdict_that_must_not_occur_makes_it_fail(audited, monkeypatch, capsys):
    folder, _, _ = audited
    found = {"disparities": pd.read_csv(folder / "out" / "tables" / "disparities.csv")}
    monkeypatch.setattr(audit, "judge", lambda *_, **__: found)
    given = ["audit", str(folder / "mine.csv"), "--out", str(folder / "out"), "--fail-on"]
    monkeypatch.setattr("sys.argv", [*given, "different"])
    with pytest.raises(SystemExit, match=r"FAIL_ON: \d+ contrasts are different"):
        audit.main()
    assert "3 model(s)" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", [*given, ""])
    audit.main()


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
        (["README.md", "--fail-on", "biased"], "FAIL_ON is 'biased'. Allowed: different, equivalent"),
        ([CASE, "--columns", "true=label"], "COLUMNS: true=label: give one of image_id"),
    ],
)
def test_a_wrong_request_is_answered_with_the_right_one(monkeypatch, tmp_path, arguments, words):
    monkeypatch.setattr("sys.argv", ["audit", *arguments, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match=words):
        audit.main()
    assert not (tmp_path / "out").exists()


def test_an_audit_loads_nothing_of_the_models():
    script = (
        "import sys, ferlib.audit, ferlib.predictions, ferlib.figures.rates\n"
        "import ferlib.figures.matrices, ferlib.figures.rates\n"
        "print(*sorted({'torch', 'torchvision', 'open_clip', 'openai', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
