"""What is said of a figure, its caption and alternative text, is what the numbers beside it say."""

import ast
import json
import re
from functools import partial

import pytest

from ferlib import tables
from ferlib.figures import (
    curves,
    forests,
    heatmap_panels,
    matrices,
    rates,
    remedies,
    unit_scores,
)
from ferlib.paths import ROOT


def of_notebook(name, function):
    """A function that a cell of a notebook defines."""
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    nodes = [node for text in code for node in ast.parse(text).body if getattr(node, "name", "") == function]
    known = {}
    exec(compile(ast.Module(nodes, []), name, "exec"), known)
    return known[function]


def mistakes(table):
    model, dataset = table[["model", "dataset"]].iloc[0]
    return matrices.describe_mistakes(table, title=f"{model} on dataset {dataset}")


def differences(table):
    return heatmap_panels.describe_differences(table, names=tuple(table[["group_a", "group_b"]].iloc[0]))


SMALLEST = "smallest difference that is found four times in five (median)"
DESCRIBED_BY = {
    "accuracy_by_group": rates.describe_accuracy,
    "composition": rates.describe_composition,
    "confusion": matrices.describe_confusion,
    "controlled_changes": curves.describe_changes,
    "controlled_levels": curves.describe_levels,
    "gaps": forests.describe_gaps,
    "induced_recall": of_notebook("11_induced_bias", "describe"),
    "mistakes": mistakes,
    "mitigation_costs": remedies.describe_cost_benefit,
    "mitigation_faces": remedies.describe_added,
    "mitigation_slopes": remedies.describe_slopes,
    "no_answer": rates.describe_no_answer,
    "probe_growth": curves.describe_growth,
    "probe_leakage": rates.describe_leakage,
    "published_ratios": forests.describe_ratios,
    "quality_rates": curves.describe_qualities,
    "smallest_found": partial(forests.describe_marks, line=0.05, label=SMALLEST),
    "surest_contrasts": forests.describe_contrasts,
    "units_detection": unit_scores.describe_detection,
    "units_differences": differences,
    "units_examples": heatmap_panels.describe_examples,
    "units_maps": heatmap_panels.describe_means,
    "units_mass": unit_scores.describe_shares,
    "units_outside_face": unit_scores.describe_groups,
}
"""By the beginning of the figure's name."""


def wrong_of(folder):
    """Figures of a folder whose description is not that of their numbers, each with what it should be."""
    wrong = {}
    for path in sorted(folder.glob("*.csv")):
        (describe,) = [found for name, found in DESCRIBED_BY.items() if path.stem.startswith(name)]
        table, said = tables.read_csv(path), path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        should = describe(table) if len(table) or describe is not mistakes else said
        if said != should:
            wrong[path.stem] = should
    return wrong


def test_each_description_is_that_of_the_numbers_beside_it(smoke):
    run, _ = smoke
    made = {path.stem for path in run.figures.glob("*.png")}
    assert made == {path.stem for path in run.figures.glob("*.csv")} and len(made) > 15
    assert wrong_of(run.figures) == {}


def test_a_wrong_description_is_noticed(tmp_path):
    """As that of the probe's growth was: its first number was of one model, its last of another."""
    numbers = [("a", 8, 0.88), ("a", 64, 0.92), ("b", 8, 0.62), ("b", 64, 0.91)]
    rows = "".join(f"people,{count},demo,{model},9,9,{value},.1,1\n" for model, count, value in numbers)
    path = tmp_path / "probe_growth.csv"
    path.write_text("scale,count,dataset,model,n_images,n_subjects,accuracy,ci_low,ci_high\n" + rows)
    path.with_suffix(".txt").write_text("Accuracy over people from 0.88 to 0.91.")
    assert "a on demo from 0.88 with 8 people to 0.92 with 64" in wrong_of(tmp_path)["probe_growth"]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_alternative_text_is_typed_in_a_notebook(path):
    """A figure that is kept is described by a function of its table, never by a string at its place."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    kept = [text for text in code if "figures.save(" in text or re.search(r"^ *keep\(", text, re.MULTILINE)]
    assert not [text for text in kept if re.search(r'alt = f?"|alt=f?"', text)]
