"""Each form of prompt demands what it needs, and its answers become labels without guessing."""

import itertools
import json
import math

import pandas as pd
import pytest
from ferdemo.standin import readers
from lmfm_helpers import SETTINGS, entry, faces, options

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import parse, prompts, replay, run, store, study

ZERO = dict.fromkeys(EMOTIONS, 0)


def rated(**values):
    return json.dumps({**ZERO, **values})


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"emotion": "sad"}', "sad"),
        ('```json\n{"emotion": "Sad", "why": "not happy"}\n```', "sad"),
        ('{"label": "SURPRISED", "confidence": 0.7}', "surprise"),
        ('{"emotion": ["fear"]}', "fear"),
        ('{"emotion": "sad", "second": "fear"}', "sad"),
        ('{"emotion": "sad or fear"}', None),
        ('{"emotion": ["sad", "fear"]}', None),
        ('{"emotion": "unknown", "hint": "sad"}', None),
        ('{"emotion": null}', None),
        ('{"emotion": "not sad"}', None),
        ('{"emotion": "sad"', "sad"),  # no JSON, but one word
        ('```\n{"Emotion": "FEAR"}\n```', "fear"),
        ('{"emotion": "sad", "emotion": "fear"}', None),  # one field twice: which counts?
        ('{"emotion": "sad", "Emotion": "fear"}', None),
        ('{"emotion": "sad", "answer": "fear"}', None),
        ('{"emotion": "sad", "label": "sadness"}', "sad"),
        ('{"emotion": "sad"}\n{"emotion": "fear"}', None),
        ('[{"emotion": "sad"}, {"emotion": "fear"}]', None),
        ("```\n```", None),
        ("{" * 10000, None),
    ],
)
def test_of_json_the_field_counts_and_nothing_else(text, label):
    assert parse.outcome("answered", text, form="json") == (("ok" if label else "unparsed"), label)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rated(anger=80, fear=79), ("ok", "anger")),
        (rated(anger=100), ("ok", "anger")),
        ("\n".join(f"{name.title()}: {i * 10}%" for i, name in enumerate(EMOTIONS)), ("ok", "surprise")),
        (rated(anger=80, fear=80), ("unparsed", None)),  # two share the highest
        (rated(), ("unparsed", None)),
        (rated(anger=101), ("unparsed", None)),
        (rated(anger=-1, fear=3), ("unparsed", None)),
        (rated(anger="much"), ("unparsed", None)),
        (rated(anger=True), ("unparsed", None)),
        ('{"anger": 80}', ("unparsed", None)),  # six are missing
        (json.dumps({**ZERO, "anger": 3, "angry": 4}), ("unparsed", None)),  # one twice
        (rated(anger=3).replace('"sad": 0', '"sad": 9, "sad": 0'), ("unparsed", None)),
        ("angry", ("unparsed", None)),
        ("I can't help with identifying emotions.", ("refused", None)),
        (None, ("unparsed", None)),
    ],
)
def test_of_ratings_the_only_highest_counts(text, expected):
    assert parse.outcome("answered", text, form="ratings") == expected


def test_shares_add_up_and_scores_are_probabilities():
    ratings = parse.numbers(rated(anger=30, fear=10), form="ratings")
    assert parse.shares(ratings, form="ratings")["anger"] == 0.75
    logs = {name: math.log(p) for name, p in zip(EMOTIONS, (0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1), strict=True)}
    scores = parse.shares(parse.numbers(json.dumps(logs), form="scores"), form="scores")
    assert scores == pytest.approx({name: math.exp(value) for name, value in logs.items()})
    assert all(math.isnan(value) for value in parse.shares(None, form="scores").values())


@pytest.mark.parametrize("name", prompts.available())
def test_every_shipped_prompt_is_whole_and_says_what_it_is(name):
    prompt = prompts.load(name)
    reordered = EMOTIONS[::-1]
    assert (prompt.text() != prompt.text(reordered)) == (prompt.form not in prompts.WITHOUT_OPTIONS)
    assert "compendium's own" in prompt.purpose and "{" not in prompt.text()
    if prompt.form == "json":
        assert prompt.demands(reordered)["schema"]["properties"]["emotion"]["enum"] == list(reordered)


