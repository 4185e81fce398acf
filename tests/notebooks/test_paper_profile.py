"""Stage 01 of `make run PROFILE=paper`, as a user runs it, on trees of tiny images."""

import json

import pandas as pd
import pytest
import trees
import yaml

from ferlib import paths


@pytest.fixture
def stage(make, tmp_path):
    """Runs the real parameter file on datasets in a folder of the test's own, up to notebook 01."""
    content = yaml.safe_load((paths.ROOT / "notebooks" / "params" / "paper.yaml").read_text())

    def run(**changes):
        content["01_data_prep"] |= {"raw_dir": str(tmp_path / "raw"), **changes}
        (tmp_path / "paper.yaml").write_text(yaml.safe_dump(content))
        executed = make.runs / "paper" / "executed" / "01_data_prep.ipynb"
        executed.unlink(missing_ok=True)
        return make(str(executed), f"PARAMS={tmp_path / 'paper.yaml'}")

    return run, tmp_path / "raw", paths.run(make.runs / "paper")


def test_the_three_datasets_give_the_study_s_rows_and_a_missing_one_is_said(stage):
    run, raw, made = stage
    trees.all_three(raw)
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = pd.read_parquet(made.manifest)
    assert manifest["dataset"].value_counts().to_dict() == {"radiate": 1488, "tarr": 1053, "cfd": 1207}
    check = pd.read_csv(made.root / "composition_check.csv")
    assert len(check) == 72 and (check["n_read"] == check["n_published"]).all()
    assert {"brightness", "contrast", "sharpness", "ita_deg", "ita_ok"} <= set(manifest.columns)

    (raw / "tarr").rename(raw / "elsewhere")
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tarr is not here: 1053 images less" in done.stdout
    warnings = json.loads((made.provenance / "01_data_prep.json").read_text())["warnings"]
    assert any(warning.startswith("tarr is not here") for warning in warnings)


def test_where_all_are_of_one_group_it_is_said_at_once(stage):
    run, raw, made = stage
    for name in ("KA.AN1.39.tiff", "KM.HA2.5.tiff"):
        trees.save(raw / "jaffe" / name)
    done = run(datasets=["jaffe"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everybody is Japanese Female: groups cannot be compared, so notebook 06 will stop" in done.stdout


def test_a_fault_stops_with_one_message(stage):
    run, raw, made = stage
    trees.radiate(raw / "radiate")
    path = next((raw / "radiate").rglob("AF01_AO.bmp"))
    path.rename(path.with_name("AF01_ZZ.bmp"))
    done = run()
    assert done.returncode != 0 and "Traceback" not in done.stderr
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert "'ZZ'" in message and "AF01_ZZ.bmp" in message and "data/conventions/radiate.yaml" in message


def test_all_images_beyond_the_limit_are_listed(stage):
    run, raw, made = stage
    trees.cfd(raw / "cfd")
    emptied = sorted((raw / "cfd").rglob("*-A.jpg"))[:40]
    for path in emptied:
        path.write_bytes(b"")
    done = run()
    assert done.returncode != 0 and "40 of 1207 images cannot be used" in done.stderr
    rejected = pd.read_csv(made.rejected)
    assert sorted(rejected["path"]) == [paths.relative(path) for path in emptied]


def test_the_composition_is_that_of_the_images_that_can_be_used(stage):
    run, raw, made = stage
    trees.cfd(raw / "cfd")
    for path in sorted((raw / "cfd").rglob("*-A.jpg"))[:20]:
        path.write_bytes(b"")
    done = run(max_rejected=0.1)
    assert done.returncode != 0 and "1187 images read, 1207 published" in done.stderr
    done = run(max_rejected=0.1, composition="report")
    assert done.returncode == 0, done.stdout + done.stderr
    check = pd.read_csv(made.root / "composition_check.csv").groupby("emotion")["difference"].sum()
    assert check["anger"] == -20 and check.drop("anger").eq(0).all()
