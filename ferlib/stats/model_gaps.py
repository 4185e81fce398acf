"""Model gaps: which of two models, asked about the same images, has the larger gap between two groups.

Two models that stumble over the same hard people are not independent. So each person's part in the one gap is set
against his part in the other, and only what is left varies.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ferlib.stats.arrays import ratio
from ferlib.stats.family import holm
from ferlib.stats.group_rates import clustered_variance, pooled_freedom
from ferlib.stats.groups import members_of, pairs_of

COLUMNS = (
    "dataset", "model_1", "model_2", "attribute", "group_a", "group_b", "subjects_a", "subjects_b", "gap_1", "gap_2",
    "difference", "low", "high", "p", "p_adjusted", "verdict",
)  # fmt: skip


def compare(all_counts, *, alpha=0.05, min_people=5):
    """Difference of the accuracy gaps of every two models: the table `model_gaps.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
        One of each model and dataset.
    alpha : float
        One minus the confidence of the intervals; family-wise error over the pairs of groups of two models.
    min_people : int
        A pair enters when each group has so many people that both models were asked about.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `gap_1` is the first model's accuracy in group a minus that in group b, both under one mix of
        emotions, `difference` = `gap_1` - `gap_2`, with Student's interval from people's own differences (Bell and
        McCaffrey's variance); `p_adjusted` is Holm's. `verdict` is `different` or `inconclusive`. People whose images
        the two models were not asked about alike are left out.
    """
    frames = [pd.DataFrame(columns=list(COLUMNS))]
    for one, other in combinations(all_counts, 2):
        if one.dataset == other.dataset:
            table = _of_two(one, other, alpha, min_people)
            if len(table):
                table["p_adjusted"] = holm(table["p"].to_numpy())
                table["verdict"] = np.where(table["p_adjusted"] <= alpha, "different", "inconclusive")
                frames.append(table.assign(dataset=one.dataset, model_1=one.model, model_2=other.model))
    return pd.concat(frames[1:] or frames, ignore_index=True)[list(COLUMNS)]


def _of_two(one, other, alpha, min_people):
    places = pd.Index(other.people["subject_id"]).get_indexer(one.people["subject_id"])
    shown = one.tensor.sum(axis=-1)
    same = (places >= 0) & np.isclose(shown, other.tensor[places].sum(axis=-1)).all(axis=1)
    people, n = one.people[same], shown[same]
    right = [np.diagonal(tensor, axis1=1, axis2=2) for tensor in (one.tensor[same], other.tensor[places[same]])]
    rows = []
    for attribute in one.scope.attributes:
        members = members_of(people[attribute])
        for a, b in zip(*pairs_of(len(members)), strict=True):
            sides = members.to_numpy()[[a, b]]
            common = ((n[sides[0]] > 0).sum(axis=0) >= min_people) & ((n[sides[1]] > 0).sum(axis=0) >= min_people)
            if not common.any():
                continue
            weights = ratio(np.where(common, n.sum(axis=0), 0), n.sum(axis=0)[common].sum())
            gaps, spread, freedom = np.zeros(2), np.zeros(2), np.zeros(2)
            for side, (inside, sign) in enumerate(zip(sides, (1, -1), strict=True)):
                scale = np.where(weights > 0, ratio(weights, n[inside].sum(axis=0), empty=0), 0)
                rate = [ratio(part[inside].sum(axis=0), n[inside].sum(axis=0), empty=0) for part in right]
                gaps += sign * np.array([weights @ value for value in rate])
                parts = [(part[inside] - n[inside] * value) @ scale for part, value in zip(right, rate, strict=True)]
                share = n[inside] @ scale
                spread[side] = clustered_variance(parts[0] - parts[1], share)
                freedom[side] = max(1 / (share**2).sum() - 1, 1)
            rows.append((attribute, *members.index[[a, b]], *sides.sum(axis=1), *gaps, spread, freedom))
    names = ["attribute", "group_a", "group_b", "subjects_a", "subjects_b", "gap_1", "gap_2"]
    table = pd.DataFrame([row[:-2] for row in rows], columns=names)
    if not rows:
        return table
    spread, freedom = (np.array([row[place] for row in rows]) for place in (-2, -1))
    error = np.sqrt(spread.sum(axis=1))
    freedom = pooled_freedom(spread.T, freedom.T)
    difference = (table["gap_1"] - table["gap_2"]).to_numpy()
    reach = student.isf(alpha / 2, freedom) * error
    # Where the two models never disagree about anybody, nothing varies and nothing differs.
    p = np.where(error > 0, 2 * student.sf(np.abs(ratio(difference, error, empty=0)), freedom), 1.0)
    return table.assign(difference=difference, low=difference - reach, high=difference + reach, p=p)
