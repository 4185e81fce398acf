"""A table's parts, summarised or judged one by one: each network is a family of its own."""

import pandas as pd


def apply(function, table, *arguments, by=("network",), **options):
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
