"""Input that a reader can mend: the one exception for it, and the one way to name the rows at fault."""


class InputError(ValueError):
    """Something the user brought cannot be used.

    The message names the file, the row where there is one, the value found, the values allowed, and what to do. The
    runner (`ferlib.pipeline.execution`) shows it alone, without a traceback.
    """


def refuse(rows, source, problem, remedy, *, show=None):
    """Raise for the rows of a table that break a rule; nothing happens when there are none.

    Parameters
    ----------
    rows : pandas.DataFrame
        The offending rows; their index counts the rows of the file from 0, so that index 0 is row 2, below the header.
    source : str or pathlib.Path
        The file, for the message.
    problem, remedy : str
        What is wrong with the rows, and what to do.
    show : str, optional
        Column whose values the message names, up to five of them.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"gender": ["F", "m"]}, index=[0, 7])
    >>> refuse(rows, "faces.csv", "unknown gender", "Allowed: Female, Male.", show="gender")
    Traceback (most recent call last):
    ferlib.errors.InputError: faces.csv: unknown gender ('F', 'm') in row 2, 9; 2 in all. Allowed: Female, Male.
    """
    if rows.empty:
        return
    found = "" if show is None else f" ({', '.join(sorted({repr(value) for value in rows[show]})[:5])})"
    where = ", ".join(str(index + 2) for index in rows.index[:5]) + (" ..." if len(rows) > 5 else "")
    raise InputError(f"{source}: {problem}{found} in row {where}; {len(rows)} in all. {remedy}")
