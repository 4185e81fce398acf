"""The archive of answers: each stored once, under the address of its question, and replayed for ever.

An answer lies in `responses/<first 2 digits>/<key>.json`. The key is the SHA-256 of everything that the answer may
depend on, so the same question finds its answer again, and any other question does not. Errors on the way are no
answers and never come here.
"""

import datetime
import hashlib
import json
import os
import time
import uuid
import warnings
from pathlib import Path

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import disk
from ferlib.paths import relative


def question(*, provider, model, model_version, prompt, settings, repeat, image_sha256):
    """All that an answer may depend on.

    Parameters
    ----------
    provider, model, model_version : str
        Client library, the provider's name for the model, and the version pinned for it (empty: not pinned).
    prompt : str
        The text as sent, labels in their order included.
    settings : dict
        Sampling parameters, for example `temperature`.
    repeat : int
        Which of several identical questions.
    image_sha256 : str
        Of the image file.

    Returns
    -------
    dict
    """
    return {
        "provider": provider, "model": model, "model_version": model_version, "prompt": prompt,
        "settings": dict(settings), "repeat": int(repeat), "image_sha256": image_sha256,
    }  # fmt: skip


def key(asked):
    """Address of the answer to a question: SHA-256 of its canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(_canonical(asked)).hexdigest()


def sealed(record):
    """A record with the checksum of the rest of it."""
    return {"sha256": hashlib.sha256(_canonical(record)).hexdigest(), **record}


def unsealed(content):
    """A record without its checksum, or None when that does not match."""
    record = dict(content)
    return record if record.pop("sha256") == hashlib.sha256(_canonical(record)).hexdigest() else None


class Store:
    """Answers in a folder. Several processes may read and write it at the same time.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first answer comes.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        tables.sweep(self.folder, "??/.*.partial")

    def path(self, key):
        """File of an answer, there or not."""
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key):
        """The stored record, or None when there is none.

        A file that is damaged is moved aside, with a warning, and counts as not there.

        Returns
        -------
        dict or None
            With `question`, `answer` and `asked` (when and how).
        """
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            record = unsealed(json.loads(data))
            if record is not None and record["key"] == key:
                return record
        except (ValueError, KeyError, TypeError, AttributeError):  # not JSON, or not a record
            pass
        aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
        try:
            os.replace(path, aside)
        except FileNotFoundError:  # another process was quicker
            return None
        warnings.warn(
            f"{relative(path)}: its checksum does not match, so it is not used; moved aside to {aside.name}. "
            f"The question will be asked again.",
            stacklevel=2,
        )
        return None

    def put(self, asked, answer, *, how):
        """Store an answer; it is on the disk when this returns.

        The first answer to a question stays: when another process has stored one meanwhile, that is the one returned.

        Parameters
        ----------
        asked : dict
            From `question`.
        answer : dict
            `kind`, `text`, `finish`, `model_version`, `usage`.
        how : dict
            Circumstances that are not part of the address: time, host, library, media type.

        Returns
        -------
        dict
            The record that now lies in the store.
        """
        record = {"key": key(asked), "question": asked, "answer": answer, "asked": how}
        path = self.path(record["key"])
        partial = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.partial")
        try:
            disk.make(path.parent)
            with open(partial, "w", encoding="utf-8") as file:
                json.dump(sealed(record), file, indent=1, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            stored = self._name(partial, path)
            disk.sync(path.parent)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InputError(
                f"{relative(path)}: the answer cannot be stored ({error.strerror}). All answers before it are stored, "
                f"and nothing more is asked. Make room on the disk, or see to its permissions, and run again to go on."
            ) from error
        return record if stored else self.get(record["key"]) or self.put(asked, answer, how=how)

    def keep_failure(self, key, message, raw):
        """Keep what came instead of an answer, since it may have been paid for: a line in `failed/<key>.jsonl`."""
        path = self.folder / "failed" / f"{key}.jsonl"
        line = {"at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "error": message, "raw": raw}
        disk.make(path.parent)
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def check_room(self):
        """Raise unless there is room for the answers under way: before they are paid for, not after."""
        disk.check_room(self.folder)

    def claim(self, key):
        """Claim a question for this process while it is asked, see `ferlib.lmfm.disk.claim`."""
        return disk.claim(self.folder, key)

    def _name(self, partial, path):
        """Give a finished file its name unless that is taken; returns whether it got it."""
        try:
            os.link(partial, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists():
                return False
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return True


def _canonical(content):
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
