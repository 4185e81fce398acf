"""A parameter file is checked before anything runs; papermill would only warn."""

import json
import os

import pytest

from ferlib import paths
from ferlib.errors import InputError
from ferlib.lmfm.store import Store
from ferlib.pipeline import parameters

NOTEBOOKS = sorted((paths.ROOT / "notebooks").glob("*.ipynb"))


def notebook(folder, name, text):
    path = folder / f"{name}.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": text.splitlines(keepends=True)}
    path.write_text(json.dumps({"cells": [cell]}))
    return path


@pytest.fixture
def notebooks(tmp_path):
    first = notebook(tmp_path, "01_a", 'run_dir = "x"  # c\nseed = 1  # c\nshare = 0.5  # c\nnames = ["a"]  # c\n')
    return [first, notebook(tmp_path, "02_b", 'run_dir = "x"  # c\nseed = 1  # c\nquick = False  # c\n')]


def read(tmp_path, text, notebooks):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return parameters.read(path, notebooks, run_dir="runs/mine")


def test_every_notebook_gets_its_own_and_the_shared_parameters(tmp_path, notebooks):
    split = read(tmp_path, "all: {seed: 7}\n01_a: {share: 1}\n", notebooks)
    assert split == {
        "01_a": {"seed": 7, "share": 1, "run_dir": "runs/mine"},
        "02_b": {"seed": 7, "run_dir": "runs/mine"},
    }


def test_a_notebook_s_own_parameter_wins_over_that_of_all(tmp_path, notebooks):
    split = read(tmp_path, "02_b: {seed: 3}\nall: {seed: 7}\n", notebooks)
    assert split["02_b"]["seed"] == 3 and split["01_a"]["seed"] == 7


def test_a_text_instead_of_a_section_leaves_a_notebook_out(tmp_path, notebooks):
    split = read(tmp_path, "all: {seed: 7}\n02_b: not today\n", notebooks)
    assert split == {"01_a": {"seed": 7, "run_dir": "runs/mine"}, "02_b": {"left_out": "not today"}}


def test_a_file_may_begin_with_the_sections_of_a_profile_and_change_them(tmp_path, notebooks):
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "plain.yaml").write_text("based_on: lowest\n01_a: {share: 0.25, seed: 4}\n02_b: not today\n")
    (tmp_path / "params" / "lowest.yaml").write_text("all: {seed: 3}\n01_a: {share: 0.75, names: [z]}\n")
    split = read(tmp_path, "based_on: plain\n01_a: {seed: 5}\n", notebooks)
    assert split["01_a"] == {"seed": 5, "share": 0.25, "names": ["z"], "run_dir": "runs/mine"}
    assert split["02_b"] == {"left_out": "not today"}
    assert read(tmp_path, "based_on: plain\n02_b: {quick: true}\n", notebooks)["02_b"]["quick"] is True
    (tmp_path / "params" / "lowest.yaml").write_text("based_on: plain\n")
    for base in ("plain", "nobody"):
        with pytest.raises(InputError, match="based_on: '.*' is no profile to begin with"):
            read(tmp_path, f"based_on: {base}\n", notebooks)


def test_a_mapping_of_lists_is_refused_where_a_list_is_too_short(tmp_path):
    source = 'run_dir = "x"  # c\nbackbones = {"a": ["b", ""]}  # model: [open_clip name, weights\' tag]\n'
    asked = [notebook(tmp_path, "02_c", source)]
    assert read(tmp_path, "02_c: {backbones: {mine: [n, t]}}", asked)["02_c"]["backbones"] == {"mine": ["n", "t"]}
    for wrong in ("[n]", "n"):
        with pytest.raises(InputError, match="legal values: model: "):
            read(tmp_path, f"02_c: {{backbones: {{mine: {wrong}}}}}", asked)


def test_none_may_be_given_where_the_comment_says_what_it_means(tmp_path, notebooks):
    source = (
        'run_dir = "x"  # c\nthreshold = 0.3  # from which it counts; None where all are 0 or 1\nshare = 0.5  # c\n'
    )
    asked = [notebook(tmp_path, "05_c", source)]
    assert read(tmp_path, "05_c: {threshold: null}", asked)["05_c"]["threshold"] is None
    with pytest.raises(InputError, match="'share' is None"):
        read(tmp_path, "05_c: {share: null}", asked)


def test_an_empty_file_means_the_defaults(tmp_path, notebooks):
    assert read(tmp_path, "", notebooks)["02_b"] == {"run_dir": "runs/mine"}


