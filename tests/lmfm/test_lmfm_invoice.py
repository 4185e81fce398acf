"""The ledger is the provider's invoice, to the cent: over faults, resumed runs, and two processes at a time."""

import collections
import hashlib
import json

import pytest
import replay_server
from lmfm_helpers import faces, plan_for
from lmfm_process import asking
from test_lmfm_shapes import NAMES, PRICE, SHAPES, model_for

from ferlib.lmfm import ledger, store

FREQUENT = {
    "chat-stop": 70, "chat-refusal-words": 3, "chat-refusal-field": 3, "oa-filter": 3, "chat-content-filter": 2,
    "oa-rate": 4,
    "oa-500": 3, "any-html-502": 1, "chat-empty-stop": 3, "chat-finish-abort": 2, "chat-length": 2,
    "chat-cut-in-half": 2,
    "any-drop": 2,
}  # fmt: skip
"""Shapes, and how many of a hundred requests each answers."""

DRAWN = [name for name, share in FREQUENT.items() for _ in range(share)]


def chosen():
    """What answers a request: by chance, but the same for the same question at the same try."""
    tries = collections.Counter()

    def shape_of(number, content):
        question = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        tries[question] += 1
        draw = int(hashlib.sha256(f"{question} {tries[question]}".encode()).hexdigest(), 16)
        return SHAPES[NAMES.index(DRAWN[draw % len(DRAWN)])]

    return shape_of


@pytest.mark.parametrize("questions", [160, pytest.param(2000, marks=pytest.mark.bench)])
def test_the_ledger_is_the_invoice_over_faults_two_resumed_runs_and_two_processes(tmp_path, questions):
    """What the server billed is what is settled; what nobody could read is listed as not known."""
    server = replay_server.Server(chosen())
    manifest, model = faces(tmp_path, questions), model_for(server, SHAPES[0])
    how = {"max_usd": 1e6, "prices": {("openai", "m"): PRICE}, "concurrency": 8, "tries": 1}
    stored = []
    for _ in range(3):  # a run, resumed twice
        processes = [asking(manifest, model, tmp_path / "r", **how) for _ in range(2)]
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        stored.append(len(list((tmp_path / "r").glob("??/*.json"))))
        book = ledger.of_folder(tmp_path / "r")
        not_known = sum(number for number, _ in book.unknown().values())
        settled = book.spent_usd() - sum(usd for _, usd in book.unknown().values())
        billed = len(server.invoice) * PRICE.usd(1000, 10)
        assert settled == pytest.approx(billed, abs=0.005)
    server.close()
    responses = store.Store(tmp_path / "r")
    asked = {key for key in plan_for(manifest, model).questions["response_id"]}
    kinds = collections.Counter(responses.get(key)["answer"]["kind"] for key in asked if responses.get(key))
    print(
        f"\n{questions} questions, {len(server.requests)} requests in 6 processes, {sum(kinds.values())} answers "
        f"{dict(kinds)}; billed ${billed:.2f}, settled ${settled:.2f}, {not_known} requests not known"
    )
    assert stored[0] < stored[1] <= stored[2] and not_known > 0
