"""The list of deliberate breaks fits the code: each can still be made, and names tests that are there."""

import mutants
import pytest

from ferlib.paths import ROOT


@pytest.mark.parametrize("mutant", mutants.read(), ids=lambda mutant: mutant["file"])
def test_a_break_can_be_made_and_leaves_valid_python(mutant):
    whole = (ROOT / mutant["file"]).read_text(encoding="utf-8")
    assert whole.count(mutant["old"]) == 1 and mutant["old"] != mutant["new"]
    compile(whole.replace(mutant["old"], mutant["new"]), mutant["file"], "exec")
    assert all((ROOT / test).is_file() for test in mutant["tests"])
