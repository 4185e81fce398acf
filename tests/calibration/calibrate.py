"""Calibration: how often the procedures of this audit, and of others, are right in audits whose truth is known.

`make calibrate` writes `calibration.csv` (audits of one measure, people of a beta-binomial model) and
`calibration_people.csv` (whole audits of uneven designs, people of four other models): a row for each design,
procedure and quantity, with its Monte-Carlo error and the bound that it should keep. Ours is the very code that makes
`disparities.csv`: its tests, family, intervals and rule.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import whole_audits
from rivals import cluster_robust, decisions, inside, on_images, pooled_only, row_bootstrap, wrongly_equal
from simulate import Design
from threadpoolctl import threadpool_limits

from ferlib import tables
from ferlib.stats import disparities, family, intervals, verdicts
from ferlib.stats.comparisons import Groups
from ferlib.stats.groups import pairs_of

RATES, ICCS, PEOPLE = (0.5, 0.75, 0.9, 0.97), (0.0, 0.02, 0.1, 0.3), (6, 12, 40)
DELTA = 0.1
BATCH = 50

LEAST = {"coverage": 0.94, "coverage_first": 0.925, "difference_coverage": 0.935, "ratio_coverage": 0.935}
"""Least coverage of 95 % intervals: of all rates, of the odd group's own, of differences and of ratios."""

MOST = {"family_wise_error": 0.06, "false_equivalence": 0.06}
"""Highest chance of any false `different`, and of any false `equivalent`."""

WIDER = 1.15
"""How much wider than the narrowest valid alternative of the same design intervals may be."""


def designs():
    """The designs of `calibration.csv`.

    Returns
    -------
    list of simulate.Design
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
    groups = groups_of(design, count, n, draws=draws, seed=seed)
    rates, truth, (a, b) = groups.rates, design.rates[:, None], pairs_of(design.groups)
    low, high = intervals.jeffreys(rates.rate, rates.paid(alpha), alpha=alpha)
    both = rates.rate[a], rates.rate[b], (low[a], high[a]), (low[b], high[b])
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
    verdict = verdicts_of(groups, alpha=alpha)
    return {**found, **decisions(verdict == "different", differ), **wrongly_equal(verdict == "equivalent", differ)}


def groups_of(design, count, n, *, draws, seed):
    """The groups of many simulated audits, each a measure, which share their draws of deviations."""
    persons = design.persons_of(count, n)
    drawn = family.deviations(persons.above, design.members, draws=draws, seed=seed)
    return Groups.of(persons, design.members, np.eye(design.groups), drawn)


def verdicts_of(groups, *, alpha):
    """The verdicts of `disparities.judge` about many simulated audits, a family each; shape (pairs, simulations)."""
    a, b, error, _ = groups.pairs(groups.rates.rate.shape[1], ())
    p, least, _ = disparities.clustered_test(a, b)
    null, (bound, adjusted) = family.chances(error), np.empty((2, *p.shape))
    share = np.full(len(p), 1 / len(p))
    for k in range(p.shape[1]):
        one = family.Division.of(p[:, k], least[:, k], null[:, :, k], share, alpha=alpha)
        bound[:, k], adjusted[:, k] = one.bound, one.p_adjusted
    ends = disparities.simultaneous(a, b, bound, adjusted <= alpha)
    return verdicts.rule(adjusted, *ends, alpha=alpha, delta=DELTA)


def bound_of(design, quantity, others):
    """The bound that a quantity of ours should keep: ("least" or "most", value), or None.

    Where no clustering is, correcting for it must cost no more than five points of the power that the test on images
    has at the same family-wise level. `others` holds the means of the other procedures by procedure and quantity.
    """
    if quantity == "power" and design.icc == 0 and design.images == 1:
        return "least", others["images, Holm", "power"] - 0.05
    if quantity == "coverage_first" and design.scenario != "uneven":
        return None
    if quantity in LEAST:
        return "least", LEAST[quantity]
    if quantity in MOST:
        return "most", MOST[quantity]
    if quantity == "width" and design.scenario == "fair":
        valid = [others[name, "width"] for name in ("pooled ICC only", "cluster-robust t")
                 if others[name, "coverage"] >= LEAST["coverage"]]  # fmt: skip
        return ("most", WIDER * min(valid)) if valid else None
    return None


def calibrate(design, *, simulations=600, alpha=0.05, draws=299, bootstrap=100, seed=0):
    """Simulate audits of one design and see how often each procedure is right.

    Parameters
    ----------
    design : simulate.Design
    simulations : int
    alpha : float
    draws : int
        Draws of deviations in each audit, anew for every batch of audits.
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
        said["cluster-robust t"] = cluster_robust(design, count, n, alpha=alpha)
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
    """Command line: write both tables and say which bounds are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--simulations", type=int, default=600)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    table = run(designs(), workers=given.workers, simulations=given.simulations)
    tables.write_csv(table, given.out)
    ruled = table[table["keeps"] != ""]
    missed = ruled[ruled["keeps"] != "yes"]
    print(f"{given.out}: {len(ruled) - len(missed)} of {len(ruled)} bounds kept")
    if len(missed):
        print(missed.drop(columns=["procedure", "simulations", "groups"]).to_string(index=False))
    people = whole_audits.run(range(whole_audits.DESIGNS), workers=given.workers)
    tables.write_csv(people, given.out.with_name(f"{given.out.stem}_people.csv"))
    print(whole_audits.summary(people).to_string())


if __name__ == "__main__":
    main()
