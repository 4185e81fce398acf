"""The one exception for input that a reader can mend."""


class InputError(ValueError):
    """Something the user brought cannot be used.

    The message names the file, the row where there is one, the value found, the values allowed, and what to do. The
    runner (`ferlib.execute`) shows it alone, without a traceback.
    """
