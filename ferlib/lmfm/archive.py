"""All answers of a run in one file that can be published, and the prediction tables from it without images or keys.

The archive is a zip file: `answers.jsonl` (the stored records, one a line, each with its own checksum), `questions.csv`
(which image, model, prompt, order and repeat each belongs to), `README.txt`, and `SHA256SUMS` over the other three. The
same answers give the same bytes.
"""

import hashlib
import io
import json
import zipfile
from types import SimpleNamespace

import pandas as pd

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import attachments, replay, store
from ferlib.paths import ROOT, relative

QUESTIONS = (
    "part", "number", "model", "variant", "form", "language", "dataset", "image_id", "sha256", "repeat", "draw",
    "options", "response_id",
)  # fmt: skip


def export(parts, responses, path):
    """Write an archive.

    Parameters
    ----------
    parts : dict of str to list of ferlib.lmfm.study.Plan
        From `ferlib.lmfm.study.questions`.
    responses : ferlib.lmfm.store.Store
    path : pathlib.Path

    Returns
    -------
    questions, answers : int
        How many it holds; questions without an answer are in it, too.
    """
    frames = [
        plan.questions.assign(
            part=part, number=number, model=plan.model["name"], variant=plan.prompt.name, form=plan.prompt.form,
            language=plan.prompt.language,
        )
        for part, plans in parts.items()
        for number, plan in enumerate(plans)
    ]  # fmt: skip
    questions = pd.concat(frames, ignore_index=True)[list(QUESTIONS)]
    records = [responses.get(key) for key in sorted(set(questions["response_id"]))]
    lines = [json.dumps(store.sealed(record), sort_keys=True, ensure_ascii=False) for record in records if record]
    files = {
        "README.txt": (ROOT / "data" / "providers" / "archive.txt").read_text(encoding="utf-8"),
        "answers.jsonl": "".join(f"{line}\n" for line in lines),
        "questions.csv": questions.to_csv(index=False, lineterminator="\n"),
    }
    files["SHA256SUMS"] = "".join(f"{_sha256(text.encode())}  {name}\n" for name, text in files.items())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)  # without the time of today: the same answers give the same bytes
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            file.writestr(entry, text)
    tables.write_bytes(buffer.getvalue(), path)
    return len(questions), len(lines)


def read(path):
    """Read an archive and check every checksum in it; `InputError` names what is missing or damaged.

    Returns
    -------
    questions : pandas.DataFrame
        Columns `QUESTIONS`.
    records : dict of str to dict
        By response id, as `ferlib.lmfm.store.Store.get` returns them.
    """
    try:
        with zipfile.ZipFile(path) as file:
            files = {name: file.read(name) for name in file.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{relative(path)}: cannot be read as an archive ({error}). Fetch it again.") from None
    sums = dict(reversed(line.split(maxsplit=1)) for line in files.get("SHA256SUMS", b"").decode().splitlines())
    for name in ("answers.jsonl", "questions.csv"):
        found = _sha256(files.get(name, b""))
        if sums.get(name) != found:
            raise InputError(
                f"{relative(path)}: {name} is not what it was when the archive was made (sha256 {found[:12]}..., "
                f"in SHA256SUMS {str(sums.get(name))[:12]}...). Fetch it again."
            )
    questions = pd.read_csv(io.BytesIO(files["questions.csv"]), dtype={"options": str}, keep_default_na=False)
    records = {}
    for number, line in enumerate(files["answers.jsonl"].decode().splitlines(), start=1):
        record = store.unsealed(json.loads(line))
        if record is None or record["key"] != store.key(record["question"]):
            raise InputError(f"{relative(path)}: answers.jsonl: line {number}: its checksum does not match.")
        records[record["key"]] = record
    return questions, records


def predictions(questions, records, *, part):
    """The prediction tables of one part (such as `ferlib.lmfm.study.MAIN`) by model, from what `read` returned.

    Once they are written, they are byte for byte those of the notebook.
    """
    made = {}
    for (model, _), rows in questions[questions["part"] == part].groupby(["model", "number"], sort=True):
        first = rows.iloc[0]
        prompt = SimpleNamespace(name=first["variant"], form=first["form"], language=first["language"])
        plan = SimpleNamespace(model={"name": model}, prompt=prompt, questions=rows)
        made.setdefault(model, []).append(replay.tabulate(plan, records))
    return {model: replay.predictions(pd.concat(frames, ignore_index=True)) for model, frames in made.items()}


def restore(records, folder):
    """Put the answers of an archive into `responses/` of a run, so that notebook 04 replays them; returns how many."""
    target = store.Store(folder)
    new = [record for key, record in records.items() if target.get(key) is None]
    for record in new:
        target.put(record["question"], record["answer"], how=record["asked"])
    converted = [record["question"] for record in records.values() if "image" in record["question"]["settings"]]
    rows = [(q["image_sha256"], *(q["settings"]["image"][name] for name in ("format", "sha256"))) for q in converted]
    if rows:
        attachments.Sent(target.folder).add(rows)
    return len(new)


def _sha256(data):
    return hashlib.sha256(data).hexdigest()
