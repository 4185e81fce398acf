"""Who answered is told, and a mixture is a finding; so is a temperature that is ignored."""

import pandas as pd
import pytest
from lmfm_helpers import faces, plan_for
from test_lmfm_shapes import NAMES, SHAPES, model_for, serve  # noqa: F401

from ferlib.lmfm import models, replay, run, store


@pytest.mark.parametrize(
    ("asked", "reported", "same"),
    [
        ("gpt-4o", "gpt-4o", True), ("gpt-4o", "gpt-4o-2024-08-06", True), ("gpt-4o", "gpt-4.1-2025-04-14", False),
        ("gpt-4o", "gpt-4o-mini", False), ("gpt-5", "gpt-5.6-sol", False), ("gemini-2.5-flash",
        "gemini-3.5-flash-lite", False),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite", False), ("gemini-2.0-flash", "gemini-2.0-flash-001", True),
        ("openai/gpt-6-luna", "gpt-6-luna", True), ("qwen/qwen3-vl-8b:free", "qwen/qwen3-vl-8b", True),
        ("gemini-flash-latest", "gemini-3.8-flash", False), ("demo-openai-skewed", "demo-openai-skewed@0123456789ab",
        True),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", True), ("/models/tiny", "tiny@0123abcdef01", True),
        ("llama3.2-vision", "llama3.2-vision:11b", True), ("m", "m", True),
    ],
)  # fmt: skip
def test_a_dated_name_is_the_same_model_and_another_name_is_not(asked, reported, same):
    assert replay.same_model(asked, reported) == same


def test_a_rerouted_model_is_told_and_a_mixture_is_a_finding(serve, tmp_path):  # noqa: F811
    shape = SHAPES[NAMES.index("chat-stop")]
    named = lambda name: {**shape, "more": {"model": name}}  # noqa: E731
    reported = ["gpt-x-2026-01-01", "gpt-x-2026-01-01", "gpt-y", "gpt-x-2026-03-03"]
    server = serve(lambda number, content: named(reported[number]))
    model = model_for(server, shape, model="gpt-x")
    answers = run.ask(plan_for(faces(tmp_path, 4), model), store.Store(tmp_path / "r"), progress=False, concurrency=1)
    table = replay.who_answered(answers, [model])
    assert list(table.itertuples(index=False, name=None)) == [
        ("m", "gpt-x", "gpt-x-2026-01-01", 2, "mixture"), ("m", "gpt-x", "gpt-x-2026-03-03", 1, "mixture"),
        ("m", "gpt-x", "gpt-y", 1, "another model"),
    ]  # fmt: skip
    assert "asked for gpt-x, answered by gpt-x-2026-01-01 (2), gpt-x-2026-03-03 (1), gpt-y (1)" in replay.rerouted(
        table
    )
    assert replay.rerouted(replay.who_answered(answers[:2], [model])) is None


def test_a_temperature_that_changes_nothing_is_told():
    rows = [("a", "repeat at temperature 0", 0), ("a", "repeat at temperature 0.7", 0), ("b",
    "repeat at temperature 0.7", 3),
            ("c", "repeat at temperature 0.7", 1)]  # fmt: skip
    table = pd.DataFrame([(m, c, 9, 9, d, 0, d, d / 9) for m, c, d in rows], columns=list(replay.DISAGREEMENT))
    entries = [{"name": name, "provider": "openai"} for name in "ab"]
    entries += [{"name": "c", "provider": "openai", "settings": {"temperature": None}}]
    said = replay.on_temperature(table, models.read(entries))
    assert (
        len(said) == 2
        and said[0].startswith("a: above temperature 0 none of 9 pairs")
        and said[1].startswith("c: is sent no")
    )
