"""A CSV of predictions is read rightly or refused with row and remedy; never a traceback, never a wrong number."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stats_helpers import manifest_of, predictions_of

from ferlib import labels
from ferlib.errors import InputError
from ferlib.labels import EMOTIONS, STATUSES
from ferlib.stats import accuracy, counts, disparities, gaps, intake, omnibus, outcomes

HEADER = ["image_id", "subject_id", "emotion", "race", "gender", "predicted", "status"]


def table_of(people=2, emotions=EMOTIONS[:3], seed=1):
    manifest = manifest_of(people, ("Black", "White"), emotions)
    return predictions_of(manifest, seed=seed).merge(manifest)[HEADER].fillna("")


def text_of(rows):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


@pytest.fixture
def written(tmp_path):
    def write(content, **options):
        path = tmp_path / "mine.csv"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.to_csv(path, index=False, **options)
        return path

    return write


def test_what_is_read_is_what_was_written(written):
    table = table_of(3)
    manifest, predictions, notes = intake.read(written(table))
    assert not notes
    joined = outcomes.join(predictions, manifest).set_index("image_id").loc[table["image_id"]]
    assert (joined["true"].to_numpy() == table["emotion"]).all()
    assert (joined["outcome"].to_numpy() == table["predicted"].where(table["status"] == "ok", table["status"])).all()
    assert (joined["subject_id"].to_numpy() == table["subject_id"]).all()
    assert set(predictions["dataset"]) == {"data"} and set(predictions["repeat"]) == {0}


@pytest.mark.parametrize(
    "options", [{"lineterminator": "\r\n"}, {"encoding": "utf-8-sig"}, {"quoting": csv.QUOTE_ALL}], ids=str
)
def test_the_ways_in_which_programs_write_csv_do_not_matter(written, options):
    plain = intake.read(written(table_of()))
    for one, other in zip(plain[:2], intake.read(written(table_of(), **options))[:2], strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_case_spaces_other_columns_and_their_order_do_not_matter(written):
    table = table_of()
    plain = intake.read(written(table))
    loud = table.assign(emotion=" " + table["emotion"].str.upper(), status=table["status"].str.title(), note="x,y")
    for one, other in zip(plain[:2], intake.read(written(loud[loud.columns[::-1]]))[:2], strict=True):
        pd.testing.assert_frame_equal(one, other[one.columns])


def broken(change):
    table = table_of().astype(object)
    change(table)
    return table


def put(row, column, value):
    def change(table):
        table.loc[row, column] = value

    return change


@pytest.mark.parametrize(
    "change, words",
    [
        (put(3, "emotion", "bored"), ["unknown emotion 'bored' in row 5", "Allowed: anger"]),
        (put(3, "emotion", "4"), ["unknown emotion '4' in row 5", "CLASSES="]),
        (lambda t: t.update({"predicted": ["joyous"] * 24}), ["most predictions are no label", "'joyous' in row 2"]),
        (put(1, "status", "shy"), ["unknown status 'shy' in row 3", "refused"]),
        (put(2, "race", " "), ["'race' is empty in row 4"]),
        (put(2, "race", "NaN"), ["'race' may be empty or not: 'NaN' in row 4", "Native American", "unknown"]),
        (put(4, "gender", "Male"), ["a person with two genders", "'BF01'", "row 5, 6, 7", "separate the ids"]),
        (put(4, "race", "White"), ["a person with two races", "'BF01'"]),
        (put(4, "image_id", "BF00-anger"), ["an image with two true emotions", "row 2, 6"]),
        (put(5, "predicted", ""), ["no prediction in row 7", "status"]),
        (lambda t: t.insert(7, "repeat", ["0"] * 23 + ["two"]), ["repeat", "row 25"]),
        (lambda t: t.insert(0, "race ", "x"), ["two columns are called 'race'"]),
        (
            lambda t: setattr(t, "columns", [name.replace("race", "races") for name in t]),
            ["lacks the column 'race'", "Did you mean 'races'? Say COLUMNS=race=races"],
        ),
        (lambda t: t.pop("subject_id"), ["lacks the column 'subject_id'", "CLUSTER=none"]),
    ],
)
def test_each_fault_is_named_with_its_rows_and_a_remedy(written, change, words):
    table = broken(change)
    with pytest.raises(InputError) as caught:
        intake.read(written(table))
    assert all(word in str(caught.value) for word in ["mine.csv", *words]), str(caught.value)


def test_a_double_answer_is_refused_with_both_rows(written):
    table = table_of()
    with pytest.raises(InputError, match=r"more than one answer.*'BF00-fear' in row 4, 26"):
        intake.read(written(pd.concat([table, table.iloc[[2]]])))


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"\xff\xfea", "UTF-8"),
        (b"image_id;subject_id;emotion\n1;2;anger\n", "lacks the column 'race'"),
        (b"a,b\n1,2\n1,2,3\n", "line 3"),
        (",".join(HEADER).encode(), "no rows"),
        (b'a,b\n"1,2\n', "quotation mark in row 2 is never closed"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(written, content, words):
    with pytest.raises(InputError, match=words):
        intake.read(written(content))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        intake.read(tmp_path / "nothing.csv")


def test_without_people_each_image_is_one(written):
    manifest = intake.read(written(table_of().drop(columns="subject_id")), cluster="none").manifest
    assert (manifest["subject_id"] == manifest["image_id"]).all()
    manifest = intake.read(written(table_of()), cluster="none").manifest
    assert manifest["subject_id"].nunique() == len(manifest)


def all_tables(manifest, predictions):
    joined = outcomes.join(predictions, manifest)
    tallied = counts.tally(joined)
    options = {"draws": 20, "seed": 0}
    return {
        "accuracy": accuracy.accuracy_by_group(tallied),
        "gaps": gaps.gaps(tallied, **options),
        "bounds": gaps.bounds(tallied),
        "omnibus": omnibus.omnibus(joined),
        "disparities": disparities.disparities(tallied, min_people=2, **options),
    }


@pytest.mark.parametrize(
    "case", ["one group", "one person", "one emotion", "all refused", "all right", "one image each"]
)
def test_extreme_but_correct_tables_are_counted_or_refused(written, case):
    table = table_of(4)
    kept = {
        "one group": table[(table["race"] == "Black") & (table["gender"] == "Female")],
        "one person": table[table["subject_id"] == "BF00"],
        "one emotion": table[table["emotion"] == "anger"],
        "all refused": table.assign(status="refused", predicted=""),
        "all right": table.assign(status="ok", predicted=table["emotion"]),
        "one image each": table.drop_duplicates("subject_id"),
    }[case]
    if case in ("one group", "one person"):
        with pytest.raises(InputError, match="all people are Black Female"):
            intake.read(written(kept))
        return
    manifest, predictions, _ = intake.read(written(kept))
    made = all_tables(manifest, predictions)
    expected = {"all refused": 0, "all right": 1}.get(case)
    if expected is not None:
        assert (made["accuracy"]["accuracy"] == expected).all()
    width = made["accuracy"]["ci_high"] - made["accuracy"]["ci_low"]
    assert (width > 0.02).all() and (made["disparities"]["verdict"] != "different").all()


FAULTS = st.one_of(
    st.tuples(st.just("cell"), st.integers(0, 23), st.integers(0, 6), st.one_of(
        st.sampled_from(["", " ", "nan", "NaN", "None", "1", "1e9", "-1", "ok", "refused", "anger", "Anger ", "Male",
                         "ü", "Black", "\u200b", "😀", '"', "a,b", "a\nb", "\x00", "'; drop", "١"]),
        st.text(max_size=4),
    )),
    st.tuples(st.just("copy"), st.integers(0, 23), st.integers(0, 23)),
    st.tuples(st.just("drop row"), st.integers(0, 23)),
    st.tuples(st.just("drop column"), st.integers(0, 6)),
    st.tuples(st.just("rename"), st.integers(0, 6), st.text(max_size=5)),
    st.tuples(st.just("column"), st.integers(0, 6), st.sampled_from(["refused", "anger", "Black", "", "NaN", "7"])),
    st.tuples(st.just("cut"), st.integers(1, 400)),
    st.tuples(st.just("short row"), st.integers(0, 23)),
    st.tuples(st.just("long row"), st.integers(0, 23)),
    st.tuples(st.just("shuffle"), st.integers(0, 99)),
    st.tuples(st.just("blank"), st.integers(0, 23)),
)  # fmt: skip


def spoil(rows, fault):
    """Apply one fault to the rows of a file (the header among them), as long as it still can be."""
    kind, *where = fault
    lines = rows[1:]
    if kind == "shuffle":
        return [rows[0], *(lines[i] for i in np.random.default_rng(where[0]).permutation(len(lines)))]
    if kind in ("drop column", "rename", "column"):
        column = where[0]
        if kind == "drop column":
            return [row[:column] + row[column + 1 :] for row in rows]
        if kind == "rename":
            return [[*rows[0][:column], where[1], *rows[0][column + 1 :]], *lines]
        return [rows[0], *([*row[:column], where[1], *row[column + 1 :]] for row in lines)]
    if not lines or kind == "cut":
        return rows
    row = where[0] % len(lines)
    line = lines[row]
    changed = {
        "cell": lambda: [[*line[: where[1]], where[2], *line[where[1] + 1 :]]],
        "copy": lambda: [line, lines[where[1] % len(lines)]],
        "drop row": lambda: [],
        "short row": lambda: [line[:-2]],
        "long row": lambda: [[*line, "more"]],
        "blank": lambda: [[""] * len(line), line],
    }[kind]()
    return [rows[0], *lines[:row], *changed, *lines[row + 1 :]]


def by_hand(text):
    """Images, people and right answers of each race, with Python's own csv and nothing else."""
    table = list(csv.reader(io.StringIO(text)))
    header = [name.strip() for name in table[0]]
    found = {}
    for line in table[1:]:
        if not any(line):
            continue
        row = {name: value.strip() for name, value in zip(header, line, strict=False)}
        right = row.get("status", "ok").lower() == "ok" and row["emotion"].lower() == row["predicted"].lower()
        images, people, hits = found.setdefault(row["race"], (set(), set(), []))
        images.add(row["image_id"])
        people.add(row["subject_id"])
        hits.append(right)
    return {race: (len(images), len(people), sum(hits)) for race, (images, people, hits) in found.items()}


