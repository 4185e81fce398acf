"""Whole audits of simulated people: every contrast of every measure, through `disparities()` itself, and its truth."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
from people import GROUPS, design
from rivals import holm
from scipy.stats import t as student
from threadpoolctl import threadpool_limits

from ferlib.stats import accuracy, disparities, gaps, interactions
from ferlib.stats.arrays import ratio
from ferlib.stats.counts import MEASURES, measure, silence

DESIGNS = 160
"""Designs; those with an odd number are held back until the audit is finished."""

DELTA, MIN_PEOPLE = 0.05, 5

SAME = 1e-6
"""Expected rates this close are the same."""

BOUNDS = {
    "false_different": ("most", 0.06), "false_equivalent": ("most", 0.06), "coverage": ("least", 0.94),
    "coverage_odd": ("least", 0.925), "difference_coverage": ("least", 0.935), "wider": ("most", 1.15),
    "bonferroni_missed": ("most", 0.0), "contradictions": ("most", 0.0), "less_power": ("most", 0.05),
    "false_gap": ("most", 0.06), "false_interaction": ("most", 0.06), "shrunken_coverage": ("least", 0.925),
}  # fmt: skip
"""Bounds of the mean over all designs of a half, and what each quantity is:

any contrast called `different` that has no difference, or the other sign; any called `equivalent` that differs by
`DELTA` or more; coverage of the groups' accuracies, of that of the group whose people differ most, and of differences
of accuracies; width beside the cluster-robust t interval where that is valid; contrasts below clustered Bonferroni that
are not called different; verdicts that their own interval contradicts; power for accuracy by race and gender that Holm
over the primary family has beyond ours; gap of accuracy with p at most alpha in fair audits; an interaction of race and
gender called where effects add up; coverage of the shrunken rates of race-gender groups."""


def differences(counts, expected, table):
    """True difference of every row of `disparities.csv`: of expected rates, where it applies under the common mix."""
    truth = np.full(len(table), np.nan)
    columns = [MEASURES.index(key) for key in zip(table["measure"], table["true"], table["predicted"], strict=True)]
    shown, mix = counts.tensor.sum(axis=-1), counts.tensor.sum(axis=(0, -1))
    for (attribute, *pair), rows in table.groupby(["attribute", "group_a", "group_b"], sort=False).indices.items():
        sides = [(counts.people[attribute] == group).to_numpy() for group in pair]
        rates = [ratio(*(part[inside].sum(axis=0) for part in measure(expected))) for inside in sides]
        silent = [ratio(*(part[inside].sum(axis=0) for part in silence(expected))) for inside in sides]
        common = np.all([(shown[inside] > 0).sum(axis=0) >= MIN_PEOPLE for inside in sides], axis=0)
        weights = ratio(np.where(common, mix, 0), np.where(common, mix, 0).sum())
        found = rates[0] - rates[1]
        found[0] = np.nansum(weights * (rates[0] - rates[1])[2:9]) if common.any() else np.nan
        found[1] = np.nansum(weights * (silent[0] - silent[1])) if common.any() else np.nan
        truth[rows] = found[np.array(columns)[rows]]
    return truth


def cluster_robust(counts, members, alpha):
    """The usual interval of each group's accuracy: Bell and McCaffrey's variance, Student's t with people - 1."""
    ends = []
    for inside in members:
        hits, images = counts.right[inside], counts.images[inside]
        rate, share = hits.sum() / images.sum(), images / images.sum()
        square = ((hits - rate * images) / images.sum()) ** 2
        error = np.sqrt((square / np.maximum(1 - share, 1e-9)).sum())
        reach = student.isf(alpha / 2, max(len(hits) - 1, 1)) * error
        ends.append((max(rate - reach, 0), min(rate + reach, 1)))
    return np.array(ends)


