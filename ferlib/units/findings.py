"""Summaries of the tables about Action Units: what was found, unit by unit, and whether it is what was planted."""

import pandas as pd

from ferlib.stats.arrays import ratio

SHOWN = ("accuracy", "balanced_accuracy", "f1", "average_precision")


def detection(table):
    """Means over the units of each measure, for all people together.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `kind`, `network` and those of `ferlib.units.detection.by_group`.

    Returns
    -------
    pandas.DataFrame
        A row for each kind and network: `units`, a mean for each of `SHOWN`, and `f1_if_always_found`, the mean F1 of a
        network that finds every unit in every image: 2 p / (1 + p) at prevalence p.
    """
    own = table[(table["by"] == "all") & table["measure"].isin(SHOWN)]
    keys = ["kind", "network"]
    means = own.pivot_table(index=keys, columns="measure", values="value", sort=False)[list(SHOWN)]
    always = own[own["measure"] == "f1"].assign(always=lambda rows: 2 * rows["prevalence"] / (1 + rows["prevalence"]))
    always = always.groupby(keys)["always"].mean().rename("f1_if_always_found")
    units = own.groupby(keys)["unit"].nunique().rename("units")
    found = pd.concat([units, means, always], axis=1)
    order = pd.MultiIndex.from_product([own[name].unique() for name in keys], names=keys)
    return found.reindex([key for key in order if key in found.index])


def planted(table, *, unit, attribute, group, measure, higher):
    """Whether the contrasts of one group with the others show what was planted there, network by network.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `unit`, `measure`, `attribute`, `group_a`, `group_b`, `verdict`, `reason`, and `rate_a` and
        `rate_b`, or `mean_a` and `mean_b`.
    unit, attribute, group, measure : str
        Where the fault lies, and in what it should show.
    higher : bool
        Whether the fault makes the measure higher in the group.

    Returns
    -------
    pandas.DataFrame
        A row for each network: `group` and each other group with its value and verdict, `found` (how many of the
        contrasts are different in the right direction), `contrasts`, and `other_units`, how many contrasts of other
        units, in any attribute and measure, are called different.
    """
    values = ("rate_a", "rate_b") if "rate_a" in table else ("mean_a", "mean_b")
    rows = []
    for network, own in table.groupby("network", sort=False):
        others = own[(own["unit"] != unit) & (own["verdict"] == "different")]
        own = own[(own["unit"] == unit) & (own["measure"] == measure) & (own["attribute"] == attribute)]
        own = own[(own["group_a"] == group) | (own["group_b"] == group)]
        row, hits = {"network": network}, 0
        for one in own.to_dict("records"):
            first = one["group_a"] == group
            value, other = (one[name] for name in (values if first else values[::-1]))
            rival = one["group_b"] if first else one["group_a"]
            row[group] = round(value, 3)
            row[rival] = f"{other:.3f}: {one['verdict']}"
            hits += one["verdict"] == "different" and (value > other) == higher
        rows.append(row | {"found": hits, "contrasts": len(own), "other_units": len(others)})
    return pd.DataFrame(rows)


def passed(table):
    """For which units the first of two sides is surely higher, and for which it is not.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `unit`, `difference`, `verdict`, one row for each network and unit.

    Returns
    -------
    pandas.DataFrame
        A row for each network: `units`, `surely_higher` (how many), `for` (which), `not_for` (the others, each with its
        verdict, and "lower" where that is sure).
    """
    rows = []
    for network, own in table.groupby("network", sort=False):
        sure = (own["verdict"] == "different") & (own["difference"] > 0)
        verdict = own["verdict"].where(own["verdict"] != "different", "lower")
        rest = (own["unit"] + " (" + verdict + ")")[~sure]
        row = {"network": network, "units": len(own), "surely_higher": int(sure.sum())}
        rows.append(row | {"for": ", ".join(own["unit"][sure]), "not_for": ", ".join(rest)})
    return pd.DataFrame(rows)


def controls(table):
    """How the maps' scores stand beside each control, over the units.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `network`, `control`, `unit`, `mean_a`, `mean_b`, `difference`, `verdict`; of one measure.

    Returns
    -------
    pandas.DataFrame
        A row for each network and control: `units`, the mean score and the mean of the control over the units, their
        `ratio`, and for how many units the score is surely higher, surely lower, or equivalent.
    """
    sure = table["verdict"] == "different"
    table = table.assign(
        higher=sure & (table["difference"] > 0), lower=sure & (table["difference"] < 0),
        equivalent=table["verdict"] == "equivalent",
    )  # fmt: skip
    groups = table.groupby(["network", "control"], sort=False)
    found = groups[["mean_a", "mean_b"]].mean().set_axis(["score", "of_control"], axis=1)
    found = found.assign(ratio=ratio(found["score"], found["of_control"]))
    return pd.concat([groups.size().rename("units"), found, groups[["higher", "lower", "equivalent"]].sum()], axis=1)


def of_parts(function, table, *arguments, by=("network",), **options):
    """Call a function of a table for each of its parts.

    Parameters
    ----------
    function : callable
        Of a table, the arguments and the options; returns a table, such as `ferlib.units.detection.by_group`.
    table : pandas.DataFrame
    by : sequence of str
        Columns of the table: rows that agree in them are a part.

    Returns
    -------
    pandas.DataFrame
        The columns `by`, then what the function returned, in the order in which the parts occur.
    """
    found = []
    for key, rows in table.groupby(list(by), sort=False):
        made = function(rows.drop(columns=list(by)), *arguments, **options)
        named = dict(zip(by, key, strict=True))
        found.append(made.assign(**named)[[*by, *(name for name in made if name not in named)]])
    return pd.concat(found, ignore_index=True)


def different(contrasts):
    """The contrasts that are called different, those surest first, without what says how they were judged.

    Parameters
    ----------
    contrasts : pandas.DataFrame
        `network`, if you like `kind`, and the columns of `ferlib.units.detection_contrasts` or
        `ferlib.units.mean_contrasts`.
    """
    columns = (
        "network", "kind", "unit", "measure", "group_a", "group_b", "rate_a", "rate_b", "mean_a", "mean_b", "low",
        "high", "p_adjusted",
    )  # fmt: skip
    order = [name for name in ("kind", "network", "p_adjusted", "unit") if name in contrasts]
    found = contrasts[contrasts["verdict"] == "different"].sort_values(order)
    return found[[name for name in columns if name in found]]
