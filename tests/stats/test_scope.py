"""An audit of other labels, attributes, measures and references is the same audit under other names."""

import itertools

import numpy as np
import pandas as pd
import pytest
from stats_helpers import manifest_of, predictions_of

from ferlib import audit, paths, tables
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.stats import (
    accuracy,
    counts,
    disparities,
    gaps,
    intake,
    interactions,
    metrics,
    model_gaps,
    omnibus,
    outcomes,
)  # fmt: skip
from ferlib.stats.scope import Scope

CASE = paths.ROOT / "tests" / "recorded" / "intake" / "91_one_planted_gap_in_accuracy.csv"
OTHER = [f"task {emotion}" for emotion in EMOTIONS]
ASKED = {"labels": OTHER, "attributes": ["band", "tone", "group"]}


def table_of(people=6, seed=4):
    manifest = manifest_of(people, ("Black", "White"))
    answers = [predictions_of(manifest, seed=seed + number, model=f"m{number}") for number in range(2)]
    return pd.concat(answers).merge(manifest).drop(columns="group").fillna("")


def renamed(table):
    """The same answers to another task, about other attributes."""
    told = dict(zip(EMOTIONS, OTHER, strict=True))
    table = table.rename(columns={"race": "band", "gender": "tone"})
    return table.replace({"emotion": told, "predicted": told})


def everything(taken):
    answers = outcomes.join(taken.predictions, taken.manifest)
    found = counts.tally(answers)
    by_group = metrics.by_group(found)
    return {
        "disparities": disparities.disparities(found, draws=200), "gaps": gaps.gaps(found, draws=200),
        "accuracy": accuracy.accuracy_by_group(found), "effects": accuracy.design_effects(found),
        "summaries": accuracy.summaries(found), "bounds": gaps.bounds(found), "omnibus": omnibus.omnibus(answers),
        "interactions": interactions.interactions(found), "shrunken": interactions.shrunken(found),
        "model_gaps": model_gaps.compare(found), "confusions": counts.confusions(found), "metrics": by_group,
        "metric_gaps": metrics.between(by_group), "coverage": outcomes.coverage(answers, taken.manifest),
    }  # fmt: skip


def test_other_names_give_the_same_numbers():
    plain, other = everything(intake.read(table_of())), everything(intake.read(renamed(table_of()), **ASKED))
    back = dict(zip(OTHER, EMOTIONS, strict=True)) | {"band": "race", "tone": "gender"}
    for name, table in plain.items():
        found = other[name].replace(back)
        if "standardised_to" in found:
            found["standardised_to"] = found["standardised_to"].str.replace("task ", "")
        order = [column for column in table if table[column].dtype == object or table[column].dtype == "str"]
        found, table = (one.sort_values(order, ignore_index=True) for one in (found, table))
        assert len(table) and found.equals(table), name
    assert set(other["disparities"]["attribute"]) == {"band", "tone", "group"}
    assert set(other["confusions"]["true"]) == set(OTHER)


def test_what_an_audit_is_about_survives_the_disk(tmp_path):
    taken = intake.read(renamed(table_of()), **ASKED, measures=["recall"], reference={"tone": "Male"})
    kept = tables.read_parquet(tables.write_parquet(taken.manifest, tmp_path / "manifest.parquet"))
    kept = outcomes.of_datasets(kept, ["set"])
    assert Scope.of(kept) == Scope(tuple(OTHER), ("band", "tone", "group"), ("recall",), {"tone": "Male"})
    (one, _) = counts.tally(outcomes.join(taken.predictions, kept))
    assert one.scope == Scope.of(kept) and one.tensor.shape[1:] == (7, 14)
    assert not intake.read(table_of()).manifest.attrs and Scope.of(pd.DataFrame()) == Scope()


def test_a_gap_that_the_study_s_family_misses_is_found_where_accuracy_is_the_family():
    found = {}
    for asked in ({}, {"measures": ["accuracy"], "attributes": ["race", "gender"]}):
        taken = intake.read(CASE, **asked)
        (one,) = counts.tally(outcomes.join(taken.predictions, taken.manifest))
        found[bool(asked)] = disparities.disparities([one])
    assert not (found[False]["verdict"] == "different").any() and len(found[True]) == 7
    different = found[True][found[True]["verdict"] == "different"]
    assert different[["group_a", "group_b"]].to_numpy().tolist() == [["Black", "White"]]
    pair = ["measure", "attribute", "group_a", "group_b"]
    both = found[True].merge(found[False], on=pair, suffixes=("", "_all"))
    np.testing.assert_allclose(both["p_cluster"], both["p_cluster_all"])  # the test of one contrast knows no family
    by_race = both[both["attribute"] == "race"]
    assert (by_race["bound"] > by_race["bound_all"]).all()


