"""codemeta.json says what pyproject.toml and CITATION.cff say."""

import runpy

from ferlib.paths import ROOT


def test_codemeta_is_as_generated():
    described = runpy.run_path(str(ROOT / "data" / "citation" / "codemeta.py"))["described"]
    assert (ROOT / "codemeta.json").read_text(encoding="utf-8") == described()
