"""Interactions: does race matter alike for all genders, or is there something that only a race-gender group meets?

Two one-way gaps may add up to what the groups show, or not. The test asks whether the gender gap is the same in every
race. And since each group by itself has few people, its rate is also given drawn towards what race and gender add up
to, as far as the groups themselves say that they do add up.
"""

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import t as student

from ferlib.stats.arrays import ratio
from ferlib.stats.comparisons import Groups
from ferlib.stats.disparities import persons_of, standards_of
from ferlib.stats.family import holm
from ferlib.stats.group_rates import pooled_freedom
from ferlib.stats.omnibus import welch
from ferlib.stats.outcomes import CONFIGURATION

COLUMNS = (*CONFIGURATION, "measure", "true", "races", "smallest_gap", "largest_gap", "p", "p_adjusted", "verdict")

SHRUNKEN_COLUMNS = (
    *CONFIGURATION, "group", "n_subjects", "n_images", "rate", "additive", "shrunken", "low", "high", "weight",
)  # fmt: skip


def interactions(all_counts, *, alpha=0.05, min_people=5):
    """Test whether the gender gap is the same in every race: the table `interactions.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float
        Family-wise error over the measures of one model.
    min_people : int
        A race enters when both of its genders have so many people with an image.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `smallest_gap`, `largest_gap`: rate of the first gender minus that of the second, by race,
        all groups under one mix of emotions. `p` is that of Welch's analysis of variance of these gaps, `p_adjusted`
        Holm's over the measures; `verdict` is `intersectional`, `inconclusive`, or `not estimable` with fewer than
        two races of two genders. That a test does not reject does not show that effects add up. In an audit of other
        attributes the first stands for race, and what the others are together for gender.
    """
    return pd.concat([_tested(counts, alpha, min_people) for counts in all_counts], ignore_index=True)[list(COLUMNS)]


def _tested(counts, alpha, min_people):
    rates, names = _by_group(counts)
    asked = [(name, true) for name, true, _ in counts.scope.rates if name != "confusion"]
    table = pd.DataFrame(asked, columns=["measure", "true"])
    rows = []
    for measure in range(len(asked)):
        rate, people = rates.rate[:, measure], rates.people[:, measure]
        variance = _variance(rates, measure)
        known = (people >= min_people) & ~np.isnan(rate)
        gaps = []
        for pair in _pairs(names):
            if known[pair].all():
                of_pair, freedom = variance[pair], rates.freedom[pair, measure]
                gaps.append((rate[pair[0]] - rate[pair[1]], of_pair.sum(), pooled_freedom(of_pair, freedom).item()))
        gap, spread, freedom = np.array(gaps).reshape(-1, 3).T
        p = welch(gap, spread, freedom) if len(gap) > 1 else np.nan
        rows.append((len(gap), gap.min(initial=np.inf), gap.max(initial=-np.inf), p))
    table[["races", "smallest_gap", "largest_gap", "p"]] = rows
    table = table.astype({"races": int}).assign(p_adjusted=np.nan, verdict="not estimable", **counts.configuration)
    tested = table["p"].notna()
    table.loc[table["races"] == 0, ["smallest_gap", "largest_gap"]] = np.nan
    if tested.any():
        table.loc[tested, "p_adjusted"] = holm(table.loc[tested, "p"].to_numpy())
        found = table["p_adjusted"] <= alpha
        table.loc[tested, "verdict"] = np.where(found[tested], "intersectional", "inconclusive")
    return table


def _pairs(names):
    """Positions of the two genders of each race that has two, in one order of genders."""
    genders = sorted({gender for _, gender in names})
    at = {name: place for place, name in enumerate(names)}
    if len(genders) != 2:
        return []
    races = sorted({race for race, _ in names})
    found = [[at.get((race, gender), -1) for gender in genders] for race in races]
    return [np.array(pair) for pair in found if min(pair) >= 0]


