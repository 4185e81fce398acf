"""The protocol: nobody is judged by what learnt from them, and the last layer is scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from stats_helpers import manifest_of

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.mitigation import effects, protocol, trials
from ferlib.probe import linear

MISTAKE = {"true": "anger", "predicted": "disgust", "group": "Black"}


@pytest.fixture(scope="module")
def faces():
    """People, vectors that hold the emotion and noise, and the parts."""
    manifest = manifest_of(9)
    truth = linear.codes(manifest["emotion"])
    random = np.random.default_rng(0)
    vectors = np.eye(7)[truth] @ random.normal(size=(7, 12)) + random.normal(scale=1.5, size=(len(truth), 12))
    return manifest, truth, vectors, protocol.Parts.deal(manifest, by=["race"], seeds=[1, 2])


def test_people_are_dealt_whole_and_evenly_and_each_seed_judges_everybody_once(faces):
    manifest, _, _, parts = faces
    people = manifest["subject_id"].to_numpy()
    assert parts.fit.shape == (6, len(manifest))
    for fit, choose, judge in zip(parts.fit, parts.choose, parts.judge, strict=True):
        assert (fit.astype(int) + choose + judge == 1).all()
        sets = [set(people[part]) for part in (fit, choose, judge)]
        assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
        for race, rows in manifest.groupby("race"):
            assert judge[rows.index].sum() == len(rows) / 3, race
    assert (parts.judge[:3].sum(axis=0) == 1).all() and (parts.judge[3:].sum(axis=0) == 1).all()
    assert (parts.judge[0] != parts.judge[3]).any()


def test_fewer_than_three_people_of_a_kind_are_refused():
    with pytest.raises(InputError, match="three parts: only 2 people are '(Asian|Black|White) (Fem|M)ale'"):
        protocol.Parts.deal(manifest_of(2), by=["race", "gender"], seeds=[1])


def test_answers_are_of_the_turn_that_did_not_see_the_person(faces):
    manifest, truth, _, parts = faces
    turn = np.argmax(parts.judge, axis=0)
    scores = np.stack([np.eye(7)[np.full(len(truth), number)] for number in range(6)])
    found = parts.answers(scores, manifest, model="m").sort_values(["repeat", "image_id"])
    assert len(found) == 2 * len(manifest)
    expected = manifest.assign(turn=turn).sort_values("image_id")["turn"]
    assert list(found.loc[found["repeat"] == 0, "outcome"]) == [EMOTIONS[number] for number in expected]
    scores[:, 4] = np.nan
    silent = parts.answers(scores, manifest, model="m")
    assert set(silent.loc[silent["outcome"] == protocol.ABSTAINED, "image_id"]) == {manifest["image_id"][4]}
    once = parts.answers(np.eye(7)[truth], manifest, model="m")
    assert (once["outcome"] == once["true"]).all() and (once["repeat"] == 0).all()


def test_a_last_layer_is_that_of_scikit_learn_with_the_c_that_serves_the_people_to_choose_on(faces):
    _, truth, vectors, parts = faces
    among = np.arange(len(truth)) % 5 != 3
    found = parts.refit(vectors, truth, penalties=[0.01, 1, 100], among=among)
    for turn in (0, 4):
        rows, choose = parts.fit[turn] & among, parts.choose[turn]
        fits = [
            LogisticRegression(C=c, max_iter=5000, tol=1e-8).fit(vectors[rows], truth[rows]) for c in (0.01, 1, 100)
        ]
        best = max(fits, key=lambda one: one.score(vectors[choose], truth[choose]))
        np.testing.assert_allclose(found[turn], best.predict_proba(vectors), atol=5e-3)


def test_each_turn_may_have_labels_of_its_own(faces):
    _, truth, vectors, parts = faces
    own = np.stack([truth] * 6)
    own[2] = (truth + 1) % 7
    found = parts.refit(vectors, own, penalties=[1])
    np.testing.assert_allclose(found[0], parts.refit(vectors, truth, penalties=[1])[0], atol=2e-3)
    assert (found[2].argmax(axis=1) == own[2]).mean() > 0.5 > (found[2].argmax(axis=1) == truth).mean()


def test_a_trial_finds_the_planted_mistake_gone_and_its_empty_control_idle(faces):
    manifest, truth, _, parts = faces
    faulty = np.eye(7)[truth]
    hit = ((manifest["race"] == "Black") & (manifest["emotion"] == "anger")).to_numpy()
    faulty[hit] = np.eye(7)[EMOTIONS.index("disgust")]
    before = {"faulty": faulty, "sound": np.eye(7)[truth]}
    rules = {"alpha": 0.05, "delta": 0.05, "min_people": 5, "draws": 300, "seed": 0}
    book = trials.Trials(parts, manifest, MISTAKE, called={"race": "tone"}, **rules)
    ways = {"remedy": lambda model: np.eye(7)[truth], "control": before.get, "none": None}
    shown = book.judge("all right", ways, before.get, ["faulty", "sound"], labels=5)
    assert list(shown["way"] + " " + shown["model"]) == [
        "remedy faulty",
        "remedy sound",
        "control faulty",
        "control sound",
    ]
    assert shown["planted"][0] == "1.00 → 0.00, better" and "0.14" in shown["accuracy, Black"][0]
    table = book.table().set_index(["way", "model"])
    assert table.loc[("remedy", "faulty"), "planted_removed"] == 1 and table.loc[("remedy", "faulty"), "labels"] == 5
    assert table.loc[("remedy", "faulty"), "worst_effect"] == "better"
    assert not table.loc["control", ["groups_better", "groups_worse"]].to_numpy().any()
    assert pd.isna(table.loc[("remedy", "sound"), "planted_removed"])
    assert set(book.changes[0]["by"]) == {"all", "tone", "gender", "group"}
    alone = book.by_seed("faulty")
    assert set(alone["way"]) == {"remedy", "control"} and (alone["seed"] == 0).all() and not alone["worse"].any()
    helped = alone[alone["better"]]
    assert {("tone", "Black"), ("all", "all")} <= set(zip(helped["by"], helped["group"], strict=True))
    assert ("tone", "White") not in set(zip(helped["by"], helped["group"], strict=True))
    assert set(helped["way"]) == {"remedy"} and not book.by_seed("sound")[["better", "worse"]].to_numpy().any()
    assert set(book.gaps[0]["outcome"]) <= set(effects.OUTCOMES)
