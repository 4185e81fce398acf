"""Refresh what machines read about the compendium, and pack a release: `make release`.

Renews `codemeta.json`, `codecheck.yml` and `data/demo/croissant.json`. Then, out of a clean checkout and a finished run
of the demo that belongs to it, packs `data/runs/release/<name>-<version>.zip`: all committed files, all that the run
made, an RO-Crate's `ro-crate-metadata.json`, and `SHA256SUMS`. It refuses while versions, hashes, figures or records
contradict one another.
"""

import argparse
import functools
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import codecheck
import codemeta
import crate
import croissant
import pandas as pd
import yaml
from codemeta import ROOT

from ferlib import paths
from ferlib.errors import InputError
from ferlib.provenance import sha256, sha256_of
from ferlib.tables import write_bytes

GENERATED = {
    "codemeta.json": codemeta.described,
    "codecheck.yml": codecheck.described,
    "data/demo/croissant.json": croissant.described,
}
"""Committed files that nobody writes by hand, and what each should hold."""


def stale():
    """Generated files that no longer say what they are made from."""
    return list(_due())


def _due():
    """What each generated file that is stale should hold, by its name."""
    texts = {name: described() for name, described in GENERATED.items()}
    held = {name: (ROOT / name).read_text(encoding="utf-8") for name in texts if (ROOT / name).is_file()}
    return {name: text for name, text in texts.items() if held.get(name) != text}


def disagreements():
    """What in the repository contradicts itself, each with its remedy."""
    about = json.loads(codemeta.described())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    versions = {
        "pyproject.toml": (about["version"], about["datePublished"]),
        "CITATION.cff": (str(citation["version"]), str(citation.get("date-released"))),
        "CHANGELOG.md": codemeta.released(),
    }
    if len(set(versions.values())) > 1:
        told = ", ".join(f"{file}: {' of '.join(values)}" for file, values in versions.items())
        yield f"versions and dates differ ({told}). Write the same into all three."
    for table in sorted([*paths.DEMO.glob("*/manifest.csv"), *paths.DEMO.glob("*/regions.csv")]):
        rows = pd.read_csv(table)
        other = [path for path, digest in zip(rows["path"], rows["sha256"], strict=True) if _digest(path) != digest]
        if other:
            remedy = "Put the pictures back, or run `make demo-faces`."
            yield f"{paths.relative(table)}: {len(other)} hashes are not their file's, {other[0]} among them. {remedy}"


def _digest(path):
    return sha256(ROOT / path) if (ROOT / path).is_file() else None


@functools.cache
def _read_hash(path):
    return sha256_of([path])


def records(run):
    """Provenance of the notebooks that a run executed, in their order."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(run.provenance.glob("*.json"))]


def outdated(run):
    """Where a run is not of the present repository, or the figures shown are not the run's; each with its remedy."""
    told, remedy = records(run), "Run `make demo`."
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    for notebook in sorted(notebooks - {record["notebook"] for record in told}):
        yield f"{paths.relative(run.provenance)}: notebook {notebook} has no record. {remedy}"
    for record in told:
        for kind, named, digest in (("read", record["reads"], _read_hash), ("wrote", record["writes"], sha256)):
            where = {name: run.file(name) if run.file(name).exists() else ROOT / name for name in named}
            other = [name for name, path in where.items() if not path.exists() or digest(path) != named[name]]
            if other:
                yield f"{record['notebook']} {kind} {', '.join(other[:3])}, another today ({len(other)} such). {remedy}"
    for words in sorted(codecheck.FIGURES.glob("*.txt")):
        ours, theirs = words.with_suffix(".csv"), run.figures / f"{words.stem}.csv"
        if not theirs.is_file() or sha256(ours) != sha256(theirs):
            yield f"{paths.relative(ours)} is not what {paths.relative(theirs)} holds. Run `make demo-figures`."


def git(*arguments):
    """What git says about the repository, line by line."""
    done = subprocess.run(["git", "-c", "core.quotePath=off", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"git {' '.join(arguments)}: {done.stderr.strip()}. A release is packed from a git checkout.")
    return done.stdout.splitlines()


def pack(files, told, *, prefix, target, date):
    """Write the archive of a release; the same files give the same bytes.

    Parameters
    ----------
    files : dict of str to pathlib.Path
        Every file, by its path in the archive.
    told : list of dict
        Provenance of the notebooks executed.
    prefix : str
        The run's folder in the archive.
    target : pathlib.Path
    date : str
        Day of the release, year first; the archive's files bear it.
    """
    known = {name: (sha256(path), path.stat().st_size) for name, path in sorted(files.items())}
    described = crate.described(known, told, prefix).encode()
    known["ro-crate-metadata.json"] = (hashlib.sha256(described).hexdigest(), len(described))
    sums = "".join(f"{digest}  {name}\n" for name, (digest, _) in known.items()).encode()
    day = (*map(int, date.split("-")), 0, 0, 0)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in {"ro-crate-metadata.json": described, "SHA256SUMS": sums}.items():
            archive.writestr(zipfile.ZipInfo(name, day), content, zipfile.ZIP_DEFLATED)
        for name, path in sorted(files.items()):
            packed = zipfile.ZIP_STORED if path.suffix in {".webp", ".png", ".safetensors"} else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo(name, day)
            entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            archive.writestr(entry, path.read_bytes(), packed)
    unfinished.replace(target)


def contents(run):
    """Every file of a release, by its path in the archive: what is committed, and what the run made."""
    files = {name: ROOT / name for name in git("ls-files") if (ROOT / name).is_file()}
    made = {run.file(name) for record in records(run) for name in record["writes"]}
    made |= {path for room in (run.provenance, run.root / "report") for path in room.rglob("*") if path.is_file()}
    return files | {f"data/runs/{run.root.name}/{run.name_of(path)}": path for path in made}


def main(run_dir):
    """Refresh the generated files; pack an archive where nothing is stale. Returns the exit status."""
    wrong = list(disagreements())
    if wrong:
        return _refuse(wrong)
    due = _due()
    for name in GENERATED:
        if name in due:
            write_bytes(due[name].encode(), ROOT / name)
        print(f"{name}: {'renewed' if name in due else 'as it was'}")
    run = paths.run(run_dir)
    if not run.provenance.is_dir():
        print(f"No archive: no run in {paths.relative(run.root)}. Run `make demo`, then `make release` again.")
        return 0
    wrong = list(outdated(run))
    if wrong:
        return _refuse(wrong)
    if changed := git("status", "--porcelain"):
        print(f"No archive: {len(changed)} files are not committed, {changed[0][3:]} among them.")
        print("Commit them, then `make release` again packs the archive.")
        return 0
    about = json.loads(codemeta.described())
    target = paths.RUNS / "release" / f"{about['identifier']}-{about['version']}.zip"
    files = contents(run)
    prefix = f"data/runs/{run.root.name}"
    pack(files, records(run), prefix=prefix, target=target, date=about["datePublished"])
    size = target.stat().st_size / 1e6
    print(f"{paths.relative(target)}: {len(files):,} files, {size:.0f} MB, sha256 {sha256(target)}")
    return 0


def _refuse(wrong):
    lines = wrong[:20] + [f"and {len(wrong) - 20} more"] * (len(wrong) > 20)
    print("Error: no release while something is stale:", *lines, sep="\n  ", file=sys.stderr)
    return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", default=paths.RUNS / "demo", type=Path, help="folder of a finished run")
    try:
        sys.exit(main(parser.parse_args().run))
    except InputError as error:
        sys.exit(f"Error: {error}")
