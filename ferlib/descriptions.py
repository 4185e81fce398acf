"""What a figure shows and says, in words: the alternative text for readers who cannot see it.

Each function takes the table that its namesake in `ferlib.plots` or `ferlib.matrices` draws, and returns text.
"""

from ferlib.plots import percent, span


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
    """Describe the matrices of `ferlib.matrices.confusion`."""
    off = table[table["true"] != table["predicted"]]
    worst = off.loc[off["rate"].idxmax()]
    return (
        f"Confusion matrices in percent of each true emotion; models: {_listed(table['model'])}; dataset "
        f"{_listed(table['dataset'])}. Largest share off the diagonal: {worst['model']}, {worst['true']} to "
        f"{worst['predicted']}, {percent(worst['rate'])}."
    )


def mistakes(table, *, title):
    """Describe the heatmap of `ferlib.matrices.mistakes`."""
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


def _listed(values):
    return ", ".join(sorted(values.unique()))
