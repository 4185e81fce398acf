"""The bill before the first call: requests, tokens, price and time of all questions that are still to be asked."""

import functools
import statistics

import pandas as pd
from PIL import Image

from ferlib.lmfm import cost
from ferlib.lmfm.transport import uses_batch
from ferlib.paths import absolute

ASSUMED_S = 2.0
"""Seconds that an answer is taken to need until there are answers to measure: an assumption."""

COLUMNS = (
    "model", "prompt", "questions", "stored", "requests", "image_tokens", "text_tokens", "output_tokens",
    "output_at_most", "usd", "usd_at_most", "minutes",
)  # fmt: skip


def table(parts, responses, *, prices, transport="direct"):
    """What asking will take, by model and prompt; questions that parts share are counted once.

    Parameters
    ----------
    parts : dict of str to list of ferlib.lmfm.plans.Plan
        From `ferlib.lmfm.study.questions`.
    responses : ferlib.lmfm.store.Store
    prices : dict
        From `ferlib.lmfm.cost.read_prices`.
    transport : str
        `direct` or `batch`, see `ferlib.lmfm.transport`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: `output_tokens` and `usd` as expected (by the answers stored so far, else by
        `ferlib.lmfm.cost.EXPECTED`); `output_at_most` and `usd_at_most` if every answer were as long as it may be, and
        every question as long as it can count, which is what `max_usd` is compared with before each request. Without
        requests that have to be repeated: those that fail are mostly not billed. Batches are done within a day,
        whatever `minutes` says.
    """
    seen, rows = set(), {}
    for plan in (plan for some in parts.values() for plan in some):
        key = (plan.model["name"], plan.prompt.name)
        row = rows.setdefault(key, dict.fromkeys((*COLUMNS[2:], "read_at_most"), 0) | {"lengths": [], "seconds": []})
        price = cost.price_of(plan.model, prices)
        for question in plan.questions.itertuples():
            if question.response_id in seen:
                continue
            seen.add(question.response_id)
            row["questions"] += 1
            record = responses.get(question.response_id)
            if record:
                usage = record["answer"]["usage"]
                row["stored"] += 1
                row["lengths"].append((usage.get("output_tokens") or 0) + usage.get("thought_tokens", 0))
                row["seconds"].append(record["asked"].get("seconds", ASSUMED_S))
                continue
            row["requests"] += 1
            size, asked = _size(question.path), (plan.text(question), plan.sent(question))
            row["image_tokens"] += cost.image_tokens(price.image_tokens, *size)
            row["text_tokens"] += cost.text_tokens(*asked)
            row["read_at_most"] += cost.tokens_at_most(price.image_tokens, *size, *asked)
            row["output_at_most"] += plan.settings["max_tokens"]
        factor = price.batch_factor if uses_batch(plan.model, transport) else 1.0
        row.update(price=price, factor=factor, expected=cost.EXPECTED[plan.prompt.form], limits=plan.model)
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


def text(frame, models, *, prices):
    """The estimate in words, with where its prices come from.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `table`.
    models : sequence of dict
    prices : dict

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
        price = cost.price_of(model, prices)
        if price.usd(1, 1):
            lines.append(
                f"{model['name']}: ${price.input_usd_per_mtok:g} in, ${price.output_usd_per_mtok:g} out per million "
                f"tokens on {price.checked} ({price.source})"
            )
        else:
            lines.append(f"{model['name']}: no cost ({price.source})")
    return "\n".join(lines)


@functools.cache
def _size(path):
    with Image.open(absolute(path)) as image:
        return image.size
