"""What the sets of faces promise by design, from their definitions alone: balance, crossing, nobody in two sets."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from ferdemo.faces import combinations, sets
from ferdemo.faces.expression import ACTION_UNITS
from ferdemo.faces.recipe import row

from ferlib import labels

APPEARANCE = ["hair", "hair_colour", "eye_colour", "stubble", "freckles", "age"]
VIEW = ["light", "light_side", "yaw_deg", "pitch_deg"]


def table(name):
    face_set = sets.SETS[name]
    return pd.DataFrame([row(image, face_set) for image in face_set.images()])


@pytest.fixture(scope="module")
def tables_of():
    return {name: table(name) for name in sets.SETS if name not in ("train", "units_train")}


def crossing(frame, factors):
    """How often each combination of the factors' levels occurs, those that never occur included."""
    levels = [sorted(frame[factor].unique()) for factor in factors]
    return frame.groupby(factors).size().reindex(pd.MultiIndex.from_product(levels), fill_value=0)


@pytest.mark.parametrize(
    ("name", "factors", "cells", "each"),
    [
        ("people", ["race", "gender", "emotion"], 3 * 2 * 7, 24),
        ("holdout", ["race", "gender", "emotion"], 3 * 2 * 7, 12),
        ("crossed", ["race", "gender", "skin_tone", "emotion", "look"], None, None),
        ("crossed", ["subject_id", "skin_tone", "emotion"], 12 * 5 * 7, 1),
        ("crossed", ["race", "skin_tone", "emotion", "look"], 3 * 5 * 7 * 4, 1),
        (
            "light_pose",
            ["subject_id", "emotion", *VIEW],
            12 * 4 * np.prod([len(x) for x in (sets.SETS["light_pose"].lights, sets.SETS["light_pose"].sides)])
            * len(sets.SETS["light_pose"].yaws) * len(sets.SETS["light_pose"].pitches),
            1,
        ),
    ],
)  # fmt: skip
def test_every_factor_is_crossed_with_every_other_equally_often(tables_of, name, factors, cells, each):
    if cells is None:
        # A look belongs to a gender: crossed within it.
        for _, half in tables_of[name].groupby("gender"):
            assert (crossing(half, ["race", "skin_tone", "emotion", "look"]) == 1).all()
        return
    counts = crossing(tables_of[name], factors)
    assert len(counts) == cells
    assert (counts == each).all(), counts[counts != each]


def test_in_the_crossed_set_only_the_tone_changes_along_tone(tables_of):
    frame = tables_of["crossed"]
    same = ["race", "gender", "strength", *APPEARANCE, *VIEW, *ACTION_UNITS]
    assert (frame.groupby(["subject_id", "emotion"])[same].nunique() == 1).all(axis=None)
    assert (frame.groupby(["subject_id", "emotion"])["skin_tone"].nunique() == 5).all()


def test_in_the_crossed_set_only_the_geometry_changes_along_geometry(tables_of):
    frame = tables_of["crossed"]
    same = ["gender", "strength", *APPEARANCE, *VIEW, *ACTION_UNITS]
    triplets = frame.groupby(["look", "skin_tone", "emotion"])
    assert (triplets.size() == 3).all() and (triplets["race"].nunique() == 3).all()
    assert (triplets[same].nunique() == 1).all(axis=None)
    # Expression, light and pose do not depend on gender either.
    frame["number"] = frame["look"].str[1:]
    assert (frame.groupby(["number", "emotion"])[[*VIEW, *ACTION_UNITS]].nunique() == 1).all(axis=None)


def test_in_the_crossed_set_even_what_no_column_says_is_equal_along_geometry():
    for trio in zip(*[iter_by_race(race) for race in ("Asian", "Black", "White")], strict=True):
        hidden = [
            {name: value for name, value in vars(who).items() if name not in ("subject_id", "race", "shape")}
            for who in trio
        ]
        assert hidden[0] == hidden[1] == hidden[2]
        local = [{(name, weight) for name, weight in who.shape if "macrodetails" not in name} for who in trio]
        assert local[0] == local[1] == local[2]
        assert len({who.shape for who in trio}) == 3


def iter_by_race(race):
    return [who for who in sets.SETS["crossed"].persons() if who.race == race]


def test_strengths_of_the_crossed_set_leave_room_on_both_sides(tables_of):
    posed = tables_of["crossed"].query("emotion != 'neutral'")
    assert posed["strength"].between(0.5, 0.9).all()
    assert posed.groupby("emotion")["strength"].nunique().eq(2).all()


