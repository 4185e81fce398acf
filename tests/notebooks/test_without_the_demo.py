"""With everything of the demo deleted, the study itself and the audit of a CSV run as before."""

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import trees
import yaml
from tiny_clip import CONFIG, save_model

from ferlib import paths


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A copy of the repository that lacks `data/demo`, and how make is called in it."""
    folder = tmp_path_factory.mktemp("without demo") / "repository"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.split("\0"):
        if (paths.ROOT / name).is_file() and not name.startswith(("data/demo/", "figures/", "tests/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(paths.ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)

    def make(*arguments):
        # The environment is there and must not be made to point at the copy.
        command = ["make", "-o", ".venv/.ready", *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        environment["PYTHONPATH"] = str(folder)
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    return folder, make


def test_the_study_runs(elsewhere, tmp_path):
    folder, make = elsewhere
    content = yaml.safe_load((folder / "notebooks" / "params" / "paper.yaml").read_text())
    trees.cfd(folder / "data" / "raw" / "cfd")
    content["01_data_prep"] |= {"datasets": ["cfd"], "people_per_group": 4}
    # The study's backbones have to be fetched; one of the same class takes their place.
    whole_vocabulary = CONFIG["model_cfg"]["text_cfg"] | {"vocab_size": 49408}
    config = CONFIG | {"model_cfg": CONFIG["model_cfg"] | {"text_cfg": whole_vocabulary}}
    content["02_embedding"]["backbones"] = {"tiny": [save_model(tmp_path / "tiny", config=config), ""]}
    content["03_probing"] |= {
        "n_folds": 2,
        "n_splits": 1,
        "penalties": [1, 10],
        "people_counts": [4],
        "dimensions": [4],
    }
    content["06_bias_stats"]["main_variants"] = {}
    content["11_induced_bias"] = {"doses": [0.5], "draws": 100, "lots": 20}
    (tmp_path / "paper.yaml").write_text(yaml.safe_dump(content))
    done = make("run", f"PARAMS={tmp_path / 'paper.yaml'}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Left out: 05_action_units" in done.stdout
    run = paths.run(folder / "data" / "runs" / "paper")
    assert set(pd.read_csv(run.tables / "headline.csv")["model"]) == {"tiny-zeroshot", "tiny-probe"}
    assert "Left out of this run" in (run.root / "report" / "notebooks" / "05_action_units.html").read_text()
    for rules in run.depends.glob("*.mk"):
        assert "data/demo" not in rules.read_text(), rules


def test_the_audit_of_a_csv_runs(elsewhere, tmp_path):
    folder, make = elsewhere
    rows = [
        (f"{person}-{n}", f"{gender[0]}{person}", emotion, "Black" if person % 2 else "White", gender, emotion)
        for person in range(12) for gender in ("Female", "Male") for n, emotion in enumerate(("happy", "sad"))
    ]  # fmt: skip
    columns = ["image_id", "subject_id", "emotion", "race", "gender", "predicted"]
    table = pd.DataFrame(rows, columns=columns)
    table["image_id"] = table["gender"] + table["image_id"]
    table.to_csv(tmp_path / "answers.csv", index=False)
    done = make("audit", f"PREDICTIONS={tmp_path / 'answers.csv'}", f"OUT={tmp_path / 'audit'}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "audit" / "report.html").is_file()
