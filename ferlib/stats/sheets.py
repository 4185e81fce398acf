"""Sheets: a table as people keep it (CSV of any delimiter and encoding, gzip, Parquet), as texts with row numbers."""

import bz2
import gzip
import io
import lzma
import re
import zlib
from pathlib import Path

import pandas as pd

from ferlib.errors import InputError
from ferlib.paths import relative

DELIMITERS = ",;\t|"
RARE = " ^~:"

PACKED = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ": lzma}
KINDS = {
    b"PK\x03\x04": "a workbook or an archive", b"\xd0\xcf\x11\xe0": "a workbook", b"{": "JSON", b"[": "JSON",
    b"<stata": "a file of Stata", b"<": "a page or XML", b"ARROW1": "a Feather file", b"FEA1": "a Feather file",
    b"SQLite format": "a database", b"\x80": "a pickle", b"$FL2": "a file of SPSS", b"%PDF": "a PDF",
    b"version https://git-lfs": "a pointer of Git LFS (fetch the file itself: git lfs pull)",
}  # fmt: skip
"""Beginnings of files that are none of those read here."""

SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[;,]*\r?')


def read(path):
    """Read a table of whatever kind; what a file is, its content says, not its name.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    pandas.DataFrame of str
        Nothing is an empty text. Index 0 is row 2, the first below the header; empty rows are left out.
        `attrs["notes"]` says in sentences what had to be found out, such as the delimiter.

    Raises
    ------
    InputError
        When the file is missing or no such table; names the row where a quotation mark stays open, or where one cell
        swallows several rows.
    """
    path = Path(path)
    source = relative(path)
    if not path.is_file():
        raise InputError(f"{source}: {'is a folder' if path.is_dir() else 'no such file'}. Check PREDICTIONS=.")
    data = path.read_bytes()
    try:
        data = next((packed.decompress(data) for begin, packed in PACKED.items() if data.startswith(begin)), data)
        if data[:4] == b"PAR1":
            return as_text(pd.read_parquet(io.BytesIO(data)))
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"{source}: is damaged ({problem}). Save or download it again.") from error
    start = data[:100].lstrip(b" \t\r\n")
    kind = next((kind for begin, kind in KINDS.items() if start.startswith(begin)), None)
    kind = "an archive" if data[257:262] == b"ustar" else kind
    if kind:
        raise InputError(f"{source}: is {kind}, not a CSV. Save the table as 'CSV UTF-8'.")
    text, notes = _decoded(data, source)
    above = len(text) - len(text.lstrip("\r\n"))
    text, above = text[above:], text[:above].count("\n")
    first, _, rest = text.partition("\n")
    declared = SEPARATOR_LINE.fullmatch(first)
    text = rest if declared else text
    header = re.sub(r'"[^"\n]*"', "", text.partition("\n")[0])
    delimiter = declared[1] if declared else max(DELIMITERS, key=header.count)
    if not declared and not set(DELIMITERS) & set(header) and max(map(header.count, RARE)) > 2:
        delimiter = max(RARE, key=header.count)
    if delimiter != ",":
        notes.append(f"The columns are separated by {'tabs' if delimiter == chr(9) else repr(delimiter)}.")
    rows = _below_questions(_rows(text, delimiter, source), notes)
    rows.index += above
    like = rows[rows.iloc[:, 0] == rows.columns[0]]  # of a large table few rows are worth a second look
    again = like.index[(like == rows.columns).all(axis=1)]
    if len(again):
        notes.append(f"Row {', '.join(str(row + 2) for row in again[:5])} is the header again: left out.")
        rows = rows.drop(index=again)
    rows.attrs["notes"] = notes
    return rows


def as_text(frame):
    """A table as the texts of a CSV: whole numbers without a point, nothing as an empty text; rows from 0."""
    named = [name for name in frame.index.names if name is not None and name not in frame]
    shown = []
    for name, column in frame.reset_index(drop=not named).items():
        if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all() and column.abs().max() < 2**53:
            column = column.astype("Int64")
        column = column.astype(object)
        shown.append(column.where(column.notna(), "").astype(str).rename(str(name).strip()))
    text = pd.concat(shown, axis=1)
    text.attrs["notes"] = []
    return text


