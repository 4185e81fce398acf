"""What a response means: one closed table from (service, HTTP status, code, finish reason) to what is to be done.

The table is data/providers/outcomes.csv; its first row that fits counts. What no row names is an error that says so.
Whatever the provider, there is an `Answer` in the end, or a `NoAnswer`.
"""

import csv
import dataclasses
import functools
import re

from ferlib.errors import InputError
from ferlib.lmfm import services
from ferlib.paths import ROOT, relative

TABLE = ROOT / "data" / "providers" / "outcomes.csv"

ALLOWED = {
    "status": ("answered", "refused", "blocked", "truncated", "error"),
    "billed": ("no", "usage", "unknown"),
    "retry": ("yes", "no"),
    "stop": ("no", "alike", "now"),
}
"""Columns that decide. `billed`: not at all, by the tokens reported, or nobody knows. `stop`: never, after a handful of
like ones in a row, or at once."""

HANDFUL = 5
"""Failures in a row that are alike and no repetition mends, after which no more is asked."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What becomes of a request; fields as the table's columns. What is not `known` is an error that says so."""

    status: str
    billed: str
    retry: bool
    stop: str
    cause: str = ""
    known: bool = True


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer, as the provider gave it."""

    kind: str
    """`answered`, `refused`, `blocked` (by a safety filter) or `truncated` (at the token limit)."""
    text: str | None
    """The model's words, or its refusal's; None when there were none."""
    finish: str | None
    """The provider's own word for how it ended, for example `stop` or `SAFETY`."""
    model_version: str | None
    """The version that the provider says has answered."""
    usage: dict = dataclasses.field(default_factory=dict)
    """`input_tokens` and `output_tokens` as the provider counts them; where there are any, also `thought_tokens` (not
    among the output tokens), `cached_tokens` and `cache_write_tokens` (both among the input tokens)."""
    details: dict = dataclasses.field(default_factory=dict)
    """As they came: `id` and `fingerprint` of the response, and what a block was for."""
    billed: str = "usage"
    """As in the table; not stored."""

    def stored(self):
        """The part that belongs into the store; details only where there are any, as answers of old have none."""
        left_out = {"billed"} if self.details else {"billed", "details"}
        return {name: value for name, value in dataclasses.asdict(self).items() if name not in left_out}


class NoAnswer(Exception):
    """A request that brought no answer, in the provider's words, short and free of keys.

    `wait_s` are the seconds that it asks to wait, `usage` as in `Answer`, `raw` is what came where that may have been
    paid for, free of keys, too, and `status` that of HTTP.
    """

    def __init__(self, message, outcome, *, wait_s=None, usage=None, raw="", status=None):
        super().__init__(message)
        self.outcome, self.billed, self.usage, self.raw = outcome, outcome.billed, usage or {}, raw
        self.wait_s, self.status = wait_s, status


@functools.cache
def table(path=TABLE):
    """Rows of the table, as a tuple of dicts; raises for a value that is not allowed."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = tuple(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        for column, allowed in ALLOWED.items():
            if row[column] not in allowed:
                raise InputError(
                    f"{relative(path)}: row {number}: {column} is {row[column]!r}. Allowed: {', '.join(allowed)}."
                )
    return rows


def decide(model, http, codes=(), *, finish=None, message=""):
    """What a response of a model means: the `Outcome` in the first row of the table that fits.

    `http` is the status, or `none` when no response came, or `batch` for what became of a batch as a whole; `codes` are
    whatever the provider calls it, for HTTP 200 `text`, `empty`, `refusal`, `prompt_blocked`, `no_answer` ...; in the
    `message`, the provider's words, patterns of the column `says` are looked for.
    """
    codes = {str(code).casefold() for code in codes if code is not None}
    finish = str(finish or "").casefold().partition(":")[0]  # "content_filter: SAFETY"
    names = {model["service"], services.of(model)["protocol"], "*"}
    for row in table():
        if (
            row["service"] in names
            and _status(row["http"], str(http))
            and (row["code"] == "*" or codes & set(row["code"].split("|")))
            and (not row["says"] or re.search(row["says"], message, re.IGNORECASE))
            and (row["finish"] == "*" or finish in row["finish"].split("|"))
        ):
            return Outcome(row["status"], row["billed"], row["retry"] == "yes", row["stop"], row["cause"])
    return Outcome("error", "usage" if http == 200 else "unknown", False, "alike", "unknown", known=False)


def explained(model, failure):
    """Sentence for a failure (`NoAnswer`) of a model that ends a run."""
    causes = services.content()["causes"]
    said = causes.get(failure.outcome.cause, causes["unknown"]).format(
        variable=model["key_variable"] or "no variable", asked=model["model"], message=failure, url=model["base_url"]
    )
    return f"model {model['name']!r}: {said} Answers so far are stored."


def _status(cell, http):
    return any(http == one or (one.endswith("xx") and http[:1] == one[0] and len(http) == 3) for one in cell.split("|"))
