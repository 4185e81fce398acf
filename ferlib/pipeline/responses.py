"""Export the answers of a run to one file, and make prediction tables from such a file (`make responses`)."""

import argparse
import os
import shutil
from pathlib import Path

from ferlib import tables
from ferlib.lmfm import archive, attachments, study
from ferlib.lmfm.store import Store
from ferlib.paths import relative
from ferlib.pipeline import estimate


def export(run_dir, path=None):
    """Write the archive of a run; returns what to tell the user."""
    run, _, _, parts = estimate.of_run(run_dir)
    path = path or run.root / f"{run.root.name}-responses.zip"
    questions, answers = archive.export(parts, Store(run.responses), path)
    return f"{relative(path)}: {answers} answers to {questions} questions, {path.stat().st_size / 1024:.0f} KiB"


def replay(path, out):
    """Write the prediction tables of an archive into a folder; returns what to tell the user."""
    questions, records = archive.read(path)
    made = archive.predictions(questions, records, part=study.MAIN)
    files = [tables.write_parquet(frame, out / f"{model}.parquet") for model, frame in made.items()]
    return "\n".join(relative(file) for file in files)


def join(run):
    """Move the answers of a run that has a folder of its own to that of all runs; of two to a question one stays."""
    own, shared = run.root / "responses", run.root.parent / "responses"
    if (own / "unanswered.csv").is_file():
        os.replace(own / "unanswered.csv", run.unanswered)
    for path in sorted(path for path in own.rglob("*") if path.is_file() and not path.name.startswith(".")):
        target = shared / path.relative_to(own)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.name == attachments.FILE:
            kept = tables.read_csv(path, columns=attachments.COLUMNS, dtype=str, keep_default_na=False)
            attachments.Sent(shared).add(kept.itertuples(index=False, name=None))
        elif path.suffix == ".jsonl" and target.exists():  # the ledger, and what failed
            with open(target, "ab") as file:
                file.write(b"\n" + path.read_bytes())
        elif not target.exists():
            os.replace(path, target)
            continue
        path.unlink()
    shutil.rmtree(own)
    print(f"{relative(own)}: moved to {relative(shared)}, where all runs find them")


def main():
    """Command line: `export RUN`, `replay ARCHIVE --out FOLDER`, or `restore ARCHIVE --out RESPONSES`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("export", "replay", "restore"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out is None and options.what != "export":
        parser.error(f"{options.what} needs --out FOLDER")
    if options.what == "export":
        print(export(options.path, options.out))
    elif options.what == "replay":
        print(replay(options.path, options.out))
    else:
        print(f"{archive.restore(archive.read(options.path)[1], options.out)} answers are new")


if __name__ == "__main__":
    main()
