"""Comparing: whom a remedy has helped or harmed, and how gaps have closed where they have.

`make compare BEFORE=a.csv AFTER=b.csv OUT=dir` calls it. Both files are read as `make audit` reads them, and paired by
image.
"""

import argparse
from pathlib import Path

import pandas as pd

from ferlib import figures, tables
from ferlib.figures import remedies
from ferlib.mitigation import effects, pairing
from ferlib.stats import intake, outcomes

SAID = ("better", "worse", "equivalent", "inconclusive", "not estimable")


def main(arguments=None):
    """Command line: read, pair, judge, write tables and a figure, and say what was found."""
    given = _parser().parse_args(arguments)
    rules = {name: getattr(given, name) for name in ("alpha", "delta", "min_people")}
    outcomes.check_options(**rules, draws=given.draws, cluster=given.cluster)
    before, after = (_read(given, path) for path in (given.before, given.after))
    found = []
    for pair in pairing.pair(before, after):
        changed = effects.changes(pair, **rules, draws=given.draws, seed=given.seed)
        found.append((changed, effects.gap_changes(pair, changed, alpha=given.alpha, min_people=given.min_people)))
        print(*pair.notes, "\n".join(said(pair, *found[-1])), sep="\n")
    changed, closed = (pd.concat(part, ignore_index=True) for part in zip(*found, strict=True))
    written = [
        tables.write_csv(changed, given.out / "tables" / "changes.csv"),
        tables.write_csv(closed, given.out / "tables" / "gap_changes.csv"),
    ]
    drawn = changed[(changed["measure"] == "accuracy") & (changed["by"] != "group")].assign(panel=changed["after"])
    alt = remedies.describe_slopes(drawn)
    figure = remedies.slopes(drawn, confidence=1 - given.alpha)
    written += figures.save(figure, drawn, given.out / "figures" / "changes.png", alt=alt)[:1]
    print(f"\nEach family: {effects.FAMILY}.", *written, sep="\n")


def said(pair, changed, gaps):
    """Yield what happened to accuracy and to its gaps, a line for each effect that somebody has.

    Parameters
    ----------
    pair : ferlib.mitigation.pairing.Paired
    changed, gaps : pandas.DataFrame
        As of `ferlib.mitigation.effects`.
    """
    yield f"\n{pair.after} instead of {pair.before} on {pair.dataset}: {len(pair.images):,} images"
    accuracy = changed[changed["measure"] == "accuracy"]
    for effect in SAID:
        rows = accuracy[accuracy["effect"] == effect]
        each = [f"{row.group} {row.change:+.3f} [{row.sim_low:+.3f}, {row.sim_high:+.3f}]" for row in rows.itertuples()]
        label = f"{effect} for" if effect in SAID[:2] else effect
        if each:
            yield f"  accuracy {label}: {'; '.join(each)}"
    others = changed[(changed["measure"] != "accuracy") & changed["effect"].isin(SAID[:2])]
    better, worse = ((others["effect"] == word).sum() for word in SAID[:2])
    yield f"  other measures: {better} better, {worse} worse"
    pairs = gaps["group_a"] + " – " + gaps["group_b"]
    ends = gaps["gap_before"].map("{:+.3f}".format) + " to " + gaps["gap_after"].map("{:+.3f}".format)
    for outcome, rows in (pairs + " " + ends).groupby(gaps["outcome"]):
        yield f"  gaps {outcome}: {len(rows) if outcome == effects.OUTCOMES[3] else '; '.join(rows)}"


def _read(given, path):
    taken = intake.read(path, cluster=given.cluster, columns=given.columns, classes=given.classes)
    print(f"{path.name}: {taken.summary}", *taken.notes, sep="\n  Note: ")
    return outcomes.join(taken.predictions, taken.manifest, source=path.name)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    choices = {"alpha": 0.05, "delta": 0.05, "min_people": 5, "cluster": "person", "draws": 2000, "seed": 0}
    return with_options(parser, choices)


def with_options(parser, choices):
    """Add what `make audit` and `make compare` have in common: the folder, the choices, and how files are read.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    choices : dict
        By name, the default of each.
    """
    parser.add_argument("--out", type=Path, required=True)
    for name, default in choices.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--columns", type=paired, default={})
    parser.add_argument("--classes", type=listed, default=[])
    return parser


def listed(text):
    """The parts of a text between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def paired(text):
    """The pairs `a=b` of a text between commas, as a dict."""
    return {ours.strip(): theirs.strip() for ours, _, theirs in (pair.partition("=") for pair in listed(text))}


if __name__ == "__main__":
    main()