def _decoded(data, source):
    # Most letters of a table are two bytes in UTF-16, one of them 0; which one comes first says the order.
    wide = (
        "utf-16"
        if data[:2] in (b"\xff\xfe", b"\xfe\xff")
        else {(0, 1): "utf-16-be", (1, 0): "utf-16-le"}.get(
            tuple(int(data[start:200:2].count(0) < 20) for start in (0, 1))
        )
    )
    for encoding in (wide,) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "cp1252" or "\0" not in text:
            found = f"The text is no UTF-8 and was read as {encoding}: please check names with accents."
            return text, [] if encoding == "utf-8-sig" else [found]
    raise InputError(f"{source}: is not text in UTF-8 or another known encoding. Save it again as 'CSV UTF-8'.")


def _rows(text, delimiter, source):
    options = {"header": None, "dtype": str, "keep_default_na": False, "skip_blank_lines": False, "sep": delimiter}
    try:
        table = pd.read_csv(io.StringIO(text), **options).fillna("")
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{source}: is empty. It needs a header and a row for each answer.") from error
    except (pd.errors.ParserError, ValueError) as error:
        if opened := re.search(r"inside string starting at row (\d+)", str(error)):
            row = int(opened[1]) + 1
            raise InputError(f"{source}: the quotation mark in row {row} is never closed. Remove it.") from error
        if uneven := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error)):
            expected, row, found = map(int, uneven.groups())
            if row == 2 and found == expected + 1 and (longer := _one_more(text, options)):
                return _rows(longer, delimiter, source)
            more = f"line {row} has {found} cells, more cells than the header ({expected})"
            raise InputError(f"{source}: {more}. Put a text that holds {delimiter!r} in quotation marks.") from error
        problem = " ".join(str(error).split())
        raise InputError(f"{source}: cannot be read as CSV ({problem}). Mend or leave out that row.") from error
    if '"' in text and len(table.columns) > 1:
        whole = len(table.columns) - 1
        lines = [table[n].str.count("\n") * (table[n].str.count(re.escape(delimiter)) >= whole) for n in table]
        swallowed = pd.concat(lines, axis=1).max(axis=1)
        if (swallowed > 0).any():
            row = swallowed.ne(0).idxmax()
            raise InputError(
                f"{source}: a stray quotation mark in row {row + 1} and the next one make one cell of "
                f"{swallowed[row] + 1} lines. Remove both marks, so that no row is lost."
            )
    if len(table.columns) == 1 and max(map(table.iloc[0, 0].count, DELIMITERS)) > 2:  # each row was put in marks
        return _rows("\n".join(table[0]) + "\n", max(DELIMITERS, key=table.iloc[0, 0].count), source)
    names = [name.strip() for name in table.iloc[0]]
    rows = table.iloc[1:].set_axis(names, axis=1).rename(index=lambda row: row - 1)
    return rows[(rows != "").any(axis=1)]


def _one_more(text, options):
    """The text with a header as long as all of its rows, if these have one cell more; else an empty text.

    R writes names of rows without a header for them; others write a delimiter behind each row.
    """
    header, _, body = text.partition("\n")
    try:
        cells = pd.read_csv(io.StringIO(body), **options).dropna(how="all")
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        return ""
    if cells.isna().any(axis=None):  # shorter rows would be shifted
        return ""
    behind = (cells.iloc[:, -1] == "").all()
    return (header.rstrip("\r") + options["sep"] if behind else options["sep"] + header) + "\n" + body


def _below_questions(rows, notes):
    """The rows without the questions and import ids that Qualtrics writes below the header."""
    ids = rows.head(3).map(lambda cell: "ImportId" in cell).any(axis=1)
    if not ids.any():
        return rows
    last = ids.index[ids][-1]
    notes.append(f"Rows 2 to {last + 2} are headers of Qualtrics and were left out.")
    return rows.loc[last + 1 :]
