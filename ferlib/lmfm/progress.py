"""How far a run is: a bar that moves in a terminal, in a notebook, and in the terminal behind an executed notebook."""

import functools
import io
import os
import sys

from tqdm import tqdm

TERMINAL = "FERLIB_TERMINAL"
"""Environment variable by which make tells a notebook's kernel, whose own streams end in the notebook, the terminal."""


def bar(name, total, *, shown=True):
    """A tqdm progress bar over so many images.

    In a notebook tqdm's own output would either need a widget or leave every step of the bar in the executed copy; here
    one line of output is rewritten in place. When make executes the notebook, nobody looks at it yet, so the bar moves
    in make's terminal as well; there also when it is not `shown` in the notebook.
    """
    terminal = _terminal() if _in_notebook() else None
    return tqdm(
        desc=name, total=total, unit="image", mininterval=0.5, ncols=None if sys.stderr.isatty() else 110,
        file=(_Line() if _in_notebook() else sys.stderr) if shown else terminal, disable=not shown and terminal is None,
    )  # fmt: skip


def tell(message):
    """Say something that must be seen at once: in the notebook, and in the terminal behind it."""
    print(message, file=sys.stderr)
    if _in_notebook() and _terminal():
        print(f"\n{message}", file=_terminal(), flush=True)


@functools.cache
def _terminal():
    """The terminal in which the process that executes a notebook was started; None without one."""
    try:
        return open(os.environ[TERMINAL], "w", encoding="utf-8")
    except (KeyError, OSError):
        return None


def _in_notebook():
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


class _Line(io.StringIO):
    """A file of which a notebook shows the last line written."""

    _shown = None

    def write(self, text):
        from IPython.display import display

        if _terminal():
            _terminal().write(text)
            _terminal().flush()
        content = {"text/plain": text.strip("\r\n")}
        if not text.strip():
            pass
        elif self._shown is None:
            self._shown = display(content, raw=True, display_id=True)
        else:
            self._shown.update(content, raw=True)
        return len(text)
