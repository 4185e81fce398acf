"""What asking costs: prices from the package genai-prices, and what that lacks from a small table of our own."""

import csv
import dataclasses
import datetime
import functools
import importlib.metadata
import json
import math
import re

from ferlib.errors import InputError
from ferlib.lmfm import services
from ferlib.paths import ROOT, relative

TABLE = ROOT / "data" / "prices" / "lmfm.csv"

FREE = ("vllm", "ollama", "lmstudio", "llamacpp", "local")
"""Services that nobody sends a bill for, wherever they run."""

UNCUT = 384
"""Pixels up to which, on both sides, Gemini does not cut an image into tiles."""


@dataclasses.dataclass(frozen=True)
class Price:
    """What one model costs, in US dollars per million tokens."""

    input_usd_per_mtok: float = 0.0
    output_usd_per_mtok: float = 0.0
    batch_factor: float = 1.0
    image_tokens: str = "tiles 85 170"
    checked: str = ""
    """The last day on which the price is known to have been verified."""
    source: str = "answers on this machine"
    cached_usd_per_mtok: float | None = None
    """Of input tokens that were read from a cache; None: as others."""
    cache_write_usd_per_mtok: float | None = None
    retires: str = ""
    """The day from which the provider no longer answers, or answers by another model."""
    retires_source: str = ""

    def usd(self, input_tokens, output_tokens, *, cached=0, written=0):
        """Dollars for so many tokens; `cached` and `written` to the cache are among the input."""
        at = [self.input_usd_per_mtok if price is None else price for price in (
            self.cached_usd_per_mtok, self.cache_write_usd_per_mtok
        )]  # fmt: skip
        plain = (input_tokens - cached - written) * self.input_usd_per_mtok + output_tokens * self.output_usd_per_mtok
        return (plain + cached * at[0] + written * at[1]) / 1e6

    def usd_of(self, usage):
        """Dollars for what a provider reports, thoughts and cached tokens included; None when it reports nothing."""
        if not usage or usage.get("input_tokens") is None:
            return None
        output = (usage.get("output_tokens") or 0) + (usage.get("thought_tokens") or 0)
        cached, written = usage.get("cached_tokens") or 0, usage.get("cache_write_tokens") or 0
        return self.usd(usage["input_tokens"], output, cached=cached, written=written)

    def age(self, today=None):
        """How old the price is, in words; empty for what is free."""
        if not self.usd(1, 1):
            return ""
        if not self.checked:
            return "of a day that the package does not say"
        days = ((today or datetime.date.today()) - datetime.date.fromisoformat(self.checked)).days
        return f"of {self.checked}, {days} days ago"

    def retirement(self, today=None):
        """What to say about the model's retirement; empty when none is announced."""
        if not self.retires:
            return ""
        gone = datetime.date.fromisoformat(self.retires) <= (today or datetime.date.today())
        return f"{'retired on' if gone else 'retires on'} {self.retires} ({self.retires_source})"


@functools.cache
def read(path=TABLE):
    """Rows of our own table, as a list of dicts, those with the longest names first.

    Raises
    ------
    InputError
        Names the row, the column and the value.
    """
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        for column in ("input_usd_per_mtok", "output_usd_per_mtok", "batch_factor"):
            if row[column] and not (row[column].replace(".", "", 1).isdigit()):
                raise InputError(
                    f"{relative(path)}: row {number}: {column} is {row[column]!r}. It must be a number, 0 or more."
                )
        _rule(row["image_tokens"] or "fixed 1")
    return sorted(rows, key=lambda row: -len(row["model"]))


def price_of(model, prices=None):
    """Price of a model.

    Parameters
    ----------
    model : dict
        From `ferlib.lmfm.models.read`.
    prices : dict, optional
        Prices that come before all others, by provider and model.

    Returns
    -------
    Price
        Nothing for a model that runs on this machine, or by a server of one's own.

    Raises
    ------
    InputError
        When the price of a model on another machine is known to nobody.
    """
    provider = services.provider(model)
    if (provider, model["model"]) in (prices or {}):
        return prices[provider, model["model"]]
    here = "://" not in model["base_url"] or services.is_loopback(model["base_url"])
    if here or model["service"] in FREE:
        return Price()
    own = next((row for row in read() if _fits(row, model)), {})
    more = {name: own.get(name) or "" for name in ("retires", "retires_source")}
    more["image_tokens"] = own.get("image_tokens") or Price.image_tokens
    if own.get("input_usd_per_mtok"):
        numbers = [float(own[name]) for name in ("input_usd_per_mtok", "output_usd_per_mtok")]
        factor = float(own["batch_factor"] or 1)
        return Price(*numbers, batch_factor=factor, checked=own["checked"], source=own["source"], **more)
    found = _packaged(services.of(model)["prices"], model["model"])
    if found is None:
        raise InputError(
            f"{relative(TABLE)}: no price of model {model['model']!r} (service {model['service']!r}), which "
            f"{model['name']!r} asks at {services.host(model['base_url'])}: neither there nor in genai-prices "
            f"{importlib.metadata.version('genai-prices')}. Update that package, or add a row with the price of today "
            f"and where you read it, so that the bill is known before the first call."
        )
    return dataclasses.replace(found, **more)


