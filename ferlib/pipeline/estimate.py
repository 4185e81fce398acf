"""What asking the models of a run will cost, printed before anything is sent (`make lmfm-estimate`)."""

import argparse
import statistics
import sys

import pandas as pd

from ferlib import images
from ferlib.errors import InputError
from ferlib.lmfm import ledger, services
from ferlib.lmfm.prices import image_tokens, price_of, text_tokens, tokens_at_most
from ferlib.lmfm.store import Store
from ferlib.lmfm.transport import uses_batch
from ferlib.pipeline import asking

EXPECTED = {"words": 5, "json": 10, "description": 25, "ratings": 45, "scores": 0}
"""Tokens that an answer is taken to have until there are answers to measure: an assumption, by form of the prompt."""

ASSUMED_S = 2.0
"""Seconds that an answer is taken to need until there are answers to measure: an assumption."""

COLUMNS = (
    "model", "prompt", "questions", "stored", "requests", "image_tokens", "text_tokens", "output_tokens",
    "output_at_most", "usd", "usd_at_most", "minutes",
)  # fmt: skip


def table(parts, responses, *, prices=None, transport="direct"):
    """What asking will take, by model and prompt; questions that parts share are counted once.

    Parameters
    ----------
    parts : dict of str to list of ferlib.lmfm.plans.Plan
        From `ferlib.lmfm.study.questions`.
    responses : ferlib.lmfm.store.Store
    prices : dict, optional
        See `ferlib.lmfm.prices.price_of`.
    transport : str
        `direct` or `batch`, see `ferlib.lmfm.transport`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: `output_tokens` and `usd` as expected (by the answers stored so far, else by
        `ferlib.lmfm.EXPECTED`); `output_at_most` and `usd_at_most` if every answer were as long as it may be, and
        every question as long as it can count, which is what `max_usd` is compared with before each request. Without
        requests that have to be repeated: those that fail are mostly not billed. Batches are done within a day,
        whatever `minutes` says.
    """
    seen, rows = set(), {}
    for plan in (plan for some in parts.values() for plan in some):
        key = (plan.model["name"], plan.prompt.name)
        row = rows.setdefault(key, dict.fromkeys((*COLUMNS[2:], "read_at_most"), 0) | {"lengths": [], "seconds": []})
        price = price_of(plan.model, prices)
        for question in plan.questions.itertuples():
            if question.response_id in seen:
                continue
            seen.add(question.response_id)
            row["questions"] += 1
            record = responses.get(question.response_id)
            if record:
                usage = record["answer"]["usage"]
                row["stored"] += 1
                row["lengths"].append((usage.get("output_tokens") or 0) + (usage.get("thought_tokens") or 0))
                row["seconds"].append(record["asked"].get("seconds", ASSUMED_S))
                continue
            row["requests"] += 1
            size, asked = images.size(question.path), (plan.text(question), plan.sent(question))
            row["image_tokens"] += image_tokens(price.image_tokens, *size)
            row["text_tokens"] += text_tokens(*asked)
            row["read_at_most"] += tokens_at_most(price.image_tokens, *size, *asked)
            row["output_at_most"] += asked[1].get("max_tokens", 0)
        factor = price.batch_factor if uses_batch(plan.model, transport) else 1.0
        row.update(price=price, factor=factor, expected=EXPECTED[plan.prompt.form], limits=plan.model)
    lines = []
    for (model, prompt), row in rows.items():
        each = statistics.mean(row["lengths"]) if row["lengths"] else row["expected"]
        row["output_tokens"] = round(each * row["requests"])
        read = row["image_tokens"] + row["text_tokens"]
        row["usd"] = row["factor"] * row["price"].usd(read, row["output_tokens"])
        row["usd_at_most"] = row["factor"] * row["price"].usd(row["read_at_most"], row["output_at_most"])
        seconds = statistics.median(row["seconds"] or [ASSUMED_S]) * row["requests"] / row["limits"]["concurrency"]
        most = row["limits"]["requests_per_minute"]
        limited = 60 * row["requests"] / most if most else 0
        row["minutes"] = max(seconds, limited) / 60
        lines.append({"model": model, "prompt": prompt} | {name: row[name] for name in COLUMNS[2:]})
    return pd.DataFrame(lines, columns=list(COLUMNS))


def in_words(frame, models, *, prices=None):
    """The estimate in words, with where its prices come from.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `table`.
    models : sequence of dict
    prices : dict, optional

    Returns
    -------
    str
    """
    if frame.empty:
        return "The parameter `models` is empty: nobody is asked, and nothing is sent."
    shown = frame.assign(
        usd=frame["usd"].map("{:.2f}".format),
        usd_at_most=frame["usd_at_most"].map("{:.2f}".format),
        minutes=frame["minutes"].map("{:.1f}".format),
    )
    lines = [shown.to_string(index=False), ""]
    total, most = frame["usd"].sum(), frame["usd_at_most"].sum()
    lines.append(
        f"{frame['requests'].sum()} requests to be sent ({frame['stored'].sum()} answers are stored): about "
        f"${total:.2f}, at most ${most:.2f} if every question and answer were billed at its longest."
    )
    for model in models:
        price = price_of(model, prices)
        if price.usd(1, 1):
            lines.append(
                f"{model['name']}: ${price.input_usd_per_mtok:g} in, ${price.output_usd_per_mtok:g} out per million "
                f"tokens, {price.age()} ({price.source})"
            )
        else:
            lines.append(f"{model['name']}: no cost ({price.source})")
        notes = [f"{model['model']} {price.retirement()}" if price.retirement() else "", services.of(model)["note"]]
        lines += [f"{model['name']}: {note}" for note in notes if note]
    return "\n".join(lines)


def text(run_dir):
    """The estimate of a run, in words.

    Parameters
    ----------
    run_dir : str or pathlib.Path

    Returns
    -------
    str
    """
    run, values, asked, parts = asking.of_run(run_dir)
    frame = table(parts, Store(run.responses), transport=values["transport"])
    book = ledger.of_folder(run.responses)
    spent, most = book.spent_usd(), frame["usd_at_most"].sum()
    verdict = "covers both" if spent + most <= values["max_usd"] else "may stop the run before the end"
    lines = [
        in_words(frame, asked),
        f"max_usd = {values['max_usd']:g}, of which ${spent:.2f} are spent by earlier runs: {verdict}",
    ]
    for why, (number, usd) in sorted(book.unknown().items()):
        lines.append(
            f"  among these ${usd:.4f} at most for {number} of which nobody knows whether they were billed: {why}"
        )
    return "\n".join(lines)


def main():
    """Command line: print the estimate of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir")
    try:
        print(text(parser.parse_args().run_dir))
    except InputError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
