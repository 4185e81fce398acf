"""How strongly Action Units move each face: the shipped tables, what the datasheet says of them, and the measuring."""

import re

import numpy as np
import pandas as pd
import pytest
from ferdemo.faces import geometry, landmarks, sets, strength
from ferdemo.faces.sheets import strength_sheet
from PIL import Image

from ferlib import paths, tables
from ferlib.errors import InputError

FOLDER = paths.DEMO / "people"


@pytest.fixture(scope="module")
def shipped():
    return {
        name: tables.read_csv(FOLDER / f"{name}.csv", columns=("unit",)) for name in ("strength", "strength_contrasts")
    }


@pytest.fixture(scope="module")
def head():
    try:
        return geometry.load_head()
    except InputError as error:
        pytest.skip(str(error))


def test_all_groups_and_intensities_are_in_the_table(shipped):
    table = shipped["strength"]
    assert len(table) == len(strength.MEASURES) * len(strength.INTENSITIES) * 6
    assert (table["people"] == 24).all()
    full = table[table["intensity"] == 1]
    assert np.allclose(full.groupby("unit")["value"].mean(), 1)
    assert (table["relative"] > 0).all()


def test_a_stronger_action_unit_moves_every_group_further(shipped):
    wide = shipped["strength"].pivot(index=["unit", "group"], columns="intensity", values="relative")
    assert (wide.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)


def test_the_verdicts_are_of_the_means_in_the_table(shipped):
    full = shipped["strength"].query("intensity == 1").set_index(["unit", "group"])["value"]
    pairs = shipped["strength_contrasts"].query("attribute == 'group'")
    for side in "ab":
        told = full.loc[pd.MultiIndex.from_frame(pairs[["unit", f"group_{side}"]])]
        assert np.allclose(told, pairs[f"mean_{side}"])
    known = pairs[pairs["verdict"] == "equivalent"]
    assert (known["difference"].abs() < strength.DELTA).all()


def test_the_datasheet_says_what_the_tables_say(shipped):
    words = re.sub(r"\s+", " ", (paths.DEMO / "README.md").read_text(encoding="utf-8"))
    found = shipped["strength_contrasts"].groupby("attribute")["verdict"].value_counts().unstack(fill_value=0)
    race, gender = found.loc["race"], found.loc["gender"]
    order = ["different", "equivalent", "inconclusive"]
    one, two, three = (f"{race[name]} {'are ' if name == 'different' else ''}*{name}*" for name in order)
    assert f"of {race.sum()} contrasts of race {one}, {two} and {three}" in words
    assert f"of {gender.sum()} of gender {gender[order[0]]}, {gender[order[1]]} and {gender[order[2]]}" in words
    full = shipped["strength"].query("intensity == 1")
    mean = (
        full.assign(race=full["group"].str.split().str[0]).groupby(["unit", "race"])["value"].mean().unstack().round(2)
    )
    lips = mean.loc[["au22", "au23", "au24", "au25", "au28"]].drop_duplicates()
    assert len(lips) == 1
    white, asian = lips["White"].item(), lips["Asian"].item()
    assert f"{white:.2f} times the mean in the White geometry, {asian:.2f} in the Asian one" in words
    (others,) = set(mean.loc["au02", ["Black", "White"]])
    assert f"{mean.loc['au02', 'Asian']:.2f} in the Asian geometry, {others:.2f} in the others" in words


def test_the_sheet_shows_full_intensity_by_group(shipped, tmp_path):
    drawn = strength_sheet(shipped["strength"], tmp_path / "strength.png")
    numbers = pd.read_csv(drawn.with_suffix(".csv")).set_index("unit")
    assert list(numbers.index) == list(strength.MEASURES)
    told = shipped["strength"].query("intensity == 1 and group == 'White Male'").set_index("unit")["value"]
    assert np.allclose(numbers["White Male"], told, rtol=1e-5)
    with Image.open(drawn) as one, Image.open(paths.ROOT / "figures" / "demo" / "strength.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_the_tables_measured_again_are_the_shipped_ones(head, shipped):
    rows = strength.measured(sets.SETS["people"].persons())
    for name, again in (("strength", strength.summary(rows)), ("strength_contrasts", strength.contrasts(rows))):
        pd.testing.assert_frame_equal(shipped[name], again, check_dtype=False, rtol=1e-4, atol=1e-6)


def test_a_point_moved_by_a_known_length_is_measured_in_shares_of_the_face(head):
    moved = head.template.copy()
    moved[landmarks.points()["inner brow"], 1] += 0.003
    brow = np.hypot(*(landmarks.place(head.template, "inner brow") - landmarks.place(head.template, "upper lid"))[:2])
    assert strength.MEASURES["au01"](head.template, moved) == pytest.approx(0.003 / brow)
    assert strength.MEASURES["au04"](head.template, moved) == pytest.approx(-0.003 / brow)
    assert strength.MEASURES["au12"](head.template, moved) == 0


def test_a_head_of_twice_the_size_that_moves_twice_as_far_is_equally_strong(head):
    moved = head.template + 0.001 * np.random.default_rng(3).standard_normal(head.template.shape)
    for measure in strength.MEASURES.values():
        assert measure(2 * head.template, 2 * moved) == pytest.approx(measure(head.template, moved))


def test_every_point_lies_on_both_sides_of_the_face(head):
    for name, index in landmarks.points().items():
        assert len(index) >= 2, name
        x = head.template[index, 0]
        assert x.min() == pytest.approx(-x.max(), abs=0.001), name
