"""Calibration: how often the procedures of this audit, and of others, are right in audits whose truth is known.

`make calibrate` writes `calibration.csv`: a row for each design, procedure and quantity, with its Monte-Carlo error
and the bound that it should keep. Ours is the very code that makes `disparities.csv`: its tests, family and rule.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from rivals import decisions, inside, on_images, pooled_only, row_bootstrap, wrongly_equal
from simulate import Design
from threadpoolctl import threadpool_limits

from ferlib import tables
from ferlib.stats import disparities, intervals, permutation, verdicts
from ferlib.stats.clusters import effective_n
from ferlib.stats.groups import pairs_of

RATES, ICCS, PEOPLE = (0.5, 0.75, 0.9, 0.97), (0.0, 0.02, 0.1, 0.3), (6, 12, 40)
DELTA = 0.1
BATCH = 50

COVERAGE = {"fair": 0.94, "unequal": 0.925, "uneven": 0.925}
"""Least coverage of 95 % intervals of a rate, by scenario."""

REFERENCE_WIDTH = {
    (12, 15, 0.5): (0.150, 0.165, 0.221, 0.315),
    (12, 15, 0.9): (0.092, 0.101, 0.138, 0.202),
    (12, 15, 0.97): (0.055, 0.061, 0.086, 0.135),
    (6, 15, 0.9): (0.134, 0.145, 0.196, 0.287),
}
"""Mean widths, by people, images and rate, of intervals from the pooled ICC alone, for `ICCS`: a recorded trial. Where
it has none, the widths of such intervals in the same simulations (procedure `pooled ICC only`) take its place."""


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
    rate, truth, (a, b) = sums.rate, design.rates[:, None], pairs_of(design.groups)
    low, high = intervals.score(rate, effective_n(sums, alpha=alpha), alpha=alpha)
    both = rate[a], rate[b], (low[a], high[a]), (low[b], high[b])
    gap, risk_ratio = truth[a] - truth[b], truth[a] / truth[b]
    differ = abs(design.rates[a] - design.rates[b]) > 1e-12
    covered = inside(low, truth, high)
    within = inside(*intervals.difference(*both), between=gap)
    found = {
        "coverage": covered.mean(axis=0),
        "coverage_first": covered[0],
        "width": (high - low).mean(axis=0),
        "difference_coverage": within.mean(axis=0),
        "difference_coverage_first": within[a == 0].mean(axis=0),
        "ratio_coverage": inside(*intervals.risk_ratio(*both), between=risk_ratio).mean(axis=0),
    }
    verdict = verdicts_of(people, sums, members, alpha=alpha, draws=draws, seed=seed)
    return {**found, **decisions(verdict == "different", differ), **wrongly_equal(verdict == "equivalent", differ)}


def verdicts_of(people, sums, members, *, alpha, draws, seed):
    """The verdicts of `disparities.judge` about many simulated audits that share their shuffles; (pairs, simulations).

    Each simulation is a measure of `people`, and a family of its own.
    """
    null = permutation.largest(people, members, [np.eye(len(members))], draws=draws, seed=seed)
    shape = null.shape[1:]
    tests = disparities.clustered_tests(sums)
    simulation = np.tile(np.arange(shape[1]), shape[0])
    p, critical = np.empty(shape), np.empty(shape[1])
    for k, own in tests.groupby(simulation):
        family = disparities.family_of(own, null[:, :, k], own["z"].notna().to_numpy(), alpha=alpha)
        p[:, k], critical[k] = family.p_adjusted, family.critical_equivalent
    return verdicts.rule(p, *disparities.simultaneous(sums, critical), alpha=alpha, delta=DELTA)


def bound_of(design, quantity, others):
    """The bound that a quantity of ours should keep: ("least" or "most", value), or None.

    Where no clustering is, correcting for it must cost no more than five points of the power that the test on images
    has at the same family-wise level. `others` holds the means of the other procedures by procedure and quantity.
    """
    if quantity == "power" and design.icc == 0 and design.images == 1:
        return "least", others["images, Holm", "power"] - 0.05
    if quantity == "coverage" and design.scenario in COVERAGE:
        return "least", COVERAGE[design.scenario]
    if quantity == "coverage_first" and design.scenario == "uneven":
        return "least", COVERAGE["uneven"]
    if quantity in ("difference_coverage", "ratio_coverage"):
        return "least", 0.935
    if quantity in ("family_wise_error", "false_equivalence"):
        return "most", 0.06
    if quantity == "width" and design.scenario == "fair":
        known = REFERENCE_WIDTH.get((design.people, design.images, design.rate))
        return "most", 1.1 * (known[ICCS.index(design.icc)] if known else others["pooled ICC only", "width"])
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
        (standard error over simulations), `simulations`, `bound`, `keeps`: `yes`, `within error` when it is missed by
        no more than two standard errors, `no`, or empty where there is no bound.
    """
    random = np.random.default_rng(seed)
    parts = {}
    for start in range(0, simulations, BATCH):
        count, n = design.draw(min(BATCH, simulations - start), random)
        said = {"ours": ours(design, count, n, alpha=alpha, draws=draws, seed=int(random.integers(2**31)))}
        said.update(on_images(design, count, n, alpha=alpha))
        said["pooled ICC only"] = pooled_only(design, count, n, alpha=alpha)
        if start < bootstrap:
            said["fairlearn"] = row_bootstrap(design, count, n, alpha=alpha, draws=200, random=random)
        for procedure, found in said.items():
            for quantity, values in found.items():
                parts.setdefault((procedure, quantity), []).append(values)
    rows, parts = [], {key: np.concatenate(values) for key, values in parts.items()}
    others = {key: values.mean() for key, values in parts.items()}
    for (procedure, quantity), values in parts.items():
        ruled = bound_of(design, quantity, others) if procedure == "ours" else None
        side, bound = ruled or (None, None)
        value, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
        rows.append((procedure, quantity, value, error, len(values), *judged(value, error, side, bound)))
    names = ["procedure", "quantity", "value", "mc_error", "simulations", "bound", "keeps"]
    return pd.DataFrame(rows, columns=names).assign(**asdict(design))


def judged(value, error, side, bound):
    """The bound in words, and whether it is kept."""
    if side is None:
        return "", ""
    excess = bound - value if side == "least" else value - bound
    keeps = "yes" if excess <= 0 else "within error" if excess <= 2 * error else "no"
    return f"at {side} {bound:.4g}", keeps


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
    missed = ruled[ruled["keeps"] != "yes"]
    print(f"{given.out}: {len(ruled) - len(missed)} of {len(ruled)} bounds kept")
    if len(missed):
        print(missed.drop(columns=["procedure", "simulations", "groups"]).to_string(index=False))


if __name__ == "__main__":
    main()