@pytest.mark.parametrize(
    "asked, rates",
    [
        (["accuracy"], {("accuracy", "", "")}),
        (["recall:fear"], {("recall", "fear", "fear")}),
        (["confusion:fear:sad", "no_answer"], {("confusion", "fear", "sad"), ("no_answer", "", "")}),
        (["confusion:fear"], {("confusion", "fear", other) for other in EMOTIONS if other != "fear"}),
    ],
    ids=["accuracy", "one recall", "one confusion and no answer", "all confusions of one emotion"],
)
def test_only_declared_measures_are_judged(asked, rates):
    taken = intake.read(table_of(), measures=asked)
    table = disparities.disparities(counts.tally(outcomes.join(taken.predictions, taken.manifest)), draws=200)
    assert set(table[["measure", "true", "predicted"]].itertuples(index=False, name=None)) == rates
    assert asked[0] in Scope.of(taken.manifest).family


def test_a_reference_is_the_second_of_every_pair_and_takes_the_others_out():
    table = pd.concat([table_of(), table_of().replace({"race": {"White": "Asian"}}).query("race == 'Asian'")])
    table.loc[table["race"] == "Asian", ["image_id", "subject_id"]] += "a"
    tallied = {}
    for race in (None, "Black"):
        taken = intake.read(table, reference={} if race is None else {"race": race})
        joined = outcomes.join(taken.predictions, taken.manifest)
        tallied[race] = disparities.disparities(counts.tally(joined), draws=200)
    held = tallied["Black"].query("attribute == 'race'")
    assert set(zip(held["group_a"], held["group_b"], strict=True)) == {("Asian", "Black"), ("White", "Black")}
    assert set(tallied["Black"].query("attribute == 'gender'")["group_a"]) == {"Female"}
    free = tallied[None].query("attribute == 'race' and group_a == 'Black'").reset_index(drop=True)
    held = held.query("group_a == 'White'").reset_index(drop=True)
    np.testing.assert_allclose(held["risk_difference"], -free["risk_difference"])
    np.testing.assert_allclose(held["p_cluster"], free["p_cluster"])
    assert "race against Black" in Scope.of(taken.manifest).family


def test_one_attribute_alone_and_three_are_audited():
    table = table_of().assign(age=lambda one: np.where(one["subject_id"].str[-1].astype(int) % 2, "old", "young"))
    for attributes in (["age"], ["age", "race", "gender", "group"], ["race", "age"]):
        found = everything(intake.read(table, attributes=attributes))
        assert set(found["disparities"]["attribute"]) == set(attributes)
        expected = table[table["model"] == "m0"].groupby("age")[["predicted", "emotion"]]
        expected = expected.apply(lambda part: (part["predicted"] == part["emotion"]).mean())
        rates = found["accuracy"].query("model == 'm0' and by == @attributes[0]").set_index("group")["accuracy"]
        if attributes[0] == "age":
            np.testing.assert_allclose(rates[expected.index], expected)


def fairface():
    """One person of each race, gender and age band of FairFace, with two images."""
    races = ["White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern"]
    ages = ["0-2", "3-9", *(f"{ten}0-{ten}9" for ten in range(1, 7)), "more than 70"]
    people = pd.DataFrame(itertools.product(races, ["Female", "Male"], ages), columns=["race", "gender", "age"])
    people["subject_id"] = [f"p{number}" for number in range(len(people))]
    table = people.merge(pd.DataFrame({"emotion": ["fear", "sad"]}), how="cross")
    right = np.random.default_rng(3).random(len(table)) < 0.7
    return table.assign(image_id=table.index.map("{}.jpg".format), predicted=table["emotion"].where(right, "anger"))


def test_many_groups_of_people_are_compared_by_each_attribute_for_itself():
    table = fairface()
    asked = ["race", "gender", "age"]
    taken = intake.read(table, attributes=asked, measures=["accuracy"])
    found = disparities.disparities(counts.tally(outcomes.join(taken.predictions, taken.manifest)), draws=100)
    assert not taken.notes and taken.manifest["group"].nunique() == 126
    assert found["attribute"].value_counts().to_dict() == {"age": 36, "race": 21, "gender": 1}
    rates = table.assign(right=table["emotion"] == table["predicted"])
    for row in found.itertuples():
        by = rates.groupby(row.attribute)["right"].mean()
        assert row.risk_difference == pytest.approx(by[row.group_a] - by[row.group_b], abs=1e-6)
    with pytest.raises(InputError, match="126 groups by group; at most 40 .*name other columns: ATTRIBUTES="):
        intake.read(table, attributes=[*asked, "group"])
    years = table.assign(age=table["subject_id"].str[1:].astype(int) % 60)
    with pytest.raises(InputError, match="60 groups by age; at most 40 .*Write bands in place of numbers"):
        intake.read(years, attributes=asked)


