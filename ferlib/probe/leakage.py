"""Leakage: what a classifier gains when other images of the person whom it reads were in its training part.

The same images are answered twice, by probes that had seen the person and by probes that had not. The difference is
paired by image and clustered by person, and it depends on how the lots of the split fell; its interval counts all
three.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ferlib.stats import counts
from ferlib.stats.accuracy import clustered

COLUMNS = (
    "dataset", "model", "n_images", "n_subjects", "n_splits", "accuracy_random", "random_low", "random_high",
    "accuracy_disjoint", "disjoint_low", "disjoint_high", "leakage", "ci_low", "ci_high", "sd_splits", "ci_method",
)  # fmt: skip

METHOD = "paired by image, clustered by person, several splits"


def leakage(answers, *, seen="random", unseen="identity-disjoint", alpha=0.05):
    """Compare two ways to split, for each dataset and model: the table `leakage.csv`.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns it; `repeat` numbers the splits, which are drawn alike for both ways.
    seen, unseen : str
        The `variant` whose training parts may hold the person, and the one whose never do.
    alpha : float
        One minus the confidence of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `leakage` = `accuracy_random` - `accuracy_disjoint`, averaged over the splits, and
        `sd_splits` its standard deviation over them.
    """
    rows = []
    for (dataset, model), part in answers.groupby(["dataset", "model"], sort=True):
        right = (part["outcome"] == part["true"]).astype(float)
        table = right.groupby([part["variant"], part["repeat"], part["subject_id"], part["image_id"]]).mean()
        wide = table.unstack("variant")[[seen, unseen]].dropna()
        gain = wide[seen] - wide[unseen]
        per_image = gain.groupby(["subject_id", "image_id"]).mean()
        per_split = gain.groupby("repeat").mean()
        low, high = paired(per_image, per_split, alpha=alpha)
        spread = per_split.std() if len(per_split) > 1 else np.nan
        row = [dataset, model, len(per_image), per_image.index.get_level_values(0).nunique(), len(per_split)]
        for variant in (seen, unseen):
            row += [wide[variant].mean(), *_interval(part[part["variant"] == variant], alpha)]
        rows.append((*row, per_image.mean(), low, high, spread, METHOD))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def paired(per_image, per_split, *, alpha=0.05):
    """Interval of a mean difference of paired outcomes, images clustered by person, splits drawn by lot.

    Parameters
    ----------
    per_image : pandas.Series
        Difference for each image, from -1 to 1, averaged over the splits; indexed by `subject_id` first.
    per_split : pandas.Series
        Mean difference of each split.
    alpha : float

    Returns
    -------
    low, high : float

    Notes
    -----
    The variance is that between people plus that between splits. For few or no differences a normal interval is too
    short, or a point: two images that differ, one in each direction, are added first (Bonett and Price 2012,
    Adjusted Wald confidence interval for a difference of binomial proportions based on paired data), in
    the measure of the effective number of images. Student's t with people - 1 degrees of freedom.
    """
    people = per_image.groupby(level="subject_id").agg(["sum", "size"])
    mean, square = per_image.mean(), (per_image**2).mean()
    size = (people["size"] ** 2).sum() / people["size"].sum()
    between = ((people["sum"] - people["size"] * mean) ** 2).sum() * len(people) / max(len(people) - 1, 1)
    alone = (square - mean**2) * len(per_image)
    effect = np.clip(between / alone, 1, size) if alone > 0 else size
    n = len(per_image) / effect
    centre, spread = mean * n / (n + 2), (square * n + 2) / (n + 2)
    lot = per_split.var() / len(per_split) if len(per_split) > 1 else 0.0
    reach = student.isf(alpha / 2, max(len(people) - 1, 1)) * np.sqrt((spread - centre**2) / (n + 2) + lot)
    return max(centre - reach, -1.0), min(centre + reach, 1.0)


def _interval(answers, alpha):
    """Clustered Wilson interval of the accuracy of one variant, its splits averaged."""
    (one,) = counts.tally(answers)
    return clustered(one.right, one.images, one.members("all").to_numpy(), alpha=alpha)[0]
