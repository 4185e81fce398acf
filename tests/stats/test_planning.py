"""A plan says of synthetic audits what real ones of that size say of themselves."""

import subprocess

import numpy as np
import pytest

from ferlib import paths
from ferlib.errors import InputError
from ferlib.pipeline import planner
from ferlib.stats import disparities, planning


def test_synthetic_audits_have_the_size_the_accuracy_and_the_icc_that_were_asked_for():
    counts = planning.synthetic(200, 9, (4, 2), accuracy=0.8, icc=0.2, random=np.random.default_rng(0), shift=0.1)
    assert len(counts.people) == 1600 and (counts.images == 9).all()
    rates = counts.right.reshape(8, 200).sum(axis=1) / 1800
    genders = counts.people["gender"].to_numpy()[::200]
    assert rates[genders == "gender 0"].mean() == pytest.approx(0.7, abs=0.02)
    assert rates[genders == "gender 1"].mean() == pytest.approx(0.8, abs=0.02)
    assert np.ptp(counts.tensor.sum(axis=(0, 2))) <= 8
    assert disparities.persons_of(counts).common_icc(np.arange(2, 9)) == pytest.approx(0.2, abs=0.04)


def test_more_people_find_smaller_differences_and_a_plan_is_what_audits_say_of_themselves():
    table = planning.plan([10, 40], 7, groups=(2, 2), draws=300)
    sizes = table.pivot(index="people_per_group", columns="attribute", values="detectable")
    assert (sizes.loc[40] < sizes.loc[10]).all()
    counts = planning.synthetic(40, 7, (2, 2), accuracy=0.8, icc=0.1, random=np.random.default_rng(5))
    judged = disparities.disparities([counts], draws=300).query("measure == 'accuracy' and attribute == 'gender'")
    assert judged["min_detectable"].item() == pytest.approx(sizes.loc[40, "gender"], rel=0.15)
    assert table["images"].to_list() == [280] * 3 + [1120] * 3


def test_so_many_people_and_not_fewer_make_two_groups_alike_equivalent_four_times_in_five():
    row = planning.plan([40], 3, groups=(2, 2), delta=0.1, draws=300).set_index("attribute").loc["gender"]
    people, share = int(row["people_for_equivalence"]), []
    random = np.random.default_rng(2)
    for size in (people, people // 2):
        verdicts = []
        for number in range(25):
            counts = planning.synthetic(size, 3, (2, 2), accuracy=0.8, icc=0.1, random=random)
            table = disparities.disparities([counts], delta=0.1, draws=199, seed=number)
            verdicts.append(table.query("measure == 'accuracy' and attribute == 'gender'")["verdict"].item())
        share.append(np.mean(np.array(verdicts) == "equivalent"))
    assert share[0] >= 0.6 and share[1] <= 0.4


def test_the_plan_is_printed_with_its_price_and_kept_as_table_and_curve(tmp_path, capsys):
    arguments = ["--people", "8", "16", "--races", "2", "--images", "2", "--out", str(tmp_path)]
    genai_prices = pytest.importorskip("genai_prices")
    planner.main([*arguments, "--model", "gpt-4o"])
    printed = capsys.readouterr().out
    assert "people_for_equivalence" in printed and "usd" in printed
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".csv", ".txt", ".svg"}
    usage = genai_prices.Usage(input_tokens=planner.TOKENS[0], output_tokens=planner.TOKENS[1])
    assert planner.usd("gpt-4o") == pytest.approx(float(genai_prices.calc_price(usage, model_ref="gpt-4o").total_price))


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--accuracy", "2"], "ACCURACY=2: it must lie between 0 and 1"),
        (["--people", "0"], "whole numbers from 1"),
        (["--people", "4", "--images", "1", "--races", "2", "--model", "nonsense"], "knows no price of it"),
    ],
)
def test_what_cannot_be_planned_is_said(arguments, said):
    with pytest.raises(InputError, match=said):
        planner.main(arguments)


def test_make_hands_down_what_was_said_and_nothing_else():
    command = ["make", "-n", "plan", "PEOPLE=12 24", "ICC=0.2", "OUT=my plan"]
    printed = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    assert "--people 12 24" in printed and "--icc 0.2" in printed and '--out "my plan"' in printed
    assert "--races" not in printed and "--model" not in printed
