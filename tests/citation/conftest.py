"""The scripts of `data/citation` can be imported by these tests."""

import sys

from ferlib.paths import ROOT

sys.path.append(str(ROOT / "data" / "citation"))
