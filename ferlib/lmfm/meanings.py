"""What a response means: one closed table from (service, HTTP status, code, finish reason) to what is to be done.

The table is data/providers/outcomes.csv; its first row that fits counts. What no row names is an error that says so.
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

CAUSES = {
    "key": "the provider rejects the key in {variable} ({message}). Set another.",
    "permission": "the key in {variable} may not use it ({message}).",
    "model": (
        "the provider knows no model {asked!r} at this address ({message}). Models are retired: see the provider's "
        "list, and name one of it in the parameter `models`."
    ),
    "account": "the account cannot pay for it now ({message}). See to its credits, quota or limits, and run again.",
    "place": "the provider does not serve this place ({message}). Ask from another, or choose another provider.",
    "redirect": (
        "the address passes requests on to another one ({message}), which is not followed: permission is given for a "
        "host by name. Name the final address in base_url."
    ),
    "request": (
        "the provider does not take the request ({message}). Change the settings of the model: each may be left out, "
        "and anything else goes into `extra`."
    ),
}
"""What to tell the user, by the column `cause`; {message} are the provider's own words."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What becomes of a request; fields as the table's columns."""

    status: str
    billed: str
    retry: bool
    stop: str
    cause: str = ""
    known: bool = True


@functools.cache
def table(path=TABLE):
    """Rows of the table, as a tuple of dicts.

    Raises
    ------
    InputError
        Names the row and the value that is not allowed.
    """
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
    """What a response means.

    Parameters
    ----------
    model : dict
        From `ferlib.lmfm.models.read`.
    http : int or str
        HTTP status; `none` when no response came, `batch` for what became of a batch as a whole.
    codes : iterable of str
        Whatever the provider calls it; for HTTP 200 `text`, `empty`, `refusal`, `prompt_blocked`, `no_answer` ...
    finish : str, optional
        Finish reason.
    message : str
        The provider's words, in which patterns of the column `says` are looked for.

    Returns
    -------
    Outcome
        `known` is False when the table has no row for it: then it is an error, billed by its usage, and a handful of
        them stop the run.
    """
    codes, finish = {str(code).casefold() for code in codes if code is not None}, str(finish or "").casefold()
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
    """Sentence for a failure that ends a run.

    Parameters
    ----------
    model : dict
    failure : ferlib.lmfm.answers.NoAnswer

    Returns
    -------
    str
    """
    said = CAUSES.get(failure.outcome.cause, "it fails the same way each time ({message}).")
    said = said.format(variable=model["key_variable"] or "no variable", asked=model["model"], message=failure)
    return f"model {model['name']!r}: {said} Answers so far are stored."


def _status(cell, http):
    return any(http == one or (one.endswith("xx") and http[:1] == one[0] and len(http) == 3) for one in cell.split("|"))
