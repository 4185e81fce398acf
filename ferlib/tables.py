"""Tables on disk: written whole or not at all, in one spelling, and read with a clear complaint."""

import io
import os
import time
from pathlib import Path

import pandas as pd

from ferlib.errors import InputError
from ferlib.paths import relative

ABANDONED_S = 3600
"""Age in seconds at which an unfinished file can belong to no running process."""


def write_bytes(data, path):
    """Write a file so that it is either the old one or the new one, whatever happens meanwhile.

    The bytes go to a hidden neighbour first, are forced to the disk, and take the name in one step. A file that holds
    these very bytes is left alone.

    Parameters
    ----------
    data : bytes
    path : str or pathlib.Path

    Returns
    -------
    pathlib.Path
    """
    path = Path(path)
    if path.is_file() and path.read_bytes() == data:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    write_through(data, path, partial=path.with_name(f".{path.name}.partial"))
    return path


def write_through(data, path, *, partial):
    """Force bytes to the disk under another name in the same folder, then give them theirs in one step.

    Parameters
    ----------
    data : bytes
    path, partial : pathlib.Path
        `partial` must be this process's own where several may write the same file.
    """
    with open(partial, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def sweep(folder, pattern):
    """Remove unfinished files that match a pattern and are older than `ABANDONED_S`: a killed process left them."""
    for partial in folder.glob(pattern):
        try:
            if time.time() - partial.stat().st_mtime > ABANDONED_S:
                partial.unlink()
        except FileNotFoundError:
            continue


def write_csv(frame, path, *, sort_by=None):
    """Write a table as CSV: a header line, no index, floats with 6 significant digits.

    Parameters
    ----------
    frame : pandas.DataFrame
    path : str or pathlib.Path
    sort_by : list of str, optional
        Columns that order the rows; a stable order makes two runs comparable line by line.

    Returns
    -------
    pathlib.Path
    """
    if sort_by is not None:
        frame = frame.sort_values(sort_by, kind="stable")
    text = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return write_bytes(text.encode("utf-8"), path)


def write_parquet(frame, path):
    """Write a table as parquet, rows in the order given, without the index."""
    buffer = io.BytesIO()
    frame.reset_index(drop=True).to_parquet(buffer, index=False)
    return write_bytes(buffer.getvalue(), path)


def read_csv(path, *, columns=(), made_by=None, **options):
    """Read a CSV and make sure that it has the columns that the caller will use.

    Parameters
    ----------
    path : str or pathlib.Path
    columns : sequence of str
        Columns that must be there.
    made_by : str, optional
        The notebook that makes this table, for the message when it is missing.
    **options
        Passed to `pandas.read_csv`.

    Raises
    ------
    InputError
        When the file is missing, is not a table, or lacks a column.
    """
    return _read(pd.read_csv, path, columns, made_by, **options)


def read_parquet(path, *, columns=(), made_by=None):
    """Read a parquet table; parameters and errors as for `read_csv`."""
    return _read(pd.read_parquet, path, columns, made_by)


def _read(reader, path, columns, made_by, **options):
    path = Path(path)
    if not path.is_file():
        remedy = f"Execute notebook {made_by} first, or run `make demo`." if made_by else "Check the path."
        raise InputError(f"{relative(path)}: no such file. {remedy}")
    try:
        frame = reader(path, **options)
    except (ValueError, OSError) as error:
        remedy = f"Delete it to have notebook {made_by} make it anew." if made_by else "Save it again as a plain table."
        raise InputError(f"{relative(path)}: cannot be read as a table ({error}). {remedy}") from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError(
            f"{relative(path)}: lacks the column {', '.join(map(repr, missing))}. "
            f"It has: {', '.join(map(str, frame.columns))}."
        )
    return frame
