"""`make compare`: two files of predictions, paired by image, in tables, a figure and a few lines."""

import subprocess
import time

import pandas as pd
import pytest
from make_helpers import VENV
from stats_helpers import manifest_of, predictions_of

from ferlib.errors import InputError
from ferlib.mitigation import effects
from ferlib.paths import ROOT
from ferlib.pipeline import comparing


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    manifest = manifest_of(36)
    for name, seed in (("before", 1), ("after", 2)):
        answers = predictions_of(manifest, seed=seed, model=name).drop(columns="dataset")
        answers.loc[(manifest["race"] == "Black") & (name == "after"), "predicted"] = manifest["emotion"]
        answers.loc[(manifest["race"] == "Black") & (name == "after"), "status"] = "ok"
        manifest.merge(answers, on="image_id").to_csv(folder / f"{name}.csv", index=False)
    return folder, len(manifest)


def test_fifteen_hundred_rows_take_seconds_and_leave_tables_a_figure_and_the_finding(files, capsys):
    folder, n = files
    began = time.monotonic()
    comparing.main([str(folder / "before.csv"), str(folder / "after.csv"), "--out", str(folder / "out")])
    assert n >= 1500 and time.monotonic() - began < 20
    said = capsys.readouterr().out
    assert "after (only) instead of before (only) on set: 1,512 images" in said
    assert "accuracy better for: " in said and "Black +0.3" in said and "accuracy worse for" not in said
    table = pd.read_csv(folder / "out" / "tables" / "changes.csv")
    assert list(table.columns) == list(effects.COLUMNS) and len(table) == 12 * 51
    gaps = pd.read_csv(folder / "out" / "tables" / "gap_changes.csv")
    assert list(gaps.columns) == list(effects.GAP_COLUMNS) and (gaps["outcome"] == "widened").any()
    assert (folder / "out" / "figures" / "changes.png").is_file()
    assert "Black from 6" in (folder / "out" / "figures" / "changes.txt").read_text()


def test_choices_are_checked_and_make_hands_them_on(files):
    folder, _ = files
    both = [str(folder / "before.csv"), str(folder / "after.csv"), "--out", str(folder / "none")]
    with pytest.raises(InputError, match="delta is 2.0: give a number between 0 and 1"):
        comparing.main([*both, "--delta", "2"])
    command = ["make", "-n", "compare", "BEFORE=one file.csv", "AFTER=b.csv", "OUT=out", "DELTA=0.1", "COLUMNS=a=b"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert '"one file.csv" "b.csv" --out "out" --delta 0.1' in printed and '--columns "a=b"' in printed
    command = ["make", f"VENV={VENV}", "compare", "BEFORE=a.csv"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert told.returncode and "say make compare BEFORE=a.csv AFTER=b.csv OUT=folder" in told.stderr


def test_what_only_an_audit_knows_is_refused_not_ignored():
    command = ["make", "compare", "BEFORE=a.csv", "AFTER=b.csv", "OUT=out", "FAIL_ON=worse"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "FAIL_ON are for make audit" in done.stderr
