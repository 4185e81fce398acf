"""Figures of the audit that are matrices of counts: the study's mistaken pairs, and confusion matrices."""

import numpy as np
import seaborn
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ferlib.figures.style import WIDTH, listed, named, percent, percent_tick, span, styled
from ferlib.labels import STATUSES

MAP = LinearSegmentedColormap.from_list("rate", ["#FFFFFF", "#9CCBE8", "#0072B2", "#00263D"])
"""White is none, dark is many: the lightness alone tells them apart, so every kind of colour vision sees the same."""

NO_ANSWER = "no answer"
"""Column of a confusion matrix for the images that got none."""


def _heatmap(values, text, panel, *, most):
    """One matrix of rates with its numbers; a cell that is NaN stays white and without a number."""
    seaborn.heatmap(
        values, ax=panel, cmap=MAP, vmin=0, vmax=most, annot=np.array(text), fmt="", annot_kws={"fontsize": 9},
        linewidths=0.8, linecolor="#E0E0E0", cbar=False, xticklabels=True, yticklabels=True,
    )  # fmt: skip
    # Dark or light numbers, whichever stands out more (seaborn's own threshold leaves white on mid-blue).
    for number, cell in zip(panel.texts, values.to_numpy()[~np.isnan(values.to_numpy())], strict=True):
        linear = (np.array(MAP(cell / most if most else 0.0)[:3]) + 0.055) ** 2.4 / 1.055**2.4
        number.set_color("white" if linear @ (0.2126, 0.7152, 0.0722) < 0.18 else "black")
    panel.set(xlabel="", ylabel="")
    panel.tick_params(length=0)
    panel.tick_params(axis="y", rotation=0)


@styled
def mistakes(table, *, title, most=None):
    """The study's heatmap: pairs true -> predicted by group, the most frequent first; one model.

    Pairs whose second part is a status (refused, ...) are no mistakes about an emotion: they stand below, on their own.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `confusions.csv` of one dataset, model and variant, with `rate` (count / n_true): the pairs to
        draw, each in every group; may be empty. A cell is written as count and rate, and coloured by the rate.
    title : str
        Whose mistakes these are.
    most : float, optional
        Rate at the dark end of the colours: that of all heatmaps that are to be compared; else this table's own.
    """
    most = table["rate"].max() if most is None else most
    wide = table.pivot(index=["true", "predicted"], columns="group", values=["count", "rate"])
    total = -table.groupby(["true", "predicted"])["count"].sum().rename("total")
    order = total.reset_index().sort_values(["total", "true", "predicted"]).set_index(["true", "predicted"]).index
    is_emotion = ~order.get_level_values("predicted").isin(STATUSES)
    blocks = [block for block in (order[is_emotion], order[~is_emotion]) if len(block)]
    height = 1.5 + 0.29 * max(len(order), 2)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(
        f"{title}: images (rate) of each pair true → predicted\nn: images of each true emotion in the group",
        fontsize=10, x=0.01, ha="left",
    )  # fmt: skip
    if not blocks:
        figure.text(0.5, 0.4, "No mistake: every image was read as its label says", ha="center")
        return figure
    sizes = [len(block) for block in blocks]
    panels = figure.subplots(len(blocks), 1, squeeze=False, gridspec_kw={"height_ratios": sizes})[:, 0]
    for panel, block in zip(panels, blocks, strict=True):
        count, rate = wide["count"].loc[block], wide["rate"].loc[block]
        text = [
            [_cell(*cell) for cell in zip(*row, strict=True)] for row in zip(count.values, rate.values, strict=True)
        ]
        values = rate.set_axis([f"{true} → {predicted}" for true, predicted in block])
        _heatmap(values, text, panel, most=most)
        panel.set_xticks([])
    n_true = table.groupby("group")["n_true"].agg(span)
    labels = [f"{group.replace(' ', chr(10))}\nn = {n_true[group]}" for group in wide["rate"].columns]
    panels[0].set_xticks(np.arange(len(labels)) + 0.5, labels)
    panels[0].xaxis.set_ticks_position("top")
    panels[0].tick_params(length=0)
    bar = figure.colorbar(
        panels[0].collections[0], ax=list(panels), shrink=min(1, 3 / height), anchor=(0, 1), aspect=24, pad=0.02
    )
    bar.ax.yaxis.set_major_formatter(percent_tick)
    bar.set_label("rate: images / n")
    return figure


def describe_mistakes(table, *, title):
    """Describe the heatmap of `mistakes` in words."""
    if table.empty:
        return f"Heatmap of mistaken pairs for {title}, without a cell: every image was read as labelled."
    pairs = len(table.drop_duplicates(["true", "predicted"]))
    top = table.loc[table["rate"].idxmax()]
    return (
        f"Heatmap of {pairs} mistaken pairs by group for {title}. Highest rate: {top['true']} to "
        f"{top['predicted']}, {top['group']}: {top['count']:g} of {top['n_true']:g} images ({percent(top['rate'])})."
    )


def _cell(count, rate):
    return "0" if count == 0 else f"{count:g} ({percent(rate)})"


@styled
def confusion(table):
    """Row-normalised confusion matrix of each model, all labels and a column for the images without an answer.

    Parameters
    ----------
    table : pandas.DataFrame
        One dataset; columns `model`, `variant`, `true`, `predicted` (an emotion, or `no answer`), `count`,
        `n_true`, `rate`.
    """
    names, labels = np.array(named(table)), sorted(set(table["true"]))
    models = sorted(set(names))
    columns = min(2, len(models))
    lines = -(-len(models) // columns)
    figure = Figure(figsize=(WIDTH, 0.5 + 3.7 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False)
    for panel, model in zip(panels.ravel(), models, strict=False):
        part = table[names == model]
        rate = part.pivot(index="true", columns="predicted", values="rate").reindex(index=labels)
        rate = rate.reindex(columns=[*labels, NO_ANSWER])
        text = rate.map(lambda share: "" if np.isnan(share) else f"{100 * share:.0f}").to_numpy()
        _heatmap(rate, text, panel, most=1)
        sizes = part.groupby("true")["n_true"].agg(span)
        panel.set_yticklabels([f"{emotion} ({sizes.get(emotion, 0)})" for emotion in labels])
        panel.set_xticklabels(rate.columns, rotation=45, ha="right", rotation_mode="anchor")
        panel.axvline(len(labels), color="white", linewidth=5)
        panel.set_title(model)
        panel.set_ylabel("true emotion (n images)")
        panel.set_xlabel("predicted, % of n")
    for panel in panels.ravel()[len(models) :]:
        panel.set_axis_off()
    return figure


def describe_confusion(table):
    """Describe the matrices of `confusion` in words."""
    off = table[table["true"] != table["predicted"]]
    worst = off.loc[off["rate"].idxmax()]
    return (
        f"Confusion matrices in percent of each true emotion; models: {listed(table['model'])}; dataset "
        f"{listed(table['dataset'])}. Largest share off the diagonal: {worst['model']}, {worst['true']} to "
        f"{worst['predicted']}, {percent(worst['rate'])}."
    )
