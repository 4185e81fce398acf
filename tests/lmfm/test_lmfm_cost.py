"""The bill is known before the first call, and the limit is never passed."""

import dataclasses
import datetime
import gzip
import importlib.util
import json
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from lmfm_helpers import entry, faces, plan_for
from lmfm_process import asking
from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.models import BPE

from ferlib import paths
from ferlib.errors import InputError
from ferlib.lmfm import clients, ledger, models, prices, prompts, replay, run, store, study
from ferlib.pipeline import estimate

PRICE = prices.Price(1000.0, 5000.0, 0.5, "tiles 85 170", "2026-01-01", "invented for this test")
PRICES = {
    ("openai", "demo-openai"): PRICE,
    ("gemini", "demo-gemini"): dataclasses.replace(PRICE, image_tokens="crops 258"),
}


TODAY = datetime.date(2026, 11, 26)


def of_name(provider, name, **more):
    return prices.price_of(models.read([{"name": "m", "provider": provider, "model": name, **more}])[0])


@pytest.mark.parametrize(
    ("provider", "name", "usd", "rule"),
    [
        ("openai", "gpt-4o-2024-08-06", (2.5, 10), "tiles 85 170"),
        ("openai", "gpt-4o-mini", (0.15, 0.6), "tiles 2833 5667"),
        ("gemini", "gemini-2.5-flash", (0.3, 2.5), "crops 258"),
        ("gemini-legacy", "gemini-2.5-pro", (1.25, 10), "crops 258"),
        ("anthropic", "claude-haiku-5-5", (0.1, 0.5), "area 750"),
    ],
)
def test_prices_are_those_of_the_package_with_our_own_rules_for_images(provider, name, usd, rule):
    price = of_name(provider, name)
    assert (price.input_usd_per_mtok, price.output_usd_per_mtok, price.image_tokens) == (*usd, rule)
    assert price.source.startswith("genai-prices ") and price.batch_factor == 0.5


def test_a_price_says_how_old_it_is_and_when_its_model_retires():
    price = of_name("openai", "gpt-4o-2024-08-06")
    day = datetime.date.fromisoformat(price.checked)
    assert price.age(day + datetime.timedelta(days=43)) == f"of {price.checked}, 43 days ago"
    assert price.retirement(TODAY).startswith("retires on 2027-01-14 (https://")
    assert price.retirement(datetime.date(2027, 1, 14)).startswith("retired on 2027-01-14")
    assert prices.Price().age() == prices.Price().retirement() == ""


def test_the_models_named_as_examples_answer_in_2027_and_have_prices():
    cells = json.loads(paths.ROOT.joinpath("notebooks", "04_lmfm_prompting.ipynb").read_text(encoding="utf-8"))["cells"]
    words = "".join("".join(cell["source"]) for cell in cells)
    named = re.findall(
        r"provider: (openai|gemini|anthropic), model: ([\w.-]+?)(?:, requests_per_minute|, settings|\})", words
    )
    assert len(named) >= 3
    for provider, name in named:
        price = of_name(provider, name)
        assert price.usd(1, 1) > 0 and (not price.retires or price.retires > "2027-03"), name


@pytest.mark.parametrize(
    ("rule", "size", "tokens"),
    [  # the examples of the providers' own guides
        ("tiles 85 170", (1024, 1024), 765),
        ("tiles 85 170", (2048, 4096), 1105),
        ("crops 258", (384, 384), 258),
        ("crops 258", (960, 540), 6 * 258),
        ("crops 258", (250, 250), 258),  # Face Place
        ("crops 258", (450, 450), 4 * 258),  # RADIATE
    ],
)
def test_image_tokens_are_the_providers_examples(rule, size, tokens):
    assert prices.image_tokens(rule, *size) == tokens


@pytest.mark.parametrize("rule", ["", "tiles 85", "crops", "crops 258 1", "tiles 85 -1", "patches 32", "crops x"])
def test_a_rule_that_is_none_is_told(rule):
    with pytest.raises(InputError, match="Allowed: 'tiles BASE TILE', 'crops TILE'"):
        prices.image_tokens(rule, 224, 224)


