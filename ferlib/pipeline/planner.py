"""The plan of an audit: what so many people and images would find, and what asking about them costs.

`make plan PEOPLE="12 40 160" IMAGES=7` calls it; with OUT=folder it keeps the table and the curve.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import seaborn as sns

from ferlib import figures
from ferlib.errors import InputError
from ferlib.stats import planning

TOKENS = (400, 10)
"""Tokens of a question with its image, and of an answer of one word: about what the demo's prompts need."""


def main(arguments=None):
    """Command line; prints the plan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[12, 24, 48, 96, 192])
    parser.add_argument("--images", type=int, default=7)
    parser.add_argument("--races", type=int, default=4)
    parser.add_argument("--genders", type=int, default=2)
    parser.add_argument("--accuracy", type=float, default=0.8)
    parser.add_argument("--icc", type=float, default=0.1)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--delta", type=float, default=0.05)
    parser.add_argument("--model", default="", help="a provider's model, for the price")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    for name, low, high in (("accuracy", 0, 1), ("icc", -1e-9, 1), ("alpha", 0, 1), ("delta", 0, 1)):
        if not low < getattr(given, name) < high:
            raise InputError(f"{name.upper()}={getattr(given, name):g}: it must lie between {max(low, 0)} and {high}.")
    if min(*given.people, given.images, given.races, given.genders) < 1 or given.races * given.genders < 2:
        raise InputError("PEOPLE, IMAGES, RACES and GENDERS are whole numbers from 1, and make at least two groups.")
    table = planning.plan(
        given.people, given.images, groups=(given.races, given.genders), accuracy=given.accuracy, icc=given.icc,
        alpha=given.alpha, delta=given.delta,
    )  # fmt: skip
    if given.model:
        table["usd"] = table["images"] * usd(given.model)
    shown = table.rename(columns={"detectable": "smallest difference found (power .8)"})
    print(
        f"Accuracy {given.accuracy:g}, ICC {given.icc:g}, {given.races} races x {given.genders} genders, family-wise "
        f"error {given.alpha:g}.\n`people_for_equivalence`: in each race-gender group, to show that two groups alike "
        f"differ by less than {given.delta:g}.\n"
    )
    print(shown.round(3).to_string(index=False, na_rep="more than any"))
    if given.out:
        written = figures.save(curve(table), table, given.out / "plan.png", alt=describe(table))
        print("\n" + ", ".join(map(str, written)))


def usd(model):
    """Dollars for one image, by genai-prices."""
    import genai_prices  # the light core, which is enough for a plan without a price, does not have it

    try:
        usage = genai_prices.Usage(input_tokens=TOKENS[0], output_tokens=TOKENS[1])
        return float(genai_prices.calc_price(usage, model_ref=model).total_price)
    except LookupError:
        raise InputError(f"MODEL={model}: genai-prices knows no price of it. Leave it out or name another.") from None


def curve(table):
    """Smallest detectable difference by people, a line for each attribute."""
    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    sns.lineplot(table, x="people_per_group", y="detectable", hue="attribute", style="attribute", markers=True, ax=axes)
    axes.set(xscale="log", ylim=(0, None), xlabel="people in each race-gender group")
    axes.set_ylabel("smallest difference of accuracy\nfound four times in five")
    people = sorted(set(table["people_per_group"]))
    axes.set_xticks(people, [str(number) for number in people])
    axes.minorticks_off()
    return figure


def describe(table):
    """The curve in words."""
    return "Smallest difference of accuracy that is found four times in five: " + "; ".join(
        f"{row.attribute} {row.detectable:.2f} with {row.people_per_group} people a group" for row in table.itertuples()
    )


if __name__ == "__main__":
    main()
