"""The whole chain, as a user runs it: make, papermill, the notebooks, the report."""

import json
import os
import re
import shutil
import signal
import time
from collections import Counter

import page_links
import pandas as pd
import pytest
import yaml
from make_helpers import PLANTED_KEY, Make, hashes
from PIL import Image

from ferlib import paths, provenance
from ferlib.pipeline import estimate, execution, parameters

NOTEBOOKS = sorted((paths.ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
AUDIT = [name for name in NAMES if name not in ("09_published_claims", "11_induced_bias")]
"""The notebooks that depend on the images; the published numbers depend on nothing else."""
UNITS = ["05_action_units"]
AFTER_04 = ["04_lmfm_prompting", "06_bias_stats", "07_controlled_faces", "08_mitigation", "10_figures"]
REMEDIES = ["08_mitigation"]
RECORDED = paths.ROOT / "tests" / "recorded" / "smoke_headline.csv"


def would_execute(make, *what_if, **variables):
    """Notebooks that make would execute if these files were newer."""
    assigned = [f"{name}={value}" for name, value in variables.items()]
    flags = [argument for path in what_if for argument in ("-W", str(path))]
    printed = make("-n", *flags, "run", "PROFILE=smoke", *assigned)
    assert printed.returncode == 0, printed.stderr
    return sorted(set(re.findall(r"execution notebooks/(\w+)", printed.stdout)))


def test_the_run_reproduces_the_recorded_accuracies(smoke):
    run, _ = smoke
    key = ["by", "group", "model", "variant"]
    found = pd.read_csv(run.tables / "headline.csv").set_index(key)["accuracy"]
    recorded = pd.read_csv(RECORDED).set_index(key)["accuracy"]
    assert set(found.index) == set(recorded.index)
    difference = (found - recorded).abs()
    assert difference["all"].max() <= 0.02
    assert difference.max() <= 0.06


def test_the_terminal_ends_with_the_main_result_and_the_paths(smoke):
    run, printed = smoke
    models = ("demo-clip-skewed-probe", "demo-openai-skewed", "demo-gemini-balanced")
    for words in ("with 95 % intervals", "Black Female", *models):
        assert words in printed
    assert re.search(r"\d\.\d\d \[\d\.\d\d, \d\.\d\d\]", printed)
    last = printed.strip().splitlines()[-3:]
    assert [line.split()[0] for line in last] == ["Report", "Tables", "Figures"]
    assert all(paths.absolute(line.split(maxsplit=1)[1]).exists() for line in last)


def test_the_report_holds_every_notebook_and_no_dead_link_and_needs_no_network(smoke):
    run, _ = smoke
    folder = run.root / "report"
    index = page_links.Page(folder / "index.html")
    assert {f"notebooks/{name}.html" for name in NAMES} <= set(index.links)
    # An exercise may point to the next one, which is still to be written.
    dead = [(page, target) for page, target in page_links.dead(folder) if "exercises_" not in target]
    assert not dead and not page_links.from_network(folder)


def test_every_picture_of_the_report_has_words_and_every_table_its_name_and_scopes(smoke):
    run, _ = smoke
    for path, page in page_links.pages(run.root / "report").items():
        counts = Counter(tag for tag, _ in page.elements)
        assert counts["caption"] == counts["table"], path
        for tag, given in page.elements:
            assert tag != "img" or (given.get("alt") and not given["alt"].endswith(".png")), (path, given.get("src"))
            assert tag != "th" or given.get("scope"), path


@pytest.mark.parametrize("name", NAMES)
def test_an_executed_notebook_ends_with_its_provenance(smoke, name):
    run, _ = smoke
    cells = json.loads((run.root / "executed" / f"{name}.ipynb").read_text())["cells"]
    shown = json.dumps(cells[-1]["outputs"])
    saved = json.loads((run.provenance / f"{name}.json").read_text())
    assert saved["commit"].split()[0] in shown and "seed" in shown and "duration_s" in shown
    assert "pandas" in saved["versions"] and saved["reads"]
    for path, digest in saved["writes"].items():
        assert provenance.sha256(run.file(path)) == digest
    declared = parameters.declared(paths.ROOT / "notebooks" / f"{name}.ipynb")
    given = yaml.safe_load((run.root / "params" / f"{name}.yaml").read_text())
    assert saved["parameters"] == {**declared, **given}


def test_a_key_in_the_environment_reaches_no_file(smoke):
    run, printed = smoke
    assert PLANTED_KEY not in printed
    for path in run.root.rglob("*"):
        assert not path.is_file() or PLANTED_KEY.encode() not in path.read_bytes(), path


def test_a_second_run_does_nothing_and_says_so(smoke, make):
    done = make("run", "PROFILE=smoke")
    assert done.stdout.startswith("Nothing to do") and "Executing" not in done.stdout
    assert "with 95 % intervals" in done.stdout


@pytest.mark.parametrize(
    "changed, expected",
    [
        ("notebooks/01_data_prep.ipynb", AUDIT),
        ("notebooks/03_probing.ipynb", ["03_probing", "06_bias_stats", "07_controlled_faces", "10_figures"]),
        ("notebooks/10_figures.ipynb", ["10_figures"]),
        (
            "ferlib/probe/linear.py",
            ["03_probing", *UNITS, "06_bias_stats", "07_controlled_faces", *REMEDIES, "10_figures"],
        ),
        ("ferlib/stats/gaps.py", ["06_bias_stats", "07_controlled_faces", "10_figures"]),
        ("ferlib/controlled/paired_contrasts.py", ["07_controlled_faces", *REMEDIES]),
        ("ferlib/mitigation/effects.py", REMEDIES),
        ("data/published/confusions.csv", ["09_published_claims"]),
        ("data/induced/counts.csv.gz", ["11_induced_bias"]),
        ("ferlib/lmfm/parse.py", AFTER_04),
        (
            "ferlib/labels.py",
            [name for name in NAMES if name != "09_published_claims"],
        ),  # its counts bring their labels
        ("data/demo/ferdemo/faces/renderer.py", []),
        ("data/demo/ferdemo/standin/sight.py", AFTER_04),
        ("data/prompts/forced-choice.yaml", AFTER_04),
        ("ferlib/datasets/tree.py", AUDIT),
        ("ferlib/pipeline/summary.py", []),
        ("README.md", []),
        ("data/demo/people/manifest.csv", AUDIT),
        (
            "data/demo/models/demo-clip-skewed/open_clip_model.safetensors",
            [name for name in AUDIT[1:] if name not in ("04_lmfm_prompting", "12_networks_in_use")],
        ),
        (
            "data/demo/models/demo-paligemma-skewed/model.safetensors",
            AFTER_04,
        ),
        (
            "data/demo/outside/fer/answers.csv",
            ["06_bias_stats", "07_controlled_faces", "10_figures", "12_networks_in_use"],
        ),
        ("{run}/provenance/06_bias_stats.json", ["06_bias_stats", "07_controlled_faces", "10_figures"]),  # by hand
        ("{run}/tables/headline.csv", ["10_figures"]),
        ("{run}/tables/disparities.csv", ["07_controlled_faces"]),
        ("{run}/tables/accuracy_by_group.csv", []),
        ("{run}/predictions/demo-openai-skewed.parquet", ["06_bias_stats", "07_controlled_faces", "10_figures"]),
        (
            "{run}/embeddings/demo-clip-balanced.npz",
            ["03_probing", *UNITS, "06_bias_stats", "07_controlled_faces", *REMEDIES, "10_figures"],
        ),
        (  # 05 asks the probe of the balanced one only
            "{run}/embeddings/demo-clip-skewed.npz",
            ["03_probing", "06_bias_stats", "07_controlled_faces", *REMEDIES, "10_figures"],
        ),
        ("ferlib/units/relevance.py", [*UNITS, *REMEDIES]),
        ("data/demo/action_units/regions.csv", UNITS),
        ("data/demo/models/demo-aunet-skewed/model.safetensors", UNITS),
    ],
)
def test_a_change_re_runs_what_depends_on_it_and_nothing_else(smoke, make, changed, expected):
    run, _ = smoke
    assert would_execute(make, changed.format(run=run.root)) == expected


def test_questions_without_an_answer_are_asked_again(smoke, make):
    """A run that ended in errors is finished, but not fresh."""
    run, _ = smoke
    listed = run.unanswered
    assert not listed.exists()
    listed.touch()
    try:
        assert would_execute(make) == AFTER_04
    finally:
        listed.unlink()


def test_a_table_that_was_lost_is_made_again(smoke, make):
    run, _ = smoke
    lost = run.predictions / "demo-clip-skewed-probe.parquet"
    kept = lost.read_bytes()
    lost.unlink()
    try:
        assert would_execute(make) == ["03_probing", "06_bias_stats", "07_controlled_faces", "10_figures"]
    finally:
        lost.write_bytes(kept)
        os.utime(lost, (1, 1))


def test_a_changed_parameter_executes_its_notebook_and_no_other(smoke, make, tmp_path):
    run, _ = smoke
    content = yaml.safe_load((paths.ROOT / "notebooks" / "params" / "smoke.yaml").read_text())
    default = parameters.declared(paths.ROOT / "notebooks" / "10_figures.ipynb")["seed"]
    content["10_figures"] = {**(content.get("10_figures") or {}), "seed": default + 1}
    (tmp_path / "smoke.yaml").write_text(yaml.safe_dump(content))
    changed = f"PARAMS={tmp_path / 'smoke.yaml'}"
    assert set(re.findall(r"execution notebooks/(\w+)", make("-n", "run", changed).stdout)) == {"10_figures"}
    done = make("run", changed)
    assert re.findall(r"Executing (\w+)", done.stdout) == ["10_figures"], done.stdout + done.stderr


def test_what_was_executed_by_hand_with_other_parameters_is_made_anew(smoke, make):
    """By papermill, say, or stopped on the way: the tables are no longer those of the profile."""
    run, _ = smoke
    record = run.provenance / "10_figures.json"
    os.utime(record)
    assert would_execute(make) == ["10_figures"]
    made, after = record.stat().st_mtime_ns, run.root / "executed" / "10_figures.ipynb"
    os.utime(record, ns=(made, after.stat().st_mtime_ns - 1))
    assert would_execute(make) == []


def test_a_second_profile_asks_nothing_again(smoke):
    run, _ = smoke
    other = paths.run(run.root.with_name("another"))
    shutil.copytree(run.root / "params", other.root / "params")
    shutil.copy(run.manifest, other.manifest)
    assert re.search(r"^0 requests to be sent \([1-9]\d* answers are stored\)", estimate.text(other.root), re.MULTILINE)


def test_killed_at_every_notebook_and_resumed_it_gives_the_same_tables(undisturbed, tmp_path):
    make = Make(tmp_path)
    executed, told = tmp_path / "smoke" / "executed", tmp_path / "told.txt"
    in_order = re.findall(r"execution notebooks/(\w+)", make("-n", "run", "PROFILE=smoke").stdout)
    assert sorted(in_order) == NAMES
    for number, name in enumerate(in_order):
        with told.open("w") as stdout:
            process = make.start("run", "PROFILE=smoke", stdout=stdout)
        deadline = time.monotonic() + 120
        while f"Executing {name} " not in told.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.7 * (number % 3))  # sooner or later in it; the shortest notebook takes three seconds
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (executed / f"{name}.ipynb").exists(), f"{name} had ended before it could be killed"
    done = make("run", "PROFILE=smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert hashes(paths.run(tmp_path / "smoke")) == undisturbed()


def test_kernels_of_runs_side_by_side_do_not_hear_each_other():
    managers = [execution.LocalKernelManager() for _ in range(2)]
    assert len({manager.ip for manager in managers}) == 2
    assert all(manager.transport == "ipc" for manager in managers) or os.name != "posix"


def test_a_profile_that_does_not_exist_is_named_with_those_that_do(make):
    done = make("run", "PROFILE=nobody")
    assert done.returncode != 0
    assert "notebooks/params/nobody.yaml does not exist" in done.stderr
    assert "demo own paper smoke" in done.stderr and "PARAMS=" in done.stderr


@pytest.mark.parametrize("folder", ["VENV=my environment", "RUNS=my runs"])
def test_a_folder_with_a_blank_is_refused_in_words(make, folder):
    done = make("-n", "run", folder)
    assert done.returncode != 0 and folder in done.stderr and "without a blank" in done.stderr


def test_an_unknown_parameter_stops_before_anything_runs(make, tmp_path):
    (tmp_path / "typo.yaml").write_text("03_probing: {n_fold: 3}\n")
    done = make("run", f"PARAMS={tmp_path / 'typo.yaml'}")
    assert done.returncode != 0 and "Executing" not in done.stdout and "Traceback" not in done.stderr
    for words in ("typo.yaml", "'n_fold'", "Did you mean 'n_folds'"):
        assert words in done.stderr


def broken_dataset(folder, problem):
    """A small dataset with one fault; returns the words that the message must hold."""
    frame = pd.DataFrame(
        {
            "image_id": ["a", "b", "c"], "path": ["a.png", "b.png", "c.png"], "subject_id": ["p", "q", "r"],
            "emotion": ["anger", "sad", "fear"], "race": ["Black", "White", "Asian"], "gender": "Female",
        }
    )  # fmt: skip
    for name in frame["path"]:
        Image.new("RGB", (8, 8)).save(folder / name)
    words = ["manifest.csv"]
    if problem == "duplicate id":
        frame.loc[1, "image_id"], words = "a", ["manifest.csv", "duplicate image_id 'a'", "row 2, 3"]
    elif problem == "unknown emotion":
        frame.loc[1, "emotion"], words = "bored", ["manifest.csv", "unknown emotion 'bored'", "row 3", "Allowed: anger"]
    elif problem == "undecodable image":
        (folder / "b.png").write_bytes(b"no image")
        words = ["1 of 3 images", "b.png", "cannot be decoded", "max_rejected"]
    if problem == "missing dataset":
        words = ["manifest.csv does not exist", "'demo'"]
    else:
        frame.to_csv(folder / "manifest.csv", index=False)
    return words


@pytest.mark.parametrize("problem", ["duplicate id", "unknown emotion", "undecodable image", "missing dataset"])
def test_bad_input_gives_one_message_and_no_traceback(make, tmp_path, problem):
    words = broken_dataset(tmp_path, problem)
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump({"01_data_prep": {"datasets": [f"{tmp_path}/manifest.csv"]}}))
    done = make("run", f"PARAMS={tmp_path / 'broken.yaml'}")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    messages = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert len(messages) == 1 and all(word in messages[0] for word in words), done.stderr
    failed = make.runs / "broken" / "executed"
    assert (failed / "failed-01_data_prep.ipynb").is_file() and not (failed / "01_data_prep.ipynb").exists()


def test_papermill_itself_reads_every_parameter():
    import papermill

    for path in NOTEBOOKS:
        assert set(papermill.inspect_notebook(str(path))) == set(parameters.declared(path))
