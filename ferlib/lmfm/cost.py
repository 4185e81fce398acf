"""What asking costs: prices with their date and source, and the tokens of a question before it is asked."""

import dataclasses
import json
import re

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import endpoints
from ferlib.lmfm.models import SAME_PROVIDER
from ferlib.paths import ROOT, relative

PRICES = ROOT / "data" / "prices" / "lmfm.csv"
COLUMNS = (
    "provider", "model", "input_usd_per_mtok", "output_usd_per_mtok", "batch_factor", "image_tokens", "checked",
    "source",
)  # fmt: skip

EXPECTED = {"words": 5, "json": 10, "description": 25, "ratings": 45, "scores": 0}
"""Tokens that an answer is taken to have until there are answers to measure: an assumption, by form of the prompt."""


UNCUT = 384
"""Pixels up to which, on both sides, Gemini does not cut an image into tiles."""


@dataclasses.dataclass(frozen=True)
class Price:
    """What one model costs."""

    input_usd_per_mtok: float = 0.0
    output_usd_per_mtok: float = 0.0
    batch_factor: float = 1.0
    image_tokens: str = "tiles 85 170"
    checked: str = ""
    source: str = "answers on this machine"

    def usd(self, input_tokens, output_tokens):
        """Dollars for so many tokens."""
        return (input_tokens * self.input_usd_per_mtok + output_tokens * self.output_usd_per_mtok) / 1e6

    def usd_of(self, usage):
        """Dollars for what a provider reports; None when it reports nothing."""
        if not usage or usage.get("input_tokens") is None:
            return None
        return self.usd(usage["input_tokens"], (usage.get("output_tokens") or 0) + usage.get("thought_tokens", 0))


def read_prices(path=PRICES):
    """The price table.

    Returns
    -------
    dict of (str, str) to Price
        By provider and model.
    """
    frame = tables.read_csv(path, columns=COLUMNS, dtype={"checked": str, "source": str})
    for column in COLUMNS[2:5]:
        wrong = frame[~(frame[column] >= 0)]
        if len(wrong):
            raise InputError(
                f"{relative(path)}: row {wrong.index[0] + 2}: {column} is {wrong[column].iloc[0]!r}. "
                f"It must be a number, 0 or more."
            )
    return {(row[0], row[1]): Price(*row[2:]) for row in frame[list(COLUMNS)].itertuples(index=False)}


def price_of(model, prices, *, path=PRICES):
    """Price of a model.

    Parameters
    ----------
    model : dict
        From `ferlib.lmfm.models.read`.
    prices : dict
        From `read_prices`.

    Returns
    -------
    Price
        Nothing for a model on this machine that has no row.

    Raises
    ------
    InputError
        When a model on another machine has no row.
    """
    provider = SAME_PROVIDER.get(model["provider"], model["provider"])
    if (provider, model["model"]) in prices:
        return prices[provider, model["model"]]
    if "://" not in model["base_url"] or endpoints.is_loopback(model["base_url"]):
        return Price()
    raise InputError(
        f"{relative(path)}: no price of model {model['model']!r} (provider {provider!r}), which {model['name']!r} asks "
        f"at {endpoints.host(model['base_url'])}. Add a row with the price of today and where you read it, so that "
        f"the bill is known before the first call."
    )


def text_tokens(text, settings=()):
    """Tokens of a prompt: its words and marks of punctuation, and the names that its JSON schema holds.

    Tokenizers of today's models split few English words; other languages take up to twice as many.
    """
    schema = dict(settings).get("schema")
    names = len(re.findall(r"\w+", json.dumps(schema))) if schema else 0
    return len(re.findall(r"\w+|[^\w\s]", text)) + names


def image_tokens(rule, width, height):
    """Tokens of an image, by the provider's published rule.

    Parameters
    ----------
    rule : str
        `tiles BASE TILE` or `crops TILE`, see data/prices/README.md.
    width, height : int
        Pixels.

    Examples
    --------
    >>> image_tokens("tiles 85 170", 224, 224), image_tokens("tiles 85 170", 2444, 1718)
    (255, 1105)
    >>> image_tokens("crops 258", 224, 224), image_tokens("crops 258", 960, 540)
    (258, 1548)
    """
    kind, *numbers = _rule(rule)
    if kind == "crops":
        unit = max(width, height) if max(width, height) <= UNCUT else int(min(width, height) / 1.5)
        return numbers[0] * -(-width // unit) * -(-height // unit)
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    columns, lines = (-(-round(side * scale) // 512) for side in (width, height))
    return numbers[0] + numbers[1] * columns * lines


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


def _rule(rule):
    found = re.fullmatch(r"(tiles) (\d+) (\d+)|(crops) (\d+)", rule)
    if not found:
        raise InputError(f"image_tokens is {rule!r}. Allowed: 'tiles BASE TILE', 'crops TILE', with whole numbers.")
    kind, *numbers = (part for part in found.groups() if part is not None)
    return kind, *map(int, numbers)