def test_the_order_of_the_options_is_drawn_by_image_and_seed_and_favours_nobody():
    orders = [study.order_of(f"{i:064x}", seed=1, order=0) for i in range(700)]
    assert all(sorted(order) == sorted(EMOTIONS) for order in orders)
    for place in range(7):
        counts = [sum(order[place] == name for order in orders) for name in EMOTIONS]
        assert sum((count - 100) ** 2 / 100 for count in counts) < 25  # chi-squared, 6 degrees, p = .0003
    assert orders[0] != study.order_of(f"{0:064x}", seed=2, order=0)
    assert orders[0] != study.order_of(f"{0:064x}", seed=1, order=1)
    assert study.order_of("ab", seed=1, order=0, kind="listed") == EMOTIONS


@pytest.mark.parametrize("provider", ["openai", "gemini", "gemini-legacy"])
def test_order_repeat_and_prompt_reach_the_server_and_the_table(stand_in, tmp_path, provider):
    manifest = faces(tmp_path, 3)
    made = study.plan(
        manifest, model=entry(stand_in, provider), prompt=prompts.load("structured"), orders=2, repeats=2, seed=5,
        option_order="shuffled", settings={"temperature": 0.5, "max_tokens": 32},
    )  # fmt: skip
    answers = run.ask(made, store.Store(tmp_path / "r"), progress=False)
    assert len(answers) == 12 and answers["response_id"].is_unique and set(answers["status"]) == {"ok"}
    assert list(answers["repeat"]) == [0, 1, 2, 3] * 3 and list(answers["draw"]) == [0, 1, 0, 1] * 3
    sent = {request.prompt.partition("words: ")[2].partition(".")[0] for _, request in stand_in.seen}
    assert sent == {order.replace(",", ", ") for order in answers["option_order"]} and len(sent) == 6
    for _, request in stand_in.seen:
        assert ", ".join(request.schema["properties"]["emotion"]["enum"]) in request.prompt
    if provider != "gemini-legacy":  # which knows no seed
        assert {request.seed for _, request in stand_in.seen} == {5, 6}
    record = store.Store(tmp_path / "r").get(answers["response_id"][0])
    assert record["asked"]["option_order"] == answers["option_order"][0]


def test_at_temperature_0_no_seed_is_sent_and_the_address_is_that_of_plain_settings(stand_in, tmp_path):
    made = study.plan(
        faces(tmp_path, 1), model=entry(stand_in, "openai"), prompt=prompts.load("forced-choice"), settings=SETTINGS
    )
    assert made.question(next(made.questions.itertuples()))["settings"] == SETTINGS


def test_ratings_reach_the_table_as_shares(stand_in, tmp_path):
    made = study.plan(
        faces(tmp_path, 2, green=80), model=entry(stand_in, "gemini"), prompt=prompts.load("rating"),
        settings={"temperature": 0.0, "max_tokens": 99},
    )  # fmt: skip
    table = replay.predictions(run.ask(made, store.Store(tmp_path / "r"), progress=False))
    assert list(table["predicted"]) == ["anger", "disgust"]
    assert table.filter(like="p_").sum(axis=1).to_list() == pytest.approx([1, 1])


def test_scores_are_not_asked_of_a_model_that_cannot_give_them(stand_in, tmp_path):
    with pytest.raises(InputError, match="'paligemma-scores' asks for the log-probability.*'demo-openai'"):
        study.plan(
            faces(tmp_path, 1), model=entry(stand_in, "openai"), prompt=prompts.load("paligemma-scores"),
            settings=SETTINGS,
        )  # fmt: skip