def test_as_many_labels_as_emonet_face_has_are_taken():
    labels = [f"feeling {number}" for number in range(40)]
    table = fairface()
    truth = [labels[number % 40] for number in range(len(table))]
    table = table.assign(emotion=truth, predicted=["feeling 0", *truth[1:-1], "feeling 39"])
    taken = intake.read(table, labels=labels, attributes=["gender"], measures=["accuracy", "recall"])
    found = disparities.disparities(counts.tally(outcomes.join(taken.predictions, taken.manifest)), draws=100)
    assert set(found["true"]) <= {"", *labels} and len(found) == 41
    with pytest.raises(InputError, match="give 2 to 40 labels"):
        intake.read(table, labels=[*labels, "one more"])


@pytest.mark.parametrize("word", ["none", "Error!", "yes"])
def test_a_declared_label_is_a_label_whatever_else_the_word_means(word):
    table = table_of().replace({"emotion": {"sad": word}, "predicted": {"sad": word}})
    labels = [word if emotion == "sad" else emotion for emotion in EMOTIONS]
    if word == "Error!":
        with pytest.raises(InputError, match="none of them one of ok, refused"):
            intake.read(table, labels=labels)
        return
    taken = intake.read(table, labels=labels)
    assert (taken.manifest["emotion"] == word).sum() == table["image_id"][table["emotion"] == word].nunique()
    assert (taken.predictions["predicted"] == word).sum() == (table["predicted"] == word).sum()


def test_synonyms_serve_the_labels_that_are_declared():
    table = table_of().replace({"emotion": {"happy": "happiness"}, "predicted": {"happy": "joy", "fear": "afraid"}})
    labels = [*EMOTIONS[:3], "Happy", *EMOTIONS[4:], "joy"]
    with pytest.raises(InputError, match="unknown emotion 'happiness'"):
        intake.read(table, labels=[*labels[:3], "glad", *labels[4:-1]])
    glad = intake.read(
        table, labels=[*labels[:3], "glad", *labels[4:]]
    )  # joy is what is left for happiness, and is told
    assert "happiness = joy" in " ".join(glad.notes)
    taken = intake.read(table, labels=labels)
    assert {"Happy"} < set(taken.manifest["emotion"]) and {"joy", "fear"} < set(taken.predictions["predicted"])


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"labels": ["a"]}, "LABELS=a: give 2 to 40 labels"),
        ({"labels": ["a b", "AB"]}, "differ in letters or digits"),
        ({"attributes": ["model"]}, "COLUMNS=team=model"),
        ({"attributes": ["race", "group"]}, "`group` among them crosses two or more others"),
        ({"attributes": ["race", "race"]}, "each once"),
        ({"attributes": ["colour"]}, "lacks the column 'colour'"),
        ({"measures": ["auc"]}, "MEASURES=auc: give accuracy, no_answer, recall, confusion, or one rate: recall:anger"),
        ({"measures": ["recall:joy"]}, "MEASURES=recall:joy"),
        ({"reference": {"age": "young"}}, "REFERENCE=age=...: give one of race, gender, group"),
        ({"reference": {"race": "Asian"}}, "there is no such group. There are: Black, White"),
    ],
)
def test_what_cannot_be_asked_is_answered_with_what_can(asked, words):
    with pytest.raises(InputError) as caught:
        intake.read(table_of(people=1), **asked)
    assert words in str(caught.value), str(caught.value)


def test_tables_figures_and_page_speak_of_the_declared_audit(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    table = renamed(table_of(people=5)).query("model == 'm0'")
    given = tmp_path / "mine.csv"
    table.to_csv(given, index=False)
    command = ["audit", str(given), "--out", str(tmp_path / "out"), "--labels", ",".join(OTHER)]
    command += ["--attributes", "tone,band", "--measures", "accuracy", "--reference", "band=White"]
    monkeypatch.setattr("sys.argv", command)
    audit.main()
    found = pd.read_csv(tmp_path / "out" / "tables" / "disparities.csv")
    assert set(found["attribute"]) == {"tone", "band"} and set(found["measure"]) == {"accuracy"}
    taken = intake.read(given, **ASKED | {"attributes": ["tone", "band"]})
    by_hand = metrics.by_group(counts.tally(outcomes.join(taken.predictions, taken.manifest)))
    made = pd.read_csv(tmp_path / "out" / "tables" / "metrics.csv", keep_default_na=False, na_values=[""])
    np.testing.assert_allclose(made["value"], by_hand["value"], rtol=1e-5)
    bars = pd.read_csv(tmp_path / "out" / "figures" / "composition.csv")
    assert set(bars["emotion"]) == set(OTHER) and "tone" in bars and bars["images"].sum() == len(table)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "by tone, band, band against White" in page and "Groups by tone and band" not in page
    assert "race" not in page.partition("<h2>How it was done")[0].replace("/ race", "")
