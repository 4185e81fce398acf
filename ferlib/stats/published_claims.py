"""Claims: what published counts say when they get denominators, intervals and a family.

The study printed counts of mistakes without the number of images that they are counts of. Every denominator here is
our derivation and rests on an assumption, which the table of claims names.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from ferlib.stats import intervals
from ferlib.stats.arrays import ratio
from ferlib.stats.family import holm
from ferlib.stats.groups import pairs_of
from ferlib.stats.proportions import mid_p, two_proportion_z

COLUMNS = ("claim", "source", "published", "recomputed", "assumption", "value", "low", "high", "p", "verdict")

SMALL = 5  # below this expected count, in any of the four cells of a contrast, z is a rough guess


def possible_counts(percent, total):
    """Whole numbers of images that a share, printed in percent with two decimals, can stand for.

    Examples
    --------
    >>> possible_counts(5.11, 1488)
    [76]
    """
    near = round(percent * total / 100)
    share = round(100 * percent)  # hundredths of a percent
    return [k for k in range(max(0, near - 2), near + 3) if abs(k * 10_000 - share * total) <= total / 2]


def images_of_groups(composition, people):
    """Images of each emotion in each race-gender group, if every person shows every emotion equally often.

    Parameters
    ----------
    composition : pandas.DataFrame
        Columns `race`, `emotion`, `n_images`, of one dataset.
    people : pandas.DataFrame
        Columns `group`, `race`, `n_people`.

    Returns
    -------
    pandas.DataFrame
        Columns `group`, `true`, `n` (the race's images divided in proportion to people), `n_most` (as many as if no
        image were missing) and `n_least` (as if all missing images of the race were of this group).
    """
    of_race = people.groupby("race")["n_people"].sum().rename("of_race")
    table = people.merge(of_race.reset_index()).merge(composition.rename(columns={"emotion": "true"}), on="race")
    each = np.ceil(table["n_images"] / table["of_race"])
    missing = each * table["of_race"] - table["n_images"]
    table["n_most"] = (each * table["n_people"]).astype(int)
    table["n_least"] = (table["n_most"] - missing).astype(int)
    table["n"] = np.round(table["n_images"] * table["n_people"] / table["of_race"]).astype(int)
    return table[["group", "race", "gender", "true", "n", "n_least", "n_most"]]


def compare(count_a, n_a, count_b, n_b, *, alpha=0.05, design_effect=1.0):
    """Two published rates against each other.

    Parameters
    ----------
    count_a, n_a, count_b, n_b : array_like, shape (contrasts,)
    alpha, design_effect : float
        A design effect of 1 takes each image for another person; one of the number of images a person takes each
        person for one image, the worst case.

    Returns
    -------
    pandas.DataFrame
        `rate_a`, `rate_b`, `risk_ratio`, `rr_low`, `rr_high`, `p` (pooled z with the design effect) and, for a design
        effect of 1, `p_exact` (Fisher's with mid-p) where a cell is small.
    """
    numbers = [np.atleast_1d(np.asarray(part, dtype=float)) for part in (count_a, n_a, count_b, n_b)]
    a, trials_a, b, trials_b = numbers
    rate_a, rate_b = a / trials_a, b / trials_b
    ends = [
        intervals.score(rate, trials / design_effect, alpha=alpha)
        for rate, trials in ((rate_a, trials_a), (rate_b, trials_b))
    ]
    low, high = intervals.risk_ratio(rate_a, rate_b, *ends)
    z, _ = two_proportion_z(*numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {"rate_a": rate_a, "rate_b": rate_b, "risk_ratio": rate_a / rate_b, "rr_low": low, "rr_high": high}
    columns["p"] = 2 * norm.sf(np.abs(z) / np.sqrt(design_effect))
    common = ratio(a + b, trials_a + trials_b)
    small = np.minimum(common, 1 - common) * np.minimum(trials_a, trials_b) < SMALL
    columns["p_exact"] = np.where(small & (design_effect == 1), mid_p(*numbers)[0], np.nan)
    return pd.DataFrame(columns)


def contrasts(counts, *, alpha=0.05, design_effect=1.0):
    """Every contrast of two races, two genders and two groups in every pair of emotions.

    Parameters
    ----------
    counts : pandas.DataFrame
        Columns `true`, `predicted`, `group`, `race`, `gender`, `count`, `n`.
    alpha, design_effect : float
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        A row for each contrast that has any mistake, with the columns of `compare` and `p_holm`, which controls the
        family-wise error over all of them; the exact p-value enters it where a cell is small.
    """
    frames = []
    for attribute in ("race", "gender", "group"):
        summed = counts.groupby(["true", "predicted", attribute], as_index=False)[["count", "n"]].sum()
        for (true, predicted), part in summed.groupby(["true", "predicted"]):
            a, b = (part.iloc[chosen].reset_index(drop=True) for chosen in pairs_of(len(part)))
            frame = compare(a["count"], a["n"], b["count"], b["n"], alpha=alpha, design_effect=design_effect)
            named = {"attribute": attribute, "true": true, "predicted": predicted}
            sides = {"group_a": a[attribute], "group_b": b[attribute], "count_a": a["count"], "n_a": a["n"]}
            frames.append(frame.assign(**named, **sides, count_b=b["count"], n_b=b["n"]))
    table = pd.concat(frames, ignore_index=True)
    table = table[table["p"].notna()].reset_index(drop=True)
    table["p_holm"] = holm(table["p_exact"].fillna(table["p"]).to_numpy())
    return table
