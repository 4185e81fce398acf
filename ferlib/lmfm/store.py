"""The archive of answers: each stored once, under the address of its question, and replayed for ever.

An answer lies in `responses/<first 2 digits>/<key>.json`. The key is the SHA-256 of everything that the answer may
depend on, so the same question finds its answer again, and any other question does not. Errors on the way are no
answers and never come here. Nothing is asked while the disk is nearly full, or while another process asks the same.
"""

import contextlib
import datetime
import errno
import functools
import hashlib
import json
import os
import shutil
import threading
import time
import uuid
import warnings
from pathlib import Path

from ferlib import tables
from ferlib.errors import InputError
from ferlib.paths import relative

ROOM_BYTES = 32 * 2**20
"""Free space below which nothing is asked: far more than the answers under way can need."""

CLAIMS = ".claims"
_OPENING = threading.Lock()


def key(asked):
    """Address of the answer to a question (`ferlib.lmfm.study.Plan.question`): SHA-256 of its canonical JSON."""
    canonical = json.dumps(asked, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def sealed(record):
    """A record with the checksum of the rest of it."""
    return {"sha256": key(record), **record}


def unsealed(content):
    """A record without its checksum, or None when that does not match."""
    record = dict(content)
    return record if record.pop("sha256") == key(record) else None


class Store:
    """Answers in a folder, made when the first one comes. Several processes may read and write it at the same time."""

    def __init__(self, folder):
        self.folder = Path(folder)
        tables.sweep(self.folder, "??/.*.partial")

    def path(self, key):
        """File of an answer, there or not."""
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key):
        """The stored record, or None when there is none.

        It holds `question`, `answer` and `asked` (when and how). A file that is damaged is moved aside, with a warning,
        and counts as not there.
        """
        path = self.path(key)
        try:
            record = unsealed(json.loads(path.read_bytes()))
            if record is not None and record["key"] == key:
                return record
        except FileNotFoundError:
            return None
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
        """Store an answer (as `ferlib.lmfm.meanings.Answer.stored` gives it); it is on the disk when this returns.

        `how` are circumstances that are not part of the address: time, host, library, media type. Returns the record
        that now lies in the store: the first answer to a question stays.
        """
        record = {"key": key(asked), "question": asked, "answer": answer, "asked": how}
        path = self.path(record["key"])
        partial = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.partial")
        try:
            _make(path.parent)
            with open(partial, "w", encoding="utf-8") as file:
                json.dump(sealed(record), file, indent=1, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            stored = _name(partial, path)
            _sync(path.parent)
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
        _make(path.parent)
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def check_room(self):
        """Raise unless there is room for the answers under way: before they are paid for, not after."""
        there = next(path for path in (self.folder, *self.folder.absolute().parents) if path.is_dir())
        free = shutil.disk_usage(there).free
        if free < ROOM_BYTES:
            raise InputError(
                f"{relative(self.folder)}: the disk has {free / 2**20:.1f} MiB left, too little to store answers "
                f"safely. Nothing more is asked. Make room, and run again to go on."
            )

    @contextlib.contextmanager
    def claim(self, key):
        """Claim a question for this process; yields False when another one has it.

        The claim ends with the block, or with the process, however suddenly. Claims are of processes, not of threads:
        within one process, no question is asked twice anyway. Without locks in the system, all are granted.
        """
        try:
            import fcntl
        except ImportError:  # not a POSIX system
            yield True
            return
        # One byte of one empty file for each name. Closing any descriptor of a file would end all claims on it, so
        # there is one for each file, which stays open as long as the process.
        with _OPENING:
            _make(self.folder)
            handle = _opened((self.folder / CLAIMS).resolve(), os.getpid())
        place, ours = (1, int(key[:15], 16), os.SEEK_SET), True
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, *place)
        except OSError as error:  # any other error: a file system without locks
            ours = error.errno not in (errno.EACCES, errno.EAGAIN)
        try:
            yield ours
        finally:
            if ours:
                with contextlib.suppress(OSError):
                    fcntl.lockf(handle, fcntl.LOCK_UN, *place)


@functools.cache
def _opened(path, _process):
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # less what umask takes


def _make(folder):
    """Make a folder, and the folders above it, so that they outlive a power cut."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(folder):
    """Force a folder's list of names to the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _name(partial, path):
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