def test_each_action_unit_is_shown_alone_at_three_levels_by_two_people_of_each_group(tables_of):
    frame = tables_of["action_units"]
    single = frame[frame["kind"] == "single"]
    assert len(ACTION_UNITS) >= 20
    assert len(single) == 12 * len(ACTION_UNITS) * 3
    assert (single.groupby("group")["subject_id"].nunique() == 2).all()
    assert (frame.groupby("group")["subject_id"].nunique() == 6).all()
    intensities = single[list(ACTION_UNITS)]
    assert ((intensities > 0).sum(axis=1) == 1).all()
    for unit in ACTION_UNITS:
        levels = single[single[unit] > 0].groupby("subject_id")[unit].apply(sorted)
        assert levels.map(lambda found: found == [0.35, 0.65, 1.0]).all() and len(levels) == 12


@pytest.mark.parametrize("name", ["action_units", "units_holdout"])
def test_combinations_show_every_action_unit_equally_often_for_everybody(tables_of, name):
    frame = tables_of[name]
    mixed = frame[frame["kind"] == "combination"]
    present = (mixed[list(ACTION_UNITS)] > 0).groupby(mixed["subject_id"]).sum()
    assert (present == sets.SETS[name].deals).all(axis=None)
    assert (mixed[list(ACTION_UNITS)].where(lambda x: x > 0).min() >= 0.6).all()


def test_action_units_to_be_kept_apart_never_meet_and_the_others_give_nothing_away():
    hands = [hand for number in range(400) for hand in combinations.deal(np.random.default_rng(number))]
    present = np.array([[unit in hand for unit in ACTION_UNITS] for hand in hands], float)
    assert np.allclose(present.mean(axis=0), 1 / len(combinations.HANDS))
    correlation = np.corrcoef(present.T)
    for (i, a), (j, b) in itertools.combinations(enumerate(ACTION_UNITS), 2):
        if any({a, b} <= apart for apart in combinations.APART):
            assert not (present[:, i] * present[:, j]).any(), (a, b)
        else:
            # r = .35 would tell 12 % of the variance of one from the other. Standard error: .02.
            assert abs(correlation[i, j]) < 0.35, (a, b, correlation[i, j])


def test_one_view_serves_all_images_of_a_person_whose_regions_are_known(tables_of):
    assert (tables_of["action_units"].groupby("subject_id")[VIEW].nunique() == 1).all(axis=None)


def test_image_ids_are_unique_over_all_sets(tables_of):
    ids = pd.concat([frame["image_id"] for frame in tables_of.values()])
    assert ids.is_unique
    # The training sets are large: their ids begin with prefixes of their own.
    prefixes = [face_set.prefix for face_set in sets.SETS.values()]
    assert len(set(prefixes)) == len(prefixes)
    for name in ("train", "units_train"):
        assert not ids.str.startswith(f"{sets.SETS[name].prefix}-").any()


def test_no_person_is_in_two_sets_by_name_or_by_shape():
    everybody = [who for face_set in sets.SETS.values() for who in face_set.persons()]
    assert len({who.subject_id for who in everybody}) == len(everybody)
    assert len({who.shape for who in everybody}) == len(everybody)
    local = [
        frozenset(weight for name, weight in who.shape if "macrodetails" not in name)
        for who in everybody
        if not who.subject_id.startswith("crossed")
    ]
    assert len(set(local)) == len(local)


def test_training_sets_show_each_geometry_in_each_tone_equally_often():
    for name in ("train", "units_train"):
        counts = Counter((who.race, who.gender, who.skin_tone) for who in sets.SETS[name].persons())
        assert len(counts) == 3 * 2 * 10 and set(counts.values()) == {4}, name


def test_a_group_and_an_emotion_tell_nothing_about_the_view(tables_of):
    for name in ("people", "holdout"):
        means = tables_of[name].groupby("group")[VIEW].mean()
        assert (means["yaw_deg"].abs() < 1.2).all() and (means["light"].sub(1).abs() < 0.03).all()


def test_a_recipe_ignores_units_at_rest_and_notices_everything_else():
    import dataclasses

    image = sets.SETS["people"].images()[0]
    assert dataclasses.replace(image, units=image.units | {"au99": 0.0}).digest() == image.digest()
    assert dataclasses.replace(image, units=image.units | {"au01": 0.5}).digest() != image.digest()
    assert dataclasses.replace(image, frame="face").digest() != image.digest()
    assert dataclasses.replace(image, who=dataclasses.replace(image.who, skin_tone=10)).digest() != image.digest()
    assert set(labels.EMOTIONS) == {image.emotion for image in sets.SETS["people"].images()[:7]}
