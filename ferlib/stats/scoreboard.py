"""Scoreboard: what was planted in models whose truth is known, what the audit found of it, and what it invented.

**Found.** A planted effect is found by a reader when at least one contrast that it must move is *different* in the
planted direction; which contrasts these are is declared beside the truth. Otherwise it is *missed*.

**Explained** is a *different* that was not declared, when one of `RULES` holds. **Invented** is every other *different*
about groups of people, and every *different* of a model in which nothing was planted; unless it is **replicated**, by
the same contrast of other people: then it is a property of the model that nobody planted.
"""

import numpy as np
import pandas as pd

from ferlib.stats import planning

PLACE = ["table", "attribute", "measure", "true", "predicted"]
"""What a declared effect names of a contrast; an empty `true` or `predicted` stands for any, `not x` for all but x."""

AGAIN = ("reader", "variant", *PLACE, "group_a", "group_b")
"""What has to agree for two contrasts of different people to be the same one; and the sign of their difference."""

ABOUT_PEOPLE = ("race", "gender", "group", "tone", "geometry")
"""Attributes and factors that tell people apart; light and view change the picture, and nothing was planted there."""

HIGHER_IS_WORSE = ("confusion", "no_answer", "outside_face")

DARKER = 0.2
"""From this difference of the share of planted faces on, one of two groups has more of them."""

RULES = {
    "part of it": "the measure contains the planted mistake, or the silence of who is torn by it, and the group that "
    "has more of the planted faces is worse off",
    "too few learnt from": "such faces were left out of the training, and the group with more of them is worse off",
    "the mark": "the maps follow a mark that goes with such faces, and those of the group that has more of them differ",
}
"""When a *different* that nobody declared is explained by what was planted in the same model."""

COLUMNS = (
    "kind", "result", "rule", "model", "mechanism", "dose", "reader", "variant", *PLACE, "group", "other", "rate",
    "rate_other", "n", "n_other", "people", "people_other", "difference", "low", "high", "p_adjusted",
    "min_detectable", "expected", "power", "verdict",
)  # fmt: skip

VALUES = {
    "other": "group_b", "rate": "rate_a", "rate_other": "rate_b", "people": "people_a", "people_other": "people_b",
    "n": "n_a", "n_other": "n_b",
}  # fmt: skip
VALUES |= {name: name for name in ("variant", "difference", "low", "high", "p_adjusted", "min_detectable", "verdict")}
"""Columns that tell of the contrast, and where they come from."""


def shares(people, *, least):
    """Share of the planted faces in each group that a contrast may name.

    Parameters
    ----------
    people : pandas.DataFrame
        A row an image or a person: `skin_tone`, and any of `race`, `gender`, `group`, `tone`.
    least : float
        Skin tone from which on a face is one of those planted.

    Returns
    -------
    dict of (str, str) to float
        By attribute and group.
    """
    planted = people["skin_tone"] >= least
    columns = [name for name in ABOUT_PEOPLE if name in people]
    return {(name, group): share for name in columns for group, share in planted.groupby(people[name]).mean().items()}


