"""What the audit cannot know, as often as the README says."""

import re

import numpy as np

from ferlib.paths import ROOT
from ferlib.stats.disparities import clustered_test
from ferlib.stats.group_rates import Persons


def test_a_kind_of_people_that_was_not_met_makes_a_difference_as_often_as_the_readme_says():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    (said,) = re.findall(r"yet with 40 and 400 people of 20 images each it is said in (\d+) % of samples", readme)
    random, samples, images = np.random.default_rng(3), 1000, np.full(440, 20)
    failed = random.random((40, samples)) < 0.02
    chance = np.concatenate([np.where(failed, 0.0, 1.0), np.full((400, samples), 0.98)])
    right, asked = random.binomial(images[:, None], chance), np.repeat(images[:, None], samples, axis=1)
    first = np.arange(440) < 40
    people = Persons(right, asked, [first, ~first])
    p, *_ = clustered_test(people.of(first), people.of(~first))
    different = p <= 0.05
    assert abs(different.mean() - int(said) / 100) < 4 * np.sqrt(0.25 / samples)
    assert (~failed.any(axis=0))[different].mean() > 0.9  # "nearly always"