@pytest.mark.parametrize("rule", ["tiles 85 170", "tiles 2833 5667", "crops 258"])
@pytest.mark.parametrize("size", [(224, 224), (250, 250), (450, 450), (2444, 1718), (385, 3000), (4000, 3000)])
def test_the_most_that_can_be_billed_is_more_than_every_published_rule_says(rule, size):
    most = prices.tokens_at_most(rule, *size, "Which emotion?")
    tiled = 258 * -(-size[0] // 768) * -(-size[1] // 768) if rule == "crops 258" else 0
    assert most >= 1.25 * max(prices.image_tokens(rule, *size), tiled) + 6


@pytest.fixture
def clip():
    """CLIP's tokenizer, from the merges that open_clip ships (importing that package would take seconds)."""
    (package,) = importlib.util.find_spec("open_clip").submodule_search_locations
    with gzip.open(Path(package) / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8") as file:
        merges = [tuple(line.split()) for line in file.read().splitlines()[1 : 49152 - 256 - 2 + 1]]
    letters = pre_tokenizers.ByteLevel.alphabet()
    words = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges)]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(BPE(vocabulary, merges, end_of_word_suffix="</w>"))
    split = pre_tokenizers.Split(Regex(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"), "removed", invert=True)
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    return lambda text: len(tokenizer.encode(text.lower()).tokens)


def test_words_are_counted_as_a_tokenizer_of_real_models_counts_them(clip):
    """English within a tenth, German within what the limit allows for."""
    assert clip("a photo of a disgusted face.") == 7
    for name in prompts.available():
        text = prompts.load(name).text()
        ratio = clip(text) / prices.text_tokens(text)
        assert 0.9 < ratio < 1.1 or (name == "forced-choice-de" and 1 < ratio < 2), (name, ratio)


def test_a_model_elsewhere_without_a_price_is_told_and_one_here_is_free():
    here = models.read([{"name": "m", "provider": "openai", "base_url": "http://localhost:1/v1"}])[0]
    assert prices.price_of(here, PRICES).usd(10**6, 10**6) == 0
    with pytest.raises(InputError, match=r"lmfm.csv: no price of model 'm'.*api.openai.com.*add a row"):
        prices.price_of(models.read([{"name": "m", "provider": "openai"}])[0], PRICES)
    old = models.read([{"name": "n", "provider": "gemini-legacy", "model": "demo-gemini"}])[0]
    assert prices.price_of(old, PRICES) == PRICES["gemini", "demo-gemini"]


def test_estimated_and_actual_requests_agree_and_tokens_within_a_tenth(stand_in, tmp_path):
    """For the study, the comparison of prompts, orders and repeats, and the retired client together."""
    asked = [entry(stand_in, "openai"), entry(stand_in, "gemini")]
    parts = study.questions(
        faces(tmp_path, 14), models=asked, prompt_names=["forced-choice", "rating"], option_order="shuffled", repeats=2,
        temperature=0.0, max_tokens=128, compare_images=5, compare_prompts=["structured", "description"],
        compare_orders=2, compare_repeats=3, compare_temperatures=[0.0, 0.7], legacy_check_images=4, seed=1,
    )  # fmt: skip
    responses = store.Store(tmp_path / "r")
    table = estimate.table(parts, responses, prices=PRICES)
    answers = [run.ask(plan, responses, progress=False) for some in parts.values() for plan in some]
    assert table["requests"].sum() == stand_in.requests["demo-openai"] + stand_in.requests["demo-gemini"]
    assert table["requests"].sum() == len({key for frame in answers for key in frame["response_id"]})
    stored = [json.loads(path.read_text())["answer"]["usage"] for path in (tmp_path / "r").glob("??/*.json")]
    read, written = (sum(usage[name] for usage in stored) for name in ("input_tokens", "output_tokens"))
    assert read == pytest.approx(table["image_tokens"].sum() + table["text_tokens"].sum(), rel=0.1)
    assert read + written == pytest.approx(table.filter(regex="(image|text|output)_tokens").sum().sum(), rel=0.1)
    spent = sum(PRICE.usd_of(usage) for usage in stored)
    assert spent <= table["usd_at_most"].sum() and spent == pytest.approx(table["usd"].sum(), rel=0.2)
    again = estimate.table(parts, responses, prices=PRICES)
    assert again["requests"].sum() == 0 and again["stored"].sum() == table["requests"].sum()
    words = estimate.in_words(table, asked, prices=PRICES)
    assert (
        f"{table['requests'].sum()} requests to be sent" in words
        and "of 2026-01-01, " in words
        and "(invented for this test)" in words
    )


def money(folder, max_usd):
    return ledger.of(
        {"name": "demo-openai", "provider": "openai", "model": "demo-openai"},
        folder,
        max_usd=max_usd,
        own_prices=PRICES,
    )


def billed(stand_in):
    """What the server would write on the bill: for everything that it has answered, whoever heard it."""
    return sum(PRICE.usd_of(usage) for usage in stand_in.bill)


@pytest.fixture
def billing(stand_in, monkeypatch):
    """A stand-in that keeps account of all answers."""
    stand_in.bill = []
    handler = stand_in.RequestHandlerClass
    answer = handler._answer

    def keep(self, request):
        given = answer(self, request)
        usage = given["usage"]
        self.server.bill.append({"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]})
        return given

    monkeypatch.setattr(handler, "_answer", keep)
    return stand_in


def test_the_limit_is_never_passed_and_what_is_left_is_asked_when_it_is_raised(billing, tmp_path):
    plan = plan_for(faces(tmp_path, 60), entry(billing, "openai"))
    each = PRICE.usd(300, 2)
    for limit in (8 * each, 8 * each, 20 * each):
        with pytest.raises(InputError, match="max_usd = .* would be passed by asking 'demo-openai'.*Raise max_usd"):
            run.ask(plan, store.Store(tmp_path / "r"), ledger=money(tmp_path / "r", limit), progress=False)
        assert 0.2 * limit < billed(billing) <= limit
    answers = run.ask(plan, store.Store(tmp_path / "r"), ledger=money(tmp_path / "r", 1000), progress=False)
    assert set(answers["status"]) == {"ok"} and len(billing.bill) == 60
    assert money(tmp_path / "r", 1000).spent_usd() == pytest.approx(billed(billing))


def test_what_may_have_been_billed_counts_and_what_the_provider_turned_down_does_not(billing, tmp_path, quick):
    plan = plan_for(faces(tmp_path, 1), entry(billing, "openai"))
    billing.failures.extend(["500", "429"])
    run.ask(plan, store.Store(tmp_path / "r"), ledger=money(tmp_path / "r", 1000), progress=False)
    plain = money(tmp_path / "r", 1000).spent_usd()
    assert plain == pytest.approx(billed(billing))
    billing.failures.extend(["drop"])
    plan = plan_for(faces(tmp_path / "r", 1), entry(billing, "openai"))  # the same image, elsewhere
    run.ask(plan, store.Store(tmp_path / "s"), ledger=money(tmp_path / "s", 1000), progress=False)
    assert money(tmp_path / "s", 1000).spent_usd() > 1.5 * plain  # the lost one at its most


def test_the_limit_holds_over_killed_runs_and_two_at_a_time(billing, tmp_path):
    """What was under way when the process was killed is billed, and nobody heard the answer."""
    manifest, model, see = faces(tmp_path, 60), entry(billing, "openai"), billing.classify
    billing.classify = lambda *arguments: (time.sleep(0.02), see(*arguments))[1]
    limit = 30 * PRICE.usd(300, 2)
    how = {"max_usd": limit, "prices": PRICES, "concurrency": 4}
    processes = [asking(manifest, model, tmp_path / "r", **how) for _ in range(3)]
    while len(billing.bill) < 5:
        time.sleep(0.005)
    processes[0].kill()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [-signal.SIGKILL, 1, 1]
    assert 0.2 * limit < billed(billing) <= limit
    assert billed(billing) <= money(tmp_path / "r", limit).spent_usd() + 1e-9 <= limit


def test_the_time_follows_the_limits_of_each_model(tmp_path):
    entries = [
        {"name": "a", "provider": "openai", "base_url": "http://localhost:1/v1", "concurrency": 2},
        {"name": "b", "provider": "openai", "base_url": "http://localhost:2/v1", "requests_per_minute": 5},
    ]
    parts = {"all": [plan_for(faces(tmp_path, 40), model) for model in models.read(entries)]}
    table = estimate.table(parts, store.Store(tmp_path / "r"), prices={}).set_index("model")
    assert table["minutes"].to_list() == pytest.approx([40 * estimate.ASSUMED_S / 2 / 60, 40 / 5])


def test_the_estimate_says_whether_the_limit_covers_what_is_left_beside_what_is_spent(billing, tmp_path, monkeypatch):
    """What it calls covered is asked to the end."""
    plan = plan_for(faces(tmp_path, 12), entry(billing, "openai"))
    run_of = paths.run(tmp_path / "run")
    values = {"max_usd": 0.0, "transport": "direct"}
    monkeypatch.setattr(estimate, "of_run", lambda _: (run_of, values, [plan.model], {"all": [plan]}))
    monkeypatch.setattr(estimate, "price_of", lambda model, own=None: prices.price_of(model, PRICES))
    run.ask(
        plan_for(faces(tmp_path, 4), plan.model),
        store.Store(run_of.responses),
        ledger=money(run_of.responses, 99),
        progress=False,
    )
    spent = billed(billing)
    most = estimate.table({"all": [plan]}, store.Store(run_of.responses), prices=PRICES)["usd_at_most"].sum()
    for values["max_usd"], verdict in (
        (most, "may stop"),
        (spent + most - 0.01, "may stop"),
        (spent + most + 0.01, "covers"),
    ):
        assert f"of which ${spent:.2f} are spent by earlier runs: {verdict}" in estimate.text("run")
    book = money(run_of.responses, values["max_usd"])
    assert set(run.ask(plan, store.Store(run_of.responses), ledger=book, progress=False)["status"]) == {"ok"}


def test_ledger_of_many_threads_adds_up(tmp_path):
    image = (tmp_path / "x.png", faces(tmp_path, 1)["path"][0])[1]
    data = open(image, "rb").read()
    both = [money(tmp_path / "r", 1000), money(tmp_path / "r", 1000)]

    def spend(book):
        for _ in range(20):
            book.settle(
                book.reserve(data, "Which?", {"max_tokens": 8}), "usage", {"input_tokens": 10, "output_tokens": 1}
            )

    threads = [threading.Thread(target=spend, args=(both[i % 2],)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert money(tmp_path / "r", 1000).spent_usd() == pytest.approx(120 * PRICE.usd(10, 1))


def test_what_another_process_spends_meanwhile_counts(tmp_path):
    data = open(faces(tmp_path, 1)["path"][0], "rb").read()
    late = money(tmp_path / "r", 1.0)
    money(tmp_path / "r", 1.0).reserve(data, "Which?", {"max_tokens": 100})
    with pytest.raises(InputError, match="would be passed"):
        late.reserve(data, "Which?", {"max_tokens": 100})


def test_the_bar_shows_the_cost_so_far(stand_in, tmp_path, capsys):
    plan = plan_for(faces(tmp_path, 5), entry(stand_in, "openai"))
    run.ask(plan, store.Store(tmp_path / "r"), ledger=money(tmp_path / "r", 1000))
    shown = capsys.readouterr().err.split("\r")[-1]
    assert "answered=5" in shown and f"cost=${money(tmp_path / 'r', 1000).spent_usd():.4f}" in shown


def test_a_replay_costs_nothing_whatever_the_limit(stand_in, tmp_path):
    plan = plan_for(faces(tmp_path, 5), entry(stand_in, "openai"))
    run.ask(plan, store.Store(tmp_path / "r"), progress=False)
    answers = run.ask(plan, store.Store(tmp_path / "r"), ledger=money(tmp_path / "r", 0), progress=False)
    assert set(answers["status"]) == {"ok"} and replay.complaint(answers) is None


def test_what_cannot_be_is_no_bill_so_that_the_limit_holds(tmp_path):
    """Neither of a provider nor of an earlier version's ledger: less than nothing, or no number at all."""
    book = ledger.Ledger(tmp_path, max_usd=1.0, price=PRICE, name="m")
    (tmp_path / ledger.FILE).write_text(
        "".join(
            json.dumps({"id": usd, "model": "m", "at_most_usd": 0.5})
            + "\n"
            + json.dumps({"id": usd, "usd": usd})
            + "\n"
            for usd in (float("nan"), -1.0)
        ),
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="max_usd = 1 would be passed"):
        book.reserve(Path(faces(tmp_path, 1)["path"][0]).read_bytes(), "Which?", {"max_tokens": 10})
    assert book.spent_usd() == 1.0


def test_what_is_written_to_a_cache_is_billed_as_that():
    body = {"choices": [{"message": {"content": "happy"}, "finish_reason": "stop"}]}
    body["usage"] = {
        "prompt_tokens": 2000,
        "completion_tokens": 10,
        "prompt_tokens_details": {"cache_write_tokens": 1500},
    }
    usage = clients.OpenAI._read(body)["usage"]
    assert usage == {"input_tokens": 2000, "output_tokens": 10, "cache_write_tokens": 1500}
    price = dataclasses.replace(PRICE, cache_write_usd_per_mtok=1250.0)
    assert price.usd_of(usage) == pytest.approx(0.5 + 1.5 * 1.25 + 0.05)


@pytest.mark.parametrize(
    "name, rule", [("gpt-4o-mini-2024-07-18", "tiles 2833 5667"), ("gpt-4o-2024-08-06", "tiles 85 170")]
)
def test_a_dated_name_has_the_row_of_the_longest_name_that_it_begins_with(name, rule):
    assert of_name("openai", name).image_tokens == rule


def test_of_two_rows_that_fit_the_one_of_the_whole_name_comes_first(tmp_path):
    lines = prices.TABLE.read_text(encoding="utf-8").splitlines()
    (own,) = (line for line in lines if ",gpt-4o," in line)
    more = tmp_path / "models.csv"
    more.write_text("\n".join([*lines, own.replace(",gpt-4o,", ",gpt-4o-001,")]), encoding="utf-8")
    names = [row["model"] for row in prices.read(more)]
    assert names.index("gpt-4o-001") < names.index("gpt-4o")
