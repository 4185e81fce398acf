"""Files of the kinds that people report in public: each is read with its right value, or refused with a remedy."""

import io

import pandas as pd
import pytest
import yaml

from ferlib import paths
from ferlib.errors import InputError
from ferlib.stats import counts, disparities, intake, outcomes

FOUND = yaml.safe_load((paths.ROOT / "tests" / "recorded" / "intake" / "found.yaml").read_text(encoding="utf-8"))

ROWS = [
    ("b1-a", "b1", "anger", "Black", "Female", "anger"), ("b1-s", "b1", "sad", "Black", "Female", "anger"),
    ("w1-a", "w1", "anger", "White", "Male", "anger"), ("w1-s", "w1", "sad", "White", "Male", "sad"),
]  # fmt: skip
RIGHT = ["anger", "anger", "anger", "sad"]


def file_of(case, path):
    """Write the table as the case says."""
    table = pd.DataFrame(ROWS, columns=list(intake.REQUIRED), dtype=object)
    for column, values in case.get("values", {}).items():
        table[column] = table[column].map(lambda value, values=values: values.get(value, value))
    table = table.drop(columns=case.get("drop", [])).rename(columns=case.get("rename", {}))
    table = table.assign(**case.get("add", {}))
    buffer = io.StringIO()
    options = {"sep": case.get("sep", ","), "index": "index" in case, "index_label": case.get("index")}
    table.to_csv(buffer, **options, quoting=int("quote" in case), lineterminator="\n")
    text = case.get("before", "") + buffer.getvalue() + case.get("after", "")
    for old, new in case.get("replace", {}).items():
        assert old in text
        text = text.replace(old, new)
    if "rowquote" in case:
        text = "".join(f'"{line}"\n' for line in text.splitlines())
    path.write_bytes(text.replace("\n", case.get("eol", "\n")).encode(case.get("encoding", "utf-8")))
    return path


def test_there_are_sixty_kinds_and_each_has_its_source():
    assert len(FOUND) >= 60 and len({case["what"] for case in FOUND}) == len(FOUND)
    assert all(case["source"].startswith("https://") for case in FOUND)
    assert len({case["source"] for case in FOUND}) >= 40


@pytest.mark.parametrize("case", FOUND, ids=[case["what"] for case in FOUND])
def test_a_file_as_people_have_it_is_read_rightly_or_refused(case, tmp_path):
    path = file_of(case, tmp_path / "mine.csv")
    if "refused" in case:
        with pytest.raises(InputError) as caught:
            intake.read(path, **case.get("given", {}))
        assert case["refused"] in str(caught.value) and "mine.csv" in str(caught.value), str(caught.value)
        return
    taken = intake.read(path, **case.get("given", {}))
    joined = outcomes.join(taken.predictions, taken.manifest)
    said = joined.set_index("image_id").loc[taken.manifest["image_id"], "outcome"].tolist()
    assert said == case.get("outcomes", RIGHT), taken.notes
    assert taken.manifest["emotion"].tolist() == case.get("labels", ["anger", "sad", "anger", "sad"])
    assert case.get("noted", "") in " ".join(taken.notes)
    assert sorted(set(taken.manifest["group"])) == case.get("groups", ["Black Female", "White Male"])
    assert taken.manifest["subject_id"].nunique() == 2
    assert len(disparities.disparities(counts.tally(joined), draws=100))
