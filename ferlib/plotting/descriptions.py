"""What a figure shows and says, in words: the alternative text for readers who cannot see it.

Each function takes the table that its namesake in `ferlib.plots`, or in a module beside this one, draws, and returns
text.
"""

from ferlib.plots import percent, span
from ferlib.plotting.forests import measure_names


def composition(table):
    """Describe the bars of `ferlib.plots.composition`."""
    people = table.drop_duplicates(["dataset", "race"])["people"]
    return (
        f"Bars: images of each emotion and race, a panel for each race. {table['images'].sum():,} images of "
        f"{people.sum():,} people; {span(table['images'])} images a bar, {span(people)} people a panel."
    )


def accuracy(table, *, confidence=0.95):
    """Describe the dots of `ferlib.plots.accuracy`."""
    groups = table[table["by"] == "group"]
    low, high = groups.loc[groups["accuracy"].idxmin()], groups.loc[groups["accuracy"].idxmax()]
    return (
        f"Dots with {100 * confidence:.4g} % intervals: accuracy for everybody, by race, by gender and by both; "
        f"models: {_listed(table['model'])}; dataset {_listed(table['dataset'])}. "
        f"Lowest of the race-gender groups: {low['model']} on {low['group']}, {percent(low['accuracy'])}; "
        f"highest: {high['model']} on {high['group']}, {percent(high['accuracy'])}."
    )


def confusion(table):
    """Describe the matrices of `ferlib.plotting.matrices.confusion`."""
    off = table[table["true"] != table["predicted"]]
    worst = off.loc[off["rate"].idxmax()]
    return (
        f"Confusion matrices in percent of each true emotion; models: {_listed(table['model'])}; dataset "
        f"{_listed(table['dataset'])}. Largest share off the diagonal: {worst['model']}, {worst['true']} to "
        f"{worst['predicted']}, {percent(worst['rate'])}."
    )


def mistakes(table, *, title):
    """Describe the heatmap of `ferlib.plotting.matrices.mistakes`."""
    if table.empty:
        return f"Heatmap of mistaken pairs for {title}, without a cell: every image was read as labelled."
    pairs = len(table.drop_duplicates(["true", "predicted"]))
    top = table.loc[table["rate"].idxmax()]
    return (
        f"Heatmap of {pairs} mistaken pairs by race-gender group for {title}. Highest rate: {top['true']} to "
        f"{top['predicted']}, {top['group']}: {top['count']:g} of {top['n_true']:g} images ({percent(top['rate'])})."
    )


def no_answer(table):
    """Describe the bars of `ferlib.plots.no_answer`."""
    total = table.groupby("model")["count"].sum()
    counted = ", ".join(f"{model} {count:g}" for model, count in total.items())
    return (
        f"Bars: images without an answer by race-gender group and reason, a panel for each model; dataset "
        f"{_listed(table['dataset'])}. Images without an answer in all: {counted}."
    )


def gaps(table):
    """Describe the marks and bars of `ferlib.plotting.forests.gaps`."""
    known = table[table["gap"].notna()].reset_index(drop=True)
    beyond = known[known["gap"] > known["gap_95"]]
    told = f"{len(beyond)} of {len(known)} gaps pass what 95 in 100 gaps by lot stay below"
    if len(beyond):
        top = beyond.loc[[(beyond["gap"] - beyond["gap_95"]).idxmax()]]
        (name,), (row,) = measure_names(top), top.itertuples()
        told += (
            f"; furthest: {row.model}, {name} by {row.attribute}, {percent(row.gap)} between {row.lowest} and "
            f"{row.highest}, by lot at most {percent(row.gap_95)}"
        )
    return (
        f"Marks: gap between the highest and the lowest group of each measure by race, by gender and by both, on bars "
        f"of gaps by lot; models: {_listed(table['model'])}; dataset {_listed(table['dataset'])}. {told}."
    )


def ratios(table):
    """Describe the forest plot of `ferlib.plotting.forests.ratios`."""
    finite = table[table["value"].between(0, float("inf"), inclusive="neither")]
    low, high = finite.loc[finite["value"].idxmin()], finite.loc[finite["value"].idxmax()]
    holds = ((table["low"] <= 1) & (table["high"] >= 1)).sum()
    return (
        f"Forest plot of {len(table)} ratios; those above 0 and finite go from {low['value']:.2f} ({low['label']}) to "
        f"{high['value']:.2f} ({high['label']}); {holds} of the {table['low'].notna().sum()} intervals hold 1."
    )


def _listed(values):
    return ", ".join(sorted(values.unique()))


def levels(table):
    """Describe the curves of `ferlib.plotting.curves.levels`."""
    ranges = table.groupby(["question", "panel", "model"])["rate"].agg(lambda rate: rate.max() - rate.min())
    question, panel, model = ranges.idxmax()
    return (
        f"Dots with intervals. Rows of panels: {', '.join(dict.fromkeys(table['question']))}; columns: "
        f"{', '.join(dict.fromkeys(table['panel']))}; models: {_listed(table['model'])}. Widest range within a panel: "
        f"{model}, {question}, {panel}, {percent(ranges.max())}."
    )


def changes(table):
    """Describe the dots of `ferlib.plotting.curves.changes`."""
    top = table.loc[table["changed"].idxmax()]
    return (
        f"Dots with intervals: share of answers that change when one factor changes, and difference of the accuracy, "
        f"for {', '.join(dict.fromkeys(table['contrast']))}; models: {_listed(table['model'])}. Most changes: "
        f"{top['model']}, {top['contrast']}, {percent(top['changed'])}."
    )