def malformed(examples):
    """A property over so many files with one to three faults; every fiftieth goes through all tables."""
    options = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
    faults = given(faults=st.lists(FAULTS, min_size=1, max_size=3), deep=st.integers(0, 49))
    return lambda test: settings(max_examples=examples, **options)(faults(test))


@malformed(250)
def test_malformed_files_end_in_a_clear_error_or_the_right_numbers(tmp_path_factory, faults, deep):
    an_error_or_the_right_numbers(tmp_path_factory.getbasetemp() / "spoilt.csv", faults, deep)


@pytest.mark.bench
@malformed(1000)
def test_a_thousand_malformed_files_end_in_a_clear_error_or_the_right_numbers(tmp_path_factory, faults, deep):
    an_error_or_the_right_numbers(tmp_path_factory.getbasetemp() / "spoilt.csv", faults, deep)


def an_error_or_the_right_numbers(path, faults, deep):
    rows = [HEADER, *table_of().to_numpy().tolist()]
    for fault in faults:
        rows = spoil(rows, fault)
    text = text_of(rows)
    for fault in faults:
        text = text[: fault[1]] if fault[0] == "cut" else text
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        manifest, predictions, _ = intake.read(path)
        joined = outcomes.join(predictions, manifest)
        made = all_tables(manifest, predictions) if deep == 0 else {}
    except InputError as error:
        message = str(error)
        assert len(message) > 30 and "\n" not in message.strip() and message.rstrip().endswith((".", "?"))
        return
    found = {}
    for race, image, person, true, outcome in joined[["race", "image_id", "subject_id", "true", "outcome"]].to_numpy():
        images, people, hits = found.setdefault(race, (set(), set(), []))
        images.add(image)
        people.add(person)
        hits.append(true == outcome)
    expected = {labels.clean(race): numbers for race, numbers in by_hand(text).items()}
    assert {race: (len(i), len(p), sum(h)) for race, (i, p, h) in found.items()} == expected
    if made:
        races = made["accuracy"][made["accuracy"]["by"] == "race"].set_index("group")
        assert {race: round(row["accuracy"] * row["n_images"]) for race, row in races.iterrows()} == {
            race: hits for race, (_, _, hits) in expected.items()
        }


def test_the_faults_reach_both_ends(tmp_path):
    """The property above would be empty if every file were refused, or none."""
    path, outcomes = tmp_path / "x.csv", set()
    for fault in [("shuffle", 3), ("drop row", 2), ("cell", 0, 2, "bored"), ("drop column", 1)]:
        path.write_text(text_of(spoil([HEADER, *table_of().to_numpy().tolist()], fault)))
        try:
            intake.read(path)
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"} and set(STATUSES) >= {"ok", "refused"}


@pytest.mark.parametrize("dated", ["Oct-19", "19-Oct", "2026-10-19", "2026-10-19 00:00:00"])
def test_a_band_that_a_spreadsheet_took_for_a_date_is_told(dated):
    band = {"Black": dated, "White": "20-29"}
    table = table_of(3).assign(age_band=lambda rows: rows["race"].map(band))
    taken = intake.read(table, attributes=["age_band"])
    assert taken.notes == (f"age_band: {dated} may be bands such as 10-12, which a spreadsheet took for a date.",)
    plain = intake.read(table.replace({"age_band": {dated: "30-39"}}), attributes=["age_band"])
    assert not plain.notes