@pytest.mark.parametrize(
    "text, words",
    [
        ("01_a: {shere: 0.1}", ["mine.yaml", "'shere'", "0.1", "Did you mean 'share'", "seed, share, names"]),
        ("01_aa: {share: 0.1}", ["mine.yaml", "'01_aa'", "Did you mean '01_a'"]),
        ("all: {quick: true}", ["mine.yaml", "'quick'", "01_a"]),
        ("01_a: {share: lots}", ["mine.yaml", "'lots'", "float", "0.5"]),
        ("01_a: {names: a}", ["mine.yaml", "'a'", "list"]),
        ("02_b: {quick: 1}", ["mine.yaml", "1 (int)", "bool"]),
        ("01_a: {seed: true}", ["mine.yaml", "True", "int"]),
        ("01_a: {run_dir: /elsewhere}", ["mine.yaml", "run_dir", "Remove"]),
        ("01_a: [share", ["mine.yaml", "not valid YAML"]),
        ("just text", ["mine.yaml", "sections"]),
        ("all: not today", ["mine.yaml", "sections"]),
        ("01_aa: not today", ["mine.yaml", "'01_aa'", "Did you mean '01_a'"]),
    ],
)
def test_a_bad_file_gets_one_message_with_file_value_and_remedy(tmp_path, notebooks, text, words):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, notebooks)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_only_the_notebook_whose_parameters_changed_gets_a_new_file(tmp_path, notebooks, monkeypatch):
    run_dir = tmp_path / "run"
    source = tmp_path / "mine.yaml"

    def split(text):
        source.write_text(text)
        arguments = ["parameters", str(source), "--run-dir", str(run_dir), *map(str, notebooks)]
        monkeypatch.setattr("sys.argv", arguments)
        parameters.main()
        for path in (run_dir / "params").iterdir():
            os.utime(path, (1, 1)) if text == "01_a: {share: 0.1}" else None
        return {path.stem: path.stat().st_mtime for path in (run_dir / "params").iterdir()}

    split("01_a: {share: 0.1}")
    times = split("01_a: {share: 0.2}")
    assert times["01_a"] > 1 and times["02_b"] == 1


@pytest.mark.parametrize(
    "text, words",
    [
        ("06_bias_stats: {alpha: 1.5}", ["'alpha' is 1.5", "06_bias_stats", "0 < alpha < 1"]),
        ("06_bias_stats: {min_people: 1}", ["'min_people' is 1", "integer from 2"]),
        ("01_data_prep: {composition: maybe}", ["'composition' is 'maybe'", '"require"']),
        ("01_data_prep: {max_rejected: -0.1}", ["'max_rejected' is -0.1", "0 ... 1"]),
        ("02_embedding: {batch_size: 0}", ["'batch_size' is 0", "1 or more"]),
        ("02_embedding: {device: gpu}", ["'device' is 'gpu'", '"cuda"']),
        ("03_probing: {penalties: [10, 0]}", ["'penalties' is [10, 0]", "above 0"]),
        ("05_action_units: {method: saliency}", ["'method' is 'saliency'", "grad-cam"]),
        ("all: {seed: -1}", ["'seed' is -1", "integer from 0"]),
    ],
)
def test_a_value_that_a_notebook_does_not_allow_is_named_before_anything_runs(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, NOTEBOOKS)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_every_default_and_every_profile_here_is_legal():
    for path in NOTEBOOKS:
        said = parameters.comments(path)
        illegal = [name for name, value in parameters.declared(path).items() if not parameters.legal(value, said[name])]
        assert set(illegal) <= {"people_per_group"}, path  # 0 means everybody, as its comment says
    for profile in (paths.ROOT / "notebooks" / "params").glob("*.yaml"):
        parameters.read(profile, NOTEBOOKS, run_dir="runs/mine")


def checked(folder, notebooks, monkeypatch):
    """Check an empty profile as make does it, for a run in a folder."""
    (folder.parent / "mine.yaml").write_text("")
    arguments = [str(folder.parent / "mine.yaml"), "--run-dir", str(folder), *map(str, notebooks)]
    monkeypatch.setattr("sys.argv", ["parameters", *arguments])
    parameters.main()


def test_a_profile_cannot_take_the_name_of_what_lies_beside_the_runs(tmp_path, notebooks, monkeypatch):
    with pytest.raises(SystemExit, match="the name is taken"):
        checked(tmp_path / "responses", notebooks, monkeypatch)


def test_answers_that_a_run_kept_for_itself_are_moved_to_those_of_all_runs(tmp_path, notebooks, monkeypatch):
    one, two = paths.run(tmp_path / "one"), paths.run(tmp_path / "two")
    assert one.responses == two.responses == tmp_path / "responses"
    kept = {}
    for number, run in enumerate((one, two)):
        own = Store(run.root / "responses")
        for repeat in (0, number + 1):  # the first question was asked in both
            asked = {"repeat": repeat}
            kept[own.put(asked, {"text": f"{run.root.name} {repeat}"}, how={})["key"]] = repeat
        own.keep_failure("ab" * 32, run.root.name, None)
        (own.folder / "spending.jsonl").write_text(f'{{"run": "{run.root.name}"}}\n')
        (own.folder / "unanswered.csv").write_text(run.root.name)
        assert run.responses == own.folder  # found where they are
    for run in (one, two):
        checked(run.root, notebooks, monkeypatch)
        assert run.responses == tmp_path / "responses" and run.unanswered.read_text() == run.root.name
    together = Store(one.responses)
    texts = {repeat: together.get(key)["answer"]["text"] for key, repeat in kept.items()}
    assert texts == {0: "one 0", 1: "one 1", 2: "two 2"}
    for name in ("spending.jsonl", f"failed/{'ab' * 32}.jsonl"):
        lines = [line for line in (together.folder / name).read_text().splitlines() if line]
        assert len(lines) == 2 and "one" in lines[0] and "two" in lines[1]