def board(contrasts, truth, declared, share, again):
    """Every declared effect with what became of it, and every *different* that was not declared.

    Parameters
    ----------
    contrasts : pandas.DataFrame
        As from `ferlib.pipeline.judged.alike`.
    truth : pandas.DataFrame
        `model`, `mechanism`, `dose`, `n_changed`; a dose of 0 says that nothing was done.
    declared : pandas.DataFrame
        `model`, `mechanism`, `reader`, the columns `PLACE`, `group` (the planted one), `direction` (`higher` or
        `lower` in it) and `size`, the planted difference between faces that have the fault and faces that have not,
        NaN where nobody measured it.
    share : dict
        As from `shares`; a group that it lacks has the share 1 when it is the planted one, 0 when not.
    again : pandas.DataFrame
        `AGAIN` and `difference` of what is *different* among other people.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. `kind` is `planted`, `control` (declared, with a dose of 0) or `unplanted`; `result` is
        `found`, `missed`, `not read` (no verdict of that reader in this run), `silent` (a control without a finding),
        `explained`, `replicated` or `invented`. `expected` is the difference that people whom no notebook sees lead us
        to expect between the two groups, `power` the chance that one as large had to be found.
    """
    declared = declared.merge(truth[["model", "mechanism", "dose", "n_changed"]], on=["model", "mechanism"], how="left")
    share = {(one.attribute, one.group): 1.0 for one in declared.itertuples()} | share
    contrasts = contrasts[contrasts["attribute"].isin(ABOUT_PEOPLE)].reset_index(drop=True)
    contrasts["alone"] = np.where(replicated(contrasts, again), "replicated", "invented")
    taken, rows = np.zeros(len(contrasts), dtype=bool), []
    for effect in declared.itertuples():
        sides = _turned(contrasts[_named(contrasts, effect)], effect.group)
        sides["right"] = (sides["difference"] > 0) == (effect.direction == "higher")
        sides["hit"] = sides["right"] & (sides["verdict"] == "different")
        planted, alone = effect.n_changed > 0, set(sides.loc[sides["hit"], "alone"])
        if planted:
            outcome = "found" if alone else "missed"
        else:  # one contrast that other people do not repeat is enough to have invented something
            outcome = next((word for word in ("invented", "replicated") if word in alone), "silent")
        taken[sides.index[sides["hit"]]] = True
        row = {"kind": "planted" if planted else "control", "result": outcome if len(sides) else "not read", "rule": ""}
        row |= {name: getattr(effect, name) for name in ("model", "mechanism", "dose", "reader", *PLACE, "group")}
        for _, best in (
            sides.sort_values(["hit", "right", "p_adjusted"], ascending=[False, False, True]).head(1).iterrows()
        ):
            row |= {name: best[column] for name, column in VALUES.items()} | _power(best, effect, share)
        rows.append(row)
    doses = truth[truth["n_changed"] > 0].groupby("model")["mechanism"].agg(set)
    for one in truth[(truth["n_changed"] > 0) & ~truth["model"].isin(declared["model"])].itertuples():
        row = {"kind": "planted", "model": one.model, "mechanism": one.mechanism, "dose": one.dose}
        rows.append(row | {"result": "not read", "rule": ""})
    models = declared.drop_duplicates("reader").set_index("reader")["model"]
    for _, one in contrasts[(contrasts["verdict"] == "different") & ~taken].iterrows():
        if one["reader"] in models.index:
            model = models[one["reader"]]
            errors = declared[(declared["model"] == model) & (declared["n_changed"] > 0)]
            rule = explanation(one, doses.get(model, set()), errors, share)
            row = {"kind": "unplanted", "model": model, "rule": rule, "result": "explained" if rule else one["alone"]}
            row |= {name: one[name] for name in ("reader", *PLACE)} | {"group": one["group_a"]}
            rows.append(row | {name: one[column] for name, column in VALUES.items()})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def replicated(contrasts, again):
    """Which contrasts are among those of other people, with a difference of the same sign; array of bool."""
    known = again[[*AGAIN]].assign(other=np.sign(again["difference"].astype(float)))
    return (contrasts.merge(known, on=[*AGAIN], how="left")["other"] == np.sign(contrasts["difference"])).to_numpy()