def _by_group(counts):
    """Rates of the race-gender groups under one mix of emotions, and (race, gender) of each."""
    members = counts.members("group")
    measures, standards = len(counts.scope.rates), standards_of(counts.scope)
    rates, _ = Groups.of(persons_of(counts), members.to_numpy()).under_one_mix(measures, standards)
    first, *others = counts.scope.base
    people = [counts.people[inside].iloc[0] for inside in members.to_numpy()]
    return rates, [(person[first], " ".join(person[others])) for person in people]


def _variance(rates, measure):
    """Variance of each group's rate; pulled off 0 by half an image, where nobody or everybody has the outcome."""
    rate, worth = rates.rate[:, measure], rates.worth[:, measure]
    pulled = (rate * worth + 0.5) / (worth + 1)
    return ratio(pulled * (1 - pulled), worth)


def shrunken(all_counts, *, alpha=0.05):
    """Accuracy of each race-gender group, drawn towards what race and gender add up to: `shrunken.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float
        One minus the confidence of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns `SHRUNKEN_COLUMNS`. `rate` is the group's own under one mix of emotions, `additive` that of a fit of
        race and gender without their interaction, `shrunken` between the two; `weight` is the own rate's part. The
        interval holds in the mean over the groups of one model, not for a single one that stands out.

    Notes
    -----
    Fay and Herriot (1979): the variance between groups beyond race and gender is that at which the weighted squares of
    the residuals are as large as expected (Paule and Mandel 1982); its own uncertainty widens the intervals as in
    Morris (1983).
    """
    return pd.concat([_shrunken(counts, alpha) for counts in all_counts], ignore_index=True)[list(SHRUNKEN_COLUMNS)]


def _shrunken(counts, alpha):
    rates, names = _by_group(counts)
    rate, variance = rates.rate[:, 0], _variance(rates, 0)
    known = ~np.isnan(rate) & (variance > 0)
    design = pd.get_dummies(pd.DataFrame(names, columns=["race", "gender"]), drop_first=True, dtype=float)
    design = np.c_[np.ones(len(names)), design.to_numpy()][known]
    value, own = rate[known], variance[known]
    spare = len(value) - np.linalg.matrix_rank(design)
    between = between_variance(value, own, design)
    line, of_line, _ = _fit(value, own, design, between)
    # With hardly a group to spare nothing tells how far race and gender add up: the own rate is kept.
    pull = own / (between + own) * (spare - 2) / spare if spare > 2 else np.zeros_like(own)
    mean = value - pull * (value - line)
    spread = (1 - pull) * own + pull**2 * of_line
    if spare > 2:
        spread += 2 / spare * pull**2 * (value - line) ** 2
    reach = student.isf(alpha / 2, rates.freedom[known, 0]) * np.sqrt(spread)
    table = pd.DataFrame({"group": counts.members("group").index, "n_subjects": rates.people[:, 0]})
    table = table.assign(n_images=rates.n[:, 0], rate=rate, **counts.configuration)
    table.loc[known, ["additive", "shrunken", "low", "high", "weight"]] = np.c_[
        line, np.clip(np.c_[mean, mean - reach, mean + reach], 0, 1), 1 - pull
    ]
    return table


def between_variance(value, own, design):
    """Variance between groups beyond a fit: where the weighted squares of the residuals are as large as expected.

    Parameters
    ----------
    value, own : numpy.ndarray, shape (groups,)
        Rates and their variances.
    design : numpy.ndarray, shape (groups, terms)

    Returns
    -------
    float
        0 where the groups lie as near to the fit as their own variances let expect.
    """
    spare = len(value) - np.linalg.matrix_rank(design)

    def excess(between):
        line, _, weight = _fit(value, own, design, between)
        return (weight * (value - line) ** 2).sum() - spare

    return brentq(excess, 0, 1) if spare > 0 and excess(0) > 0 else 0.0


def _fit(value, own, design, between):
    """Weighted least squares: fitted values, their variances, and the weights."""
    weight = 1 / (own + between)
    root = np.sqrt(weight)[:, None]
    coefficients = np.linalg.lstsq(root * design, root[:, 0] * value, rcond=None)[0]
    inverse = np.linalg.pinv((root * design).T @ (root * design))
    return design @ coefficients, ((design @ inverse) * design).sum(axis=1), weight