def test_disagreement_is_told_by_its_source(stand_in, tmp_path):
    """Faces between two emotions: the first of the options wins, chance moves some, and a repeat at 0 none."""
    manifest = faces(tmp_path, 14, green=90).assign(subject_id="p")
    parts = study.questions(
        manifest, models=[entry(stand_in, "gemini")], prompt_names=["forced-choice"], option_order="shuffled",
        repeats=1, temperature=0.0, max_tokens=99, compare_images=14, compare_prompts=["rating"], compare_orders=3,
        compare_repeats=3, compare_temperatures=[0.0, 1.5], legacy_check_images=2, seed=3,
    )  # fmt: skip
    responses = store.Store(tmp_path / "r")
    answers = {name: run.ask(some[0], responses, progress=False) for name, some in parts.items() if name != study.MAIN}
    assert len(answers.pop(study.CLIENT)) == 2
    answers["prompt"] = pd.concat([answers["prompt"], run.ask(parts["prompt"][1], responses, progress=False)])
    table = replay.disagreement(answers).set_index("changed")
    assert table.loc["repeat at temperature 0", "differ"] == 0
    assert table.loc["repeat at temperature 1.5", "differ"] == 0  # it names two each time, whichever it draws
    assert table.loc["prompt", "label_or_none"] == table.loc["prompt", "n_pairs"] == 14
    assert list(table["n_pairs"]) == [14, 42, 42, 42]


def test_each_source_of_disagreement_is_measured_alone(stand_in, tmp_path):
    """Of a model that takes the first word offered, warm any word by the seed, and calls a face neutral when free."""

    def respond(reader, thought, asked):
        offered = options(asked)
        if not offered:
            return readers.Reply("answered", "A neutral look.")
        word = offered[asked.seed % 7] if asked.temperature else offered[0]
        return readers.Reply("answered", json.dumps({"emotion": word}) if asked.schema else word)

    stand_in.respond = respond
    parts = study.questions(
        faces(tmp_path, 14), models=[entry(stand_in, "openai")], prompt_names=["forced-choice"], repeats=1, seed=3,
        option_order="shuffled", temperature=0.0, max_tokens=99, compare_images=14, compare_orders=4, compare_repeats=3,
        compare_prompts=["structured", "description"], compare_temperatures=[0.0, 0.7], legacy_check_images=0,
    )  # fmt: skip
    responses, asked = store.Store(tmp_path / "r"), {name: some for name, some in parts.items() if name != study.MAIN}
    answers = {
        name: replay.together(run.ask(plan, responses, progress=False) for plan in some)
        for name, some in asked.items()
        if some
    }
    table = replay.disagreement(answers).set_index("changed")
    offered = asked["option order"][0].questions
    first = offered.assign(first=offered["options"].str.split(",").str[0]).groupby("image_id")["first"].agg(list)
    # Worked out from the plans alone, pair by pair.
    by_order = sum(a != b for words in first for a, b in itertools.combinations(words, 2))
    by_prompt = 2 * sum(words[0] != "neutral" for words in first)
    assert list(table.loc["option order", ["n_pairs", "other_label"]]) == [14 * 6, by_order] and by_order > 14 * 3
    assert list(table.loc["prompt", ["n_pairs", "other_label"]]) == [14 * 3, by_prompt] and by_prompt < 14 * 3
    assert table.loc["repeat at temperature 0", "differ"] == 0
    assert table.loc["repeat at temperature 0.7", "share"] == 1
    assert (table["label_or_none"] == 0).all() and len(table) == 4


def test_disagreement_counts_pairs_as_by_hand():
    frame = pd.DataFrame({
        "model": "m", "dataset": "d", "image_id": ["a"] * 3 + ["b"] * 3,
        "status": ["ok", "ok", "refused", "ok", "ok", "error"], "predicted": ["sad", "fear", None, "sad", "sad", None],
    })  # fmt: skip
    (row,) = replay.disagreement({"repeat": frame}).itertuples()
    # a: sad-fear differ, sad-none and fear-none differ; b: sad-sad; the error is left out
    assert (row.n_images, row.n_pairs, row.other_label, row.label_or_none) == (2, 4, 1, 2)
    assert row.share == 0.75
