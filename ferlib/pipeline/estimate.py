"""What notebook 04 would ask in a run, and what that will cost, before anything is sent (`make lmfm-estimate`)."""

import argparse
import statistics
from pathlib import Path

import pandas as pd
import yaml

from ferlib import images, paths, tables
from ferlib.errors import InputError
from ferlib.lmfm import attachments, ledger, models, services, study
from ferlib.lmfm.prices import image_tokens, price_of, text_tokens, tokens_at_most
from ferlib.lmfm.store import Store
from ferlib.lmfm.transport import uses_batch
from ferlib.provenance import declared

NOTEBOOK = paths.ROOT / "notebooks" / "04_lmfm_prompting.ipynb"

EXPECTED = {"words": 5, "json": 10, "description": 25, "ratings": 45, "scores": 0}
"""Tokens that an answer is taken to have until there are answers to measure: an assumption, by form of the prompt."""

ASSUMED_S = 2.0
"""Seconds that an answer is taken to need until there are answers to measure: an assumption."""

COLUMNS = (
    "model", "prompt", "questions", "stored", "requests", "image_tokens", "text_tokens", "output_tokens",
    "output_at_most", "usd", "usd_at_most", "minutes",
)  # fmt: skip


def of_run(run_dir):
    """Questions of a run, worked out without executing the notebook.

    Parameters
    ----------
    run_dir : str or pathlib.Path

    Returns
    -------
    run : ferlib.paths.Run
    values : dict
        Parameters of notebook 04.
    asked : list of dict
        Models.
    parts : dict of str to list of ferlib.lmfm.study.Plan

    Raises
    ------
    InputError
        When the run has no parameters or no manifest yet.
    """
    run = paths.run(Path(run_dir).resolve())
    file = run.root / "params" / f"{NOTEBOOK.stem}.yaml"
    if not file.is_file():
        raise InputError(f"{paths.relative(file)}: no such file. Start it by make, which writes it.")
    values = declared(NOTEBOOK) | yaml.safe_load(file.read_text(encoding="utf-8"))
    manifest = tables.read_parquet(run.manifest, made_by="01_data_prep")
    local = models.stand_in(values["models"], package=values["standin"], weights=values["standin_weights"])
    asked = models.read(local.pin(values["models"]), **{name: values[name] for name in models.LIMITS})
    chosen = {name: values[name] for name in study.PARAMETERS}
    parts = study.questions(manifest, models=asked, sent=attachments.Sent(run.responses), **chosen)
    return run, values, asked, parts


def table(parts, responses, *, prices=None, transport="direct"):
    """What asking will take, by model and prompt; questions that parts share are counted once.

    Parameters
    ----------
    parts : dict of str to list of ferlib.lmfm.study.Plan
        From `ferlib.lmfm.study.questions`.
    responses : ferlib.lmfm.store.Store
    prices : dict, optional
        See `ferlib.lmfm.prices.price_of`.
    transport : str
        `direct` or `batch`, see `ferlib.lmfm.transport`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: `output_tokens` and `usd` as expected (by the answers stored so far, else by `EXPECTED`);
        `output_at_most` and `usd_at_most` if every answer were as long as it may be, and every question as long as it
        can count, which is what `max_usd` is compared with before each request. Without requests that have to be
        repeated: those that fail are mostly not billed. Batches are done within a day, whatever `minutes` says.
    """
    seen, plans = set(), {}
    for plan in (plan for some in parts.values() for plan in some):
        plans.setdefault((plan.model["name"], plan.prompt.name), []).append(plan)
    rows = []
    for (name, prompt), same in plans.items():
        model, lengths, seconds, read_at_most = same[0].model, [], [], 0
        row = {"model": name, "prompt": prompt} | dict.fromkeys(COLUMNS[2:], 0)
        price = price_of(model, prices)
        for plan, question in ((one, question) for one in same for question in one.questions.itertuples()):
            if question.response_id in seen:
                continue
            seen.add(question.response_id)
            row["questions"] += 1
            if record := responses.get(question.response_id):
                usage = record["answer"]["usage"]
                lengths.append((usage.get("output_tokens") or 0) + (usage.get("thought_tokens") or 0))
                seconds.append(record["asked"].get("seconds", ASSUMED_S))
                continue
            size, asked = images.size(question.path), (plan.text(question), plan.sent(question))
            row["image_tokens"] += image_tokens(price.image_tokens, *size)
            row["text_tokens"] += text_tokens(*asked)
            row["output_at_most"] += asked[1].get("max_tokens", 0)
            read_at_most += tokens_at_most(price.image_tokens, *size, *asked)
        factor = price.batch_factor if uses_batch(model, transport) else 1.0
        row["stored"], row["requests"] = len(lengths), row["questions"] - len(lengths)
        each = statistics.mean(lengths or [EXPECTED[same[0].prompt.form]])
        row["output_tokens"] = round(each * row["requests"])
        row["usd"] = factor * price.usd(row["image_tokens"] + row["text_tokens"], row["output_tokens"])
        row["usd_at_most"] = factor * price.usd(read_at_most, row["output_at_most"])
        most = model["requests_per_minute"]
        waited = statistics.median(seconds or [ASSUMED_S]) * row["requests"] / model["concurrency"] / 60
        row["minutes"] = max(waited, row["requests"] / most if most else 0)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def in_words(frame, asked, *, prices=None):
    """The estimate (from `table`, of the models asked at these prices) in words, with where its prices come from."""
    if frame.empty:
        return "The parameter `models` is empty: nobody is asked, and nothing is sent."
    shapes = {"usd": "{:.2f}".format, "usd_at_most": "{:.2f}".format, "minutes": "{:.1f}".format}
    total, most = frame["usd"].sum(), frame["usd_at_most"].sum()
    lines = [
        frame.to_string(index=False, formatters=shapes), "",
        f"{frame['requests'].sum()} requests to be sent ({frame['stored'].sum()} answers are stored): about "
        f"${total:.2f}, at most ${most:.2f} if every question and answer were billed at its longest.",
    ]  # fmt: skip
    for model in asked:
        price, name = price_of(model, prices), model["name"]
        each = f"${price.input_usd_per_mtok:g} in, ${price.output_usd_per_mtok:g} out per million tokens, {price.age()}"
        lines.append(f"{name}: {each if price.usd(1, 1) else 'no cost'} ({price.source})")
        notes = [f"{model['model']} {price.retirement()}" if price.retirement() else "", services.of(model)["note"]]
        lines += [f"{name}: {note}" for note in notes if note]
    return "\n".join(lines)


def text(run_dir):
    """The estimate of a run, in words."""
    run, values, asked, parts = of_run(run_dir)
    frame = table(parts, Store(run.responses), transport=values["transport"])
    book = ledger.of_folder(run.responses)
    spent, most = book.spent_usd(), frame["usd_at_most"].sum()
    verdict = "covers both" if spent + most <= values["max_usd"] else "may stop the run before the end"
    spent_words = f"max_usd = {values['max_usd']:g}, of which ${spent:.2f} are spent by earlier runs: {verdict}"
    return "\n".join([in_words(frame, asked), spent_words] + [
        f"  among these ${usd:.4f} at most for {number} of which nobody knows whether they were billed: {why}"
        for why, (number, usd) in sorted(book.unknown().items())
    ])  # fmt: skip


def main():
    """Command line: print the estimate of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir")
    print(text(parser.parse_args().run_dir))


if __name__ == "__main__":
    main()