def audit(one, random, *, alpha, draws):
    """Audit one simulated set of answers and hold it against its truth; a dict of quantities."""
    counts, expected = one.draw(random)
    table = disparities.disparities([counts], alpha=alpha, delta=DELTA, draws=draws, seed=int(random.integers(2**31)))
    truth = differences(counts, expected, table)
    verdict, between = table["verdict"], table["risk_difference"]
    different, estimable = (verdict == "different").to_numpy(), table["p_cluster"].notna()
    found = {
        "false_different": (different & ((abs(truth) < SAME) | (np.sign(truth) != np.sign(between)))).any(),
        "false_equivalent": ((verdict == "equivalent") & (abs(truth) >= DELTA)).any(),
        "equivalent": (verdict == "equivalent").mean(),
        "bonferroni_missed": (table["p_cluster"] <= alpha / max(estimable.sum(), 1))[~different].sum(),
        "contradictions": (different != ((table["sim_low"] > 0) | (table["sim_high"] < 0)))[estimable].sum(),
    }
    rows = table[(table["measure"] == "accuracy") & estimable]
    if len(rows):
        of_rows = truth[rows.index]
        found["difference_coverage"] = ((rows["rd_low"] <= of_rows) & (of_rows <= rows["rd_high"])).mean()
    members = counts.members("group")
    names, inside = np.array(members.index), members.to_numpy()
    ends = accuracy.clustered(counts.right, counts.images, inside, alpha=alpha)
    theirs = cluster_robust(counts, inside, alpha)
    right = np.array([np.trace(expected[who][..., :7], axis1=1, axis2=2).sum() / expected[who].sum() for who in inside])
    enough = inside.sum(axis=1) >= MIN_PEOPLE
    within, theirs_within = (((low <= right) & (right <= high))[enough] for low, high in (ends.T, theirs.T))
    odd = names[enough] == " ".join(GROUPS[int(np.argmax(one.spread))])
    widths = [(part[:, 1] - part[:, 0])[enough].mean() for part in (ends, theirs)]
    found |= {"coverage": within.mean(), "coverage_robust": theirs_within.mean(), "width": widths[0]}
    found |= {"width_robust": widths[1], **({"coverage_odd": within[odd].mean()} if odd.any() else {})}
    primary = table[table["measure"].isin(["accuracy", "no_answer"]) & estimable]
    asked = (primary["measure"] == "accuracy") & primary["attribute"].isin(["race", "gender"])
    asked &= abs(truth[primary.index]) > DELTA / 2
    if one.kind == "planted" and asked.any():
        found["power"] = (primary["verdict"] == "different")[asked].mean()
        found["power_holm"] = holm(primary["p_cluster"].to_numpy()[:, None], alpha=alpha)[asked.to_numpy(), 0].mean()
    if one.kind != "hard":
        verdicts = interactions.interactions([counts], alpha=alpha)["verdict"]
        if (verdicts != "not estimable").any():
            found["false_interaction"] = (verdicts == "intersectional").any()
    found |= shrunken_coverage(counts, expected, alpha)
    if one.kind == "fair" and not one.refuses:
        gap = gaps.gaps([counts], draws=draws).query("measure == 'accuracy'")["p"].dropna()
        found["false_gap"] = (gap <= alpha).mean() if len(gap) else np.nan
    return found


def shrunken_coverage(counts, expected, alpha):
    """Whether the shrunken rates of the groups cover the expected ones, under the mix that all groups show."""
    table = interactions.shrunken([counts], alpha=alpha).dropna(subset="low")
    groups = [(counts.people["group"] == name).to_numpy() for name in table["group"]]
    shown = counts.tensor.sum(axis=-1)
    common = np.all([shown[inside].sum(axis=0) > 0 for inside in groups], axis=0)
    weights = np.where(common, shown.sum(axis=0), 0) / shown.sum(axis=0)[common].sum()
    recalls = [ratio(*(part[inside].sum(axis=0)[2:9] for part in measure(expected)), empty=0) for inside in groups]
    truth = np.array([weights @ recall for recall in recalls])
    return {"shrunken_coverage": ((table["low"] <= truth) & (truth <= table["high"])).mean()}


def calibrate(number, *, simulations=20, alpha=0.05, draws=499):
    """Audit a design many times.

    Returns
    -------
    pandas.DataFrame
        A row for each quantity: the design's attributes, `half` (`first` or `held back`), `quantity`, `value`,
        `mc_error`, `simulations`.
    """
    one, random = design(number), np.random.default_rng([7, number])
    with threadpool_limits(1):
        found = pd.DataFrame([audit(one, random, alpha=alpha, draws=draws) for _ in range(simulations)]).astype(float)
    rows = pd.DataFrame({"value": found.mean(), "mc_error": found.sem(), "simulations": found.count()})
    about = {
        "design": number, "half": "held back" if one.held_back else "first", "kind": one.kind, "model": one.model,
        "images": one.images, "shown": one.shown, "shift": one.shift, "refuses": one.refuses,
        "people": f"{one.people.min()}-{one.people.max()}", "spread": one.spread.max() / np.median(one.spread),
    }  # fmt: skip
    return rows.rename_axis("quantity").reset_index().assign(**about)


def run(numbers, *, workers, **options):
    """Calibrate many designs side by side; the same result for any number of workers."""
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(_task, [(number, options) for number in numbers]))
    table = pd.concat(found, ignore_index=True)
    first = [name for name in table.columns if name not in ("quantity", "value", "mc_error", "simulations")]
    return table[[*first, "quantity", "value", "mc_error", "simulations"]]


def _task(task):
    return calibrate(task[0], **task[1])


def summary(table):
    """Mean of each bounded quantity over the designs of each half.

    Returns
    -------
    pandas.DataFrame
        Columns `half`, `quantity`, `designs`, `value`, `mc_error`, `worst` (the worst design's), `bound`, `keeps`.
    """
    rows = []
    for half, part in table.groupby("half"):
        values = part.pivot(index="design", columns="quantity", values="value")
        errors = part.pivot(index="design", columns="quantity", values="mc_error")
        valid = values["coverage_robust"] >= 0.94
        values["wider"], errors["wider"] = (values["width"] / values["width_robust"]).where(valid), 0.0
        values["less_power"] = values["power_holm"] - values["power"]
        errors["less_power"] = np.hypot(errors["power_holm"], errors["power"])
        for quantity, (side, bound) in BOUNDS.items():
            of_all, error = values[quantity].dropna(), errors[quantity].reindex(values[quantity].dropna().index)
            value, worst = of_all.mean(), of_all.min() if side == "least" else of_all.max()
            keeps = "yes" if (value >= bound if side == "least" else value <= bound) else "no"
            own = np.sqrt((error**2).sum()) / max(len(of_all), 1)
            rows.append((half, quantity, len(of_all), value, own, worst, f"at {side} {bound:g}", keeps))
    names = ["half", "quantity", "designs", "value", "mc_error", "worst", "bound", "keeps"]
    return pd.DataFrame(rows, columns=names)
