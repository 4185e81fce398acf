"""How far a run is: a bar that moves in a terminal, in a notebook, and in the terminal behind an executed notebook."""

import functools
import io
import os
import sys

from tqdm import tqdm

TERMINAL = "FERLIB_TERMINAL"
"""Environment variable by which make tells a notebook's kernel, whose own streams end in the notebook, the terminal."""


def bar(name, total, *, shown=True):
    """A tqdm progress bar.

    In a notebook tqdm's own output would either need a widget or leave every step of the bar in the executed copy; here
    one line of output is rewritten in place. When make executes the notebook, nobody looks at it yet, so the bar moves
    in make's terminal as well.

    Parameters
    ----------
    name : str
        Shown in front of the bar.
    total : int
        Steps in all.
    shown : bool
        False for none in the notebook; the terminal behind it still shows how far the run is.

    Returns
    -------
    tqdm.tqdm
    """
    terminal = _terminal() if _in_notebook() else None
    return tqdm(
        desc=name,
        total=total,
        unit="image",
        file=(_Line() if _in_notebook() else sys.stderr) if shown else terminal,
        disable=not shown and terminal is None,
        mininterval=0.5,
        ncols=None if sys.stderr.isatty() else 110,
    )


def tell(message):
    """Say something that must be seen at once: in the notebook, and in the terminal behind it."""
    print(message, file=sys.stderr)
    terminal = _terminal()
    if _in_notebook() and terminal:
        print(f"\n{message}", file=terminal, flush=True)


@functools.cache
def _terminal():
    """The terminal in which the process that executes a notebook was started; None without one."""
    try:
        return open(os.environ[TERMINAL], "w", encoding="utf-8")
    except (KeyError, OSError):
        return None


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

        line, terminal = text.strip("\r\n"), _terminal()
        if terminal:
            terminal.write(text)
            terminal.flush()
        if line.strip():
            content = {"text/plain": line}
            if self._shown is None:
                self._shown = display(content, raw=True, display_id=True)
            else:
                self._shown.update(content, raw=True)
        return len(text)
