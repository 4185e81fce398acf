"""Calibration: how often the procedures of this audit, and of others, are right in audits whose truth is known.

`make calibrate` writes `calibration.csv`: a row for each design, procedure and quantity, with its Monte-Carlo error
and the bound that it should keep. Ours is the very code that makes `disparities.csv`.
"""

import argparse
import itertools
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from threadpoolctl import threadpool_limits

from ferlib import tables
from ferlib.stats import intervals, permutation
from ferlib.stats.clusters import effective_n, ratio, variance
from ferlib.stats.simulate import Design

RATES, ICCS, PEOPLE = (0.5, 0.75, 0.9, 0.97), (0.0, 0.02, 0.1, 0.3), (6, 12, 40)
DELTA = 0.1
BATCH = 50

REFERENCE_WIDTH = {
    (12, 15, 0.5): (0.150, 0.165, 0.221, 0.315),
    (12, 15, 0.9): (0.092, 0.101, 0.138, 0.202),
    (12, 15, 0.97): (0.055, 0.061, 0.086, 0.135),
    (6, 15, 0.9): (0.134, 0.145, 0.196, 0.287),
}
"""Mean widths, by people, images and rate, of the pooled interval without a group's own design effect, for `ICCS`."""


def designs():
    """The designs of `calibration.csv`.

    Returns
    -------
    list of ferlib.stats.simulate.Design
        `fair`: all rates alike; `unequal`: 1 to 15 images a person; `uneven`: one group's ICC is four times the
        others'; `planted`: one group's rate is lower by .25; `edge`: lower by just `DELTA`, so that `equivalent` is
        wrong.
    """
    grid = itertools.product(RATES, ICCS, PEOPLE)
    fair = [Design("fair", *cell, images) for cell in grid for images in (2, 15)]
    unequal = [Design("unequal", *cell, 0) for cell in itertools.product(RATES, ICCS, PEOPLE)]
    uneven = itertools.product(RATES, (0.02, 0.075), PEOPLE, (2, 15))
    planted = itertools.product((0.75, 0.9), ICCS, PEOPLE, (1, 15))
    edge = itertools.product((0.75, 0.9), ICCS, (12, 40), (15,))
    return [
        *fair,
        *unequal,
        *(Design("uneven", *cell, icc_factor=4.0) for cell in uneven),
        *(Design("planted", *cell, shift=0.25) for cell in planted if cell[1] == 0 or cell[3] > 1),
        *(Design("edge", *cell, shift=DELTA) for cell in edge),
    ]


def ours(design, count, n, *, alpha, draws, seed):
    """What this audit says about each simulated audit.

    Returns
    -------
    dict of str to numpy.ndarray
        One value a simulation for each quantity.
    """
    people, members = design.people_of(count, n), design.members
    sums = people.sums(members)
    a, b = permutation.pairs_of(design.groups)
    rate, truth = sums.rate, design.rates[:, None]
    low, high = intervals.score(rate, effective_n(sums, alpha=alpha), alpha=alpha)
    sides = rate[a], rate[b], (low[a], high[a]), (low[b], high[b])
    gap, quotient = truth[a] - truth[b], truth[a] / truth[b]
    differ = abs(design.rates[a] - design.rates[b]) > 1e-12
    covered = inside(low, truth, high)
    found = {
        "coverage": covered.mean(axis=0),
        "coverage_first": covered[0],
        "width": (high - low).mean(axis=0),
        "difference_coverage": inside(*intervals.difference(*sides), between=gap).mean(axis=0),
        "ratio_coverage": inside(*intervals.quotient(*sides), between=quotient).mean(axis=0),
    }
    z = np.abs(np.nan_to_num(permutation.clustered_z(sums)))
    null = permutation.largest(people, members, [np.eye(design.groups)], draws=draws, seed=seed)
    p = np.stack([permutation.step_down(z[:, k], null[:, :, k]) for k in range(z.shape[1])], axis=1)
    critical = np.maximum(norm.isf(alpha), np.quantile(null.max(axis=1), 1 - 2 * alpha, axis=0))
    low, high = intervals.score(rate, 1 / variance(sums), alpha=2 * norm.sf(critical))
    lowest, highest = intervals.difference(rate[a], rate[b], (low[a], high[a]), (low[b], high[b]))
    equivalent = (-DELTA < lowest) & (highest < DELTA) & (p > alpha)
    return {**found, **decisions(p <= alpha, differ), **wrongly_equal(equivalent, differ)}


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
    a, b = permutation.pairs_of(design.groups)
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


