"""The lowest versions of the client libraries that are allowed do the same; and how others do on the same server."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib

import pytest
import replay_server
from lmfm_helpers import faces, plan_for
from test_lmfm_shapes import NAMES, SHAPES, model_for

from ferlib.lmfm import run, store
from ferlib.paths import ROOT

pytestmark = pytest.mark.bench

LIBRARIES = ("openai", "google-genai", "anthropic", "genai-prices")

ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
import pandas as pd
from ferlib.lmfm import models, prompts, run, store, study
entries, manifest, folder = json.load(sys.stdin)
for entry in entries:
    model = models.read([entry])[0]
    plan = study.plan(pd.DataFrame(manifest), model=model, prompt=prompts.load("forced-choice"),
                      settings={"temperature": 0.0, "max_tokens": 32})
    answers = run.ask(plan, store.Store(folder + "/" + entry["name"]), progress=False, tries=1)
    client = models.client(model, timeout_s=5)
    print(json.dumps([entry["name"], client.library, sorted(set(answers["status"]))]))
    client.close()
"""


def test_the_lower_bounds_of_the_client_libraries_answer_alike(tmp_path):
    """Installed beside the environment, from a package index; skipped without one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [line for line in project["optional-dependencies"]["models"] if re.split("[>=]", line)[0] in LIBRARIES]
    lowest = [line.replace(">=", "==") for line in wanted]
    assert len(lowest) == len(LIBRARIES)
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(tmp_path / "low"), *lowest]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "ResolutionImpossible" not in done.stderr, done.stderr
    if done.returncode:
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    entries = []
    for name in ("chat-stop", "ge-stop", "an-end-turn"):
        shape = SHAPES[NAMES.index(name)]
        server = replay_server.Server(lambda number, content, shape=shape: shape)
        model = model_for(server, shape)
        entries.append({field: model[field] for field in ("provider", "service", "base_url")} | {"name": name})
    manifest = faces(tmp_path, 3).to_dict("list")
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "low")], input=json.dumps([entries, manifest, str(tmp_path)]),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    print("\n" + "; ".join(library for _, library, _ in lines))
    assert [statuses for _, _, statuses in lines] == [["ok"]] * 3
    for line in lowest:
        name, version = line.split("==")
        if name in ("openai", "google-genai", "anthropic"):
            assert any(library.startswith(f"{name} {version}") for _, library, _ in lines), line


FAULTS = ["oa-rate", "oa-500", "any-html-502", "any-drop", "chat-empty-stop", "chat-finish-abort", "chat-cut-in-half"]

INSPECT = """
import json, sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText
from inspect_ai.scorer import includes
paths, url, log = json.load(sys.stdin)
samples = [Sample(input=[ChatMessageUser(content=[ContentText(text="Which emotion?"), ContentImage(image=path)])],
                  target="happy", id=path) for path in paths]
(log,) = eval(Task(dataset=samples, scorer=includes()), model="openai/m", model_base_url=url, log_dir=log,
              display="none",
              max_connections=8, max_retries=6, fail_on_error=False,
              model_args={"api_key": "none", "responses_api": False})
right = sum(1 for sample in log.samples if sample.scores and sample.scores["includes"].value == "C")
print(json.dumps({"right": right, "lost": len(paths) - len([s for s in log.samples if s.output.completion])}))
"""


def test_side_by_side_with_inspect_ai_on_the_same_faulty_server(tmp_path):
    """Answers right, lost, asked twice after a whole answer, and the time, printed; ours loses none.

    inspect_ai needs other versions than ours: the environment variable INSPECT_PYTHON names an interpreter that has it.
    """
    python = os.environ.get("INSPECT_PYTHON")
    if not python:
        pytest.skip("INSPECT_PYTHON names no interpreter that has inspect_ai")
    good, questions = SHAPES[NAMES.index("chat-stop")], 200

    def shape_of(number, content):
        shape = SHAPES[NAMES.index(FAULTS[number // 7 % len(FAULTS)])] if number % 7 == 3 else good
        given.extend(re.findall('base64,([^"]+)', json.dumps(content)) if shape is good else ())
        return shape

    manifest, counted = faces(tmp_path, questions), {}
    for who in ("ours", "inspect_ai"):
        given = []  # images, once for each whole answer about them
        server = replay_server.Server(shape_of)
        began = time.monotonic()
        if who == "ours":
            answers = run.ask(plan_for(manifest, model_for(server, good)), store.Store(tmp_path / "r"), progress=False)
            found = {
                "right": int((answers["predicted"] == "happy").sum()),
                "lost": int((answers["status"] == "error").sum()),
            }
        else:
            task = json.dumps([list(manifest["path"]), f"{server.url}/v1", str(tmp_path / "log")])
            done = subprocess.run([python, "-c", INSPECT], input=task, capture_output=True, text=True, timeout=900)
            assert done.returncode == 0, done.stderr[-2000:]
            found = json.loads(done.stdout.splitlines()[-1])
        twice = len(given) - len(set(given))
        counted[who] = {**found, "asked twice": twice, "seconds": round(time.monotonic() - began, 1)}
        server.close()
    print(f"\n{questions} questions: {counted}")
    assert (
        counted["ours"]["lost"] == 0 and counted["ours"]["right"] == questions and counted["ours"]["asked twice"] == 0
    )
