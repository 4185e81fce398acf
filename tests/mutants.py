"""Breaks the code on purpose, one line at a time, and says which breaks no test notices: `make mutants`.

The breaks are in `mutants.yaml`: a file, the text to be replaced (it occurs once), what takes its place, and the tests
that have to notice. They are made in a copy of the repository.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_suffix(".yaml")
ENOUGH = 0.95
"""Least share of breaks that must be noticed."""


def read(path=LIST):
    """The breaks, as a list of dict with the keys `file`, `old`, `new`, `tests`."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def copy(folder):
    """Copy what git tracks, as it is in the working tree."""
    for name in subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def noticed(mutant, folder, *, timeout_s):
    """Make one break in the copy, run its tests, and take it back; whether a test failed."""
    path = folder / mutant["file"]
    whole = path.read_text(encoding="utf-8")
    if whole.count(mutant["old"]) != 1:
        raise SystemExit(
            f"Error: {mutant['file']}: {mutant['old']!r} occurs {whole.count(mutant['old'])} times, not once."
        )
    path.write_text(whole.replace(mutant["old"], mutant["new"]), encoding="utf-8")
    places = os.pathsep.join(map(str, (folder, folder / "data" / "demo")))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant["tests"]]
    environment = {**os.environ, "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=timeout_s)
        if done.returncode not in (0, 1):  # 1: a test failed; others: no test ran
            raise SystemExit(f"Error: {mutant['tests']}: {done.stdout.decode()[-2000:]}")
        return done.returncode == 1
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(whole, encoding="utf-8")


def main():
    """Command line: make all breaks, or those whose file's name contains a text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of the name of the files to be broken")
    parser.add_argument("--timeout-s", type=float, default=600)
    options = parser.parse_args()
    chosen = [mutant for mutant in read() if options.only in mutant["file"]]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy(Path(folder))
        survived = []
        for number, mutant in enumerate(chosen, start=1):
            caught = noticed(mutant, Path(folder), timeout_s=options.timeout_s)
            word, change = "noticed " if caught else "SURVIVED", f"{mutant['old']!r} -> {mutant['new']!r}"
            print(f"{number:3d}/{len(chosen)} {word} {mutant['file']}: {change}", flush=True)
            survived += [] if caught else [mutant]
    share = 1 - len(survived) / max(len(chosen), 1)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} breaks noticed ({share:.0%})")
    sys.exit(share < ENOUGH)


if __name__ == "__main__":
    main()
