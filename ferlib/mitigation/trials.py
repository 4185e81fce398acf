"""Trials: every remedy that was tried, beside its control, and what it needs."""

import pandas as pd

from ferlib.mitigation import effects, pairing
from ferlib.tables import bracketed

KEYS = ["remedy", "way", "model"]

SUMMARY = (
    *KEYS, "labels", "membership", "retraining", "accuracy_before", "accuracy_after", "accuracy_low", "accuracy_high",
    "accuracy_effect", "worst_before", "worst_after", "worst_low", "worst_high", "worst_effect", "planted_before",
    "planted_after", "planted_low", "planted_high", "planted_effect", "planted_removed", "gap_before", "gap_after",
    "gap_outcome", "groups_better", "groups_worse", "sd_seeds",
)  # fmt: skip


class Trials:
    """Judges remedies by one protocol and keeps what was found.

    Parameters
    ----------
    parts : ferlib.mitigation.protocol.Parts
    who : pandas.DataFrame
        The images; `race` is the attribute that the planted fault follows.
    planted : dict
        `true` and `predicted`: the mistake that is to go; `group`: whose.
    called : dict of str to str
        What `race` and `group` are called in the tables.
    **rules
        All those of `ferlib.mitigation.effects.changes`.
    """

    def __init__(self, parts, who, planted, *, called, **rules):
        self.parts, self.who, self.planted, self.called, self.rules = parts, who, planted, called, rules
        self.changes, self.gaps, self.rows, self.pairs = [], [], [], []

    def judge(self, name, ways, before, models, *, labels=0, membership="no", retraining="none"):
        """Judge the ways of a remedy on some models.

        Parameters
        ----------
        name : str
        ways : dict of str to callable
            "remedy" and "control", each from a model's name to scores as `Parts.answers` takes them, or None.
        before : callable
            The same for what is there without them.
        models : list of str
        labels : int
            Labelled images that it needs.
        membership, retraining : str
            Whose group must be known; what is trained.

        Returns
        -------
        pandas.DataFrame
            A line for each way and model, for display.
        """
        shown, needs = [], {"labels": labels, "membership": membership, "retraining": retraining}
        for model in models:
            start = self.parts.answers(before(model), self.who, model="before")
            for way, remedy in ways.items():
                if remedy is None:
                    continue
                (pair,) = pairing.pair(start, self.parts.answers(remedy(model), self.who, model=name))
                changed = effects.changes(pair, **self.rules)
                gaps = effects.gap_changes(pair, changed, **self._rules("alpha", "min_people"))
                named = dict(zip(KEYS, (name, way, model), strict=True))
                self.pairs.append((named, pair))
                self.rows.append(named | needs | self._summary(changed, gaps))
                shown.append(named | self._line(changed, gaps))
                self.changes.append(changed.replace({"by": self.called}).assign(**named))
                self.gaps.append(gaps.replace({"attribute": self.called}).assign(**named))
        return pd.DataFrame(shown).sort_values(["way", "model"], ascending=[False, True], ignore_index=True)

    def table(self):
        """What was found of every remedy: the table `mitigation.csv`."""
        return pd.DataFrame(self.rows)[list(SUMMARY)]

    def by_seed(self, model):
        """Judge what was done to a model seed by seed: whose accuracy each seed alone calls *different*.

        Returns
        -------
        pandas.DataFrame
            `KEYS`, and the columns of `ferlib.mitigation.effects.different_by_repeat` with the repeat as `seed`.
        """
        found, rules = [], self._rules("alpha", "min_people", "draws", "seed")
        for named, pair in self.pairs:
            if named["model"] == model:
                each = effects.different_by_repeat(pair, **rules).rename(columns={"repeat": "seed"})
                found.append(each.replace({"by": self.called}).assign(**named))
        return pd.concat(found, ignore_index=True)[[*KEYS, "seed", "by", "group", "better", "worse"]]

    def _rules(self, *names):
        return {name: self.rules[name] for name in names}

    def _planted(self, changed):
        wanted = {"by": "race"} | {name: self.planted[name] for name in ("group", "true", "predicted")}
        return changed[(changed[list(wanted)] == pd.Series(wanted)).all(axis=1)].iloc[0]

    def _summary(self, changed, gaps):
        accuracy = changed[changed["measure"] == "accuracy"]
        groups, planted = accuracy[accuracy["by"] != "all"], self._planted(changed)
        banded = groups[groups["by"] == "race"]
        worst = banded.loc[banded["rate_before"].idxmin()]
        gap, found = gaps[gaps["attribute"] == "race"].iloc[0], {}
        everybody = accuracy[accuracy["by"] == "all"].iloc[0]
        for what, row in (("accuracy", everybody), ("worst", worst), ("planted", planted)):
            found |= {f"{what}_before": row["rate_before"], f"{what}_after": row["rate_after"]}
            found |= {f"{what}_low": row["sim_low"], f"{what}_high": row["sim_high"], f"{what}_effect": row["effect"]}
        known = planted["rate_before"] > 0
        return found | {
            "planted_removed": -planted["change"] / planted["rate_before"] if known else float("nan"),
            "gap_before": gap["gap_before"], "gap_after": gap["gap_after"], "gap_outcome": gap["outcome"],
            "groups_better": (groups["effect"] == "better").sum(), "groups_worse": (groups["effect"] == "worse").sum(),
            "sd_seeds": worst["sd_repeats"],
        }  # fmt: skip

    def _line(self, changed, gaps):
        accuracy = changed[(changed["measure"] == "accuracy") & changed["by"].isin(["all", "race"])]
        planted = self._planted(changed)
        line = {"planted": f"{planted['rate_before']:.2f} → {planted['rate_after']:.2f}, {planted['effect']}"}
        cells = bracketed(accuracy, ["change", "sim_low", "sim_high"], "+.2f")
        for row, cell in zip(accuracy.itertuples(), cells, strict=True):
            line["accuracy, everybody" if row.by == "all" else f"accuracy, {row.group}"] = f"{cell}, {row.effect}"
        return line | {"gap": gaps.loc[gaps["attribute"] == "race", "outcome"].iloc[0]}