def bound_of(design, quantity, images_power):
    """The bound that a quantity of ours should keep: ("least" or "most", value), or None.

    Where no clustering is, correcting for it must cost no more than five points of the power that the test on images
    has at the same family-wise level.
    """
    if quantity == "power" and design.icc == 0 and design.images == 1:
        return "least", images_power - 0.05
    if quantity == "coverage":
        return "least", 0.94 if design.scenario == "fair" else 0.925
    if quantity in ("difference_coverage", "ratio_coverage"):
        return "least", 0.935
    if quantity in ("family_wise_error", "false_equivalence"):
        return "most", 0.06
    known = REFERENCE_WIDTH.get((design.people, design.images, design.rate))
    if quantity == "width" and known and design.scenario == "fair":
        return "most", 1.1 * known[ICCS.index(design.icc)]
    return None


def calibrate(design, *, simulations=2000, alpha=0.05, draws=299, bootstrap=100, seed=0):
    """Simulate audits of one design and see how often each procedure is right.

    Parameters
    ----------
    design : ferlib.stats.simulate.Design
    simulations : int
    alpha : float
    draws : int
        Shuffles of people in each audit, anew for every batch of audits.
    bootstrap : int
        Audits, at most, whose rows are resampled (200 times each).
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each procedure and quantity: the design's attributes, `procedure`, `quantity`, `value`, `mc_error`
        (standard error over simulations), `simulations`, `bound`, `keeps` (empty where there is no bound).
    """
    random = np.random.default_rng(seed)
    parts = {}
    for start in range(0, simulations, BATCH):
        count, n = design.draw(min(BATCH, simulations - start), random)
        said = {"ours": ours(design, count, n, alpha=alpha, draws=draws, seed=int(random.integers(2**31)))}
        said.update(on_images(design, count, n, alpha=alpha))
        if start < bootstrap:
            said["fairlearn"] = row_bootstrap(design, count, n, alpha=alpha, draws=200, random=random)
        for procedure, found in said.items():
            for quantity, values in found.items():
                parts.setdefault((procedure, quantity), []).append(values)
    rows, images_power = [], np.mean(np.concatenate(parts.get(("images, Holm", "power"), [np.zeros(1)])))
    for (procedure, quantity), values in parts.items():
        values = np.concatenate(values)
        ruled = bound_of(design, quantity, images_power) if procedure == "ours" else None
        side, bound = ruled or (None, None)
        value, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
        keeps = "" if side is None else "yes" if (value >= bound if side == "least" else value <= bound) else "no"
        text = "" if side is None else f"at {side} {bound:.4g}"
        rows.append((procedure, quantity, value, error, len(values), text, keeps))
    names = ["procedure", "quantity", "value", "mc_error", "simulations", "bound", "keeps"]
    return pd.DataFrame(rows, columns=names).assign(**asdict(design))


def _task(task):
    design, options = task
    with threadpool_limits(1):
        return calibrate(design, **options)


def run(chosen, *, workers, seed=0, **options):
    """Calibrate many designs side by side; the same result for any number of workers."""
    tasks = [(design, {**options, "seed": [seed, number]}) for number, design in enumerate(chosen)]
    if workers == 1:
        found = [_task(task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(_task, tasks))
    table = pd.concat(found, ignore_index=True)
    first = ["scenario", "rate", "icc", "people", "images", "shift", "icc_factor", "groups"]
    return table[[*first, *(name for name in table.columns if name not in first)]]


def main():
    """Command line: write calibration.csv and say which bounds are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    table = run(designs(), workers=given.workers, simulations=given.simulations)
    tables.write_csv(table, given.out)
    ruled = table[table["keeps"] != ""]
    missed = ruled[ruled["keeps"] == "no"]
    print(f"{given.out}: {len(ruled) - len(missed)} of {len(ruled)} bounds kept")
    if len(missed):
        print(missed.drop(columns=["procedure", "simulations", "groups", "keeps"]).to_string(index=False))
    sys.exit(0)


if __name__ == "__main__":
    main()
