"""Metrics that people report, by group: recall, precision, F1, false positives, prediction rates, and their gaps."""

import numpy as np
import pandas as pd

from ferlib.labels import EMOTIONS
from ferlib.stats import intervals
from ferlib.stats.accuracy import accuracy_by_group
from ferlib.stats.arrays import ratio
from ferlib.stats.outcomes import CONFIGURATION

MACRO = ("accuracy", "macro_recall", "macro_precision", "macro_f1")
ONE_LABEL = ("recall", "precision", "f1", "false_positive_rate", "prediction_rate")


def names(labels):
    """Every metric, and the label where it is about one against all others."""
    return [(name, "") for name in MACRO] + [(name, label) for name in ONE_LABEL for label in labels]


NAMES = names(EMOTIONS)
"""Those of the study's own labels."""


def values(tensor):
    """Every metric, in the order of `names`; NaN where nothing could be counted.

    Parameters
    ----------
    tensor : numpy.ndarray, shape (..., labels, outcomes)
        Images by true label and outcome, as in `ferlib.stats.counts.Counts`.

    Returns
    -------
    numpy.ndarray, shape (..., metrics)
        An image without an answer stays in the denominators of recall and of rates; precision knows answers only.
        Macro recall is the mean over the emotions that occur (balanced accuracy), macro precision and F1 those over
        the emotions that occur or are named, a mean of 0 where one is never named: as scikit-learn has them.
    """
    cells = tensor[..., : tensor.shape[-2]]
    hits, true, named = np.diagonal(cells, axis1=-2, axis2=-1), tensor.sum(axis=-1), cells.sum(axis=-2)
    total = true.sum(axis=-1, keepdims=True)
    recall, precision, f1 = ratio(hits, true), ratio(hits, named), ratio(2 * hits, true + named)
    occurs = true + named > 0
    of_all = [ratio(np.where(occurs, np.nan_to_num(one), 0).sum(-1), occurs.sum(-1)) for one in (precision, f1)]
    macro = [ratio(hits.sum(-1), total[..., 0]), ratio(np.nan_to_num(recall).sum(-1), (true > 0).sum(-1)), *of_all]
    single = [recall, precision, f1, ratio(named - hits, total - true), ratio(named, total + 0 * named)]
    return np.concatenate([np.stack(macro, axis=-1), *single], axis=-1)


def by_group(all_counts, *, alpha=0.05):
    """Every metric in every group: the table `metrics.csv`.

    The interval is Wilson's from as many independent images as the metric is worth: its error is the jackknife's, each
    person with all images left out in turn; where nothing varies, a person counts as one image. That of accuracy is the
    one in `accuracy_by_group.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float

    Returns
    -------
    pandas.DataFrame
        `dataset`, `model`, `variant`, `by`, `group`, `metric`, `label`, `n_images`, `n_subjects`, `value`, `error`
        (standard error), `ci_low`, `ci_high`.
    """
    frames = []
    for counts in all_counts:
        for by in counts.scope.described:
            for group, inside in counts.members(by).iterrows():
                own = counts.tensor[inside.to_numpy(bool)]
                frame = pd.DataFrame(names(counts.scope.labels), columns=["metric", "label"]).assign(
                    **_interval(own, alpha)
                )
                frame = frame.assign(**counts.configuration, by=by, group=group)
                frames.append(frame.assign(n_images=own.sum(), n_subjects=len(own)))
    keys, ends = [*CONFIGURATION, "by", "group"], ["ci_low", "ci_high"]
    columns = [*keys, "metric", "label", "n_images", "n_subjects", "value", "error", *ends]
    table = pd.concat(frames, ignore_index=True)[columns]
    known, one = accuracy_by_group(all_counts, alpha=alpha).set_index(keys)[ends], table["metric"] == "accuracy"
    table.loc[one, ends] = known.reindex(pd.MultiIndex.from_frame(table.loc[one, keys])).to_numpy()
    return table


def _interval(own, alpha):
    people, whole = len(own), own.sum(axis=0)
    value, left_out = values(whole), values(whole - own)
    known = np.isfinite(left_out)
    centre = ratio(np.where(known, left_out, 0).sum(axis=0), known.sum(axis=0))
    spread = np.where(known, left_out - centre, 0)
    error = np.sqrt((people - 1) / people * (spread**2).sum(axis=0))
    worth = np.where(error > 1e-12, ratio(value * (1 - value), error**2), people)
    worth = np.where(worth > 0, worth, people)
    worth = intervals.paid(np.where(np.isnan(value), 0, worth), max(people - 1, 1), alpha=alpha)
    low, high = intervals.score(value, worth, alpha=alpha)
    return {"value": value, "error": error, "ci_low": low, "ci_high": high}


def between(table):
    """How far the groups are apart in every metric: the table `metric_gaps.csv`.

    Parameters
    ----------
    table : pandas.DataFrame
        As `by_group` returns it, whose confidence is that of the intervals here.

    Returns
    -------
    pandas.DataFrame
        A row for each way to divide people and each metric: `lowest` and `highest` group, their `difference` and their
        `ratio` (lowest / highest: the four-fifths rule asks for .8), with intervals for these two groups. The metric
        `equalized_odds` is the larger one of the differences in recall and in false positives of a label. The largest
        of many gaps is large in a fair model, too: `gaps.csv` has the yardstick.
    """
    known = table[(table["by"] != "all") & table["value"].notna()]
    keys = [*CONFIGURATION, "by", "metric", "label"]
    low = known.loc[known.groupby(keys, sort=False)["value"].idxmin()].set_index(keys)
    high = known.loc[known.groupby(keys, sort=False)["value"].idxmax()].set_index(keys)
    (a, of_a), (b, of_b) = (
        (side["value"].to_numpy(), (side["ci_low"].to_numpy(), side["ci_high"].to_numpy())) for side in (high, low)
    )
    apart, shares = intervals.difference(a, b, of_a, of_b), intervals.risk_ratio(b, a, of_b, of_a)
    found = pd.DataFrame(
        {
            "lowest": low["group"], "highest": high["group"], "difference": a - b,
            "difference_low": apart[0], "difference_high": apart[1],
            "ratio": ratio(b, a), "ratio_low": shares[0], "ratio_high": shares[1],
        },
        index=low.index,
    )  # fmt: skip
    found = found.reset_index()
    odds = found[found["metric"].isin(["recall", "false_positive_rate"])]
    odds = odds.loc[odds.groupby([*CONFIGURATION, "by", "label"])["difference"].idxmax()]
    odds = odds.assign(metric="equalized_odds", **dict.fromkeys(("ratio", "ratio_low", "ratio_high"), np.nan))
    return pd.concat([found, odds], ignore_index=True)