def text_tokens(text, settings=()):
    """Tokens of a prompt: its words and marks of punctuation, and the names that its JSON schema holds.

    Tokenizers of today's models split few English words; other languages take up to twice as many.
    """
    schema = dict(settings).get("schema")
    names = len(re.findall(r"\w+", json.dumps(schema))) if schema else 0
    return len(re.findall(r"\w+|[^\w\s]", text)) + names


def image_tokens(rule, width, height):
    """Tokens of an image of so many pixels, by the provider's published rule (see data/prices/README.md).

    Examples
    --------
    >>> image_tokens("tiles 85 170", 224, 224), image_tokens("tiles 85 170", 2444, 1718)
    (255, 1105)
    >>> image_tokens("crops 258", 224, 224), image_tokens("crops 258", 960, 540)
    (258, 1548)
    >>> image_tokens("patches 1536 1.62", 224, 224), image_tokens("area 750", 300, 300)
    (80, 120)
    """
    kind, *numbers = _rule(rule)
    if kind == "fixed":
        return int(numbers[0])
    if kind == "area":
        return math.ceil(width * height / numbers[0])
    if kind == "patches":
        return math.ceil(min(numbers[0], -(-width // 32) * -(-height // 32)) * numbers[1])
    if kind == "crops":
        unit = max(width, height) if max(width, height) <= UNCUT else int(min(width, height) / 1.5)
        return int(numbers[0]) * -(-width // unit) * -(-height // unit)
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    columns, lines = (-(-round(side * scale) // 512) for side in (width, height))
    return int(numbers[0] + numbers[1] * columns * lines)


def tokens_at_most(rule, width, height, text, settings=()):
    """Tokens that a question may have at most when it is billed.

    The rule of `crops` is called rough by its provider, who also says that large images are cut into tiles of 768
    pixels: the larger of both counts. A quarter is added to the image, and the words count twice.
    """
    image = image_tokens(rule, width, height)
    kind, *numbers = _rule(rule)
    if kind == "crops":
        image = max(image, numbers[0] * -(-width // 768) * -(-height // 768))
    return 1.25 * image + 2 * text_tokens(text, settings)


def _fits(row, model):
    """Whether a row is about a model: its name, or a dated form of it."""
    services_of_row = row["service"].split("|")
    dated = re.fullmatch(re.escape(row["model"]) + r"(?:-\d{4}-?\d{2}-?\d{2}|-\d{3})?", model["model"])
    return bool(dated) and services.of(model)["prices"] in services_of_row


def _packaged(provider, name):
    """A price of genai-prices; None when it has none."""
    from genai_prices import data_snapshot  # two megabytes of data, read only when needed

    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(name, None, provider or None, None)
    except LookupError:
        return None
    prices = found.get_prices(datetime.datetime.now(datetime.UTC))
    each = {
        kind: _base(getattr(prices, f"{kind}_mtok", None)) for kind in ("input", "output", "cache_read", "cache_write")
    }
    if each["input"] is None or each["output"] is None:
        return None
    days = re.findall(r"(?:verified|checked) on (20\d\d-\d\d-\d\d)", found.price_comments or "")
    return Price(
        each["input"], each["output"], batch_factor=0.5, checked=max(days, default=""),
        source=f"genai-prices {importlib.metadata.version('genai-prices')}, {found.id}",
        cached_usd_per_mtok=each["cache_read"], cache_write_usd_per_mtok=each["cache_write"],
    )  # fmt: skip


def _base(price):
    """Price of short prompts, where longer ones cost more."""
    return None if price is None else float(getattr(price, "base", price))


def _rule(rule):
    found = re.fullmatch(r"(tiles|patches) (\d+) (\d+(?:\.\d+)?)|(crops|area|fixed) (\d+)", rule)
    if not found:
        raise InputError(
            f"image_tokens is {rule!r}. Allowed: 'tiles BASE TILE', 'crops TILE', 'patches MOST FACTOR', 'area PIXELS' "
            f"or 'fixed TOKENS', with numbers."
        )
    kind, *numbers = (part for part in found.groups() if part is not None)
    return kind, *map(float, numbers)
