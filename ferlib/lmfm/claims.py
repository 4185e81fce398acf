"""Which process is asking which question: so that two processes on one store do not pay for the same answer."""

import contextlib
import errno
import functools
import os
import threading

from ferlib.lmfm import disk

FILE = ".claims"
_OPENING = threading.Lock()


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
        disk.make(folder)
        return _opened((folder / FILE).resolve(), os.getpid())


@functools.cache
def _opened(path, _process):
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
