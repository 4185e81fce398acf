"""The sets of demo faces by name: who is in them, and what varies from image to image."""

from dataclasses import replace

from ferdemo.faces.combinations import Combinations
from ferdemo.faces.crossed import Crossed
from ferdemo.faces.identity import EVERY_TONE
from ferdemo.faces.light_pose import LightPose
from ferdemo.faces.posed import Posed

PEOPLE = Posed("people", "demo", "demo", 24, block=12, strength=(0.15, 1.15))
UNITS = Combinations(
    "action_units", "unit", "demo-action-units", 6, levels=(0.35, 0.65, 1.0), alone=2, deals=3, still=True
)

SETS = {
    face_set.name: face_set
    for face_set in (
        PEOPLE,
        Crossed("crossed", "crossed", "demo-crossed", 2),
        LightPose("light_pose", "pose", "demo-light-pose", 2),
        UNITS,
        Posed(
            "train",
            "train",
            "demo-train",
            40,
            128,
            95,
            EVERY_TONE,
            block=40,
            strength=(0.30, 1.25),
            repetitions=2,
            mixtures=5,
        ),
        Posed("holdout", "holdout", "demo-holdout", 12, 128, 95, block=12, strength=(1.0, 1.0)),
        Combinations(
            "units_train",
            "unittrain",
            "demo-units-train",
            40,
            128,
            95,
            EVERY_TONE,
            solos=6,
            deals=4,
            intensity=(0.3, 1.0),
        ),
        Combinations("units_holdout", "unithold", "demo-units-holdout", 6, 128, 95, deals=4),
        replace(PEOPLE, name="again", prefix="again", dataset="demo-again", cell=3 * PEOPLE.cell),
        replace(
            UNITS,
            name="units_again",
            prefix="unitagain",
            dataset="demo-units-again",
            cell=3 * UNITS.cell,
            alone=3 * UNITS.alone,
        ),
    )
}

SHIPPED = ("people", "crossed", "light_pose", "action_units")
"""Sets whose place is data/demo/<name>, made by `python -m ferdemo.faces demo`. Others are for training; `again` and
`units_again`, `people` and `action_units` with three times as many people, are to see again what nobody planted."""
