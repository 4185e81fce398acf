"""A notebook that is executed leaves a whole copy or none, whatever else runs at the same time."""

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from ferlib import paths, pipeline, provenance
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


def execute(path, **variables):
    command = [sys.executable, "-m", "ferlib.pipeline.execution", str(path), "--run-dir", str(path.parent / "run")]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_two_notebooks_executed_at_the_same_time_do_not_meet(tmp_path):
    both = [notebook(tmp_path, name, f"import time; time.sleep(3); print({name!r})") for name in ("one", "two")]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = list(pool.map(execute, both))
    assert [result.returncode for result in done] == [0, 0], done[0].stderr + done[1].stderr
    for path in both:
        executed = json.loads((tmp_path / "run" / "executed" / path.name).read_text())
        assert "".join(executed["cells"][-1]["outputs"][0]["text"]).strip() == path.stem


def test_a_notebook_works_in_the_run_that_it_is_executed_for(tmp_path):
    """Not in the one that its parameters were written for, before somebody copied or renamed it."""
    path = notebook(tmp_path, "one", "print(run_dir)")
    assert execute(path).returncode == 0
    executed = json.loads((tmp_path / "run" / "executed" / path.name).read_text())
    assert "".join(executed["cells"][-1]["outputs"][0]["text"]).strip() == str(tmp_path / "run")


def test_a_failed_notebook_is_kept_as_failed_and_is_no_result(tmp_path):
    path = notebook(tmp_path, "one", "raise ValueError('no such thing')")
    done = execute(path)
    assert done.returncode != 0 and "ValueError: no such thing" in done.stderr and "failed-one.ipynb" in done.stderr
    assert [file.name for file in (tmp_path / "run" / "executed").iterdir()] == ["failed-one.ipynb"]


def test_a_kernel_that_dies_is_said_in_one_line(tmp_path):
    done = execute(notebook(tmp_path, "one", "import os; os._exit(1)"))
    assert done.returncode != 0 and "the kernel that executed one died" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "run" / "executed" / "one.ipynb").exists()


def test_what_a_kernel_said_before_it_died_is_shown(tmp_path):
    done = execute(notebook(tmp_path, "one", "import faulthandler; faulthandler.enable(); faulthandler._sigsegv()"))
    assert done.returncode != 0 and "the kernel that executed one died" in done.stderr
    assert "Segmentation fault" in done.stderr


def test_a_kernel_that_does_not_start_is_said_with_its_own_words(tmp_path):
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit('this kernel is of another world')")
    done = execute(notebook(tmp_path, "one", "1"), PYTHONPATH=f"{tmp_path}{os.pathsep}{paths.ROOT}")
    assert done.returncode != 0 and "Error: no kernel started that could execute one." in done.stderr
    assert "this kernel is of another world" in done.stderr and "Traceback" not in done.stderr


CLOSES_TOO_SOON = """
import zmq
kernel = get_ipython().kernel
handled = kernel.control_handlers["shutdown_request"]

def closed(_):
    raise zmq.ZMQError(zmq.ENOTSOCK)

async def handles(*request):
    await handled(*request)
    kernel.iopub_thread.schedule = closed

kernel.control_handlers["shutdown_request"] = handles
print("ready")
"""
"""Sometimes a kernel has closed its sockets when it wants to say that it has done so, and complains at length."""


@pytest.mark.parametrize("ending, returncode", [("", 0), ("raise ValueError('no such thing')", 1)])
def test_a_kernel_that_complains_as_it_exits_is_not_heard(tmp_path, ending, returncode):
    path = notebook(tmp_path, "one", CLOSES_TOO_SOON + ending)
    done = execute(path)
    assert done.returncode == returncode and "Traceback" not in done.stderr, done.stderr
    copy = tmp_path / "run" / "executed" / ("failed-one.ipynb" if returncode else "one.ipynb")
    assert "ready" in copy.read_text()


def test_a_kernel_that_hangs_as_it_exits_is_not_waited_for(tmp_path):
    path, began = notebook(tmp_path, "one", "import atexit, time; atexit.register(time.sleep, 300)"), time.monotonic()
    assert execute(path).returncode == 0
    assert time.monotonic() - began < 40


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


@pytest.mark.parametrize("uid, warned", [("0", True), ("1000", False)])
def test_lab_starts_for_root_with_a_warning(tmp_path, uid, warned):
    (tmp_path / "bin").mkdir()
    for name, line in {"id": f"echo {uid}", "jupyter": 'echo "started $*"'}.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / ".ready").touch()
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    command = ["make", f"VENV={tmp_path}", "-o", str(tmp_path / ".ready"), "lab"]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert "started lab" in done.stdout, done.stderr
    assert ("--allow-root" in done.stdout) == ("as root" in done.stderr) == warned


def test_ctrl_c_is_said_in_one_line_while_a_notebook_runs_and_lets_it_finish(tmp_path):
    running, finished = tmp_path / "running", tmp_path / "finished"
    code = f"import time\ntry:\n    open({str(running)!r}, 'w').close()\n    time.sleep(300)\n"
    code += f"except KeyboardInterrupt:\n    time.sleep(5)\n    open({str(finished)!r}, 'w').close()\n    raise"
    path = notebook(tmp_path, "one", code)
    command = [sys.executable, "-m", "ferlib.pipeline.execution", str(path), "--run-dir", str(tmp_path / "run")]
    process = subprocess.Popen(command, cwd=paths.ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not running.exists() and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130 and finished.exists()
    assert told.split("\n") == ["", f"Stopped one. {pipeline.STOPPED}", ""]


def test_ctrl_c_is_said_in_one_line_before_and_after(tmp_path):
    """While modules are still being imported, for example."""
    (tmp_path / "yaml.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    command = [sys.executable, "-m", "ferlib.pipeline.parameters", "x.yaml", "--run-dir", "x", "y.ipynb"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(paths.ROOT)])}
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.split("\n") == ["", f"Stopped. {pipeline.STOPPED}", ""]


def test_a_notebook_left_out_has_made_nothing_of_this_run(tmp_path):
    """Those after it go on with what there is, and not with what an earlier execution of it had left."""
    made = "from ferlib import paths, provenance; from ferlib.tables import write_bytes\nrun = paths.run(run_dir)\n"
    made += "record = provenance.start('one', run=run, seed=1); file = write_bytes(b'x', run.tables / 'one.csv')\n"
    path, run = notebook(tmp_path, "one", made + "record.finish(reads=[], writes=[file])"), paths.run(tmp_path / "run")
    done = execute(path)
    assert done.returncode == 0, done.stderr
    assert provenance.written(run, "one") == [run.tables / "one.csv"] and provenance.recorded(run, "one")
    (run.root / "params" / "one.yaml").write_text(yaml.safe_dump({"left_out": "no network of that kind"}))
    done = execute(path)
    assert done.returncode == 0 and "Left out: one. no network of that kind" in done.stdout, done.stderr
    assert provenance.written(run, "one") == [] and provenance.recorded(run, "one") == {}
    assert not (run.tables / "one.csv").exists()
