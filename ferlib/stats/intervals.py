"""Intervals: how far a rate could be from what was counted.

Every method has one signature: what was counted for each person, and who belongs to which group. Wilson's
interval only adds the people up, as if each image were a different person; a method that respects people
needs them one by one.
"""

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from ferlib.labels import EMOTIONS
from ferlib.stats.answers import CONFIGURATION
from ferlib.stats.counts import ATTRIBUTES, whole


def wilson(count, n, members, *, alpha=0.05):
    """Wilson's score interval of each group's rate, each image taken for independent (Wilson 1927).

    Parameters
    ----------
    count, n : numpy.ndarray, shape (people,)
        Successes and trials of each person.
    members : numpy.ndarray of bool, shape (groups, people)
        Who belongs to which group.
    alpha : float
        One minus the confidence.

    Returns
    -------
    numpy.ndarray of float64, shape (groups, 2)
        Lower and upper end; NaN for a group without trials.
    """
    members = np.asarray(members, dtype=float)
    # Shares such as 1/3 of an image may add up to a hair more than the images there are.
    trials = np.round(members @ n, 9)
    successes = np.minimum(np.round(members @ count, 9), trials)
    ends = np.full((len(members), 2), np.nan)
    some = trials > 0
    low, high = proportion_confint(successes[some], trials[some], alpha=alpha, method="wilson")
    # Exact where rounding would put the end of the interval a hair inside the rate itself.
    ends[some, 0] = np.where(successes[some] == 0, 0, low)
    ends[some, 1] = np.where(successes[some] == trials[some], 1, high)
    return ends


METHODS = {"wilson": wilson}
"""Name of the method, as the column `ci_method` gives it, and the function."""


def accuracy_by_group(all_counts, *, alpha=0.05, method="wilson"):
    """Accuracy of each group with an interval: the table `accuracy_by_group.csv`.

    Parameters
    ----------
    all_counts : list of ferlib.stats.counts.Counts
    alpha : float
        One minus the confidence of the interval.
    method : str
        A key of `METHODS`.

    Returns
    -------
    pandas.DataFrame
        Columns `dataset`, `model`, `variant`, `by` (`all`, `race`, `gender` or `group`), `group`, `n_images`,
        `n_subjects`, `n_answered`, `accuracy` (right answers / images: no answer is not right), `ci_low`,
        `ci_high`, `ci_method`.

    Raises
    ------
    ValueError
        For an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    frames = []
    for counts in all_counts:
        right, images = counts.right, counts.images
        answered = counts.tensor[..., : len(EMOTIONS)].sum(axis=(1, 2))
        for attribute in ATTRIBUTES:
            members = counts.members(attribute)
            in_group = members.to_numpy(float)
            ends = METHODS[method](right, images, members.to_numpy(), alpha=alpha)
            frame = pd.DataFrame(
                {
                    "by": attribute,
                    "group": members.index,
                    "n_images": whole(in_group @ images),
                    "n_subjects": members.sum(axis=1).to_numpy(),
                    "n_answered": whole(in_group @ answered),
                    "accuracy": in_group @ right / (in_group @ images),
                    "ci_low": ends[:, 0],
                    "ci_high": ends[:, 1],
                    "ci_method": method,
                }
            )
            frames.append(frame.assign(**counts.configuration))
    table = pd.concat(frames, ignore_index=True)
    return table[[*CONFIGURATION, *(column for column in table.columns if column not in CONFIGURATION)]]
