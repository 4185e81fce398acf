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

UNCUT = 384
"""Pixels up to which, on both sides, Gemini does not cut an image into tiles."""


@dataclasses.dataclass(frozen=True)
class Price:
    """What one model costs, in US dollars per million tokens; by default, what asking on this machine does."""

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
        own, plain = (self.cached_usd_per_mtok, self.cache_write_usd_per_mtok), self.input_usd_per_mtok
        read, write = (plain if price is None else price for price in own)
        of_input = (input_tokens - cached - written) * plain + cached * read + written * write
        return (of_input + output_tokens * self.output_usd_per_mtok) / 1e6

    def usd_of(self, usage):
        """Dollars for what a provider reports, thoughts and cached tokens included; None when it reports nothing."""
        if not usage or usage.get("input_tokens") is None:
            return None
        names = ("output", "thought", "cached", "cache_write")
        output, thought, cached, written = (usage.get(f"{name}_tokens") or 0 for name in names)
        return self.usd(usage["input_tokens"], output + thought, cached=cached, written=written)

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
        return f"{'retired' if gone else 'retires'} on {self.retires} ({self.retires_source})"


@functools.cache
def read(path=TABLE):
    """Rows of our own table, as a list of dicts, those with the longest names first; raises for what is no number."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        for column in ("input_usd_per_mtok", "output_usd_per_mtok", "batch_factor"):
            if row[column] and not row[column].replace(".", "", 1).isdigit():
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
        Prices by provider and the provider's name of the model, which count before all others.

    Returns
    -------
    Price
        Nothing for what runs on this machine, and for servers that nobody sends a bill for.

    Raises
    ------
    InputError
        When the price of a model on another machine is known to nobody.
    """
    if found := (prices or {}).get((services.provider(model), model["model"])):
        return found
    if "://" not in model["base_url"] or services.is_loopback(model["base_url"]) or services.of(model)["free"]:
        return Price()
    own = next((row for row in read() if _fits(row, model)), {})
    more = {name: own[name] for name in ("retires", "retires_source", "image_tokens") if own.get(name)}
    if own.get("input_usd_per_mtok"):
        numbers = (float(own[f"{way}_usd_per_mtok"]) for way in ("input", "output"))
        return Price(*numbers, float(own["batch_factor"] or 1), checked=own["checked"], source=own["source"], **more)
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
    >>> image_tokens("crops 258", 224, 224), image_tokens("patches 1536 1.62", 224, 224)
    (258, 80)
    """
    kind, first, *more = _rule(rule)
    if kind == "fixed":
        return int(first)
    if kind == "area":
        return math.ceil(width * height / first)
    if kind == "patches":
        return math.ceil(min(first, _cover(width, height, 32)) * more[0])
    if kind == "crops":
        unit = max(width, height) if max(width, height) <= UNCUT else int(min(width, height) / 1.5)
        return int(first) * _cover(width, height, unit)
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    return int(first + more[0] * _cover(round(width * scale), round(height * scale), 512))


def tokens_at_most(rule, width, height, text, settings=()):
    """Tokens that a question may have at most when it is billed.

    The rule of `crops` is called rough by its provider, who also says that large images are cut into tiles of 768
    pixels: the larger of both counts. A quarter is added to the image, and the words count twice.
    """
    image, (kind, first, *_) = image_tokens(rule, width, height), _rule(rule)
    if kind == "crops":
        image = max(image, first * _cover(width, height, 768))
    return 1.25 * image + 2 * text_tokens(text, settings)


def _cover(width, height, unit):
    """Squares of a side that it takes to cover an image."""
    return -(-width // unit) * -(-height // unit)


def _fits(row, model):
    """Whether a row is about a model: its name, or a dated form of it."""
    dated = re.fullmatch(re.escape(row["model"]) + r"(?:-\d{4}-?\d{2}-?\d{2}|-\d{3})?", model["model"])
    return bool(dated) and services.of(model)["prices"] in row["service"].split("|")


def _packaged(provider, name):
    """A price of genai-prices, that of short prompts where longer ones cost more; None when it has none."""
    from genai_prices import data_snapshot  # two megabytes of data, read only when needed

    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(name, None, provider or None, None)
    except LookupError:
        return None
    prices = found.get_prices(datetime.datetime.now(datetime.UTC))
    each = [getattr(prices, f"{kind}_mtok", None) for kind in ("input", "output", "cache_read", "cache_write")]
    each = [None if price is None else float(getattr(price, "base", price)) for price in each]
    if None in each[:2]:
        return None
    days = re.findall(r"(?:verified|checked) on (20\d\d-\d\d-\d\d)", found.price_comments or "")
    return Price(
        *each[:2], batch_factor=0.5, cached_usd_per_mtok=each[2], cache_write_usd_per_mtok=each[3],
        checked=max(days, default=""), source=f"genai-prices {importlib.metadata.version('genai-prices')}, {found.id}",
    )  # fmt: skip


def _rule(rule):
    found = re.fullmatch(r"(tiles|patches) (\d+) (\d+(?:\.\d+)?)|(crops|area|fixed) (\d+)", rule)
    if not found:
        raise InputError(
            f"image_tokens is {rule!r}. Allowed: 'tiles BASE TILE', 'crops TILE', 'patches MOST FACTOR', 'area PIXELS' "
            f"or 'fixed TOKENS', with numbers."
        )
    kind, *numbers = (part for part in found.groups() if part is not None)
    return kind, *map(float, numbers)