def effects(scores):
    """One row for each planted effect and each reader of its model: found in which places, or missed with which power.

    Parameters
    ----------
    scores : pandas.DataFrame
        As from `board`.

    Returns
    -------
    pandas.DataFrame
        `model`, `mechanism`, `dose`, `reader`, `result`, `places` (what is found), `looked` (in how many it could be
        found), and of the place with the most power `power`, `expected` and `min_detectable`.
    """
    planted, rows = scores[scores["kind"] == "planted"], []
    named, of_best = ["model", "mechanism", "dose", "reader"], ["power", "expected", "min_detectable"]
    for key, own in planted.groupby(named, sort=False, dropna=False):
        hits, read = own[own["result"] == "found"], own[own["result"] != "not read"]
        row = dict(zip(named, key, strict=True)) | {"looked": len(read)}
        row["result"] = "found" if len(hits) else "missed" if len(read) else "not read"
        row["places"] = [place for place in hits[PLACE].itertuples(index=False)]
        best = read.sort_values("power", ascending=False, kind="stable").head(1)
        rows.append(row | {name: best[name].squeeze() if len(best) else np.nan for name in of_best})
    return pd.DataFrame(rows, columns=[*named, "looked", "result", "places", *of_best])


def explanation(one, mechanisms, errors, share):
    """Name of the rule that explains a *different* which was not declared; empty when none does."""
    more = share.get((one["attribute"], one["group_a"]), 0) - share.get((one["attribute"], one["group_b"]), 0)
    if abs(more) < DARKER:
        return ""
    worse = (one["difference"] * more > 0) == (one["measure"] in HIGHER_IS_WORSE)
    mistaken = set(errors.loc[errors["mechanism"] == "mislabelled", "true"])
    if worse and mistaken and (one["true"] in mistaken or one["measure"] in ("accuracy", "no_answer")):
        return "part of it"
    if worse and "left out" in mechanisms:
        return "too few learnt from"
    return "the mark" if "marked beside the face" in mechanisms and one["table"] == "heatmap_contrasts" else ""


def _named(contrasts, effect):
    """Which contrasts a declared effect names."""
    named = (contrasts["reader"] == effect.reader) & contrasts[["group_a", "group_b"]].eq(effect.group).any(axis=1)
    for name in PLACE:
        wanted, but = getattr(effect, name), getattr(effect, name).removeprefix("not ")
        named &= (contrasts[name] == wanted) | (wanted == "") | ((wanted != but) & (contrasts[name] != but))
    return named


def _turned(contrasts, group):
    """The contrasts with one group first."""
    second = contrasts["group_b"] == group
    swapped = contrasts.rename(
        columns=lambda name: name[:-1] + {"a": "b", "b": "a"}[name[-1]] if name[-2:] in ("_a", "_b") else name
    )
    swapped = swapped.assign(difference=-swapped["difference"], low=-contrasts["high"], high=-contrasts["low"])
    return swapped[contrasts.columns].where(second, contrasts)


def _power(row, effect, share):
    """How large the planted difference should be between these two groups, and how surely it would be found."""
    more = share.get((effect.attribute, row["group_a"]), 0) - share.get((effect.attribute, row["group_b"]), 0)
    expected = abs(effect.size) * more * (1 if effect.direction == "higher" else -1)
    power = planning.power(abs(expected), row["min_detectable"], row["bound"]) if effect.n_changed > 0 else np.nan
    return {"expected": expected, "power": power}


def chance(contrasts, readers, *, alpha):
    """How often chance would raise a false alarm among some readers when no difference exists.

    Parameters
    ----------
    contrasts : pandas.DataFrame
        As from `ferlib.pipeline.judged.alike`.
    readers : sequence of str
    alpha : dict of str to float
        By table: the chance of any false *different* in each family, at most.

    Returns
    -------
    dict
        `families` (sets of contrasts about people that were judged together), `contrasts`; and, at most, `expected`
        (families with a false alarm, in the mean) and `any` (chance of at least one, if they are independent).
    """
    own = contrasts[contrasts["reader"].isin(readers) & contrasts["attribute"].isin(ABOUT_PEOPLE)]
    each = own.drop_duplicates(["table", "dataset", "reader", "variant", "family"])["table"].map(alpha).astype(float)
    chances = {"expected": float(each.sum()), "any": float(1 - (1 - each).prod())}
    return {"families": len(each), "contrasts": len(own), **chances}
