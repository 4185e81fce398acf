"""Wordings: how much the accuracy of each group depends on how the question was put.

No interval over people shows this: the same people, asked in other words, get other answers.
"""

from ferlib.stats import counts
from ferlib.stats.accuracy import accuracy_by_group
from ferlib.stats.outcomes import CONFIGURATION

COLUMNS = (
    "dataset", "model", "by", "group", "n_images", "n_subjects", "n_wordings", "accuracy_ensemble", "lowest",
    "accuracy_lowest", "highest", "accuracy_highest", "spread", "sd_wordings", "changing", "changing_low",
    "changing_high",
)  # fmt: skip


def wordings(answers, *, ensemble="ensemble", alpha=0.05):
    """Spread of each group's accuracy over the wordings: the table `zeroshot_wordings.csv`.

    Parameters
    ----------
    answers : pandas.DataFrame
        As `ferlib.stats.outcomes.join` returns it; `variant` names the wording.
    ensemble : str
        The variant that stands for all wordings together.
    alpha : float
        One minus the confidence of the interval.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`; a row for each dataset, model and group. `spread` is the accuracy of the best wording for
        this group minus that of the worst, `sd_wordings` their standard deviation. `changing` is the share of images to
        which not all wordings give the same label, with its clustered interval. `spread` tends to be larger for a
        smaller group even where wording means the same for all; `changing` does not.
    """
    each = answers[answers["variant"] != ensemble]
    accuracy = accuracy_by_group(counts.tally(answers), alpha=alpha)
    key = ["dataset", "model", "by", "group"]
    whole = accuracy[accuracy["variant"] == ensemble].set_index(key)
    parts = accuracy[accuracy["variant"] != ensemble].groupby(key)
    best, worst = (
        accuracy.loc[found].set_index(key) for found in (parts["accuracy"].idxmax(), parts["accuracy"].idxmin())
    )
    table = whole[["n_images", "n_subjects"]].assign(
        n_wordings=parts.size(),
        accuracy_ensemble=whole["accuracy"],
        lowest=worst["variant"],
        accuracy_lowest=worst["accuracy"],
        highest=best["variant"],
        accuracy_highest=best["accuracy"],
        spread=best["accuracy"] - worst["accuracy"],
        sd_wordings=parts["accuracy"].std(),
    )
    changing = _changing(each, alpha).set_index(key)
    names = {"accuracy": "changing", "ci_low": "changing_low", "ci_high": "changing_high"}
    return table.join(changing[list(names)].rename(columns=names)).reset_index()[list(COLUMNS)]


def _changing(answers, alpha):
    """Share of images with more than one label, by group, as a table of rates."""
    image = [*CONFIGURATION[:2], "image_id"]
    several = answers.groupby(image)["outcome"].transform("nunique") > 1
    marked = answers.assign(outcome=answers["true"].where(several, "error")).drop_duplicates(image)
    return accuracy_by_group(counts.tally(marked.assign(variant="changing")), alpha=alpha)
