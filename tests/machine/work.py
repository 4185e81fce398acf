"""A small audit from images to tables, done by a process on a machine that a test has made strange.

Command line: a folder with the images, the model and a place for the results; then what to fake, as JSON. Prints the
SHA-256 of each result.
"""

import io
import json
import locale
import os
import sys
import warnings
from pathlib import Path

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGING = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "os.truncate"}


def guard(protected, *, hard_links):
    """Refuse every change below some folders, and hard links, as a disk that may only be read or knows none would."""

    def hook(event, arguments):
        if event == "os.link" and not hard_links:
            raise PermissionError(1, "Operation not permitted")
        writes = event == "open" and isinstance(arguments[0], str) and arguments[2] & WRITING
        if writes or event in CHANGING:
            path = os.path.abspath(os.fsdecode(arguments[0])) if isinstance(arguments[0], (str, bytes)) else ""
            if any(path.startswith(f"{folder}{os.sep}") for folder in protected):
                raise PermissionError(13, "Permission denied", path)

    sys.addaudithook(hook)


def fake(*, cores=None, bf16=None, cuda=False):
    """Make this process see another number of cores, and other instructions and devices."""
    import torch

    if cores:
        os.cpu_count = lambda: cores
        os.sched_getaffinity = lambda _: set(range(cores))
    if bf16 is not None:
        torch.cpu.get_capabilities = lambda: {"avx512_bf16": bf16, "amx_bf16": bf16, "bf16": bf16}
        listing, opened = f"flags\t\t: fpu {'avx512_bf16' if bf16 else ''}\n", io.open
        io.open = lambda path, *a, **o: io.StringIO(listing) if str(path) == "/proc/cpuinfo" else opened(path, *a, **o)
    torch.cuda.is_available = lambda: cuda


def main(place, *, umask, protected, hard_links, **faked):
    warnings.filterwarnings("error", category=EncodingWarning, module=r"ferlib\.")
    os.umask(umask)
    locale.setlocale(locale.LC_ALL, "")  # as a program around Python may do
    guard([str(place / "images"), str(place / "model"), *protected], hard_links=hard_links)

    import numpy as np
    import pandas as pd

    from ferlib import paths, provenance, tables
    from ferlib.embedding import backbones, collection, files
    from ferlib.labels import EMOTIONS
    from ferlib.probe import splits, zeroshot
    from ferlib.probe.leakage import leakage
    from ferlib.stats import counts, outcomes
    from ferlib.stats.accuracy import accuracy_by_group

    fake(**faked)
    run, source = paths.Run(place / "runs" / "Pr\u00fcfung 1"), (f"local-dir:{place / 'model' / 'tiny'}", "")
    manifest = tables.read_csv(place / "images" / "manifest.csv")
    manifest["path"] = [str(place / "images" / name) for name in manifest["path"]]
    made = collection.collect(manifest, source=source, folder=run.shards, shard_size=32, batch_size=16)
    again = collection.collect(manifest.iloc[::-1], source=source, folder=run.shards, shard_size=32, batch_size=16)
    assert again.computed == 0 and np.array_equal(again.vectors[::-1], made.vectors)
    ids = manifest["image_id"].tolist()
    embeddings = run.embeddings / "Gr\u00f6\u00dfe 1.npz"
    files.save(embeddings, image_ids=ids, vectors=made.vectors, source=("tiny", ""), recipe=made.recipe)
    vectors = files.load(embeddings, image_ids=ids).astype(float)

    how = {"model": "probe", "n_folds": 3, "n_splits": 2, "seed": 1, "penalties": [0.1, 10.0], "n_inner": 2}
    ways = ("identity-disjoint", "random")
    probed = [splits.out_of_fold(vectors, manifest, scheme=scheme, **how) for scheme in ways]
    captions = {"short": ["a {} face"], "person": ["a photo of a person who looks {}"]}
    backbone = backbones.load_backbone(source[0])
    shot = zeroshot.answers(vectors, manifest, backbone, model="zeroshot", ways=captions)
    joined = outcomes.join(pd.concat([one.answers for one in probed]), manifest)
    tables.write_parquet(shot, run.predictions / "zeroshot.parquet")
    tables.write_parquet(probed[0].answers, run.predictions / "probe.parquet")
    tables.write_csv(leakage(joined), run.tables / "leakage.csv")
    tables.write_csv(accuracy_by_group(counts.tally(joined)), run.tables / "accuracy_by_group.csv")
    tables.write_csv(probed[0].choices, run.tables / "choices.csv")
    assert set(EMOTIONS) == set(manifest["emotion"])

    results = [path for path in (place / "runs").rglob("*") if path.is_file() and path.parent.name != "known"]
    print(json.dumps({path.name: provenance.sha256(path) for path in sorted(results)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), **json.loads(sys.argv[2]))
