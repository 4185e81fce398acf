"""Recipes: what other procedures say about simulated audits, and how often any procedure is right."""

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from ferlib.stats import intervals
from ferlib.stats.arrays import ratio
from ferlib.stats.groups import pairs_of


def inside(low, middle, high=None, *, between=None):
    """Whether intervals cover the truth: `inside(low, truth, high)` or `inside(low, high, between=truth)`."""
    if between is not None:
        middle, high = between, middle
    return ((low <= middle + 1e-12) & (middle - 1e-12 <= high)).astype(float)


def decisions(rejected, differ):
    """Family-wise error over the contrasts that do not differ, and power over those that do."""
    found = {"family_wise_error": rejected[~differ].any(axis=0).astype(float)}
    return {**found, "power": rejected[differ].mean(axis=0)} if differ.any() else found


def wrongly_equal(equivalent, differ):
    """Whether any contrast that differs is called equivalent, and how many that do not differ are."""
    share = {"equivalent_found": equivalent[~differ].mean(axis=0)}
    return {"false_equivalence": equivalent[differ].any(axis=0).astype(float), **share} if differ.any() else share


def on_images(design, count, n, *, alpha):
    """The study's recipe, every p < alpha, and the same test with Holm's correction.

    Returns
    -------
    dict of str to dict
        Quantities by procedure.
    """
    a, b = pairs_of(design.groups)
    hits, images = design.members.astype(float) @ count, (design.members.astype(float) @ n)[:, None]
    common = (hits[a] + hits[b]) / (images[a] + images[b])
    error = np.sqrt(common * (1 - common) * (1 / images[a] + 1 / images[b]))
    p = 2 * norm.sf(np.abs(ratio(hits[a] / images[a] - hits[b] / images[b], error, empty=0)))
    differ = abs(design.rates[a] - design.rates[b]) > 1e-12
    return {"study": decisions(p < alpha, differ), "images, Holm": decisions(holm(p, alpha=alpha), differ)}


def holm(p, *, alpha):
    """Which tests Holm's step-down rejects; p and the result have shape (contrasts, simulations).

    statsmodels has it too, but collects garbage at each call, which takes longer than the whole simulation.
    """
    order = np.argsort(p, axis=0, kind="stable")
    passed = np.take_along_axis(p, order, axis=0) <= alpha / np.arange(len(p), 0, -1)[:, None]
    rejected = np.empty_like(passed)
    np.put_along_axis(rejected, order, np.logical_and.accumulate(passed, axis=0), axis=0)
    return rejected


def pooled_only(design, count, n, *, alpha):
    """Wilson's intervals with one ICC for all groups, whatever a group's own people do: simple, and the narrowest."""
    members = design.members.astype(float)
    images = (members @ n)[:, None]
    size = ((members @ n**2) / (members @ n))[:, None]
    effect = 1 + (size - 1) * np.nan_to_num(design.persons_of(count, n).icc, nan=1.0)
    freedom = len(n) - design.groups if n.max() > 1 else np.inf
    shrunk = (norm.isf(alpha / 2) / student.isf(alpha / 2, freedom)) ** 2
    low, high = intervals.score(members @ count / images, images / effect * shrunk, alpha=alpha)
    return _coverage(design, low, high)


def cluster_robust(design, count, n, *, alpha):
    """The usual interval: Bell and McCaffrey's variance of each group by itself, Student's t with people - 1."""
    members = design.members.astype(float)
    images = (members @ n)[:, None]
    rate, share = members @ count / images, (n / (members.T @ images)[:, 0])[:, None]
    above = (count - (members.T @ rate) * n[:, None]) / (members.T @ images)
    reach = np.sqrt(members @ (above**2 / (1 - share))) * student.isf(alpha / 2, design.people - 1)
    return _coverage(design, np.maximum(rate - reach, 0), np.minimum(rate + reach, 1))


def _coverage(design, low, high):
    covered = inside(low, design.rates[:, None], high)
    return {"coverage": covered.mean(axis=0), "coverage_first": covered[0], "width": (high - low).mean(axis=0)}


def row_bootstrap(design, count, n, *, alpha, draws, random):
    """Percentile intervals from resampled rows, as fairlearn's `MetricFrame(n_boot=...)` makes them.

    Resampling all rows with replacement draws the counts of each group's right and wrong answers from one
    multinomial distribution, so the rows themselves are not needed.
    """
    hits, images = design.members.astype(float) @ count, design.members.astype(float) @ n
    share = np.concatenate([hits, images[:, None] - hits]) / images.sum()
    found = {"coverage": [], "width": [], "gap_above_zero": []}
    for column in share.T:
        right, wrong = np.split(random.multinomial(int(images.sum()), column, size=draws), 2, axis=1)
        rates = ratio(right, right + wrong)
        low, high = np.nanquantile(rates, (alpha / 2, 1 - alpha / 2), axis=0)
        spans = np.nanmax(rates, axis=1) - np.nanmin(rates, axis=1)
        found["coverage"].append(inside(low, design.rates, high).mean())
        found["width"].append((high - low).mean())
        found["gap_above_zero"].append(float(np.quantile(spans, alpha / 2) > 0))
    return {name: np.array(values) for name, values in found.items()}
