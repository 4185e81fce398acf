"""The disk under the store: folders that outlive a power cut, and room enough before anything is paid for."""

import os
import shutil

from ferlib.errors import InputError
from ferlib.paths import relative

ROOM_BYTES = 32 * 2**20
"""Free space below which nothing is asked: far more than the answers under way can need."""


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
