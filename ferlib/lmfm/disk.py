"""The disk under the store: folders that outlive a power cut, room enough before anything is paid for, and claims.

A claim says which process is asking which question, so that two processes on one store do not pay for one answer.
"""

import contextlib
import errno
import functools
import os
import shutil
import threading

from ferlib.errors import InputError
from ferlib.paths import relative

ROOM_BYTES = 32 * 2**20
"""Free space below which nothing is asked: far more than the answers under way can need."""

CLAIMS = ".claims"
_OPENING = threading.Lock()


def check_room(folder):
    """Raise unless the disk of a folder has room.

    Parameters
    ----------
    folder : pathlib.Path
        There or not.

    Raises
    ------
    InputError
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    if free < ROOM_BYTES:
        raise InputError(
            f"{relative(folder)}: the disk has {free / 2**20:.1f} MiB left, too little to store answers safely. "
            f"Nothing more is asked. Make room, and run again to go on."
        )


def make(folder):
    """Make a folder, and the folders above it, so that they outlive a power cut."""
    if not folder.is_dir():
        if not folder.parent.is_dir():
            make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(folder):
    """Force a folder's list of names to the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def claim(folder, name):
    """Claim something for this process.

    The claim ends with the block, or with the process, however suddenly. Claims are of processes, not of threads:
    within one process, no question is asked twice anyway.

    Parameters
    ----------
    folder : pathlib.Path
        Of the answers.
    name : str
        Hexadecimal, such as the key of a question.

    Yields
    ------
    bool
        False when another process has it. Always True where the system knows no such locks.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        yield True
        return
    # One byte of one empty file for each name. Closing any descriptor of a file would end all claims on it, so there is
    # one for each file, which stays open as long as the process.
    place = (1, int(name[:15], 16), os.SEEK_SET)
    handle, ours = _descriptor(folder), True
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


def _descriptor(folder):
    with _OPENING:
        make(folder)
        return _opened((folder / CLAIMS).resolve(), os.getpid())


@functools.cache
def _opened(path, _process):
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # less what umask takes
