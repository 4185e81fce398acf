"""The scoreboard, on tables made by hand: what was planted is found or missed, and nothing invented stays unnamed."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from ferlib.stats import planning, scoreboard, verdicts

SHARE = {("race", "Black"): 0.8, ("race", "White"): 0.0, ("gender", "Female"): 0.4, ("gender", "Male"): 0.4}


def contrast(
    reader, measure, verdict, difference, *, true="", predicted="", pair=("Black", "White"), table="t", **more
):
    by = "race" if "Black" in pair else "gender"
    given = {
        "table": table, "dataset": "d", "reader": reader, "variant": "v", "family": "", "attribute": by,
        "measure": measure, "true": true, "predicted": predicted, "group_a": pair[0], "group_b": pair[1],
        "people_a": 20, "people_b": 30, "n_a": 40, "n_b": 60, "rate_a": 0.5 + difference / 2,
        "rate_b": 0.5 - difference / 2, "difference": difference, "low": difference - 0.1, "high": difference + 0.1,
        "p_adjusted": 0.01 if verdict == "different" else 0.5, "bound": 0.001, "min_detectable": 0.4,
        "verdict": verdict,
    }  # fmt: skip
    return given | more


def effect(reader, model, mechanism, measure, direction, size=0.5, true="", predicted="", table="t"):
    return {
        "model": model, "mechanism": mechanism, "reader": reader, "table": table, "attribute": "race", "group": "Black",
        "measure": measure, "true": true, "predicted": predicted, "direction": direction, "size": size,
    }  # fmt: skip


TRUTH = pd.DataFrame(
    {
        "model": ["bad", "fair", "bad", "idle"],
        "mechanism": ["mislabelled", "mislabelled", "left out", "left out"],
        "dose": [0.7, 0.0, 0.8, 0.4],
        "n_changed": [9, 0, 50, 7],
    }
)
DECLARED = pd.DataFrame(
    [
        effect("chat", "bad", "mislabelled", "confusion", "higher", true="anger", predicted="disgust"),
        effect("calm", "fair", "mislabelled", "confusion", "higher", 0.0, true="anger", predicted="disgust"),
    ]
)
NOBODY_ELSE = pd.DataFrame(columns=[*scoreboard.AGAIN, "difference"])
PLANTED = {"true": "anger", "predicted": "disgust"}


def board(*rows):
    return scoreboard.board(pd.DataFrame(rows), TRUTH, DECLARED, SHARE, NOBODY_ELSE)


def results(*rows):
    return dict(board(*rows).groupby("kind")["result"].agg(lambda said: sorted(set(said))))


def test_an_effect_is_found_when_its_contrast_is_different_in_the_planted_direction():
    made = board(contrast("chat", "confusion", "different", 0.3, **PLANTED)).set_index("kind").loc["planted"]
    row = made[made["reader"] == "chat"].squeeze()
    assert (row["result"], row["group"], row["other"], row["people"]) == ("found", "Black", "White", 20)


def test_the_planted_group_stands_first_whichever_side_it_was_on():
    one = contrast("chat", "confusion", "different", -0.3, pair=("White", "Black"), people_a=30, people_b=20, **PLANTED)
    row = board(one).query("reader == 'chat'").squeeze()
    shown = row[["result", "group", "other", "difference", "low", "high", "people", "rate"]].tolist()
    assert shown == pytest.approx(["found", "Black", "White", 0.3, 0.2, 0.4, 20, 0.65])


@pytest.mark.parametrize("verdict, difference", [("different", -0.3), ("inconclusive", 0.3), ("equivalent", 0.0)])
def test_it_is_missed_in_the_other_direction_and_without_the_verdict(verdict, difference):
    made = board(contrast("chat", "confusion", verdict, difference, **PLANTED))
    assert made.query("reader == 'chat' and kind == 'planted'")["result"].item() == "missed"
    wrong_way = made.query("kind == 'unplanted'")["result"].tolist()
    assert wrong_way == (["invented"] if verdict == "different" else [])


def test_what_is_missed_has_the_power_that_the_planted_size_had():
    row = board(contrast("chat", "confusion", "inconclusive", 0.1, **PLANTED)).query("reader == 'chat'").squeeze()
    assert row["expected"] == pytest.approx(0.5 * 0.8)
    assert row["power"] == pytest.approx(verdicts.POWER)  # as large as what is found four times in five


def test_power_is_that_of_a_z_test_with_the_standard_error_of_the_detectable_difference():
    error = 0.3 / (norm.isf(0.0005) + norm.isf(0.2))
    assert planning.power(0.2, 0.3, 0.001) == pytest.approx(norm.sf(norm.isf(0.0005) - 0.2 / error))
    assert np.isnan(planning.power(np.nan, 0.3, 0.001))


def test_a_difference_of_a_model_in_which_nothing_was_planted_is_invented():
    rows = contrast("calm", "confusion", "different", 0.3, **PLANTED), contrast("calm", "accuracy", "different", -0.2)
    assert results(*rows) == {"control": ["invented"], "planted": ["not read"], "unplanted": ["invented"]}
    assert results(contrast("calm", "accuracy", "equivalent", 0.0))["control"] == ["not read"]
    assert results(contrast("calm", "confusion", "inconclusive", 0.1, **PLANTED))["control"] == ["silent"]


@pytest.mark.parametrize("sign, result", [(1, "replicated"), (-1, "invented"), (0, "invented")])
def test_what_other_people_show_in_the_same_direction_is_not_invented(sign, result):
    """Whether nothing was declared of it, or that nothing was planted; 0: other people do not show it."""
    seen = [contrast("calm", "confusion", "different", 0.3, **PLANTED), contrast("calm", "accuracy", "different", -0.2)]
    again = pd.DataFrame(seen).assign(dataset="others", difference=lambda rows: sign * rows["difference"])
    made = scoreboard.board(pd.DataFrame(seen), TRUTH, DECLARED, SHARE, again if sign else NOBODY_ELSE)
    assert made.query("reader == 'calm'")["result"].tolist() == [result, result]
    planted = contrast("chat", "confusion", "different", 0.3, **PLANTED)
    made = scoreboard.board(pd.DataFrame([planted]), TRUTH, DECLARED, SHARE, pd.DataFrame([planted]))
    assert made.query("reader == 'chat'")["result"].tolist() == ["found"]


@pytest.mark.parametrize("apart", [{"variant": "w"}, {"group_b": "Asian"}, {"true": "fear"}, {"measure": "no_answer"}])
def test_other_people_show_it_only_in_the_same_place(apart):
    one = contrast("calm", "recall", "different", 0.3, true="anger")
    made = scoreboard.board(pd.DataFrame([one]), TRUTH, DECLARED, SHARE, pd.DataFrame([one | apart]))
    assert made.query("kind == 'unplanted'")["result"].tolist() == ["invented"]


@pytest.mark.parametrize(
    "one, rule",
    [
        (contrast("chat", "recall", "different", -0.3, true="anger"), "part of it"),
        (contrast("chat", "accuracy", "different", -0.3), "part of it"),
        (contrast("chat", "no_answer", "different", 0.3), "part of it"),
        (contrast("chat", "recall", "different", -0.3, true="fear"), "too few learnt from"),
        (contrast("chat", "recall", "different", 0.3, true="fear"), ""),
        (contrast("chat", "accuracy", "different", -0.3, pair=("Female", "Male")), ""),
    ],
)
def test_another_difference_is_explained_by_a_rule_or_invented(one, rule):
    made = board(contrast("chat", "confusion", "different", 0.3, **PLANTED), one).query("kind == 'unplanted'").squeeze()
    assert (made["result"], made["rule"]) == ("explained" if rule else "invented", rule)


def test_maps_that_follow_a_mark_explain_those_of_other_units():
    one = pd.Series(contrast("net", "mass", "different", 0.3, true="au06", table="heatmap_contrasts"))
    none = DECLARED[:0]
    assert scoreboard.explanation(one, {"marked beside the face"}, none, SHARE) == "the mark"
    assert scoreboard.explanation(one, {"left out"}, none, SHARE) == ""


def test_light_and_view_are_not_about_people_and_strangers_are_not_scored():
    rows = contrast("chat", "accuracy", "different", -0.3), contrast("stranger", "accuracy", "different", -0.3)
    made = board(rows[0] | {"attribute": "yaw"}, rows[1])
    assert not (made["kind"] == "unplanted").any() and "stranger" not in set(made["reader"])


def test_an_effect_of_a_model_that_nobody_read_is_named():
    made = board(contrast("chat", "accuracy", "inconclusive", -0.1))
    assert made.query("model == 'idle'")["result"].item() == "not read"


def test_not_x_stands_for_all_others():
    declared = DECLARED.head(1).assign(measure="recall", true="not anger", predicted="", direction="lower")
    rows = [contrast("chat", "recall", "different", -0.3, true=name) for name in ("anger", "fear")]
    for row, expected in zip(rows, ("not read", "found"), strict=True):
        made = scoreboard.board(pd.DataFrame([row]), TRUTH, declared, SHARE, NOBODY_ELSE)
        assert made.query("kind == 'planted' and reader == 'chat'")["result"].item() == expected


def test_an_effect_is_found_in_any_of_its_places_and_says_in_which():
    declared = pd.concat([DECLARED.head(1), DECLARED.head(1).assign(measure="recall", true="anger", predicted="")])
    declared.loc[declared["measure"] == "recall", "direction"] = "lower"
    rows = [contrast("chat", "confusion", "inconclusive", 0.1, **PLANTED)]
    rows += [contrast("chat", "recall", "different", -0.3, true="anger")]
    made = scoreboard.effects(scoreboard.board(pd.DataFrame(rows), TRUTH, declared, SHARE, NOBODY_ELSE))
    row = made[made["reader"] == "chat"].squeeze()
    assert (row["result"], row["looked"], [place.measure for place in row["places"]]) == ("found", 2, ["recall"])


def test_chance_counts_families_and_only_those_about_people():
    rows = [contrast("calm", measure, "inconclusive", 0.0) for measure in ("accuracy", "recall")]
    rows += [rows[0] | {"table": "u"}, rows[0] | {"attribute": "yaw", "family": "yaw"}]
    made = scoreboard.chance(pd.DataFrame(rows), ["calm"], alpha={"t": 0.05, "u": 0.1})
    assert made == pytest.approx({"families": 2, "contrasts": 3, "expected": 0.15, "any": 1 - 0.95 * 0.9})


def test_shares_are_of_images_by_attribute():
    people = pd.DataFrame(
        {"skin_tone": [8, 2, 7, 3], "race": ["Black", "Black", "White", "White"], "light": [1, 1, 1, 2]}
    )
    assert scoreboard.shares(people, least=7.5) == {("race", "Black"): 0.5, ("race", "White"): 0.0}
