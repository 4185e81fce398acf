"""A progress bar that moves in a terminal and in a notebook, and leaves one line in the executed copy."""

import io
import sys

from tqdm import tqdm


def bar(name, total, *, shown=True):
    """A tqdm progress bar.

    In a notebook tqdm's own output would either need a widget or leave every step of the bar in the executed copy; here
    one line of output is rewritten in place.

    Parameters
    ----------
    name : str
        Shown in front of the bar.
    total : int
        Steps in all.
    shown : bool
        False for none at all.

    Returns
    -------
    tqdm.tqdm
    """
    return tqdm(
        desc=name,
        total=total,
        unit="image",
        file=_Line() if _in_notebook() else sys.stderr,
        disable=not shown,
        mininterval=0.5,
        ncols=None if sys.stderr.isatty() else 110,
    )


def _in_notebook():
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class _Line(io.StringIO):
    """A file of which a notebook shows the last line written."""

    def __init__(self):
        super().__init__()
        self._shown = None

    def write(self, text):
        from IPython.display import display

        line = text.strip("\r\n")
        if line.strip():
            content = {"text/plain": line}
            if self._shown is None:
                self._shown = display(content, raw=True, display_id=True)
            else:
                self._shown.update(content, raw=True)
        return len(text)
