"""How strongly Action Units move each face: the shipped tables, what the datasheet says of them, and the measuring."""

import re

import numpy as np
import pandas as pd
import pytest
from ferdemo.faces import expression, geometry, landmarks, measures, sets, strength
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
    assert len(table) == len(measures.MEASURES) * len(strength.INTENSITIES) * 6
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


def test_every_action_unit_is_equally_strong_in_every_group(shipped):
    verdicts = shipped["strength_contrasts"].groupby("attribute")["verdict"].value_counts()
    assert verdicts.to_dict() == {
        ("group", "equivalent"): 360,
        ("race", "equivalent"): 72,
        ("gender", "equivalent"): 24,
    }
    wide = shipped["strength"].pivot(index=["unit", "intensity"], columns="group", values="value")
    spread = wide.max(axis=1) - wide.min(axis=1)
    assert (spread < 0.03).all()  # of the prototype at full intensity, at every intensity; the verdicts allow 0.10


def test_the_datasheet_says_what_the_tables_say(shipped):
    words = re.sub(r"\s+", " ", (paths.DEMO / "README.md").read_text(encoding="utf-8"))
    contrasts = shipped["strength_contrasts"]
    assert f"all {len(contrasts)} contrasts" in words and (contrasts["verdict"] == "equivalent").all()
    wide = shipped["strength"].pivot(index=["unit", "intensity"], columns="group", values="value")
    spread = (wide.max(axis=1) - wide.min(axis=1)).max()
    assert f"at most {spread:.2f} of the prototype" in words


def test_a_head_whose_lids_are_hidden_by_a_fold_is_open_as_far_as_is_seen(head):
    count = len(head.parts["skin"].index)
    x, y, z = head.parts["skin"].canonical[:count].T
    hanging = head.parts["skin"].index[(np.abs(np.abs(x) - 0.031) < 0.006) & (np.abs(y - 0.010) < 0.003) & (z > -0.01)]
    folded = head.template.copy()
    folded[hanging] += (0, -0.006, 0.003)
    assert landmarks.opening(folded) < landmarks.opening(head.template) - 0.001
    assert np.allclose(landmarks.place(folded, "upper lid"), landmarks.place(head.template, "upper lid"))


def test_lids_of_a_larger_head_are_open_further(head):
    larger = landmarks.opening(1.1 * head.template) / landmarks.opening(head.template)
    assert larger == pytest.approx(1.1, rel=0.02)  # seen in a strip of six millimetres in either


def test_scales_make_every_action_unit_equally_strong_in_a_face_of_other_lengths(head):
    other = head.template * (1.1, 0.9, 1.0)
    by = measures.scales(other, 0.05)
    for unit, measure in measures.MEASURES.items():
        moved = other + expression.displacement({unit: by[unit]}, 0.05)
        assert measure(other, moved) == pytest.approx(measures._base()[unit], rel=1e-3), unit


def test_the_sheet_shows_full_intensity_by_group(shipped, tmp_path):
    drawn = strength_sheet(shipped["strength"], tmp_path / "strength.png")
    numbers = pd.read_csv(drawn.with_suffix(".csv")).set_index("unit")
    assert list(numbers.index) == list(measures.MEASURES)
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
    assert measures.MEASURES["au01"](head.template, moved) == pytest.approx(0.003 / brow)
    assert measures.MEASURES["au04"](head.template, moved) == pytest.approx(-0.003 / brow)
    assert measures.MEASURES["au12"](head.template, moved) == 0


def test_a_head_of_twice_the_size_that_moves_twice_as_far_is_equally_strong(head):
    moved = head.template + 0.001 * np.random.default_rng(3).standard_normal(head.template.shape)
    for measure in measures.MEASURES.values():
        if measure.point != measures.OPENING:
            assert measure(2 * head.template, 2 * moved) == pytest.approx(measure(head.template, moved))


def test_every_point_lies_on_both_sides_of_the_face(head):
    for name, index in landmarks.points().items():
        assert len(index) >= 2, name
        x = head.template[index, 0]
        assert x.min() == pytest.approx(-x.max(), abs=0.001), name
