"""Tables on disk: written whole or not at all, in one spelling, and read with a clear complaint."""

import contextlib
import io
import os
import secrets
import time
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.paths import relative

ABANDONED_S = 3600
"""Age in seconds at which an unfinished file can belong to no running process."""

_swept = {}


def write_bytes(data, path):
    """Write a file so that it is either the old one or the new one, whatever happens meanwhile.

    The bytes go to a hidden neighbour first, are forced to the disk, and take the name in one step. The neighbour is
    this call's own, so any number of processes may write the same file: the last one stays. A file that holds these
    very bytes is left alone.

    Parameters
    ----------
    data : bytes
    path : str or pathlib.Path

    Returns
    -------
    pathlib.Path
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if time.time() - _swept.get(path.parent, 0) > ABANDONED_S:  # not at each write: a folder may hold many files
        sweep(path.parent, ".*.partial")
        _swept[path.parent] = time.time()
    with contextlib.suppress(OSError):  # not there, or removed by another process meanwhile
        if path.read_bytes() == data:
            return path
    partial = path.with_name(f".{os.getpid()}-{secrets.token_hex(8)}.partial")
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


def sweep(folder, pattern):
    """Remove unfinished files that match a pattern and are older than `ABANDONED_S`: a killed process left them."""
    for partial in folder.glob(pattern):
        with contextlib.suppress(OSError):  # another process was quicker, or the folder may only be read
            if time.time() - partial.stat().st_mtime > ABANDONED_S:
                partial.unlink()


def file_names(names, *, what):
    """Names that can each become a file's name, on every file system.

    Parameters
    ----------
    names : iterable of str
    what : str
        What is named, for the message.

    Returns
    -------
    list of str
        As they are given.

    Raises
    ------
    InputError
        When a name is no plain file name, or two are the same where capitals do not count (macOS, Windows) or where
        letters with accents are stored in another form.
    """
    seen = {}
    for name in names:
        if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|\0'):
            raise InputError(
                f"{what} {name!r}: becomes a file's name, so it must not be empty, begin with '.' or "
                f'hold any of / \\ : * ? " < > |'
            )
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        if key in seen:
            raise InputError(f"{what}s {seen[key]!r} and {name!r}: would be the same file on some systems. Rename one.")
        seen[key] = name
    return list(seen.values())


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


@contextlib.contextmanager
def alone(path):
    """Keep other processes away from a file, where the system can, while it is read and written anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w") as handle:
        if os.name == "posix":
            import fcntl

            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


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


def p_text(p):
    """A p-value in words that never say that it is zero; nothing where there is none.

    Examples
    --------
    >>> p_text(0.0004), p_text(0.0312)
    ('< 0.001', '0.031')
    """
    return "" if p != p else "< 0.001" if p < 0.001 else f"{p:.2g}"


def bracketed(table, columns, spec):
    """A value with its interval as text, for display: `22% [14%, 33%]`; without brackets where there is no interval.

    Parameters
    ----------
    table : pandas.DataFrame
    columns : sequence of str
        The value, and the lower and upper end.
    spec : str
        Format of a number, for example `.0%`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> bracketed(pd.DataFrame({"a": [0.5], "low": [0.25], "high": [0.75]}), ["a", "low", "high"], ".0%")
    ['50% [25%, 75%]']
    """
    rows = table[list(columns)].to_numpy(float)
    return [
        "" if np.isnan(value) else f"{value:{spec}}" + ("" if np.isnan(low) else f" [{low:{spec}}, {high:{spec}}]")
        for value, low, high in rows
    ]


def shown(table, digits=3):
    """A table to look at: without row numbers, whole numbers whole, and p-values that never read 0.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `p` and `p_...` hold p-values.
    digits : int
        Decimals of what is not whole.

    Returns
    -------
    pandas.io.formats.style.Styler
    """

    def text(value):
        if value != value:
            return ""
        if not isinstance(value, float):
            return str(value)
        return f"{value:,.0f}" if value % 1 == 0 else f"{value:.{digits}f}"

    p = [name for name in table if name == "p" or str(name).startswith("p_")]
    return table.style.hide().format(text).format(p_text, subset=p)
