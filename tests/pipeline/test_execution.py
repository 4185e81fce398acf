"""A notebook that is executed leaves a whole copy or none, whatever else runs at the same time."""

import concurrent.futures
import json
import os
import subprocess
import sys

import yaml

from ferlib import paths
from ferlib.pipeline import execution


def notebook(folder, name, code):
    (folder / "run" / "params").mkdir(parents=True, exist_ok=True)
    (folder / "run" / "params" / f"{name}.yaml").write_text(yaml.safe_dump({"run_dir": "x"}))
    cells = [
        {"cell_type": "code", "id": f"cell-{number}", "metadata": metadata, "execution_count": None, "outputs": []}
        | {"source": [source]}
        for number, (metadata, source) in enumerate([({"tags": ["parameters"]}, 'run_dir = ""'), ({}, code)])
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / f"{name}.ipynb").write_text(json.dumps(content))
    return folder / f"{name}.ipynb"


def execute(path):
    command = [sys.executable, "-m", "ferlib.pipeline.execution", str(path), "--run-dir", str(path.parent / "run")]
    return subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=120)


def test_two_notebooks_executed_at_the_same_time_do_not_meet(tmp_path):
    both = [notebook(tmp_path, name, f"import time; time.sleep(3); print({name!r})") for name in ("one", "two")]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = list(pool.map(execute, both))
    assert [result.returncode for result in done] == [0, 0], done[0].stderr + done[1].stderr
    for path in both:
        executed = json.loads((tmp_path / "run" / "executed" / path.name).read_text())
        assert "".join(executed["cells"][-1]["outputs"][0]["text"]).strip() == path.stem


def test_a_failed_notebook_is_kept_as_failed_and_is_no_result(tmp_path):
    path = notebook(tmp_path, "one", "raise ValueError('no such thing')")
    done = execute(path)
    assert done.returncode != 0 and "ValueError: no such thing" in done.stderr and "failed-one.ipynb" in done.stderr
    assert [file.name for file in (tmp_path / "run" / "executed").iterdir()] == ["failed-one.ipynb"]


def test_a_kernel_that_dies_is_said_in_one_line(tmp_path):
    done = execute(notebook(tmp_path, "one", "import os; os._exit(1)"))
    assert done.returncode != 0 and "the kernel that executed one died" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "run" / "executed" / "one.ipynb").exists()


def test_folders_of_sockets_that_a_killed_process_left_are_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(execution.tempfile, "gettempdir", lambda: str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, used, other = (tmp_path / name for name in (f"ferlib-{gone.pid}-a", f"ferlib-{os.getpid()}-b", "ferlib-x-c"))
    for folder in (left, used, other):
        folder.mkdir()
        (folder / "kernel-1").touch()
    execution.sweep_sockets()
    assert not left.exists() and used.exists() and other.exists()
