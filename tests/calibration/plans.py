"""Whether audits of a planned size find the planned difference as often as the plan says."""

import itertools
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ferlib.stats import disparities, interactions, planning
from ferlib.stats.counts import Counts

DESIGNS = list(itertools.product((12, 40), (2, 7), (0.7, 0.9), (0.02, 0.2)))[:16] + [
    (80, 7, 0.8, 0.1), (80, 2, 0.8, 0.1), (20, 14, 0.8, 0.1), (150, 1, 0.8, 0.0),
]  # fmt: skip
"""People in each race-gender group, images of each, accuracy, ICC: 20 plans."""

COLUMNS = ("people", "images", "accuracy", "icc", "detectable", "power", "mc_error", "simulations")


def power(task):
    """The smallest detectable gender gap of a plan, and the share of simulated audits that find it."""
    (people, images, accuracy, icc), simulations = task
    with threadpool_limits(1):
        gap = (
            planning.plan([people], images, accuracy=accuracy, icc=icc)
            .set_index("attribute")
            .loc["gender", "detectable"]
        )
        found, random = [], np.random.default_rng([people, images, int(100 * accuracy)])
        for number in range(simulations):
            counts = planning.synthetic(
                people, images, (4, 2), accuracy=min(accuracy + gap / 2, 1), icc=icc, random=random, shift=gap
            )
            table = disparities.disparities([counts], draws=499, seed=number)
            row = table[(table["measure"] == "accuracy") & (table["attribute"] == "gender")]
            found.append((row["verdict"] == "different").item())
    share = np.mean(found)
    error = np.sqrt(share * (1 - share) / simulations)
    return people, images, accuracy, icc, gap, share, error, simulations


def run(designs=DESIGNS, *, workers=2, simulations=300):
    """A row for each plan; columns `COLUMNS`."""
    with ProcessPoolExecutor(workers) as pool:
        rows = list(pool.map(power, [(design, simulations) for design in designs]))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def interaction(people, images, gap, *, simulations=60, seed=0):
    """Share of audits in which accuracy is called intersectional when one race-gender group alone is read worse."""
    random, found = np.random.default_rng(seed), []
    for _ in range(simulations):
        others, own = (
            planning.synthetic(people, images, (4, 2), accuracy=accuracy, icc=0.1, random=random)
            for accuracy in (0.85, 0.85 - gap)
        )
        group = (others.people["group"] == "race 1 gender 0").to_numpy()
        tensor = np.where(group[:, None, None], own.tensor, others.tensor)
        counts = Counts("plan", "model", "only", others.people, tensor, tensor)
        table = interactions.interactions([counts])
        found.append((table["verdict"] == "intersectional")[table["measure"] == "accuracy"].item())
    return np.mean(found)
